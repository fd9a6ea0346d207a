//! The change feed on SQLite: numbers given inside the transaction that makes the change.

use std::time::Duration;
use std::time::Instant;

use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use tokio::time::timeout;

use crate::store::Change;
use crate::store::ChangeFeed;
use crate::store::ChangePage;
use crate::store::FeedPosition;
use crate::store::SqliteStore;
use crate::store::StoreResult;
use crate::store::sql::ChangeColumns;
use crate::store::sql::ColumnFault;
use crate::store::sql::FeedBounds;
use crate::store::sql::change_page;
use crate::store::sql::unsigned;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::live::Live;
use crate::store::sqlite::rows::change_columns;
use crate::store::sqlite::statements::CHANGE_PUBLISH;
use crate::store::sqlite::statements::CHANGES_PAGE;
use crate::store::sqlite::statements::CHANGES_TRIM;
use crate::store::sqlite::statements::MARK_ADD;
use crate::store::sqlite::statements::MARKS_AHEAD_REMOVE;
use crate::store::sqlite::statements::MARKS_SPENT_REMOVE;
use crate::store::sqlite::statements::META_INCARNATION;
use crate::time::Timestamp;
use crate::time::wall_clock;

/// How often a waiting reader looks for what other processes wrote.
const POLL_MILLISECONDS: u64 = 25;
/// Entries are kept at least so long after the first purge that saw them.
const RETENTION: Duration = Duration::from_secs(10 * 60);
/// How often a purge remembers where the feed ended.
const MARK_INTERVAL: Duration = Duration::from_secs(60);

const READ: &str = "read feed";

#[deny(clippy::missing_trait_methods)]
impl ChangeFeed for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn connect(&self) -> StoreResult<()> {
        self.live().await.map(drop)
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        Ok(wall_clock())
    }

    async fn tail(&self) -> StoreResult<FeedPosition> {
        tail(&*self.live().await?).await
    }

    async fn changes(&self, after: &FeedPosition, limit: u32) -> StoreResult<ChangePage> {
        let live = self.live().await?;
        // What does not fit is beyond every number that was ever given.
        let sequence = i64::try_from(after.sequence()).unwrap_or(i64::MAX);
        let (bounds, rows) = read_page(&live, sequence, limit.max(1)).await?;
        Ok(change_page(&bounds, after, rows))
    }

    async fn wait(&self, after: &FeedPosition, patience: Duration) -> StoreResult<()> {
        let started = Instant::now();
        let live = self.live().await?;
        let mut published = live.writer.published();
        // In this order: what is committed after the look is seen by the version, or told.
        let mut version = live.data_version().await?;
        while tail(&live).await? == *after {
            loop {
                let left = patience.saturating_sub(started.elapsed());
                let pause = left.min(Duration::from_millis(POLL_MILLISECONDS));
                if left.is_zero()
                    || timeout(pause, published.changed()).await.is_ok()
                    || live.is_over()?
                {
                    return Ok(());
                }
                let before = std::mem::replace(&mut version, live.data_version().await?);
                if before != version {
                    break;
                }
            }
        }
        Ok(())
    }
}

async fn tail(live: &Live) -> StoreResult<FeedPosition> {
    let (bounds, _) = read_page(live, i64::MAX, 1).await?;
    Ok(bounds.end())
}

async fn read_page(
    live: &Live,
    sequence: i64,
    limit: u32,
) -> StoreResult<(FeedBounds, Vec<(u64, Option<Change>)>)> {
    let mut reader = live.readers.take(READ).await?;
    let rows = query(CHANGES_PAGE)
        .bind(META_INCARNATION)
        .bind(sequence)
        .bind(i64::from(limit))
        .fetch_all(reader.connection())
        .await;
    let rows = reader.finish(rows)?;
    let unreadable = |column: ColumnFault| column.unreadable(READ);
    let Some(first) = rows.first() else { return Err(unreadable(ColumnFault(META_INCARNATION))) };
    let found = bounds_columns(first).map_err(|error| fault(READ, error))?;
    let bounds = bounds(&found).map_err(unreadable)?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let columns = entry_columns(row).map_err(|error| fault(READ, error))?;
        // The only row of a feed that has nothing more.
        let Some((sequence, columns)) = columns else { break };
        let sequence = unsigned("sequence", sequence).map_err(unreadable)?;
        entries.push((sequence, columns.into_change().map_err(unreadable)?));
    }
    Ok((bounds, entries))
}

type BoundsColumns = (Vec<u8>, i64, Option<i64>);

fn bounds_columns(row: &SqliteRow) -> sqlx::Result<BoundsColumns> {
    Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
}

fn bounds((incarnation, tail, lowest): &BoundsColumns) -> Result<FeedBounds, ColumnFault> {
    let incarnation =
        incarnation.as_slice().try_into().map_err(|_| ColumnFault(META_INCARNATION))?;
    Ok(FeedBounds {
        incarnation: u64::from_be_bytes(incarnation),
        lowest: lowest.map(|lowest| unsigned("sequence", lowest)).transpose()?,
        tail: unsigned("sequence", *tail)?,
    })
}

fn entry_columns(row: &SqliteRow) -> sqlx::Result<Option<(i64, ChangeColumns)>> {
    let Some(sequence) = row.try_get(3)? else { return Ok(None) };
    Ok(Some((sequence, change_columns(row, 4)?)))
}

/// Writes an entry in the transaction of its change.
pub(super) async fn publish(
    connection: &mut SqliteConnection,
    operation: &'static str,
    change: &Change,
) -> StoreResult<()> {
    let columns = ChangeColumns::of(change);
    let written = query(CHANGE_PUBLISH)
        .bind(columns.kind)
        .bind(columns.key)
        .bind(columns.user_id)
        .bind(columns.at)
        .bind(columns.until)
        .execute(connection)
        .await;
    written.map(drop).map_err(|error| fault(operation, error))
}

/// Drops at most `limit` entries that purges have known for [`RETENTION`].
///
/// Entries carry no instant of their own: each purge remembers where the feed ended when it ran,
/// so their age is judged by the callers' time like everything else.
pub(super) async fn trim(
    connection: &mut SqliteConnection,
    operation: &'static str,
    now: Timestamp,
    limit: u32,
) -> StoreResult<()> {
    let failed = |error| fault(operation, error);
    let old = now.saturating_sub(RETENTION).as_unix_micros();
    let recent = now.saturating_sub(MARK_INTERVAL).as_unix_micros();
    let now = now.as_unix_micros();
    // A clock that was set back would otherwise stop the marks until it has caught up.
    query(MARKS_AHEAD_REMOVE).bind(now).execute(&mut *connection).await.map_err(failed)?;
    query(CHANGES_TRIM)
        .bind(old)
        .bind(i64::from(limit))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    query(MARKS_SPENT_REMOVE).bind(old).execute(&mut *connection).await.map_err(failed)?;
    query(MARK_ADD).bind(now).bind(recent).execute(connection).await.map_err(failed)?;
    Ok(())
}
