//! The one rule of the cache: a row counts only while the stamp of its key is what it was before
//! the row was asked for.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::id::SessionKey;

const STAMPS_MIN: usize = 1 << 10;
const STAMPS_MAX: usize = 1 << 17;

/// A counter for every key, shared by the few keys that fall together.
///
/// A change of a session advances its counter, and with that everything derived from an earlier
/// reading is void wherever it lies: in the table, in a thread's own copies, in a load still on
/// its way. So invalidation is one atomic addition, takes no lock, needs no index from keys to
/// cache slots, and can't race with whoever is about to cache a row: a row read before the change
/// is void on arrival. The price is that neighbours under the same counter are read again too: one
/// session per change in a cache of a hundred thousand, eight in one of a million. That is nothing
/// beside the reading again that happens to all of them every minute, and half a megabyte of
/// counters stays close to the processor.
#[derive(Debug)]
pub(super) struct Stamps(Box<[AtomicU32]>);

impl Stamps {
    pub(super) fn new(sessions_max: usize) -> Self {
        let count = sessions_max.clamp(STAMPS_MIN, STAMPS_MAX).next_power_of_two();
        Self((0..count).map(|_| AtomicU32::new(0)).collect())
    }

    /// The stamp of a key now. To be taken before the row is asked for.
    pub(super) fn of(&self, key: &SessionKey) -> u32 {
        self.place(key).load(Ordering::Acquire)
    }

    /// Voids everything read of this key so far.
    pub(super) fn advance(&self, key: &SessionKey) {
        self.place(key).fetch_add(1, Ordering::AcqRel);
    }

    /// Voids everything.
    pub(super) fn advance_all(&self) {
        for stamp in &self.0 {
            stamp.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn place(&self, key: &SessionKey) -> &AtomicU32 {
        // Keys are hashes, so any of their bytes are as good as another hash.
        let bytes = key.as_bytes();
        let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let index = usize::try_from(number).unwrap_or(0) & (self.0.len() - 1);
        &self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change voids its own key, and everything is voided at once when asked.
    #[test]
    fn changes_show() {
        let stamps = Stamps::new(0);
        let (one, other) = (SessionKey::from_bytes([1; 32]), SessionKey::from_bytes([2; 32]));
        let before = (stamps.of(&one), stamps.of(&other));
        stamps.advance(&one);
        assert_ne!(stamps.of(&one), before.0);
        assert_eq!(stamps.of(&other), before.1);
        stamps.advance_all();
        assert_ne!(stamps.of(&other), before.1);
    }

    /// The number of counters follows the size of the cache within its bounds.
    #[test]
    fn there_are_enough() {
        assert_eq!(Stamps::new(0).0.len(), STAMPS_MIN);
        assert_eq!(Stamps::new(100_000).0.len(), 131_072);
        assert_eq!(Stamps::new(usize::MAX / 2).0.len(), STAMPS_MAX);
    }
}
