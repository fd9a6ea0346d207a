//! What is SQLite's own: the file, the schema, locks, other processes, sudden death.

mod files;
mod kills;
mod locks;
mod migrations;
mod processes;
mod replacement;

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use segue::BlacklistKey;
use segue::Device;
use segue::KeyVersion;
use segue::LegacyLink;
use segue::RevokeReason;
use segue::Scopes;
use segue::SessionData;
use segue::SessionKey;
use segue::SessionRecord;
use segue::SessionStore;
use segue::StoreError;
use segue::Timestamp;
use segue::UserId;
use segue::store::Change;
use segue::store::ChangeFeed;
use segue::store::FeedPosition;
use segue::store::NewSession;
use segue::store::Rotated;
use segue::store::Rotation;
use segue::store::SqliteStore;
use sqlx::Connection;
use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Far longer than anything here takes.
const GENEROUS: Duration = Duration::from_secs(30);

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    (directory, path)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

/// Keys of different series never meet.
fn key(series: &str, number: u64) -> SessionKey {
    SessionKey::from_bytes(*BlacklistKey::of_jti(series, &number.to_string()).as_bytes())
}

/// A login of alice's, exchanged from a legacy token that dies with it.
fn row(key: SessionKey) -> SessionRecord {
    let origin = BlacklistKey::of_session(key.public_id());
    SessionRecord {
        key,
        user: UserId::new("alice").unwrap(),
        generation: 0,
        key_version: KeyVersion::FIRST,
        authenticated_at: at(-1),
        created_at: at(0),
        expires_at: at(0).saturating_add(LIFE),
        rotated_at: None,
        grace_uses: 0,
        foreign_streak: 0,
        last_seen_at: at(0),
        revoked: None,
        scopes: Scopes::none(),
        data: SessionData::default(),
        device: Device::default(),
        exchanged_from: Some(LegacyLink { key: origin, until: at(1000) }),
        legacy_until: None,
        revision: 0,
    }
}

fn login(key: SessionKey) -> NewSession {
    NewSession {
        record: row(key),
        sessions_max: u32::MAX,
        idle: LIFE,
        supersedes: None,
        exchanges_max: u32::MAX,
    }
}

fn rotation(key: SessionKey, expected: u64) -> Rotation {
    Rotation {
        key,
        expected,
        next: expected + 1,
        key_version: KeyVersion::FIRST,
        now: at(1),
        active_after: at(-1),
        legacy_until: None,
    }
}

async fn revoke(store: &SqliteStore, key: SessionKey) -> Result<(), StoreError> {
    store.revoke(key, RevokeReason::Logout, at(2)).await.map(drop)
}

async fn rotates(store: &SqliteStore, key: SessionKey, expected: u64) -> bool {
    matches!(store.rotate(rotation(key, expected)).await, Ok(Rotated::Done(_)))
}

/// Everything after `from`, which must be dense and without a gap.
async fn read_all(store: &SqliteStore, from: &mut FeedPosition) -> Vec<Change> {
    let mut all = Vec::new();
    loop {
        let page = store.changes(from, 100).await.unwrap();
        assert!(!page.gap, "a gap after {from:?}");
        let read = u64::try_from(page.changes.len()).unwrap();
        assert_eq!(page.next.sequence(), from.sequence() + read, "numbers are dense");
        *from = page.next;
        all.extend(page.changes);
        if page.at_tail {
            return all;
        }
    }
}

/// A connection past the store: what another program would have.
async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(GENEROUS);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(path: &Path, sql: &'static str) {
    let mut connection = raw(path).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn number(path: &Path, sql: &'static str) -> i64 {
    let mut connection = raw(path).await;
    let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    row.try_get(0).unwrap()
}

/// The fault with all its causes, as a log would show it.
fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
