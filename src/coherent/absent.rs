//! Sessions that the store did not know a moment ago.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::id::SessionKey;
use crate::time::Monotonic;

const ENTRIES_MAX: usize = 4_096;

/// Remembered for the staleness bound, so that a client which keeps using the token of a purged
/// session does not become a read per request.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<HashMap<SessionKey, Entry>>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    asked_at: Monotonic,
    stamp: u32,
}

impl Absent {
    pub(super) fn note(&self, key: SessionKey, asked_at: Monotonic, stamp: u32, bound: Duration) {
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, entry| asked_at.since(entry.asked_at) <= bound);
        }
        if entries.len() < ENTRIES_MAX {
            entries.insert(key, Entry { asked_at, stamp });
        }
    }

    /// Whether the store did not know the key at `at`, less the bound, and nothing was heard of it
    /// since.
    pub(super) fn contains(
        &self,
        key: &SessionKey,
        at: Monotonic,
        stamp: u32,
        bound: Duration,
    ) -> bool {
        let entries = self.lock();
        let entry = entries.get(key);
        entry.is_some_and(|entry| at.since(entry.asked_at) <= bound && entry.stamp == stamp)
    }

    pub(super) fn forget(&self, key: &SessionKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(1);

    /// Absence counts for the bound, and for as long as nothing is heard of the key.
    #[test]
    fn absence_is_short() {
        let absent = Absent::default();
        let key = SessionKey::from_bytes([1; 32]);
        let late = Monotonic::START.saturating_add(2 * BOUND);
        absent.note(key, Monotonic::START, 7, BOUND);
        assert!(absent.contains(&key, Monotonic::START, 7, BOUND));
        assert!(!absent.contains(&key, Monotonic::START, 8, BOUND));
        assert!(!absent.contains(&key, late, 7, BOUND));
    }

    /// However many are asked for, few are kept, and old ones make room.
    #[test]
    fn it_is_bounded() {
        let absent = Absent::default();
        let key = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            SessionKey::from_bytes(bytes)
        };
        for number in 0..2 * ENTRIES_MAX {
            absent.note(key(number), Monotonic::START, 0, BOUND);
        }
        assert_eq!(absent.lock().len(), ENTRIES_MAX);
        let late = Monotonic::START.saturating_add(2 * BOUND);
        absent.note(key(0), late, 0, BOUND);
        assert_eq!(absent.lock().len(), 1);
    }
}
