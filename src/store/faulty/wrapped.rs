//! The three traits on a faulty store: each call goes through the plan.

use std::time::Duration;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::NotBefore;
use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistPage;
use crate::store::BlacklistQuery;
use crate::store::BlacklistStore;
use crate::store::ChangeFeed;
use crate::store::ChangePage;
use crate::store::FeedPosition;
use crate::store::Inserted;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::NewSession;
use crate::store::PageAfter;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::SessionPatch;
use crate::store::SessionStore;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::store::Updated;
use crate::store::faulty::FaultyStore;
use crate::time::Timestamp;

#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore> SessionStore for FaultyStore<S> {
    async fn insert(&self, new: NewSession) -> StoreResult<Inserted> {
        self.pass("insert session", self.inner().insert(new)).await
    }

    async fn load(&self, key: SessionKey) -> StoreResult<Option<SessionRecord>> {
        self.pass("load session", self.inner().load(key)).await
    }

    async fn rotate(&self, rotation: Rotation) -> StoreResult<Rotated> {
        self.pass("rotate session", self.inner().rotate(rotation)).await
    }

    async fn count_grace(
        &self,
        key: SessionKey,
        generation: u64,
        grace_uses: u32,
        foreign_streak: u32,
    ) -> StoreResult<bool> {
        let call = self.inner().count_grace(key, generation, grace_uses, foreign_streak);
        self.pass("count grace answer", call).await
    }

    async fn revoke(
        &self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> StoreResult<Option<SessionRecord>> {
        self.pass("revoke session", self.inner().revoke(key, reason, now)).await
    }

    async fn update(
        &self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> StoreResult<Updated> {
        self.pass("update session", self.inner().update(key, revision, patch)).await
    }

    async fn touch(&self, touches: Vec<Touch>) -> StoreResult<()> {
        self.pass("touch sessions", self.inner().touch(touches)).await
    }

    async fn list(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
        limit: u32,
    ) -> StoreResult<Vec<SessionRecord>> {
        self.pass("list sessions", self.inner().list(user, after, limit)).await
    }

    async fn find(&self, user: &UserId, id: SessionId) -> StoreResult<Option<SessionRecord>> {
        self.pass("find session", self.inner().find(user, id)).await
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        self.pass("purge sessions", self.inner().purge_sessions(now, limit)).await
    }

    async fn key_usage(&self) -> StoreResult<Vec<(KeyVersion, u64)>> {
        self.pass("count key usage", self.inner().key_usage()).await
    }

    async fn register_keys(&self, registration: KeyRegistration) -> StoreResult<KeyRegistry> {
        self.pass("register keys", self.inner().register_keys(registration)).await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: BlacklistStore> BlacklistStore for FaultyStore<S> {
    async fn add_to_blacklist(&self, entries: Vec<BlacklistEntry>) -> StoreResult<()> {
        self.pass("add to blacklist", self.inner().add_to_blacklist(entries)).await
    }

    async fn raise_not_before(&self, not_before: NotBefore) -> StoreResult<Timestamp> {
        self.pass("raise not-before", self.inner().raise_not_before(not_before)).await
    }

    async fn query_blacklist(&self, query: BlacklistQuery) -> StoreResult<BlacklistAnswer> {
        self.pass("query blacklist", self.inner().query_blacklist(query)).await
    }

    async fn blacklist_page(&self, after: Option<u64>, limit: u32) -> StoreResult<BlacklistPage> {
        self.pass("read blacklist", self.inner().blacklist_page(after, limit)).await
    }

    async fn purge_blacklist(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        self.pass("purge blacklist", self.inner().purge_blacklist(now, limit)).await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: ChangeFeed> ChangeFeed for FaultyStore<S> {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn is_shared(&self) -> bool {
        self.inner().is_shared()
    }

    async fn connect(&self) -> StoreResult<()> {
        self.pass("connect", self.inner().connect()).await
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        self.pass("tell time", self.inner().now()).await
    }

    async fn tail(&self) -> StoreResult<FeedPosition> {
        self.pass("find end of feed", self.inner().tail()).await
    }

    async fn changes(&self, after: &FeedPosition, limit: u32) -> StoreResult<ChangePage> {
        self.pass("read feed", self.inner().changes(after, limit)).await
    }

    async fn wait(&self, after: &FeedPosition, patience: Duration) -> StoreResult<()> {
        self.pass("wait for feed", self.inner().wait(after, patience)).await
    }
}
