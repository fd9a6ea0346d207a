//! The blacklist on SQLite.

use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::id::UserId;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistPage;
use crate::store::BlacklistQuery;
use crate::store::BlacklistStore;
use crate::store::Change;
use crate::store::SqliteStore;
use crate::store::StoreResult;
use crate::store::sql::ColumnFault;
use crate::store::sql::NOT_BEFORE_ALL;
use crate::store::sql::NumberedEntry;
use crate::store::sql::NumberedNotBefore;
use crate::store::sql::blacklist_page;
use crate::store::sql::not_before_user;
use crate::store::sql::scope_of;
use crate::store::sql::unsigned;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::feed::publish;
use crate::store::sqlite::feed::trim;
use crate::store::sqlite::statements::BLACKLIST_ADD;
use crate::store::sqlite::statements::BLACKLIST_PAGE;
use crate::store::sqlite::statements::BLACKLIST_PURGE;
use crate::store::sqlite::statements::BLACKLIST_QUERY;
use crate::store::sqlite::statements::BLACKLIST_QUERY_KEYS;
use crate::store::sqlite::statements::NOT_BEFORE_PAGE;
use crate::store::sqlite::statements::NOT_BEFORE_PURGE;
use crate::store::sqlite::statements::NOT_BEFORE_RAISE;
use crate::store::sqlite::statements::NOT_BEFORE_READ;
use crate::store::sqlite::writer::Operation;
use crate::time::Timestamp;

const READ: &str = "read blacklist";
const QUERY: &str = "query blacklist";

#[deny(clippy::missing_trait_methods)]
impl BlacklistStore for SqliteStore {
    async fn add_to_blacklist(&self, entries: Vec<BlacklistEntry>) -> StoreResult<()> {
        self.live().await?.writer.write(AddEntries(entries)).await
    }

    async fn raise_not_before(&self, not_before: NotBefore) -> StoreResult<Timestamp> {
        self.live().await?.writer.write(RaiseNotBefore(not_before)).await
    }

    async fn query_blacklist(&self, query: BlacklistQuery) -> StoreResult<BlacklistAnswer> {
        let live = self.live().await?;
        let mut reader = live.readers.take(QUERY).await?;
        let answer = look_up(reader.connection(), &query).await;
        reader.finish(answer)
    }

    async fn blacklist_page(&self, after: Option<u64>, limit: u32) -> StoreResult<BlacklistPage> {
        let live = self.live().await?;
        let limit = limit.max(1);
        // What does not fit is beyond every number that was ever given.
        let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let mut reader = live.readers.take(READ).await?;
        let rows = page_rows(reader.connection(), after, limit).await;
        let (entries, not_before) = reader.finish(rows)?;
        let read = |column: ColumnFault| column.unreadable(READ);
        let entries = entries.into_iter().map(numbered_entry).collect::<Result<_, _>>();
        let not_before = not_before.into_iter().map(numbered_not_before).collect::<Result<_, _>>();
        Ok(blacklist_page(entries.map_err(read)?, not_before.map_err(read)?, limit))
    }

    async fn purge_blacklist(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        self.live().await?.writer.write(PurgeBlacklist { now, limit }).await
    }
}

/// Writes an entry and its feed entry, unless it is there for as long already.
pub(super) async fn add_entry(
    connection: &mut SqliteConnection,
    operation: &'static str,
    entry: BlacklistEntry,
) -> StoreResult<()> {
    let written = query(BLACKLIST_ADD)
        .bind(entry.key.as_bytes().to_vec())
        .bind(entry.until.as_unix_micros())
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| fault(operation, error))?;
    if written.is_empty() {
        return Ok(());
    }
    publish(connection, operation, &Change::Blacklisted(entry)).await
}

struct AddEntries(Vec<BlacklistEntry>);

impl Operation for AddEntries {
    type Output = ();
    const NAME: &'static str = "add to blacklist";
    const PUBLISHES: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<()> {
        for entry in &self.0 {
            add_entry(connection, Self::NAME, *entry).await?;
        }
        Ok(())
    }
}

struct RaiseNotBefore(NotBefore);

impl Operation for RaiseNotBefore {
    type Output = Timestamp;
    const NAME: &'static str = "raise not-before";
    const PUBLISHES: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<Timestamp> {
        let failed = |error| fault(Self::NAME, error);
        let instants = |row: &SqliteRow| -> sqlx::Result<(i64, i64)> {
            Ok((row.try_get(0)?, row.try_get(1)?))
        };
        let user = not_before_user(&self.0.scope);
        let raised = query(NOT_BEFORE_RAISE)
            .bind(user)
            .bind(self.0.at.as_unix_micros())
            .bind(self.0.until.as_unix_micros())
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        let Some(row) = raised.first() else {
            let row = query(NOT_BEFORE_READ).bind(user).fetch_one(connection).await;
            let at = row.and_then(|row| row.try_get(0)).map_err(failed)?;
            return Ok(Timestamp::from_unix_micros(at));
        };
        let (at, until) = instants(row).map_err(failed)?;
        let stored = NotBefore {
            scope: self.0.scope.clone(),
            at: Timestamp::from_unix_micros(at),
            until: Timestamp::from_unix_micros(until),
        };
        let at = stored.at;
        publish(connection, Self::NAME, &Change::NotBefore(stored)).await?;
        Ok(at)
    }
}

struct PurgeBlacklist {
    now: Timestamp,
    limit: u32,
}

impl Operation for PurgeBlacklist {
    type Output = u64;
    const NAME: &'static str = "purge blacklist";

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<u64> {
        trim(connection, Self::NAME, self.now, self.limit).await?;
        let mut purged = 0;
        for statement in [BLACKLIST_PURGE, NOT_BEFORE_PURGE] {
            let left = u64::from(self.limit).saturating_sub(purged);
            let deleted = query(statement)
                .bind(self.now.as_unix_micros())
                .bind(i64::try_from(left).unwrap_or(i64::MAX))
                .execute(&mut *connection)
                .await
                .map_err(|error| fault(Self::NAME, error))?;
            purged = purged.saturating_add(deleted.rows_affected());
        }
        Ok(purged)
    }
}

async fn look_up(
    connection: &mut SqliteConnection,
    asked: &BlacklistQuery,
) -> sqlx::Result<BlacklistAnswer> {
    let user = asked.user.as_ref().map_or(NOT_BEFORE_ALL, UserId::as_str);
    let mut answer = BlacklistAnswer::default();
    // A token has one to three names, so this is one round trip; and one without names.
    let (first, rest) = asked.keys.split_at(asked.keys.len().min(BLACKLIST_QUERY_KEYS));
    for keys in std::iter::once(first).chain(rest.chunks(BLACKLIST_QUERY_KEYS)) {
        let mut statement = query(BLACKLIST_QUERY);
        for place in 0..BLACKLIST_QUERY_KEYS {
            statement = statement.bind(keys.get(place).map(|key| key.as_bytes().to_vec()));
        }
        let row = statement.bind(user).fetch_one(&mut *connection).await?;
        answer.listed |= row.try_get::<i64, _>(0)? != 0;
        answer.not_before = row.try_get::<Option<i64>, _>(1)?.map(Timestamp::from_unix_micros);
    }
    Ok(answer)
}

type EntryColumns = (i64, Vec<u8>, i64);
type NotBeforeColumns = (i64, String, i64, i64);

async fn page_rows(
    connection: &mut SqliteConnection,
    after: i64,
    limit: u32,
) -> sqlx::Result<(Vec<EntryColumns>, Vec<NotBeforeColumns>)> {
    let limit = i64::from(limit);
    let entries = query(BLACKLIST_PAGE).bind(after).bind(limit).fetch_all(&mut *connection).await?;
    let not_before = query(NOT_BEFORE_PAGE).bind(after).bind(limit).fetch_all(connection).await?;
    let entry = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    let instant =
        |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
    let entries = entries.iter().map(entry).collect::<sqlx::Result<_>>()?;
    let not_before = not_before.iter().map(instant).collect::<sqlx::Result<_>>()?;
    Ok((entries, not_before))
}

fn numbered_entry((id, key, until): EntryColumns) -> Result<NumberedEntry, ColumnFault> {
    let key: [u8; 32] = key.try_into().map_err(|_| ColumnFault("key"))?;
    let entry = BlacklistEntry {
        key: BlacklistKey::from_bytes(key),
        until: Timestamp::from_unix_micros(until),
    };
    Ok((unsigned("id", id)?, entry))
}

fn numbered_not_before(
    (id, user, at, until): NotBeforeColumns,
) -> Result<NumberedNotBefore, ColumnFault> {
    let not_before = NotBefore {
        scope: scope_of(&user)?,
        at: Timestamp::from_unix_micros(at),
        until: Timestamp::from_unix_micros(until),
    };
    Ok((unsigned("id", id)?, not_before))
}
