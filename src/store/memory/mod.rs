//! The store that lives in this process: the reference behaviour of the contract.

mod blacklist;
mod changes;
mod handle;
mod sessions;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::store::memory::blacklist::BlacklistTable;
use crate::store::memory::changes::ChangeRing;
use crate::store::memory::sessions::SessionTable;
use crate::time::Clock;
use crate::time::Timestamp;
use crate::time::wall_clock;

/// A store in the memory of this process: for tests, for trying things out, and as the behaviour
/// that every other store is measured against.
///
/// Clones are handles on the same data. A restart forgets everything: every session is over, and
/// so is every entry of the blacklist, so that **legacy tokens which were killed live again**.
/// That is why production wants one of the stores that keep.
///
/// It never fails, and every method is one short critical section.
///
/// ```
/// use segue::MemoryStore;
/// use segue::store::ChangeFeed;
///
/// let store = MemoryStore::new();
/// assert_eq!(store.name(), "memory");
/// assert!(!store.is_shared());
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    // Told of the end of the feed after every write, for whoever waits.
    tail: watch::Sender<u64>,
    incarnation: u64,
    clock: Option<Clock>,
}

#[derive(Default)]
struct State {
    sessions: SessionTable,
    blacklist: BlacklistTable,
    changes: ChangeRing,
}

impl MemoryStore {
    /// An empty store whose time is the machine's wall clock.
    #[must_use]
    pub fn new() -> Self {
        Self::open(None)
    }

    /// An empty store that tells the time of this clock, such as one that a test moves by hand.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        Self::open(Some(clock))
    }

    fn open(clock: Option<Clock>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            tail: watch::Sender::new(0),
            // Seeded by the operating system, and another one for every store.
            incarnation: RandomState::new().hash_one("incarnation"),
            clock,
        }))
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        let end = state.changes.tail();
        // Under the lock, so that the end is never told backwards.
        self.0.tail.send_if_modified(|told| std::mem::replace(told, end) != end);
        result
    }

    fn time(&self) -> Timestamp {
        self.0.clock.as_ref().map_or_else(wall_clock, Clock::now)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions = self.read(|state| state.sessions.len());
        f.debug_struct("MemoryStore").field("sessions", &sessions).finish_non_exhaustive()
    }
}
