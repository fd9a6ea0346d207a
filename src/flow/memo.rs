//! A node's memory of rotations it just answered, so that thirty restored tabs do not become thirty
//! store writes.
//!
//! The row is read all the same: another node may have rotated it since, and then what is presented
//! here is older than the predecessor.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::device::Fingerprint;
use crate::id::SessionKey;
use crate::session::SessionRecord;
use crate::time::Timestamp;

/// The last rotation of each session this node rotated within the grace window.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<HashMap<SessionKey, Rotation>>);

#[derive(Debug)]
struct Rotation {
    presented: u64,
    generation: u64,
    at: Timestamp,
    fingerprint: Option<Fingerprint>,
    /// Answers given here, which the row does not count.
    uses: u32,
}

impl Memo {
    /// How many rotations are remembered.
    const ROTATIONS_MAX: usize = 10_000;

    /// Remembers that presenting `presented` led to `row`; forgets the session's earlier rotation,
    /// whose token is by now older than the predecessor.
    pub(crate) fn remember(
        &self,
        presented: u64,
        row: &SessionRecord,
        fingerprint: Option<Fingerprint>,
        window: Duration,
    ) {
        let at = row.rotated_at.unwrap_or(row.created_at);
        let mut table = self.lock();
        if table.len() >= Self::ROTATIONS_MAX {
            table.retain(|_, rotation| !rotation.is_over(at, window));
            if table.len() >= Self::ROTATIONS_MAX {
                table.clear();
            }
        }
        let generation = row.generation;
        table.insert(row.key, Rotation { presented, generation, at, fingerprint, uses: 0 });
    }

    /// Whether this node rotated `presented` away within the window, for the same device, so that
    /// it is worth looking at the row.
    pub(crate) fn knows(
        &self,
        key: SessionKey,
        presented: u64,
        fingerprint: Option<Fingerprint>,
        now: Timestamp,
        window: Duration,
    ) -> bool {
        self.lock().get(&key).is_some_and(|rotation| {
            rotation.presented == presented
                && rotation.fingerprint == fingerprint
                && !rotation.is_over(now, window)
        })
    }

    /// Whether the row, as it is now, is still what that rotation made of it, and fewer than
    /// `uses_max` answers were given, here and by others; counts this one.
    pub(crate) fn answer(&self, row: &SessionRecord, presented: u64, uses_max: u32) -> bool {
        let mut table = self.lock();
        let Some(rotation) = table.get_mut(&row.key) else { return false };
        let same = (rotation.presented, rotation.generation) == (presented, row.generation);
        if !same || row.grace_uses.saturating_add(rotation.uses) >= uses_max {
            return false;
        }
        rotation.uses += 1;
        true
    }

    /// How many answers were given here for the row's generation, which the row does not count.
    pub(crate) fn uses(&self, row: &SessionRecord) -> u32 {
        let table = self.lock();
        let rotation = table.get(&row.key);
        rotation.filter(|known| known.generation == row.generation).map_or(0, |known| known.uses)
    }

    pub(crate) fn forget(&self, key: SessionKey) {
        self.lock().remove(&key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Rotation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rotation {
    fn is_over(&self, now: Timestamp, window: Duration) -> bool {
        now.since(self.at) >= window
    }
}
