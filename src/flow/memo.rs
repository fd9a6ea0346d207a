//! A node's memory of rotations it just answered, so that thirty restored tabs do not become thirty
//! store writes.

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
    row: SessionRecord,
    presented: u64,
    fingerprint: Option<Fingerprint>,
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
        row: SessionRecord,
        fingerprint: Option<Fingerprint>,
        window: Duration,
    ) {
        let now = row.rotated_at.unwrap_or(row.created_at);
        let mut table = self.lock();
        if table.len() >= Self::ROTATIONS_MAX {
            table.retain(|_, rotation| !rotation.is_over(now, window));
            if table.len() >= Self::ROTATIONS_MAX {
                table.clear();
            }
        }
        let uses = row.grace_uses;
        table.insert(row.key, Rotation { row, presented, fingerprint, uses });
    }

    /// The row to answer with, if this node rotated `presented` away within the window, for the
    /// same device, fewer than `uses_max` times. Whether the session was revoked meanwhile is the
    /// caller's to check.
    pub(crate) fn answer(
        &self,
        key: SessionKey,
        presented: u64,
        fingerprint: Option<Fingerprint>,
        now: Timestamp,
        window: Duration,
        uses_max: u32,
    ) -> Option<SessionRecord> {
        let mut table = self.lock();
        let rotation = table.get_mut(&key)?;
        let same = rotation.presented == presented && rotation.fingerprint == fingerprint;
        if !same || rotation.is_over(now, window) || rotation.uses >= uses_max {
            return None;
        }
        rotation.uses += 1;
        Some(rotation.row.clone())
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
        now.since(self.row.rotated_at.unwrap_or(self.row.created_at)) >= window
    }
}
