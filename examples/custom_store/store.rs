//! The three traits, one critical section a call.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use segue::BlacklistEntry;
use segue::KeyVersion;
use segue::NotBefore;
use segue::NotBeforeScope;
use segue::RevokeReason;
use segue::Revoked;
use segue::SessionId;
use segue::SessionKey;
use segue::SessionRecord;
use segue::SessionStore;
use segue::Timestamp;
use segue::UserId;
use segue::store::BlacklistAnswer;
use segue::store::BlacklistPage;
use segue::store::BlacklistQuery;
use segue::store::BlacklistStore;
use segue::store::ChangeFeed;
use segue::store::ChangePage;
use segue::store::FeedPosition;
use segue::store::Inserted;
use segue::store::KeyRegistration;
use segue::store::KeyRegistry;
use segue::store::NewSession;
use segue::store::PageAfter;
use segue::store::Rotated;
use segue::store::Rotation;
use segue::store::SessionPatch;
use segue::store::StoreResult;
use segue::store::Touch;
use segue::store::Updated;
use tokio::sync::watch;

use crate::tables::Tables;

/// Clones are handles on the same tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableStore(Arc<Shared>);

#[derive(Debug, Default)]
pub(crate) struct Shared {
    tables: Mutex<Tables>,
    // The end of the feed, for those who wait for news.
    end: watch::Sender<u64>,
}

/// One life of these tables. A database draws it at random when the schema is made, and again
/// when it was restored from a backup.
const INCARNATION: u64 = 1;

impl TableStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step: all of it or nothing, together with what it publishes.
    fn step<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        let mut tables = self.tables();
        let result = change(&mut tables);
        self.0.end.send_replace(tables.feed.len() as u64);
        result
    }
}

impl SessionStore for TableStore {
    async fn insert(&self, new: NewSession) -> StoreResult<Inserted> {
        Ok(self.step(|tables| tables.insert(new)))
    }

    async fn load(&self, key: SessionKey) -> StoreResult<Option<SessionRecord>> {
        Ok(self.tables().row(key).cloned())
    }

    async fn rotate(&self, rotation: Rotation) -> StoreResult<Rotated> {
        Ok(self.step(|tables| tables.rotate(&rotation)))
    }

    async fn count_grace(
        &self,
        key: SessionKey,
        generation: u64,
        grace_uses: u32,
        foreign_streak: u32,
    ) -> StoreResult<bool> {
        let seen =
            |row: &&mut SessionRecord| (row.generation, row.grace_uses) == (generation, grace_uses);
        Ok(self.step(|tables| {
            let Some(row) = tables.unrevoked(key).filter(seen) else { return false };
            row.grace_uses += 1;
            row.foreign_streak = foreign_streak;
            true
        }))
    }

    async fn revoke(
        &self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> StoreResult<Option<SessionRecord>> {
        Ok(self.step(|tables| {
            tables.end(key, Revoked { at: now, reason }).or_else(|| tables.row(key).cloned())
        }))
    }

    async fn update(
        &self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> StoreResult<Updated> {
        Ok(self.step(|tables| tables.update(key, revision, patch)))
    }

    async fn touch(&self, touches: Vec<Touch>) -> StoreResult<()> {
        self.step(|tables| touches.into_iter().for_each(|touch| tables.touch(touch)));
        Ok(())
    }

    async fn list(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
        limit: u32,
    ) -> StoreResult<Vec<SessionRecord>> {
        let place = |row: &SessionRecord| (row.created_at, row.id());
        let mut rows = self.tables().sessions.clone();
        rows.retain(|row| row.user == *user);
        rows.retain(|row| after.is_none_or(|after| place(row) < (after.created_at, after.id)));
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(place(row)));
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn find(&self, user: &UserId, id: SessionId) -> StoreResult<Option<SessionRecord>> {
        let own = |row: &&SessionRecord| row.user == *user && row.id() == id;
        Ok(self.tables().sessions.iter().find(own).cloned())
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        Ok(self.step(|tables| {
            let over = tables.sessions.extract_if(.., |row| row.purge_after() <= now);
            over.take(limit as usize).count() as u64
        }))
    }

    async fn key_usage(&self) -> StoreResult<Vec<(KeyVersion, u64)>> {
        let mut usage = std::collections::BTreeMap::new();
        for row in &self.tables().sessions {
            *usage.entry(row.key_version).or_default() += 1;
        }
        Ok(usage.into_iter().collect())
    }

    async fn register_keys(&self, registration: KeyRegistration) -> StoreResult<KeyRegistry> {
        Ok(self.step(|tables| {
            let pinned = KeyRegistry { checks: Vec::new(), exchange: registration.exchange };
            let registry = tables.keys.get_or_insert(pinned);
            for (version, check) in registration.checks {
                if registry.checks.iter().all(|(known, _)| *known != version) {
                    registry.checks.push((version, check));
                }
            }
            registry.clone()
        }))
    }
}

impl BlacklistStore for TableStore {
    async fn add_to_blacklist(&self, entries: Vec<BlacklistEntry>) -> StoreResult<()> {
        self.step(|tables| entries.into_iter().for_each(|entry| tables.blacklist(entry)));
        Ok(())
    }

    async fn raise_not_before(&self, not_before: NotBefore) -> StoreResult<Timestamp> {
        Ok(self.step(|tables| tables.raise(not_before)))
    }

    async fn query_blacklist(&self, query: BlacklistQuery) -> StoreResult<BlacklistAnswer> {
        let tables = self.tables();
        let own = query.user.map(NotBeforeScope::User);
        let concerns =
            |scope: &NotBeforeScope| *scope == NotBeforeScope::All || own.as_ref() == Some(scope);
        let instants = tables.not_before.iter().filter(|(_, instant)| concerns(&instant.scope));
        Ok(BlacklistAnswer {
            listed: tables.entries.iter().any(|(_, entry)| query.keys.contains(&entry.key)),
            not_before: instants.map(|(_, instant)| instant.at).max(),
        })
    }

    async fn blacklist_page(&self, after: Option<u64>, limit: u32) -> StoreResult<BlacklistPage> {
        Ok(self.tables().blacklist_page(after.unwrap_or_default(), limit as usize))
    }

    async fn purge_blacklist(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        // At `until` a token may still be accepted; only afterwards may its entry go.
        Ok(self.step(|tables| {
            let limit = limit as usize;
            let entries = tables.entries.extract_if(.., |(_, entry)| entry.until < now);
            let gone = entries.take(limit).count();
            let instants = tables.not_before.extract_if(.., |(_, instant)| instant.until < now);
            (gone + instants.take(limit - gone).count()) as u64
        }))
    }
}

impl ChangeFeed for TableStore {
    fn name(&self) -> &'static str {
        "tables"
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn connect(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Timestamp::EPOCH.saturating_add(since))
    }

    async fn tail(&self) -> StoreResult<FeedPosition> {
        Ok(FeedPosition::new(INCARNATION, self.tables().feed.len() as u64))
    }

    async fn changes(&self, after: &FeedPosition, limit: u32) -> StoreResult<ChangePage> {
        let feed = &self.tables().feed;
        let place = usize::try_from(after.sequence()).ok().filter(|place| *place <= feed.len());
        let place = place.filter(|_| after.incarnation() == INCARNATION);
        // Whoever comes from another life of the store starts over, from the end.
        let start = place.unwrap_or(feed.len());
        let end = feed.len().min(start.saturating_add(limit as usize));
        Ok(ChangePage {
            changes: feed[start..end].to_vec(),
            next: FeedPosition::new(INCARNATION, end as u64),
            at_tail: end == feed.len(),
            gap: place.is_none(),
        })
    }

    async fn wait(&self, after: &FeedPosition, patience: Duration) -> StoreResult<()> {
        let mut end = self.0.end.subscribe();
        let news = end.wait_for(|end| *end != after.sequence());
        // Over by news or by patience: the caller looks either way.
        let _ = tokio::time::timeout(patience, news).await;
        Ok(())
    }
}
