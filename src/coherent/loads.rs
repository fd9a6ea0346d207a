//! One question to the store, however many ask it at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::time::Monotonic;

/// Questions on their way, by what they ask.
#[derive(Debug)]
pub(super) struct Loads<K, V>(Mutex<HashMap<K, Load<V>>>);

#[derive(Debug)]
struct Load<V> {
    /// What was known of the matter when the question was sent.
    stamp: u64,
    sent: Monotonic,
    answer: Arc<OnceCell<V>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Loads<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Joins the load of `key` on its way, or starts one.
    ///
    /// A load under another `stamp` (there was news of the key since), or one sent more than
    /// `age_max` ago, is left to those who wait for it already. When the one who asked goes away,
    /// the next one who waits asks again.
    pub(super) async fn join<F: Future<Output = V>>(
        &self,
        key: K,
        stamp: u64,
        now: Monotonic,
        age_max: Duration,
        load: impl FnOnce() -> F,
    ) -> V {
        let seat = self.seat(key, stamp, now, age_max);
        seat.answer.get_or_init(load).await.clone()
    }

    fn seat(&self, key: K, stamp: u64, now: Monotonic, age_max: Duration) -> Seat<'_, K, V> {
        let mut loads = self.lock();
        let fresh = || Load { stamp, sent: now, answer: Arc::new(OnceCell::new()) };
        let load = loads.entry(key.clone()).or_insert_with(fresh);
        if load.stamp != stamp || now.since(load.sent) > age_max {
            *load = fresh();
        }
        Seat { loads: self, key, answer: Arc::clone(&load.answer) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Load<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// A place among those who wait for one load.
struct Seat<'a, K: Clone + Eq + Hash, V: Clone> {
    loads: &'a Loads<K, V>,
    key: K,
    answer: Arc<OnceCell<V>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Drop for Seat<'_, K, V> {
    /// Takes the load away once it is answered, or when the last one who waited has left.
    fn drop(&mut self) {
        let mut loads = self.loads.lock();
        let is_ours =
            loads.get(&self.key).is_some_and(|load| Arc::ptr_eq(&load.answer, &self.answer));
        // One count is this seat's, one the map's.
        if is_ours && (self.answer.initialized() || Arc::strong_count(&self.answer) <= 2) {
            loads.remove(&self.key);
        }
    }
}
