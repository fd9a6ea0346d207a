//! From SQLite's rows to columns, and from columns to bound arguments.

use sqlx::Row;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::sqlite::SqliteRow;

use crate::session::SessionRecord;
use crate::store::StoreResult;
use crate::store::sql::ChangeColumns;
use crate::store::sql::SessionColumns;
use crate::store::sqlite::error::fault;

pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A row that begins with the columns of a session.
pub(super) fn session(operation: &'static str, row: &SqliteRow) -> StoreResult<SessionRecord> {
    let columns = session_columns(row).map_err(|error| fault(operation, error))?;
    columns.into_record().map_err(|column| column.unreadable(operation))
}

fn session_columns(row: &SqliteRow) -> sqlx::Result<SessionColumns> {
    Ok(SessionColumns {
        key: row.try_get(0)?,
        user_id: row.try_get(1)?,
        generation: row.try_get(2)?,
        key_version: row.try_get(3)?,
        authenticated_at: row.try_get(4)?,
        created_at: row.try_get(5)?,
        expires_at: row.try_get(6)?,
        rotated_at: row.try_get(7)?,
        grace_uses: row.try_get(8)?,
        foreign_streak: row.try_get(9)?,
        last_seen_at: row.try_get(10)?,
        revoked_at: row.try_get(11)?,
        revoked_reason: row.try_get(12)?,
        scopes: row.try_get(13)?,
        data: row.try_get(14)?,
        device_name: row.try_get(15)?,
        device_address: row.try_get(16)?,
        device_fingerprint: row.try_get(17)?,
        exchanged_from: row.try_get(18)?,
        exchanged_until: row.try_get(19)?,
        legacy_until: row.try_get(20)?,
        revision: row.try_get(21)?,
    })
}

/// The columns of a session in the order of the INSERT.
pub(super) fn bind_session(statement: Statement<'_>, row: SessionColumns) -> Statement<'_> {
    statement
        .bind(row.key)
        .bind(row.user_id)
        .bind(row.generation)
        .bind(row.key_version)
        .bind(row.authenticated_at)
        .bind(row.created_at)
        .bind(row.expires_at)
        .bind(row.rotated_at)
        .bind(row.grace_uses)
        .bind(row.foreign_streak)
        .bind(row.last_seen_at)
        .bind(row.revoked_at)
        .bind(row.revoked_reason)
        .bind(row.scopes)
        .bind(row.data)
        .bind(row.device_name)
        .bind(row.device_address)
        .bind(row.device_fingerprint)
        .bind(row.exchanged_from)
        .bind(row.exchanged_until)
        .bind(row.legacy_until)
        .bind(row.revision)
}

/// The columns of a feed entry, from `first` on.
pub(super) fn change_columns(row: &SqliteRow, first: usize) -> sqlx::Result<ChangeColumns> {
    Ok(ChangeColumns {
        kind: row.try_get(first)?,
        key: row.try_get(first + 1)?,
        user_id: row.try_get(first + 2)?,
        at: row.try_get(first + 3)?,
        until: row.try_get(first + 4)?,
    })
}
