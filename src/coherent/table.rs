//! The table of cached sessions: found by the secret in the token, bounded, in shards.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::coherent::session::Row;

const SHARDS: usize = 32;
/// How many rows are looked at to find one to part with.
const EVICTION_SAMPLE: usize = 8;

static IDENTITIES: AtomicU64 = AtomicU64::new(1);

/// Rows by secret. It knows nothing of trust: what is found has still to be judged.
#[derive(Debug)]
pub(super) struct Table {
    /// Tells the tables of one process apart, for what threads keep of them.
    pub(super) identity: u64,
    hasher: RandomState,
    shards: Box<[Shard]>,
    shard_rows_max: usize,
}

/// On cache lines of their own, since every lookup writes the lock word. A lock for readers and
/// writers: two threads that look up different sessions of a million were measured at 1.0 times the
/// cost of one with it, and at 1.3 times with a mutex.
#[derive(Debug)]
#[repr(align(64))]
struct Shard(RwLock<Rows>);

#[derive(Default)]
struct Rows {
    table: HashTable<Arc<Row>>,
    /// Where the next search for a victim begins.
    hand: usize,
}

impl Table {
    pub(super) fn new(rows_max: usize) -> Self {
        Self {
            identity: IDENTITIES.fetch_add(1, Ordering::Relaxed),
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(|_| Shard(RwLock::default())).collect(),
            shard_rows_max: rows_max.div_ceil(SHARDS),
        }
    }

    pub(super) fn hash(&self, secret: &[u8; 16]) -> u64 {
        self.hasher.hash_one(u128::from_ne_bytes(*secret))
    }

    pub(super) fn find(&self, hash: u64, secret: &[u8; 16]) -> Option<Arc<Row>> {
        self.shard(hash).read().table.find(hash, |row| row.secret == *secret).cloned()
    }

    /// Puts a row in the place of its predecessor, whose learning it takes over, or in a new one.
    /// When the shard is full, another row goes: a useless one if one is near, else the one that
    /// was read longest ago (rows in use are read again every minute).
    ///
    /// A row that is useless itself, or was read earlier than the one in the table, changes nothing.
    pub(super) fn insert(&self, mut row: Row, is_useless: impl Fn(&Row) -> bool) -> Arc<Row> {
        if self.shard_rows_max == 0 || is_useless(&row) {
            return Arc::new(row);
        }
        let hash = self.hash(&row.secret);
        let mut rows = self.shard(hash).write();
        if let Some(place) = rows.table.find_mut(hash, |other| other.secret == row.secret) {
            row.inherit(place);
            let row = Arc::new(row);
            if place.asked_at <= row.asked_at || is_useless(place) {
                *place = Arc::clone(&row);
            }
            return row;
        }
        if rows.table.len() >= self.shard_rows_max {
            rows.evict(is_useless);
        }
        let row = Arc::new(row);
        rows.table.insert_unique(hash, Arc::clone(&row), |other| self.hash(&other.secret));
        row
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            *shard.write() = Rows::default();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().table.len()).sum()
    }

    fn shard(&self, hash: u64) -> &Shard {
        // Not the bits by which a shard's own table, and a thread's, are ordered.
        let index = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
        &self.shards[index]
    }
}

impl Shard {
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn evict(&mut self, is_useless: impl Fn(&Row) -> bool) {
        let buckets = self.table.num_buckets();
        let mut victim: Option<(usize, Arc<Row>)> = None;
        let mut seen = 0;
        for step in 0..buckets {
            let index = (self.hand + step) % buckets;
            let Some(row) = self.table.get_bucket(index) else { continue };
            let useless = is_useless(row);
            if useless || victim.as_ref().is_none_or(|(_, oldest)| row.asked_at < oldest.asked_at) {
                victim = Some((index, Arc::clone(row)));
            }
            seen += 1;
            if useless || seen == EVICTION_SAMPLE {
                self.hand = (index + 1) % buckets;
                break;
            }
        }
        if let Some((index, _)) = victim
            && let Ok(entry) = self.table.get_bucket_entry(index)
        {
            entry.remove();
        }
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows", self.table.len())
    }
}
