//! A store that fails on demand and counts its calls, for tests (feature `test-util`).

mod plan;
mod wrapped;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::store::StoreResult;
use crate::store::faulty::plan::Plan;

/// What a [`FaultyStore`] does to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails at once; nothing was done.
    Fail(StoreErrorKind),
    /// The call never returns; nothing was done.
    Hang,
    /// The call is done, and its answer waits until [`FaultyStore::heal`].
    HoldAnswer,
    /// The call waits until [`FaultyStore::heal`], and is done then.
    HoldCall,
    /// The call is done, and its answer is lost: the caller gets an error.
    LoseAnswer(StoreErrorKind),
}

/// Wraps any store: fails, hangs or delays calls when a test says so, and counts them.
///
/// Clones share the store, the faults and the counters. Operations have the names that stand in
/// logs and metrics, such as `"load session"`; see [`FaultyStore::OPERATIONS`]. A name that does
/// not exist panics, since a counter of a misspelt operation would stay at zero for the wrong reason.
///
/// ```
/// use segue::MemoryStore;
/// use segue::SessionKey;
/// use segue::SessionStore;
/// use segue::StoreErrorKind;
/// use segue::store::Fault;
/// use segue::store::FaultyStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = FaultyStore::new(MemoryStore::new());
/// store.inject(Fault::Fail(StoreErrorKind::Unavailable));
/// assert!(store.load(SessionKey::from_bytes([1; 32])).await.is_err());
/// store.heal();
/// assert!(store.load(SessionKey::from_bytes([1; 32])).await.is_ok());
/// assert_eq!(store.calls("load session"), 2);
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyStore<S>(Arc<Shared<S>>);

#[derive(Debug)]
struct Shared<S> {
    inner: S,
    plan: Mutex<Plan>,
    // How often calls were let go; a held call waits for the next time.
    releases: watch::Sender<u64>,
    held: watch::Sender<usize>,
}

impl<S> FaultyStore<S> {
    /// Every operation there is: the sessions, the blacklist, then the feed.
    pub const OPERATIONS: &[&str] = &plan::OPERATIONS;

    /// Wraps `store`; nothing fails yet.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self(Arc::new(Shared {
            inner: store,
            plan: Mutex::default(),
            releases: watch::Sender::new(0),
            held: watch::Sender::new(0),
        }))
    }

    /// The store inside; calls on it neither fail nor count.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.0.inner
    }

    /// Does this to every call from now on, of whatever operation.
    pub fn inject(&self, fault: Fault) {
        self.plan(|plan| plan.everywhere(fault));
    }

    /// Does this to every call of one operation; it goes before [`inject`](Self::inject).
    pub fn inject_only(&self, operation: &str, fault: Fault) {
        self.inject_times(operation, fault, u32::MAX);
    }

    /// Does this to the next calls of one operation.
    pub fn inject_times(&self, operation: &str, fault: Fault, times: u32) {
        self.plan(|plan| plan.at(operation, fault, times));
    }

    /// Ends every fault and lets held calls go on. What hangs goes on hanging.
    pub fn heal(&self) {
        self.plan(Plan::heal);
        self.0.releases.send_modify(|releases| *releases += 1);
    }

    /// Waits until so many calls are held at once.
    pub async fn held(&self, calls: usize) {
        let mut held = self.0.held.subscribe();
        // The sender lives as long as `self`, so this ends by the count alone.
        let _ = held.wait_for(|count| *count >= calls).await;
    }

    /// How often this operation was called, failed calls included.
    #[must_use]
    pub fn calls(&self, operation: &str) -> u64 {
        self.plan(|plan| plan.calls(operation))
    }

    /// How many calls of sessions and blacklist there were. Those of the feed, which background
    /// tasks follow at their own pace, do not count.
    #[must_use]
    pub fn total_calls(&self) -> u64 {
        self.plan(|plan| plan.total_calls())
    }

    /// Sets the counters to zero.
    pub fn reset_calls(&self) {
        self.plan(Plan::reset_calls);
    }

    fn plan<T>(&self, look: impl FnOnce(&mut Plan) -> T) -> T {
        look(&mut self.0.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn pass<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        // Both under one lock, or a release in between would be missed.
        let (fault, release) =
            self.plan(|plan| (plan.count(operation), self.0.releases.borrow().saturating_add(1)));
        match fault {
            None => call.await,
            Some(Fault::Fail(kind)) => Err(StoreError::new(kind, operation)),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::HoldAnswer) => {
                let answer = call.await;
                self.hold(release).await;
                answer
            }
            Some(Fault::HoldCall) => {
                self.hold(release).await;
                call.await
            }
            Some(Fault::LoseAnswer(kind)) => {
                call.await?;
                Err(StoreError::new(kind, operation))
            }
        }
    }

    async fn hold(&self, release: u64) {
        let _held = Held::count(&self.0.held);
        let mut releases = self.0.releases.subscribe();
        let _ = releases.wait_for(|releases| *releases >= release).await;
    }
}

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Counts a held call, also when its caller gives up.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn count(held: &'a watch::Sender<usize>) -> Self {
        held.send_modify(|count| *count += 1);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SessionKey;
    use crate::store::ChangeFeed;
    use crate::store::MemoryStore;
    use crate::store::SessionStore;

    const KEY: SessionKey = SessionKey::from_bytes([1; 32]);

    /// A held answer was made before the release, and arrives after it.
    #[tokio::test]
    async fn held_calls_go_on_when_healed() {
        for fault in [Fault::HoldAnswer, Fault::HoldCall] {
            let store = FaultyStore::new(MemoryStore::new());
            store.inject_only("load session", fault);
            let call = tokio::spawn({
                let store = store.clone();
                async move { store.load(KEY).await }
            });
            store.held(1).await;
            assert!(!call.is_finished());
            store.heal();
            assert!(call.await.unwrap().unwrap().is_none());
            assert!(store.load(KEY).await.is_ok());
        }
    }

    /// Faults hit the operation they name, as often as they say; the feed does not count.
    #[tokio::test]
    async fn faults_hit_what_they_name() {
        let store = FaultyStore::new(MemoryStore::new());
        store.inject_times("load session", Fault::Fail(StoreErrorKind::Conflict), 1);
        assert_eq!(store.load(KEY).await.unwrap_err().kind(), StoreErrorKind::Conflict);
        assert!(store.load(KEY).await.is_ok());
        store.inject(Fault::LoseAnswer(StoreErrorKind::Timeout));
        assert_eq!(store.tail().await.unwrap_err().operation(), "find end of feed");
        assert_eq!((store.total_calls(), store.calls("find end of feed")), (2, 1));
        store.reset_calls();
        assert_eq!(store.total_calls(), 0);
    }

    /// A misspelt operation is found out instead of counting zero forever.
    #[test]
    #[should_panic(expected = "no store operation")]
    fn unknown_operations_panic() {
        let _ = FaultyStore::new(MemoryStore::new()).calls("load sesion");
    }

    /// The names are those that stand in errors and metrics.
    #[test]
    fn names_are_those_of_the_metrics() {
        let erased = include_str!("../erased.rs");
        for operation in plan::OPERATIONS {
            assert!(erased.contains(&format!("\"{operation}\"")), "{operation}");
        }
    }
}
