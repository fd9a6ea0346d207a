//! Signs of life, collected and written behind in batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;

use crate::id::SessionKey;
use crate::store::Sessions;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::trace::count;

/// Sessions waiting for their sign of life to be written; beyond it new ones have to wait.
const WAITING_MAX: usize = 50_000;
/// Written with one call.
const BATCH: usize = 500;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Behind {
    waiting: Mutex<HashMap<SessionKey, Touch>>,
    /// Rings when the queue was empty and is not any more.
    pub(super) bell: Arc<Notify>,
}

impl Behind {
    pub(super) fn is_full(&self) -> bool {
        self.lock().len() >= WAITING_MAX
    }

    pub(super) fn push(&self, touch: Touch) {
        let mut waiting = self.lock();
        if waiting.len() >= WAITING_MAX && !waiting.contains_key(&touch.key) {
            count!("segue_touches_dropped_total");
            return;
        }
        let first = waiting.is_empty();
        waiting.insert(touch.key, touch);
        drop(waiting);
        if first {
            self.bell.notify_one();
        }
    }

    /// Takes back what waits for a session that was revoked.
    pub(super) fn forget(&self, key: &SessionKey) {
        self.lock().remove(key);
    }

    /// Writes everything that waits now. What can't be written waits on.
    pub(super) async fn flush(&self, sessions: &Sessions) -> StoreResult<()> {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                return Ok(());
            }
            if let Err(error) = sessions.touch(batch.clone()).await {
                self.put_back(batch);
                return Err(error);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn take(&self) -> Vec<Touch> {
        let mut waiting = self.lock();
        let keys: Vec<SessionKey> = waiting.keys().take(BATCH).copied().collect();
        keys.iter().filter_map(|key| waiting.remove(key)).collect()
    }

    fn put_back(&self, batch: Vec<Touch>) {
        let mut waiting = self.lock();
        for touch in batch {
            if waiting.len() < WAITING_MAX {
                // A later sign of life may have come meanwhile.
                waiting.entry(touch.key).or_insert(touch);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Touch>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
