//! Refused tokens, remembered for a few seconds, so that repeating one costs no signature check.

use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::error::AuthErrorKind;
use crate::time::Timestamp;

/// How long a refusal is remembered. Short, because a token that is refused for an instant may be
/// good in the next: it starts to be valid, or its key arrives.
const REFUSAL_LIFE: Duration = Duration::from_secs(5);

const SHARDS: usize = 16;
const SLOTS_PER_SHARD: usize = 128;

/// A fixed number of refusals; new ones overwrite old ones.
///
/// Only hashes are kept, 128 bits under two random keys, so that one refused token can't stand for
/// another. Nothing grows, however many tokens a stranger invents.
pub(super) struct Refusals {
    hasher: RandomState,
    shards: [Mutex<Vec<Slot>>; SHARDS],
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    check: u64,
    epoch: u64,
    until: Timestamp,
    kind: AuthErrorKind,
}

impl Refusals {
    pub(super) fn get(
        &self,
        hash: u64,
        source: usize,
        text: &str,
        epoch: u64,
        now: Timestamp,
    ) -> Option<AuthErrorKind> {
        let (shard, index) = self.place(hash);
        let slot = {
            let slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
            *slots.get(index)?
        };
        let same = slot.hash == hash && slot.epoch == epoch && now < slot.until;
        (same && slot.check == self.check(source, text)).then_some(slot.kind)
    }

    pub(super) fn insert(
        &self,
        hash: u64,
        source: usize,
        text: &str,
        epoch: u64,
        now: Timestamp,
        kind: AuthErrorKind,
    ) {
        let (shard, index) = self.place(hash);
        let check = self.check(source, text);
        let slot = Slot { hash, check, epoch, until: now.saturating_add(REFUSAL_LIFE), kind };
        let mut slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.is_empty() {
            let empty = Slot { hash: 0, check: 0, epoch: 0, until: Timestamp::EPOCH, kind };
            slots.resize(SLOTS_PER_SHARD, empty);
        }
        if let Some(place) = slots.get_mut(index) {
            *place = slot;
        }
    }

    fn check(&self, source: usize, text: &str) -> u64 {
        self.hasher.hash_one((source, text))
    }

    fn place(&self, hash: u64) -> (&Mutex<Vec<Slot>>, usize) {
        let [_, _, _, shard, slot, ..] = hash.to_le_bytes();
        (&self.shards[usize::from(shard) % SHARDS], usize::from(slot) % SLOTS_PER_SHARD)
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self { hasher: RandomState::default(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    /// A refusal is about one text of one source under one set of keys, for a few seconds.
    #[test]
    fn what_is_remembered() {
        let refusals = Refusals::default();
        let kind = AuthErrorKind::TokenExpired;
        refusals.insert(7, 0, "a.b.c", 1, NOW, kind);
        assert_eq!(refusals.get(7, 0, "a.b.c", 1, NOW), Some(kind));
        assert_eq!(refusals.get(7, 0, "a.b.d", 1, NOW), None, "same hash, other text");
        assert_eq!(refusals.get(7, 1, "a.b.c", 1, NOW), None);
        assert_eq!(refusals.get(7, 0, "a.b.c", 2, NOW), None);
        assert_eq!(refusals.get(8, 0, "a.b.c", 1, NOW), None);
        assert_eq!(refusals.get(7, 0, "a.b.c", 1, NOW.saturating_add(REFUSAL_LIFE)), None);
    }
}
