//! The three traits on the memory store: one critical section a call.

use std::time::Duration;

use tokio::time::timeout;

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
use crate::store::Change;
use crate::store::ChangeFeed;
use crate::store::ChangePage;
use crate::store::FeedPosition;
use crate::store::Inserted;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::MemoryStore;
use crate::store::NewSession;
use crate::store::PageAfter;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::SessionPatch;
use crate::store::SessionStore;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::store::Updated;
use crate::store::memory::State;
use crate::time::Timestamp;

impl State {
    fn blacklist(&mut self, entry: BlacklistEntry) {
        if self.blacklist.add(entry) {
            self.changes.publish(Change::Blacklisted(entry));
        }
    }

    /// The row, its legacy tokens and both feed entries, or nothing if it was revoked before.
    fn revoke(
        &mut self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> Option<SessionRecord> {
        let row = self.sessions.revoke(key, reason, now)?;
        for entry in row.legacy_entries() {
            self.blacklist(entry);
        }
        self.changes.publish(Change::Session(key));
        Some(row)
    }

    fn insert(&mut self, new: &NewSession) -> Inserted {
        if let Some(row) = self.sessions.load(new.record.key) {
            return Inserted::Exists(Box::new(row));
        }
        if self.sessions.is_crowded(new) {
            return Inserted::Crowded;
        }
        let now = new.record.created_at;
        let out = self.sessions.insert(new);
        let revoked = out.into_iter().filter_map(|(key, reason)| self.revoke(key, reason, now));
        Inserted::Created { revoked: revoked.collect() }
    }
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for MemoryStore {
    async fn insert(&self, new: NewSession) -> StoreResult<Inserted> {
        Ok(self.write(|state| state.insert(&new)))
    }

    async fn load(&self, key: SessionKey) -> StoreResult<Option<SessionRecord>> {
        Ok(self.read(|state| state.sessions.load(key)))
    }

    async fn rotate(&self, rotation: Rotation) -> StoreResult<Rotated> {
        Ok(self.write(|state| state.sessions.rotate(&rotation)))
    }

    async fn count_grace(
        &self,
        key: SessionKey,
        generation: u64,
        grace_uses: u32,
        foreign_streak: u32,
    ) -> StoreResult<bool> {
        Ok(self
            .write(|state| state.sessions.count_grace(key, generation, grace_uses, foreign_streak)))
    }

    async fn revoke(
        &self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> StoreResult<Option<SessionRecord>> {
        Ok(self.write(|state| state.revoke(key, reason, now).or_else(|| state.sessions.load(key))))
    }

    async fn update(
        &self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> StoreResult<Updated> {
        Ok(self.write(|state| {
            let updated = state.sessions.update(key, revision, patch);
            if matches!(updated, Updated::Done(_)) {
                state.changes.publish(Change::Session(key));
            }
            updated
        }))
    }

    async fn touch(&self, touches: Vec<Touch>) -> StoreResult<()> {
        self.write(|state| touches.into_iter().for_each(|touch| state.sessions.touch(touch)));
        Ok(())
    }

    async fn list(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
        limit: u32,
    ) -> StoreResult<Vec<SessionRecord>> {
        Ok(self.read(|state| state.sessions.list(user, after, limit)))
    }

    async fn find(&self, user: &UserId, id: SessionId) -> StoreResult<Option<SessionRecord>> {
        Ok(self.read(|state| state.sessions.find(user, id)))
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        Ok(self.write(|state| state.sessions.purge(now, limit)))
    }

    async fn key_usage(&self) -> StoreResult<Vec<(KeyVersion, u64)>> {
        Ok(self.read(|state| state.sessions.key_usage()))
    }

    async fn register_keys(&self, registration: KeyRegistration) -> StoreResult<KeyRegistry> {
        Ok(self.write(|state| state.sessions.register_keys(registration)))
    }
}

#[deny(clippy::missing_trait_methods)]
impl BlacklistStore for MemoryStore {
    async fn add_to_blacklist(&self, entries: Vec<BlacklistEntry>) -> StoreResult<()> {
        self.write(|state| entries.into_iter().for_each(|entry| state.blacklist(entry)));
        Ok(())
    }

    async fn raise_not_before(&self, not_before: NotBefore) -> StoreResult<Timestamp> {
        Ok(self.write(|state| {
            let (stored, changed) = state.blacklist.raise(not_before);
            let at = stored.at;
            if changed {
                state.changes.publish(Change::NotBefore(stored));
            }
            at
        }))
    }

    async fn query_blacklist(&self, query: BlacklistQuery) -> StoreResult<BlacklistAnswer> {
        Ok(self.read(|state| state.blacklist.query(query)))
    }

    async fn blacklist_page(&self, after: Option<u64>, limit: u32) -> StoreResult<BlacklistPage> {
        Ok(self.read(|state| state.blacklist.page(after, limit)))
    }

    async fn purge_blacklist(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        Ok(self.write(|state| {
            state.changes.purge(now);
            state.blacklist.purge(now, limit)
        }))
    }
}

#[deny(clippy::missing_trait_methods)]
impl ChangeFeed for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn connect(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        Ok(self.time())
    }

    async fn tail(&self) -> StoreResult<FeedPosition> {
        let sequence = self.read(|state| state.changes.tail());
        Ok(FeedPosition::new(self.0.incarnation, sequence))
    }

    async fn changes(&self, after: &FeedPosition, limit: u32) -> StoreResult<ChangePage> {
        Ok(self.read(|state| state.changes.page(self.0.incarnation, after, limit)))
    }

    async fn wait(&self, after: &FeedPosition, patience: Duration) -> StoreResult<()> {
        let mut tail = self.0.tail.subscribe();
        let known = (after.incarnation() == self.0.incarnation).then_some(after.sequence());
        let news = tail.wait_for(|sequence| Some(*sequence) != known);
        // Over by news or by patience: the caller looks either way.
        let _ = timeout(patience, news).await;
        Ok(())
    }
}
