//! What the writer does to session rows.

use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;

use crate::device::Device;
use crate::id::SessionKey;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::Change;
use crate::store::Inserted;
use crate::store::NewSession;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::SessionPatch;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::store::Updated;
use crate::store::sql::ColumnFault;
use crate::store::sql::SessionColumns;
use crate::store::sql::signed;
use crate::store::sqlite::blacklist::add_entry;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::feed::publish;
use crate::store::sqlite::rows::Statement;
use crate::store::sqlite::rows::bind_session;
use crate::store::sqlite::rows::session;
use crate::store::sqlite::statements::SESSION_COUNT_GRACE;
use crate::store::sqlite::statements::SESSION_INSERT;
use crate::store::sqlite::statements::SESSION_LOAD;
use crate::store::sqlite::statements::SESSION_REVOKE;
use crate::store::sqlite::statements::SESSION_ROTATE;
use crate::store::sqlite::statements::SESSION_TOUCH;
use crate::store::sqlite::statements::SESSION_UPDATE;
use crate::store::sqlite::statements::SESSIONS_BEYOND_CAP;
use crate::store::sqlite::statements::SESSIONS_PURGE;
use crate::store::sqlite::writer::Operation;
use crate::time::Timestamp;

impl Operation for NewSession {
    type Output = Inserted;
    const NAME: &'static str = "insert session";
    const PUBLISHES: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<Inserted> {
        let record = &self.record;
        let columns = SessionColumns::of(record).map_err(|column| column.refused(Self::NAME))?;
        let written = bind_session(query(SESSION_INSERT), columns)
            .bind(record.purge_after().as_unix_micros())
            .bind(i64::from(self.exchanges_max))
            .fetch_all(&mut *connection)
            .await;
        if written.map_err(|error| fault(Self::NAME, error))?.is_empty() {
            let row = load(connection, Self::NAME, record.key).await?;
            return Ok(row.map_or(Inserted::Crowded, |row| Inserted::Exists(Box::new(row))));
        }
        let now = record.created_at;
        let mut revoked = Vec::new();
        if let Some(former) = self.supersedes.filter(|key| *key != record.key) {
            let reason = RevokeReason::Superseded;
            revoked.extend(revoke(connection, Self::NAME, former, reason, now).await?);
        }
        for key in beyond_cap(connection, self).await? {
            revoked.extend(revoke(connection, Self::NAME, key, RevokeReason::Cap, now).await?);
        }
        Ok(Inserted::Created { revoked })
    }
}

/// The user's oldest live sessions that have no place beside the new one.
async fn beyond_cap(
    connection: &mut SqliteConnection,
    new: &NewSession,
) -> StoreResult<Vec<SessionKey>> {
    let record = &new.record;
    let failed = |error| fault(NewSession::NAME, error);
    let rows = query(SESSIONS_BEYOND_CAP)
        .bind(record.user.as_str())
        .bind(record.key.as_bytes().to_vec())
        .bind(record.created_at.as_unix_micros())
        .bind(record.created_at.saturating_sub(new.idle).as_unix_micros())
        .bind(i64::from(new.sessions_max.saturating_sub(1)))
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    rows.iter()
        .map(|row| {
            let key: Vec<u8> = row.try_get(0).map_err(failed)?;
            let key: [u8; 32] =
                key.try_into().map_err(|_| ColumnFault("key").unreadable(NewSession::NAME))?;
            Ok(SessionKey::from_bytes(key))
        })
        .collect()
}

impl Operation for Rotation {
    type Output = Rotated;
    const NAME: &'static str = "rotate session";
    const ONE_STATEMENT: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<Rotated> {
        let refused = |column: ColumnFault| column.refused(Self::NAME);
        let statement = query(SESSION_ROTATE)
            .bind(self.key.as_bytes().to_vec())
            .bind(signed("generation", self.expected).map_err(refused)?)
            .bind(signed("generation", self.next).map_err(refused)?)
            .bind(i64::from(self.key_version.get()))
            .bind(self.now.as_unix_micros())
            .bind(self.active_after.as_unix_micros())
            .bind(self.legacy_until.map(Timestamp::as_unix_micros));
        match changed(connection, Self::NAME, statement).await? {
            Some(row) => Ok(Rotated::Done(Box::new(row))),
            None => {
                Ok(Rotated::Refused(load(connection, Self::NAME, self.key).await?.map(Box::new)))
            }
        }
    }
}

pub(super) struct CountGrace {
    pub(super) key: SessionKey,
    pub(super) generation: u64,
    pub(super) grace_uses: u32,
    pub(super) foreign_streak: u32,
}

impl Operation for CountGrace {
    type Output = bool;
    const NAME: &'static str = "count grace answer";
    const ONE_STATEMENT: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<bool> {
        let generation = signed("generation", self.generation);
        let counted = query(SESSION_COUNT_GRACE)
            .bind(self.key.as_bytes().to_vec())
            .bind(generation.map_err(|column| column.refused(Self::NAME))?)
            .bind(i64::from(self.grace_uses))
            .bind(i64::from(self.foreign_streak))
            .fetch_all(connection)
            .await;
        counted.map(|rows| !rows.is_empty()).map_err(|error| fault(Self::NAME, error))
    }
}

pub(super) struct Revoke {
    pub(super) key: SessionKey,
    pub(super) reason: RevokeReason,
    pub(super) now: Timestamp,
}

impl Operation for Revoke {
    type Output = Option<SessionRecord>;
    const NAME: &'static str = "revoke session";
    const PUBLISHES: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<Self::Output> {
        match revoke(connection, Self::NAME, self.key, self.reason, self.now).await? {
            Some(row) => Ok(Some(row)),
            None => load(connection, Self::NAME, self.key).await,
        }
    }
}

/// Revokes an unrevoked row with everything that hangs on it. The row as it is now, if this did it.
async fn revoke(
    connection: &mut SqliteConnection,
    operation: &'static str,
    key: SessionKey,
    reason: RevokeReason,
    now: Timestamp,
) -> StoreResult<Option<SessionRecord>> {
    let statement = query(SESSION_REVOKE)
        .bind(key.as_bytes().to_vec())
        .bind(now.as_unix_micros())
        .bind(reason.label());
    let Some(row) = changed(connection, operation, statement).await? else { return Ok(None) };
    for entry in row.legacy_entries() {
        add_entry(connection, operation, entry).await?;
    }
    publish(connection, operation, &Change::Session(key)).await?;
    Ok(Some(row))
}

pub(super) struct Update {
    pub(super) key: SessionKey,
    pub(super) revision: u64,
    pub(super) patch: SessionPatch,
}

impl Operation for Update {
    type Output = Updated;
    const NAME: &'static str = "update session";
    const PUBLISHES: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<Updated> {
        let patch = &self.patch;
        let revision = signed("revision", self.revision);
        let statement = query(SESSION_UPDATE)
            .bind(self.key.as_bytes().to_vec())
            .bind(revision.map_err(|column| column.refused(Self::NAME))?)
            .bind(patch.scopes.as_ref().map(ToString::to_string))
            .bind(patch.data.is_some())
            .bind(patch.data.as_ref().and_then(|data| data.to_json()))
            .bind(patch.authenticated_at.map(Timestamp::as_unix_micros));
        let statement = bind_device(statement, patch.device.as_ref());
        if let Some(row) = changed(connection, Self::NAME, statement).await? {
            publish(connection, Self::NAME, &Change::Session(self.key)).await?;
            return Ok(Updated::Done(Box::new(row)));
        }
        let row = load(connection, Self::NAME, self.key).await?;
        Ok(match row.filter(|row| row.revoked.is_none()) {
            Some(row) => Updated::Conflict(Box::new(row)),
            None => Updated::Gone,
        })
    }
}

impl Operation for Vec<Touch> {
    type Output = ();
    const NAME: &'static str = "touch sessions";

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<()> {
        for touch in self {
            let statement = query(SESSION_TOUCH)
                .bind(touch.key.as_bytes().to_vec())
                .bind(touch.seen_at.as_unix_micros());
            let touched = bind_device(statement, touch.device.as_ref()).execute(&mut *connection);
            touched.await.map_err(|error| fault(Self::NAME, error))?;
        }
        Ok(())
    }
}

pub(super) struct PurgeSessions {
    pub(super) now: Timestamp,
    pub(super) limit: u32,
}

impl Operation for PurgeSessions {
    type Output = u64;
    const NAME: &'static str = "purge sessions";
    const ONE_STATEMENT: bool = true;

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<u64> {
        let deleted = query(SESSIONS_PURGE)
            .bind(self.now.as_unix_micros())
            .bind(i64::from(self.limit))
            .execute(connection)
            .await;
        deleted.map(|done| done.rows_affected()).map_err(|error| fault(Self::NAME, error))
    }
}

/// Whether there is a device, and its three columns.
fn bind_device<'q>(statement: Statement<'q>, device: Option<&Device>) -> Statement<'q> {
    let part = device.cloned().unwrap_or_default();
    statement
        .bind(device.is_some())
        .bind(part.name.map(String::from))
        .bind(part.address.map(|address| address.to_string()))
        .bind(part.fingerprint.map(|print| print.as_bytes().to_vec()))
}

/// The row that a conditional statement changed, if it changed one.
///
/// All rows are fetched although there is at most one: a statement that is left before its end
/// commits without telling how that went.
async fn changed(
    connection: &mut SqliteConnection,
    operation: &'static str,
    statement: Statement<'_>,
) -> StoreResult<Option<SessionRecord>> {
    let rows = statement.fetch_all(connection).await.map_err(|error| fault(operation, error))?;
    rows.first().map(|row| session(operation, row)).transpose()
}

async fn load(
    connection: &mut SqliteConnection,
    operation: &'static str,
    key: SessionKey,
) -> StoreResult<Option<SessionRecord>> {
    let statement = query(SESSION_LOAD).bind(key.as_bytes().to_vec());
    changed(connection, operation, statement).await
}
