//! The session contract on SQLite: reads on the readers, writes through the writer.

use sqlx::Row;
use sqlx::query;

use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::Inserted;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::NewSession;
use crate::store::PageAfter;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::SessionPatch;
use crate::store::SessionStore;
use crate::store::SqliteStore;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::store::Updated;
use crate::store::sql::key_version;
use crate::store::sql::unsigned;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::keys::RegisterKeys;
use crate::store::sqlite::rows::Statement;
use crate::store::sqlite::rows::session;
use crate::store::sqlite::session_writes::CountGrace;
use crate::store::sqlite::session_writes::PurgeSessions;
use crate::store::sqlite::session_writes::Revoke;
use crate::store::sqlite::session_writes::Update;
use crate::store::sqlite::statements::KEY_USAGE;
use crate::store::sqlite::statements::SESSION_FIND;
use crate::store::sqlite::statements::SESSION_LOAD;
use crate::store::sqlite::statements::SESSIONS_LIST;
use crate::store::sqlite::statements::SESSIONS_LIST_AFTER;
use crate::time::Timestamp;

#[deny(clippy::missing_trait_methods)]
impl SessionStore for SqliteStore {
    async fn insert(&self, new: NewSession) -> StoreResult<Inserted> {
        self.live().await?.writer.write(new).await
    }

    async fn load(&self, key: SessionKey) -> StoreResult<Option<SessionRecord>> {
        let statement = query(SESSION_LOAD).bind(key.as_bytes().to_vec());
        Ok(self.read_sessions("load session", statement).await?.pop())
    }

    async fn rotate(&self, rotation: Rotation) -> StoreResult<Rotated> {
        self.live().await?.writer.write(rotation).await
    }

    async fn count_grace(
        &self,
        key: SessionKey,
        generation: u64,
        grace_uses: u32,
        foreign_streak: u32,
    ) -> StoreResult<bool> {
        let count = CountGrace { key, generation, grace_uses, foreign_streak };
        self.live().await?.writer.write(count).await
    }

    async fn revoke(
        &self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> StoreResult<Option<SessionRecord>> {
        self.live().await?.writer.write(Revoke { key, reason, now }).await
    }

    async fn update(
        &self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> StoreResult<Updated> {
        self.live().await?.writer.write(Update { key, revision, patch }).await
    }

    async fn touch(&self, touches: Vec<Touch>) -> StoreResult<()> {
        self.live().await?.writer.write(touches).await
    }

    async fn list(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
        limit: u32,
    ) -> StoreResult<Vec<SessionRecord>> {
        let sql = if after.is_some() { SESSIONS_LIST_AFTER } else { SESSIONS_LIST };
        let mut statement = query(sql).bind(user.as_str()).bind(i64::from(limit));
        if let Some(after) = after {
            let id = after.id.as_bytes().to_vec();
            statement = statement.bind(after.created_at.as_unix_micros()).bind(id);
        }
        self.read_sessions("list sessions", statement).await
    }

    async fn find(&self, user: &UserId, id: SessionId) -> StoreResult<Option<SessionRecord>> {
        // A public id is the first half of its key: these are the first and the last key with it.
        let half = |rest: u8| [id.as_bytes().as_slice(), &[rest; 16]].concat();
        let statement = query(SESSION_FIND).bind(user.as_str()).bind(half(0)).bind(half(u8::MAX));
        Ok(self.read_sessions("find session", statement).await?.pop())
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        self.live().await?.writer.write(PurgeSessions { now, limit }).await
    }

    async fn key_usage(&self) -> StoreResult<Vec<(KeyVersion, u64)>> {
        let operation = "count key usage";
        let live = self.live().await?;
        let mut reader = live.readers.take(operation).await?;
        let rows = query(KEY_USAGE).fetch_all(reader.connection()).await;
        let mut usage = Vec::new();
        for row in reader.finish(rows)? {
            let failed = |error| fault(operation, error);
            let version = key_version(row.try_get(0).map_err(failed)?);
            let rows = unsigned("count", row.try_get(1).map_err(failed)?);
            let both = version.and_then(|version| Ok((version, rows?)));
            usage.push(both.map_err(|column| column.unreadable(operation))?);
        }
        Ok(usage)
    }

    async fn register_keys(&self, registration: KeyRegistration) -> StoreResult<KeyRegistry> {
        self.live().await?.writer.write(RegisterKeys(registration)).await
    }
}

impl SqliteStore {
    async fn read_sessions(
        &self,
        operation: &'static str,
        statement: Statement<'_>,
    ) -> StoreResult<Vec<SessionRecord>> {
        let live = self.live().await?;
        let mut reader = live.readers.take(operation).await?;
        let rows = statement.fetch_all(reader.connection()).await;
        reader.finish(rows)?.iter().map(|row| session(operation, row)).collect()
    }
}
