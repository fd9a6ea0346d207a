//! Sessions: found in memory, loaded from the store, forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::coherent::CachedSession;
use crate::coherent::ReadMode;
use crate::coherent::coherence::Core;
use crate::coherent::coherence::Shared;
use crate::coherent::coherence::unshare;
use crate::coherent::local;
use crate::coherent::session::Reading;
use crate::coherent::session::Row;
use crate::device::Device;
use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::id::SessionKey;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::time::Moment;
use crate::time::Monotonic;
use crate::trace::count;

/// How long a question waits for its turn.
const TURN_SECONDS_MAX: u64 = 1;

/// What has to be known from before the store was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    at: Monotonic,
    stamp: u32,
}

impl Core {
    pub(super) fn with_session<R>(
        &self,
        secret: &[u8; 16],
        moment: Moment,
        f: impl FnOnce(&CachedSession) -> R,
    ) -> Option<R> {
        if !self.config.is_cached() {
            return None;
        }
        let hash = self.table.hash(secret);
        let is_good = |row: &Row| self.is_good(row, moment.monotonic);
        let find = || self.table.find(hash, secret);
        local::with(self.table.identity, hash, secret, is_good, find, f)
    }

    /// Whether a row is as good as the store's at this instant.
    fn is_good(&self, row: &Row, at: Monotonic) -> bool {
        if row.stamp != self.stamps.of(&row.key) || self.is_old(row, at) {
            return false;
        }
        let bound = self.config.trust();
        let is_own = at <= row.asked_at.saturating_add(bound);
        let replica = self.replica_is_trusted(at);
        (self.trust.holds(at, bound) && replica) || (is_own && (row.is_checked() || replica))
    }

    fn is_old(&self, row: &Row, at: Monotonic) -> bool {
        at.since(row.asked_at) > self.config.reload_after
    }

    pub(super) async fn load_session(
        &self,
        secret: [u8; 16],
        key: SessionKey,
        moment: Moment,
    ) -> StoreResult<Option<Arc<CachedSession>>> {
        let asked = self.asking(&key);
        if !self.config.is_cached() {
            return self.read_session(secret, key, asked.stamp).await;
        }
        let bound = self.config.staleness_max;
        if self.absent.contains(&key, moment.monotonic, asked.stamp, bound) {
            return Ok(None);
        }
        let load = || async { self.read_session(secret, key, asked.stamp).await.map_err(Arc::new) };
        let answer: Shared<_> =
            self.loads.join(key, asked.stamp.into(), asked.at, bound, load).await;
        match answer {
            Ok(session) => Ok(session),
            Err(error) => self.stale_session(&secret, moment).map(Some).ok_or(unshare(&error)),
        }
    }

    async fn read_session(
        &self,
        secret: [u8; 16],
        key: SessionKey,
        stamp: u32,
    ) -> StoreResult<Option<Arc<CachedSession>>> {
        let _turn = self.turn("load session").await?;
        let asked_at = self.clock.read().monotonic;
        let record = self.stores.sessions.load(key).await?;
        count!("segue_cache_loads_total", "found" => if record.is_some() { "true" } else { "false" });
        let Some(record) = record else {
            self.absent.note(key, asked_at, stamp, self.config.staleness_max);
            return Ok(None);
        };
        if let Some(revoked) = record.revoked {
            self.note_if_recent(key, revoked.reason, revoked.at);
        }
        let checked = !self.replica_is_trusted(asked_at);
        let mut revoked = self.recent.is_revoked(&key);
        if checked {
            let not_before = self.ask_not_before(&record.user).await?;
            revoked |= not_before.is_some_and(|at| record.authenticated_at <= at);
        }
        let row = Row::new(secret, &record, Reading { asked_at, stamp, revoked, checked });
        Ok(Some(Arc::new(CachedSession::new(self.keep(row)))))
    }

    /// Puts a row into the table, unless it took longer than the bound to arrive.
    fn keep(&self, row: Row) -> Arc<Row> {
        let now = self.clock.read().monotonic;
        if !self.config.is_cached() || now.since(row.asked_at) > self.config.staleness_max {
            return Arc::new(row);
        }
        self.table.insert(row, |row| row.stamp != self.stamps.of(&row.key) || self.is_old(row, now))
    }

    /// The last cached row, where the operator permits that while the store is down.
    fn stale_session(&self, secret: &[u8; 16], moment: Moment) -> Option<Arc<CachedSession>> {
        let ReadMode::StaleOk(span) = self.config.mode else { return None };
        let row = self.table.find(self.table.hash(secret), secret)?;
        let complete = self.trust.complete_as_of().max(row.asked_at);
        let permitted = moment.monotonic <= complete.saturating_add(span)
            && row.stamp == self.stamps.of(&row.key);
        permitted.then(|| Arc::new(CachedSession::new(row)))
    }

    pub(super) fn asking(&self, key: &SessionKey) -> Asked {
        let stamp = self.stamps.of(key);
        Asked { at: self.clock.read().monotonic, stamp }
    }

    pub(super) fn put_session(&self, secret: [u8; 16], record: &SessionRecord, asked: Asked) {
        self.absent.forget(&record.key);
        let revoked = self.recent.is_revoked(&record.key);
        let reading = Reading { asked_at: asked.at, stamp: asked.stamp, revoked, checked: false };
        if self.config.is_cached() {
            self.keep(Row::new(secret, record, reading));
        }
    }

    pub(super) fn forget_session(&self, key: &SessionKey) {
        self.stamps.advance(key);
        self.absent.forget(key);
    }

    /// The feed was joined anew: nothing read so far is covered by it.
    pub(super) fn void_sessions(&self) {
        self.stamps.advance_all();
        self.table.clear();
    }

    pub(super) fn note_revoked(&self, key: SessionKey, reason: RevokeReason) {
        self.recent.note_revoked(key, reason, self.clock.read().monotonic);
        self.behind.forget(&key);
        self.forget_session(&key);
    }

    pub(super) fn note_use(
        &self,
        session: &CachedSession,
        moment: Moment,
        device: Option<&Device>,
    ) {
        if session.is_revoked()
            || !session.is_due(moment.now, self.config.write_interval)
            || self.behind.is_full()
            || !session.raise_activity(moment.now, self.config.write_interval)
            || self.recent.is_revoked(&session.key())
        {
            return;
        }
        let device = device.cloned();
        self.behind.push(Touch { key: session.key(), seen_at: moment.now, device });
    }

    /// Waits until the store may be asked one question more.
    pub(super) async fn turn(
        &self,
        operation: &'static str,
    ) -> StoreResult<tokio::sync::SemaphorePermit<'_>> {
        let patience = Duration::from_secs(TURN_SECONDS_MAX);
        match timeout(patience, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(StoreError::new(StoreErrorKind::Timeout, operation)),
        }
    }
}
