//! What was revoked in the last ten minutes, to be said again to a store that forgot it.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::NotBefore;
use crate::id::SessionKey;
use crate::session::RevokeReason;
use crate::time::Monotonic;

/// As long as feeds keep their entries: what is older reached every replica of the store, or the
/// operator restored a backup and sets a global not-before.
const KEPT_SECONDS: u64 = 600;
/// Of each kind; the oldest go first.
const ENTRIES_MAX: usize = 20_000;

/// The recent set.
///
/// A store that fails over to a replica which lags behind has lost the last revocations, though
/// they were acknowledged. The nodes have not: each writes what it knows again. Writing is
/// idempotent, so it does not matter how many do.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Kept>);

/// Everything that has to be said again.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) entries: VecDeque<(Monotonic, BlacklistEntry)>,
    pub(super) instants: VecDeque<(Monotonic, NotBefore)>,
    pub(super) sessions: VecDeque<(Monotonic, SessionKey)>,
    pub(super) reasons: HashMap<SessionKey, RevokeReason>,
}

impl Recent {
    pub(super) fn note_entry(&self, entry: BlacklistEntry, at: Monotonic) {
        push(&mut self.lock().entries, at, entry);
    }

    pub(super) fn note_not_before(&self, instant: NotBefore, at: Monotonic) {
        push(&mut self.lock().instants, at, instant);
    }

    pub(super) fn note_revoked(&self, key: SessionKey, reason: RevokeReason, at: Monotonic) {
        let mut kept = self.lock();
        if kept.reasons.contains_key(&key) {
            return;
        }
        kept.reasons.insert(key, reason);
        for gone in push(&mut kept.sessions, at, key) {
            kept.reasons.remove(&gone);
        }
    }

    /// Whether the session is known to have been revoked lately, whatever the store says now.
    pub(super) fn is_revoked(&self, key: &SessionKey) -> bool {
        self.lock().reasons.contains_key(key)
    }

    /// Everything that is recent at this instant.
    pub(super) fn all(&self, at: Monotonic) -> Kept {
        let mut kept = self.lock();
        prune(&mut kept.entries, at);
        prune(&mut kept.instants, at);
        for gone in prune(&mut kept.sessions, at) {
            kept.reasons.remove(&gone);
        }
        kept.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds at the end; what had to go for it.
fn push<T>(queue: &mut VecDeque<(Monotonic, T)>, at: Monotonic, item: T) -> Vec<T> {
    let mut gone = prune(queue, at);
    if queue.len() >= ENTRIES_MAX {
        gone.extend(queue.pop_front().map(|(_, item)| item));
    }
    queue.push_back((at, item));
    gone
}

fn prune<T>(queue: &mut VecDeque<(Monotonic, T)>, at: Monotonic) -> Vec<T> {
    let mut gone = Vec::new();
    while let Some((since, _)) = queue.front()
        && at.since(*since) > Duration::from_secs(KEPT_SECONDS)
    {
        gone.extend(queue.pop_front().map(|(_, item)| item));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::START.saturating_add(Duration::from_secs(seconds))
    }

    fn key(number: usize) -> SessionKey {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SessionKey::from_bytes(bytes)
    }

    /// Ten minutes, and then it is forgotten.
    #[test]
    fn it_forgets_after_ten_minutes() {
        let recent = Recent::default();
        recent.note_revoked(key(1), RevokeReason::Logout, at(0));
        assert_eq!(recent.all(at(600)).sessions.len(), 1);
        assert!(recent.is_revoked(&key(1)));
        assert!(recent.all(at(601)).sessions.is_empty());
        assert!(!recent.is_revoked(&key(1)));
    }

    /// The first reason stays, and the set is bounded.
    #[test]
    fn it_is_bounded() {
        let recent = Recent::default();
        for number in 0..=ENTRIES_MAX {
            recent.note_revoked(key(number), RevokeReason::Logout, at(1));
            recent.note_revoked(key(number), RevokeReason::Reuse, at(1));
        }
        let kept = recent.all(at(1));
        assert_eq!((kept.sessions.len(), kept.reasons.len()), (ENTRIES_MAX, ENTRIES_MAX));
        assert!(!recent.is_revoked(&key(0)));
        assert_eq!(kept.reasons[&key(ENTRIES_MAX)], RevokeReason::Logout);
    }
}
