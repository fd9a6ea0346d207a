//! Legacy tokens seen before, so that a signature is checked once and not at every request.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::hash::BuildHasher;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use foldhash::fast::RandomState;

use super::refusals::Refusals;
use crate::error::AuthErrorKind;
use crate::time::Timestamp;

/// How many verified tokens are kept, over all shards.
const ENTRIES_MAX: usize = 65_536;

/// How much memory they may take, over all shards. What the facts of a token take is estimated by
/// the length of its text, of which they are a part.
const CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Requests for different tokens meet at one lock in so many.
const SHARDS: usize = 16;

/// How many tokens in use are passed over before one has to go all the same.
const EVICTION_STEPS_MAX: usize = 8;

/// What an entry takes beside its text and the facts, in bytes.
const ENTRY_OVERHEAD_BYTES: usize = 512;

/// Verified tokens, and for a few seconds the refused ones.
///
/// The table is keyed by a fast hash with a random key, and a hit means that the *whole* text was
/// compared: a hash of a part, or an unverified `jti`, could be poisoned. An entry is good for one
/// source, until the token's own end, and until that source's keys change. It is never the last
/// word: blacklist, guard rails and users are asked again at every use.
///
/// A lookup takes a shared lock and allocates nothing. When a shard is full, the oldest entry that
/// was not used since it was last looked at goes.
pub(crate) struct TokenCache<V> {
    hasher: RandomState,
    shards: [RwLock<Shard<V>>; SHARDS],
    refusals: Refusals,
    entries_per_shard: usize,
    bytes_per_shard: usize,
}

struct Shard<V> {
    entries: HashMap<u64, Entry<V>, BuildHasherDefault<AlreadyHashed>>,
    order: VecDeque<u64>,
    bytes: usize,
}

struct Entry<V> {
    text: Box<str>,
    source: usize,
    epoch: u64,
    expires_at: Timestamp,
    used: AtomicBool,
    value: Arc<V>,
}

impl<V> TokenCache<V> {
    pub(crate) fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            shards: std::array::from_fn(|_| RwLock::default()),
            refusals: Refusals::default(),
            entries_per_shard: (entries_max / SHARDS).max(1),
            bytes_per_shard: bytes_max / SHARDS,
        }
    }

    /// What is known about this text: the facts, a refusal, or nothing.
    pub(crate) fn get(
        &self,
        source: usize,
        text: &str,
        epoch: u64,
        now: Timestamp,
    ) -> Option<Result<Arc<V>, AuthErrorKind>> {
        let hash = self.hasher.hash_one((source, text));
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        match shard.entries.get(&hash) {
            Some(entry) if entry.is(source, text, epoch) && now < entry.expires_at => {
                if !entry.used.load(Ordering::Relaxed) {
                    entry.used.store(true, Ordering::Relaxed);
                }
                Some(Ok(Arc::clone(&entry.value)))
            }
            _ => {
                drop(shard);
                self.refusals.get(hash, source, text, epoch, now).map(Err)
            }
        }
    }

    /// Remembers a verified token until its end; without one, until it has to make room.
    pub(crate) fn insert(
        &self,
        source: usize,
        text: &str,
        epoch: u64,
        expires_at: Option<Timestamp>,
        value: Arc<V>,
    ) {
        let hash = self.hasher.hash_one((source, text));
        let expires_at = expires_at.unwrap_or(Timestamp::MAX);
        let used = AtomicBool::new(false);
        let entry = Entry { text: text.into(), source, epoch, expires_at, used, value };
        if entry.bytes() > self.bytes_per_shard {
            return;
        }
        let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
        shard.put(hash, entry);
        while shard.bytes > self.bytes_per_shard || shard.entries.len() > self.entries_per_shard {
            shard.evict_one();
        }
    }

    /// Remembers a refused token for a few seconds, by its hash alone.
    pub(crate) fn insert_refusal(
        &self,
        source: usize,
        text: &str,
        epoch: u64,
        now: Timestamp,
        kind: AuthErrorKind,
    ) {
        let hash = self.hasher.hash_one((source, text));
        self.refusals.insert(hash, source, text, epoch, now, kind);
    }

    /// Forgets the tokens for which the answer is no.
    #[cfg(test)]
    pub(crate) fn retain(&self, keep: impl Fn(usize, &V) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|entry| keep(entry.source, &entry.value));
        }
    }

    /// How many tokens are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let length = |shard: &RwLock<Shard<V>>| {
            shard.read().unwrap_or_else(PoisonError::into_inner).entries.len()
        };
        self.shards.iter().map(length).sum()
    }

    // The table inside a shard uses the lowest and the highest bits of the hash; these are others.
    fn shard(&self, hash: u64) -> &RwLock<Shard<V>> {
        let [_, _, _, byte, ..] = hash.to_le_bytes();
        &self.shards[usize::from(byte) % SHARDS]
    }
}

impl<V> Shard<V> {
    fn put(&mut self, hash: u64, entry: Entry<V>) {
        self.bytes += entry.bytes();
        match self.entries.insert(hash, entry) {
            Some(old) => self.bytes -= old.bytes(),
            None => self.order.push_back(hash),
        }
    }

    fn evict_one(&mut self) {
        for step in 1..=EVICTION_STEPS_MAX {
            let Some(hash) = self.order.pop_front() else { return };
            let used = self.entries.get(&hash).is_some_and(|entry| {
                step < EVICTION_STEPS_MAX && entry.used.swap(false, Ordering::Relaxed)
            });
            if used {
                self.order.push_back(hash);
                continue;
            }
            if let Some(old) = self.entries.remove(&hash) {
                self.bytes -= old.bytes();
            }
            return;
        }
    }

    #[cfg(test)]
    fn retain(&mut self, keep: impl Fn(&Entry<V>) -> bool) {
        self.entries.retain(|_, entry| keep(entry));
        self.order.retain(|hash| self.entries.contains_key(hash));
        self.bytes = self.entries.values().map(Entry::bytes).sum();
    }
}

impl<V> Entry<V> {
    fn is(&self, source: usize, text: &str, epoch: u64) -> bool {
        self.source == source && self.epoch == epoch && *self.text == *text
    }

    // The text itself, and the facts read from it.
    fn bytes(&self) -> usize {
        self.text.len() * 2 + ENTRY_OVERHEAD_BYTES
    }
}

impl<V> Default for TokenCache<V> {
    fn default() -> Self {
        Self::new(ENTRIES_MAX, CACHE_BYTES_MAX)
    }
}

impl<V> Default for Shard<V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), order: VecDeque::new(), bytes: 0 }
    }
}

impl<V> fmt::Debug for TokenCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

/// Hashes a hash, by leaving it as it is.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
