//! Tests of the writer on connections in trouble: a full disk, a transaction that got stuck.

use std::path::Path;
use std::path::PathBuf;

use sqlx::Connection;
use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::blacklist::BlacklistKey;
use crate::error::StoreErrorKind;
use crate::store::StoreResult;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::migrate;
use crate::store::sqlite::migrate::MIGRATIONS;
use crate::store::sqlite::writer::Operation;
use crate::store::sqlite::writer::Writer;
use crate::time::Timestamp;

/// Writes so many rows, each with its own entry in the feed.
struct Fill(u64);

impl Operation for Fill {
    type Output = ();
    const NAME: &'static str = "fill";

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<()> {
        for number in 0..self.0 {
            let name = BlacklistKey::of_jti("fill", &format!("{} {number}", self.0));
            for statement in [
                "INSERT INTO segue_blacklist (key, until) VALUES (?1, 0)",
                "INSERT INTO segue_changes (kind, key) VALUES ('session', ?1)",
            ] {
                query(statement)
                    .bind(name.as_bytes().to_vec())
                    .execute(&mut *connection)
                    .await
                    .map_err(|error| fault(Self::NAME, error))?;
            }
        }
        Ok(())
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).create_if_missing(true)
}

async fn connected() -> (TempDir, PathBuf, SqliteConnection) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let mut connection = SqliteConnection::connect_with(&options(&path)).await.unwrap();
    migrate::up(&mut connection, MIGRATIONS, Timestamp::EPOCH).await.unwrap();
    (directory, path, connection)
}

async fn number(path: &Path, sql: &'static str) -> i64 {
    let mut connection = SqliteConnection::connect_with(&options(path)).await.unwrap();
    query(sql).fetch_one(&mut connection).await.unwrap().try_get(0).unwrap()
}

/// A full disk fails what does not fit, whole, and nothing else: smaller operations in the same
/// batch are done, the numbers stay dense, and once there is room all goes on.
#[tokio::test]
async fn a_full_disk_fails_what_does_not_fit() {
    let (_directory, path, mut connection) = connected().await;
    let row = query("PRAGMA page_count").fetch_one(&mut connection).await.unwrap();
    let pages: i64 = row.try_get(0).unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + 10);
    query(sqlx::AssertSqlSafe(limit)).execute(&mut connection).await.unwrap();
    let writer = Writer::start(connection, options(&path)).unwrap();
    let (small, large, other) =
        tokio::join!(writer.write(Fill(3)), writer.write(Fill(5000)), writer.write(Fill(4)));
    small.unwrap();
    other.unwrap();
    let error = large.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Other, "{error:?}");
    writer.write(Fill(2)).await.unwrap();
    writer.stop().await;
    assert_eq!(number(&path, "SELECT count(*) FROM segue_blacklist").await, 9);
    assert_eq!(number(&path, "SELECT max(sequence) FROM segue_changes").await, 9);
}

/// A connection that is stuck in a transaction is replaced, and its leftovers are not committed.
#[tokio::test]
async fn a_stuck_connection_is_replaced() {
    let (_directory, path, mut connection) = connected().await;
    query("BEGIN").execute(&mut connection).await.unwrap();
    Fill(1).run(&mut connection).await.unwrap();
    let writer = Writer::start(connection, options(&path)).unwrap();
    writer.write(Fill(2)).await.unwrap();
    writer.stop().await;
    assert_eq!(number(&path, "SELECT count(*) FROM segue_blacklist").await, 2);
}
