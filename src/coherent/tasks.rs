//! The background tasks: started once, on whatever runtime there is, and ended with the cache.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::coherent::Stores;
use crate::coherent::backoff::Backoff;
use crate::coherent::backoff::jittered;
use crate::coherent::coherence::Core;
use crate::coherent::follower::Follower;
use crate::coherent::follower::Role;
use crate::trace::gauge;

/// A follower that did nothing for so long has no runtime that runs it.
const STALLED_SECONDS: u64 = 10;
/// A feed that wakes for nothing is not asked again sooner.
const PAUSE: Duration = Duration::from_millis(2);

/// Who runs, and where they have come to.
#[derive(Debug)]
pub(super) struct Tasks {
    running: Mutex<Running>,
    born: Instant,
    /// When a follower was last seen at work, in milliseconds since birth.
    beat: AtomicU64,
    reread: AtomicBool,
}

#[derive(Debug, Default)]
struct Running {
    handles: Vec<JoinHandle<()>>,
    followers: Vec<Follower>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            born: Instant::now(),
            beat: AtomicU64::new(0),
            reread: AtomicBool::new(false),
        }
    }
}

impl Tasks {
    /// Starts the tasks on the current runtime, unless they run.
    pub(super) fn start(core: &Arc<Core>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let tasks = &core.tasks;
        let mut running = tasks.lock();
        if running.is_alive() && !tasks.is_stalled() {
            return;
        }
        running.stop();
        tasks.beat();
        let weak = Arc::downgrade(core);
        for follower in running.followers(&core.stores) {
            running.handles.push(runtime.spawn(follow(weak.clone(), follower)));
        }
        let bell = Arc::clone(&core.behind.bell);
        if core.behind.len() > 0 {
            bell.notify_one();
        }
        running.handles.push(runtime.spawn(write_behind(weak.clone(), bell)));
        running.handles.push(runtime.spawn(sweep(weak, core.config.sweep_interval)));
    }

    pub(super) fn stop(&self) {
        self.lock().stop();
    }

    /// The followers as far as they have come.
    pub(super) fn followers(&self, stores: &Stores) -> Vec<Follower> {
        self.lock().followers(stores)
    }

    /// Keeps where a follower has come to.
    pub(super) fn save(&self, follower: &Follower) {
        let mut running = self.lock();
        running.followers.retain(|other| other.role() != follower.role());
        running.followers.push(follower.clone());
    }

    /// A follower is at work.
    pub(super) fn beat(&self) {
        self.beat.store(self.millis(), Ordering::Relaxed);
    }

    /// The blacklist shall be read again from the beginning.
    pub(super) fn want_reread(&self) {
        self.reread.store(true, Ordering::Release);
    }

    pub(super) fn takes_reread(&self) -> bool {
        self.reread.swap(false, Ordering::AcqRel)
    }

    fn is_stalled(&self) -> bool {
        let since = self.millis().saturating_sub(self.beat.load(Ordering::Relaxed));
        Duration::from_millis(since) > Duration::from_secs(STALLED_SECONDS)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn is_alive(&self) -> bool {
        !self.handles.is_empty() && !self.handles.iter().any(JoinHandle::is_finished)
    }

    fn stop(&mut self) {
        for handle in self.handles.drain(..) {
            handle.abort();
        }
    }

    fn followers(&self, stores: &Stores) -> Vec<Follower> {
        let role = if stores.blacklist_feed.is_some() { Role::Sessions } else { Role::Both };
        let sessions = (stores.session_feed.clone(), role);
        let blacklist = stores.blacklist_feed.clone().map(|feed| (feed, Role::Blacklist));
        let known = |role| self.followers.iter().find(|follower| follower.role() == role).cloned();
        std::iter::once(sessions)
            .chain(blacklist)
            .map(|(feed, role)| known(role).unwrap_or_else(|| Follower::new(feed, role)))
            .collect()
    }
}

/// Follows a feed until the cache is gone.
async fn follow(core: Weak<Core>, mut follower: Follower) {
    let mut backoff = Backoff::default();
    let mut is_lost = false;
    loop {
        let Some(alive) = core.upgrade() else { return };
        let outcome = follower.step(&alive).await;
        alive.tasks.save(&follower);
        let patience = alive.config.patience();
        gauge!("segue_feed_lag_seconds", follower.lag(&alive).as_secs_f64());
        drop(alive);
        let outcome = match outcome {
            Ok(_) if follower.has_more() => {
                yield_now().await;
                continue;
            }
            Ok(news) => {
                let began = Instant::now();
                let waited = follower.wait(patience).await;
                if !news && began.elapsed() < PAUSE {
                    sleep(PAUSE).await;
                }
                waited
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) if is_lost => {
                tracing::info!("the feed is followed again");
                is_lost = false;
                backoff.succeeded();
            }
            Ok(()) => backoff.succeeded(),
            Err(error) => {
                if !is_lost {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the feed is lost; the store is read instead");
                    is_lost = true;
                }
                sleep(backoff.failed()).await;
            }
        }
    }
}

/// Writes signs of life: a moment after the first one came, so that more can join it.
async fn write_behind(core: Weak<Core>, bell: Arc<Notify>) {
    let mut backoff = Backoff::default();
    let Some(pause) = core.upgrade().map(|core| core.config.flush_after) else { return };
    loop {
        bell.notified().await;
        sleep(jittered(pause / 2, pause)).await;
        loop {
            let Some(alive) = core.upgrade() else { return };
            let outcome = alive.behind.flush(&alive.stores.sessions).await;
            drop(alive);
            if outcome.is_ok() {
                backoff.succeeded();
                break;
            }
            sleep(backoff.failed()).await;
        }
    }
}

/// Purges dead rows from time to time, not in step with other nodes.
async fn sweep(core: Weak<Core>, interval: Duration) {
    loop {
        sleep(jittered(interval * 3 / 4, interval * 5 / 4)).await;
        let Some(alive) = core.upgrade() else { return };
        if let Err(error) = alive.sweep(alive.clock.now()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "purging failed; the next round goes on");
        }
    }
}
