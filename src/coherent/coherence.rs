//! The handle that the flows hold, and what stands behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::blacklist::BlacklistKey;
use crate::coherent::CachedSession;
use crate::coherent::CoherenceConfig;
use crate::coherent::Stores;
use crate::coherent::absent::Absent;
use crate::coherent::behind::Behind;
use crate::coherent::judging::Question;
use crate::coherent::loads::Loads;
use crate::coherent::recent::Recent;
use crate::coherent::replica::Replica;
use crate::coherent::sessions::Asked;
use crate::coherent::stamps::Stamps;
use crate::coherent::sweep::Swept;
use crate::coherent::table::Table;
use crate::coherent::tasks::Tasks;
use crate::coherent::trust::Trust;
use crate::device::Device;
use crate::error::AuthErrorKind;
use crate::error::StoreError;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistQuery;
use crate::store::Change;
use crate::store::StoreResult;
use crate::time::Clock;
use crate::time::Moment;
use crate::time::Timestamp;

/// Questions to the store on their way at once; more wait their turn.
const QUESTIONS_MAX: usize = 256;

/// What several askers are told at once.
pub(super) type Shared<T> = Result<T, Arc<StoreError>>;

/// The cache of one node: sessions, the blacklist, and the tasks that keep both true.
///
/// Cloning shares it. The tasks end when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Coherence(Arc<Core>);

/// What the clones share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) trust: Trust,
    pub(super) replica: Replica,
    pub(super) stamps: Stamps,
    pub(super) table: Table,
    pub(super) absent: Absent,
    pub(super) loads: Loads<SessionKey, Shared<Option<Arc<CachedSession>>>>,
    pub(super) questions: Loads<Question, Shared<BlacklistAnswer>>,
    pub(super) turns: Semaphore,
    pub(super) recent: Recent,
    pub(super) behind: Behind,
    pub(super) tasks: Tasks,
    pub(super) stores: Stores,
    pub(super) clock: Clock,
    pub(super) config: CoherenceConfig,
}

impl Coherence {
    /// Puts the parts together. Asks nothing, starts nothing, needs no runtime.
    pub(crate) fn new(stores: Stores, clock: Clock, config: CoherenceConfig) -> Self {
        Self(Arc::new(Core {
            trust: Trust::new(),
            replica: Replica::new(config.blacklist_max),
            stamps: Stamps::new(config.sessions_max),
            table: Table::new(config.sessions_max),
            absent: Absent::default(),
            loads: Loads::new(),
            questions: Loads::new(),
            turns: Semaphore::new(QUESTIONS_MAX),
            recent: Recent::default(),
            behind: Behind::default(),
            tasks: Tasks::default(),
            stores,
            clock,
            config,
        }))
    }

    /// Starts the background tasks on the current runtime, unless they run already.
    ///
    /// Outside a runtime it does nothing: everything is read through until somebody calls it
    /// inside one. When the runtime that carries the tasks has ended, or does not run them any
    /// more, the next call starts them on the current one. Loads call it too.
    pub(crate) fn start(&self) {
        Tasks::start(&self.0);
    }

    /// Connects, reads the whole blacklist, joins the feed, and starts the tasks.
    ///
    /// # Errors
    ///
    /// The first fault of a store; calling again tries again.
    pub(crate) async fn ready(&self) -> StoreResult<()> {
        let core = &self.0;
        let feeds = [Some(&core.stores.session_feed), core.stores.blacklist_feed.as_ref()];
        for feed in feeds.into_iter().flatten() {
            feed.connect().await?;
        }
        for mut follower in core.tasks.followers(&core.stores) {
            follower.catch_up_fully(core).await?;
            core.tasks.save(&follower);
        }
        self.start();
        Ok(())
    }

    pub(crate) fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// Hands the cached session of an access token's secret to `f`, without waiting, asking or
    /// allocating. `None`: not cached, or not as good as the store at this moment;
    /// [`load_session`](Self::load_session) is next.
    ///
    /// What is handed over may be revoked, expired or the wrong device's: judge it with
    /// [`judge_session`](Self::judge_session).
    pub(crate) fn with_session<R>(
        &self,
        secret: &[u8; 16],
        moment: Moment,
        f: impl FnOnce(&CachedSession) -> R,
    ) -> Option<R> {
        self.0.with_session(secret, moment, f)
    }

    /// Reads a session from the store, once however many ask at the same time, and keeps it as
    /// far as that is permitted. `Ok(None)`: there is no such session.
    ///
    /// # Errors
    ///
    /// The store's fault, or [`Timeout`](crate::StoreErrorKind::Timeout) when too many loads wait.
    /// Never absence. Where stale answers are permitted, the last cached row may answer instead.
    pub(crate) async fn load_session(
        &self,
        secret: [u8; 16],
        key: SessionKey,
        moment: Moment,
    ) -> StoreResult<Option<Arc<CachedSession>>> {
        self.start();
        self.0.load_session(secret, key, moment).await
    }

    /// Why a session found just now can't be used, if it can't: revoked, expired, idle, or older
    /// than a not-before instant. What was judged once is not judged again until the blacklist
    /// changes.
    ///
    /// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) if it can't be told; that does not
    /// happen at the moment at which the session was found or loaded. An idle verdict over a
    /// session from [`with_session`](Self::with_session) has to be confirmed by
    /// [`load_session`](Self::load_session) after [`forget_session`](Self::forget_session): it may
    /// have been used on another node.
    pub(crate) fn judge_session(
        &self,
        session: &CachedSession,
        moment: Moment,
    ) -> Option<AuthErrorKind> {
        self.0.judge_session(session, moment)
    }

    /// Forgets a session that this node changed, or wants to read again. What is still on its way
    /// from the store will not be kept. To be called after the store has acknowledged the change.
    pub(crate) fn forget_session(&self, key: SessionKey) {
        self.0.forget_session(&key);
    }

    /// The same for a session that this node revoked, or saw revoked; it stays revoked here even
    /// if the store should forget it, and no sign of life of it is written any more.
    pub(crate) fn note_revoked(&self, key: SessionKey, reason: RevokeReason) {
        self.0.note_revoked(key, reason);
    }

    /// To be called before the store is asked for a row that shall be put into the cache.
    pub(crate) fn asking(&self, key: &SessionKey) -> Asked {
        self.0.asking(key)
    }

    /// Caches a row that was written or read after [`asking`](Self::asking), so that the first
    /// request need not load it. News of the session since void it.
    pub(crate) fn put_session(&self, secret: [u8; 16], record: &SessionRecord, asked: Asked) {
        self.0.put_session(secret, record, asked);
    }

    /// A number that changes whenever something is added to the blacklist that can refuse a token.
    ///
    /// To memoise a verdict: read the epoch, judge, keep both. The verdict holds while the epoch is
    /// the same *and* [`blacklist_is_trusted`](Self::blacklist_is_trusted).
    pub(crate) fn blacklist_epoch(&self) -> u64 {
        self.0.replica.epoch()
    }

    /// Whether a memoised verdict of the same epoch holds at this moment.
    pub(crate) fn blacklist_is_trusted(&self, moment: Moment) -> bool {
        self.0.replica_is_trusted(moment.monotonic)
    }

    /// Judges from memory, without waiting or asking. `None`: nothing is known against the token,
    /// and that means nothing at this moment; [`query_blacklist`](Self::query_blacklist) is next.
    pub(crate) fn judge_blacklist(
        &self,
        keys: &[BlacklistKey],
        user: Option<&UserId>,
        moment: Moment,
    ) -> Option<BlacklistAnswer> {
        self.0.judge_blacklist(keys, user, moment)
    }

    /// Asks the store, once however many ask the same. What memory lists stays listed, whatever
    /// the store says.
    ///
    /// # Errors
    ///
    /// The store's fault, unless memory was complete within `stale_ok`: then memory answers.
    pub(crate) async fn query_blacklist(
        &self,
        query: BlacklistQuery,
        moment: Moment,
        stale_ok: Duration,
    ) -> StoreResult<BlacklistAnswer> {
        self.start();
        self.0.query_blacklist(query, moment, stale_ok).await
    }

    /// Asks the store itself, however well memory is informed: for whoever is about to make
    /// something that lives longer than news are late.
    ///
    /// # Errors
    ///
    /// The store's fault.
    pub(crate) async fn query_store(&self, query: BlacklistQuery) -> StoreResult<BlacklistAnswer> {
        self.0.query_store(query).await
    }

    /// The later of the user's and the global not-before instant. The outer `None`: not known at
    /// this moment.
    pub(crate) fn not_before(&self, user: &UserId, moment: Moment) -> Option<Option<Timestamp>> {
        let core = &self.0;
        let trusted = core.replica_is_trusted(moment.monotonic);
        trusted.then(|| core.replica.not_before(Some(user)))
    }

    /// Takes in what this node wrote itself, without waiting for the feed. To be called after the
    /// store has acknowledged it.
    pub(crate) fn apply_local(&self, change: &Change) {
        self.0.apply(change);
    }

    /// Notes a sign of life, to be written behind: at most once per session and interval, never
    /// for a revoked one. Never waits.
    pub(crate) fn note_use(
        &self,
        session: &CachedSession,
        moment: Moment,
        device: Option<&Device>,
    ) {
        self.0.note_use(session, moment, device);
    }

    /// Writes the signs of life that wait: before the process ends, and in tests. Those collected
    /// since the last write are lost with the process otherwise.
    ///
    /// # Errors
    ///
    /// The store's fault; what could not be written waits on.
    pub(crate) async fn flush(&self) -> StoreResult<()> {
        self.0.behind.flush(&self.0.stores.sessions).await
    }

    /// One round of the sweeper: purges what is dead at `now`, in bounded batches.
    ///
    /// # Errors
    ///
    /// The store's fault; what was purged before it stays purged.
    pub(crate) async fn sweep_once(&self, now: Timestamp) -> StoreResult<Swept> {
        self.0.sweep(now).await
    }
}

#[cfg(test)]
impl Coherence {
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// One step of every follower, without tasks.
    pub(super) async fn follow_once(&self) -> StoreResult<()> {
        let core = &self.0;
        for mut follower in core.tasks.followers(&core.stores) {
            let outcome = follower.step(core).await;
            core.tasks.save(&follower);
            outcome?;
        }
        Ok(())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// The same fault for one of those who waited; the cause stays attached.
pub(super) fn unshare(error: &Arc<StoreError>) -> StoreError {
    StoreError::new(error.kind(), error.operation()).with_source(Arc::clone(error))
}
