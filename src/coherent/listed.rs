//! The exact set of killed tokens: a short prefix of each name, and until when it counts.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use foldhash::fast::RandomState;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::time::Timestamp;

const SHARDS: usize = 64;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Half of the name's digest. Two names that share it can't be found in less than 2^64 steps, and
/// whoever finds them has got one of their own tokens refused; a killed token is never missed. It
/// makes an entry 24 to 48 bytes, depending on how full the table is, instead of twice that.
type Prefix = [u8; 16];

/// Killed tokens, exactly. A compact filter for the bulk of old entries would stand behind it and
/// be asked last.
#[derive(Debug)]
pub(super) struct Listed {
    shards: Box<[Shard]>,
    entries: AtomicUsize,
    entries_max: usize,
}

/// Until is kept in whole seconds, rounded up.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard(RwLock<HashMap<Prefix, u32, RandomState>>);

/// What became of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Added {
    New,
    Known,
    /// There is no room: the set is no longer complete.
    Full,
}

impl Listed {
    pub(super) fn new(entries_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        Self { shards, entries: AtomicUsize::new(0), entries_max }
    }

    pub(super) fn contains(&self, key: &BlacklistKey) -> bool {
        let (shard, prefix) = self.place(key);
        shard.read().contains_key(&prefix)
    }

    /// Adds an entry; of two with one name the later `until` counts.
    pub(super) fn add(&self, entry: &BlacklistEntry) -> Added {
        let (shard, prefix) = self.place(&entry.key);
        let until = seconds_up(entry.until);
        let mut entries = shard.write();
        if let Some(known) = entries.get_mut(&prefix) {
            *known = until.max(*known);
            return Added::Known;
        }
        if self.entries.fetch_add(1, Ordering::Relaxed) >= self.entries_max {
            self.entries.fetch_sub(1, Ordering::Relaxed);
            return Added::Full;
        }
        entries.insert(prefix, until);
        Added::New
    }

    /// Drops what ended before `now`, one shard at a time.
    pub(super) fn purge(&self, now: Timestamp) {
        let now = seconds_down(now);
        for shard in &self.shards {
            let mut entries = shard.write();
            let before = entries.len();
            entries.retain(|_, until| *until >= now);
            self.entries.fetch_sub(before - entries.len(), Ordering::Relaxed);
            if entries.len() < entries.capacity() / 4 {
                entries.shrink_to_fit();
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Whether an eighth of the room is free.
    pub(super) fn has_room(&self) -> bool {
        self.len() < self.entries_max - self.entries_max / 8
    }

    fn place(&self, key: &BlacklistKey) -> (&Shard, Prefix) {
        let bytes = key.as_bytes();
        let mut prefix = [0; 16];
        prefix.copy_from_slice(&bytes[..16]);
        (&self.shards[usize::from(bytes[16]) % SHARDS], prefix)
    }
}

impl Shard {
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Prefix, u32, RandomState>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Prefix, u32, RandomState>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Too late for 32 bits means for ever; too early means already over.
fn seconds_up(at: Timestamp) -> u32 {
    let seconds = at.as_unix_seconds();
    let partial = at.as_unix_micros().rem_euclid(MICROS_PER_SECOND) > 0;
    saturate(seconds.saturating_add(i64::from(partial)))
}

fn seconds_down(at: Timestamp) -> u32 {
    saturate(at.as_unix_seconds())
}

fn saturate(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32, until_micros: i64) -> BlacklistEntry {
        let key = BlacklistKey::of_jti("main", &number.to_string());
        BlacklistEntry { key, until: Timestamp::from_unix_micros(until_micros) }
    }

    /// An entry stays through its `until` and goes afterwards, also when that is no whole second.
    #[test]
    fn entries_leave_only_after_their_until() {
        let listed = Listed::new(10);
        let entry = entry(1, 5_500_000);
        assert_eq!(listed.add(&entry), Added::New);
        listed.purge(entry.until);
        assert!(listed.contains(&entry.key));
        listed.purge(Timestamp::from_unix_seconds(7));
        assert!(!listed.contains(&entry.key));
        assert_eq!(listed.len(), 0);
    }

    /// Of two entries with one name the later counts, in either order.
    #[test]
    fn the_later_until_counts() {
        for order in [[5, 9], [9, 5]] {
            let listed = Listed::new(10);
            for seconds in order {
                listed.add(&entry(1, seconds * MICROS_PER_SECOND));
            }
            listed.purge(Timestamp::from_unix_seconds(9));
            assert_eq!(listed.len(), 1);
        }
    }

    /// An entry without end is never purged.
    #[test]
    fn for_ever_is_for_ever() {
        let listed = Listed::new(10);
        listed.add(&entry(1, i64::MAX));
        listed.purge(Timestamp::MAX);
        assert_eq!(listed.len(), 1);
    }

    /// A full set says so instead of growing, and still takes what it knows.
    #[test]
    fn it_is_bounded() {
        let listed = Listed::new(2);
        let outcomes = [1, 2, 3, 2].map(|number| listed.add(&entry(number, 1)));
        assert_eq!(outcomes, [Added::New, Added::New, Added::Full, Added::Known]);
        assert_eq!(listed.len(), 2);
        assert!(!listed.has_room());
    }
}
