//! Runs the planned migrations on SQLite: all of them in one transaction that holds the write
//! lock, so that processes that start together run each step once.

use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::raw_sql;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreErrorKind;
use crate::store::StoreResult;
use crate::store::sql::Applied;
use crate::store::sql::ColumnFault;
use crate::store::sql::Migration;
use crate::store::sql::plan_down;
use crate::store::sql::plan_up;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::statements::BEGIN;
use crate::store::sqlite::statements::COMMIT;
use crate::store::sqlite::statements::MIGRATION_ADD;
use crate::store::sqlite::statements::MIGRATION_REMOVE;
use crate::store::sqlite::statements::MIGRATIONS_CREATE;
use crate::store::sqlite::statements::MIGRATIONS_DROP;
use crate::store::sqlite::statements::MIGRATIONS_EXIST;
use crate::store::sqlite::statements::MIGRATIONS_LIST;
use crate::store::sqlite::statements::ROLLBACK;
use crate::time::Timestamp;

const OPERATION: &str = "migrate SQLite schema";

/// The schema, step by step. A step that was released is never edited: the checksum of what was
/// run is remembered.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "core",
    additive: false,
    up: include_str!("schema/0001_core_up.sql"),
    down: include_str!("schema/0001_core_down.sql"),
}];

/// What the database says was run; nothing is written.
pub(super) async fn history(connection: &mut SqliteConnection) -> StoreResult<Vec<Applied>> {
    let broken = |error| fault(OPERATION, error);
    let exists = query(MIGRATIONS_EXIST).fetch_one(&mut *connection).await;
    let tables: i64 = exists.and_then(|row| row.try_get(0)).map_err(broken)?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    let rows = query(MIGRATIONS_LIST).fetch_all(connection).await.map_err(broken)?;
    rows.iter().map(applied).collect()
}

fn applied(row: &SqliteRow) -> StoreResult<Applied> {
    let read = || -> sqlx::Result<(i64, Applied)> {
        let step = Applied {
            version: 0,
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
            additive: row.try_get::<i64, _>(3)? != 0,
            applied_at: Timestamp::from_unix_micros(row.try_get(4)?),
        };
        Ok((row.try_get(0)?, step))
    };
    let (version, step) = read().map_err(|error| fault(OPERATION, error))?;
    let version =
        u32::try_from(version).map_err(|_| ColumnFault("version").unreadable(OPERATION))?;
    Ok(Applied { version, ..step })
}

/// Whether steps are missing.
///
/// # Errors
///
/// If what was run does not fit what this version knows.
pub(super) fn is_behind(known: &[Migration], applied: &[Applied]) -> StoreResult<bool> {
    let plan = plan_up(known, applied).map_err(|fault| fault.into_store_error(OPERATION))?;
    Ok(!plan.is_empty())
}

/// Runs every missing step, or none.
pub(super) async fn up(
    connection: &mut SqliteConnection,
    known: &[Migration],
    now: Timestamp,
) -> StoreResult<()> {
    begin(connection).await?;
    let ran = run_up(connection, known, now).await;
    end(connection, ran).await
}

/// Takes back every step after `to`, or none.
pub(super) async fn down(
    connection: &mut SqliteConnection,
    known: &[Migration],
    to: u32,
) -> StoreResult<()> {
    begin(connection).await?;
    let ran = run_down(connection, known, to).await;
    end(connection, ran).await
}

/// Whether this connection can write at all. Another process's lock says that somebody can.
pub(super) async fn probe_write(connection: &mut SqliteConnection) -> StoreResult<()> {
    match begin(connection).await {
        Ok(()) => {
            query(ROLLBACK).execute(connection).await.map_err(|error| fault(OPERATION, error))?;
            Ok(())
        }
        Err(error) if error.kind() == StoreErrorKind::Conflict => Ok(()),
        Err(error) => Err(error),
    }
}

async fn run_up(
    connection: &mut SqliteConnection,
    known: &[Migration],
    now: Timestamp,
) -> StoreResult<()> {
    let broken = |error| fault(OPERATION, error);
    query(MIGRATIONS_CREATE).execute(&mut *connection).await.map_err(broken)?;
    // Again, now that nobody else can write: another process may have been faster.
    let applied = history(connection).await?;
    let plan = plan_up(known, &applied).map_err(|fault| fault.into_store_error(OPERATION))?;
    for step in plan {
        raw_sql(step.up).execute(&mut *connection).await.map_err(broken)?;
        query(MIGRATION_ADD)
            .bind(i64::from(step.version))
            .bind(step.name)
            .bind(step.checksum().to_vec())
            .bind(i64::from(step.additive))
            .bind(now.as_unix_micros())
            .execute(&mut *connection)
            .await
            .map_err(broken)?;
        tracing::info!(version = step.version, name = step.name, "SQLite schema migrated up");
    }
    Ok(())
}

async fn run_down(
    connection: &mut SqliteConnection,
    known: &[Migration],
    to: u32,
) -> StoreResult<()> {
    let broken = |error| fault(OPERATION, error);
    let applied = history(connection).await?;
    let plan = plan_down(known, &applied, to).map_err(|fault| fault.into_store_error(OPERATION))?;
    for step in &plan {
        raw_sql(step.down).execute(&mut *connection).await.map_err(broken)?;
        query(MIGRATION_REMOVE)
            .bind(i64::from(step.version))
            .execute(&mut *connection)
            .await
            .map_err(broken)?;
        tracing::info!(version = step.version, name = step.name, "SQLite schema migrated down");
    }
    if !applied.is_empty() && plan.len() == applied.len() {
        query(MIGRATIONS_DROP).execute(connection).await.map_err(broken)?;
    }
    Ok(())
}

async fn begin(connection: &mut SqliteConnection) -> StoreResult<()> {
    query(BEGIN).execute(connection).await.map_err(|error| fault(OPERATION, error))?;
    Ok(())
}

async fn end(connection: &mut SqliteConnection, ran: StoreResult<()>) -> StoreResult<()> {
    let committed = match ran {
        Ok(()) => query(COMMIT).execute(&mut *connection).await.map(drop),
        Err(error) => {
            // The first fault is the one to be told; an open transaction ends with the connection.
            let _ = query(ROLLBACK).execute(connection).await;
            return Err(error);
        }
    };
    if let Err(error) = committed {
        let _ = query(ROLLBACK).execute(connection).await;
        return Err(fault(OPERATION, error));
    }
    Ok(())
}
