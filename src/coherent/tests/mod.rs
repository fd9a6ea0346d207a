//! The promises of the cache, on real stores, with a clock moved by hand and no background tasks
//! but where those are what is tested.

mod behind;
mod blacklist;
mod failover;
mod judging;
mod sessions;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::coherent::CachedSession;
use crate::coherent::Coherence;
use crate::coherent::CoherenceConfig;
use crate::coherent::Stores;
use crate::device::Device;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::Blacklist;
use crate::store::FaultyStore;
use crate::store::Feed;
use crate::store::MemoryStore;
use crate::store::NewSession;
use crate::store::SessionStore;
use crate::store::Sessions;
use crate::time::ManualClock;
use crate::time::Moment;
use crate::time::Timestamp;

const SECOND: Duration = Duration::from_secs(1);
const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
/// Longer than any test: what is held is released, not timed out.
const PATIENCE: Duration = Duration::from_secs(20);

type Store = FaultyStore<MemoryStore>;

/// One node, its store, and the clock of both.
struct Node {
    cache: Coherence,
    store: Store,
    hand: ManualClock,
}

impl Node {
    /// A node with defaults, ready except for its background tasks.
    async fn new() -> Self {
        Self::with(CoherenceConfig::default()).await
    }

    async fn with(config: CoherenceConfig) -> Self {
        let hand = ManualClock::at(START);
        let node = Self::on(FaultyStore::new(MemoryStore::with_clock(hand.clock())), hand, config);
        node.follow().await;
        node
    }

    /// One more node on the same inner store, with faults and counters of its own.
    async fn beside(&self) -> Self {
        let store = FaultyStore::new(self.store.inner().clone());
        let node = Self::on(store, self.hand.clone(), CoherenceConfig::default());
        node.follow().await;
        node
    }

    fn on(store: Store, hand: ManualClock, config: CoherenceConfig) -> Self {
        let cache = Coherence::new(stores(&store), hand.clock(), config);
        Self { cache, store, hand }
    }

    /// Hears everything and reads the whole blacklist.
    async fn follow(&self) {
        for _ in 0..3 {
            self.cache.follow_once().await.unwrap();
        }
    }

    fn moment(&self) -> Moment {
        self.hand.clock().read()
    }

    fn is_cached(&self, number: u8) -> bool {
        self.cache.with_session(&secret(number), self.moment(), |_| ()).is_some()
    }

    /// Past the handle, which would start the tasks.
    async fn load(&self, number: u8) -> Option<Arc<CachedSession>> {
        self.cache.core().load_session(secret(number), key(number), self.moment()).await.unwrap()
    }

    fn loads(&self) -> u64 {
        self.store.calls("load session")
    }
}

fn stores(store: &Store) -> Stores {
    let store = Arc::new(store.clone());
    Stores {
        sessions: Sessions::new(Arc::clone(&store), PATIENCE),
        blacklist: Blacklist::new(Arc::clone(&store), PATIENCE),
        session_feed: Feed::new(store, PATIENCE),
        blacklist_feed: None,
    }
}

fn secret(number: u8) -> [u8; 16] {
    [number; 16]
}

fn key(number: u8) -> SessionKey {
    SessionKey::of_access_secret(&secret(number))
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn record(number: u8) -> SessionRecord {
    SessionRecord {
        key: key(number),
        user: user("7"),
        generation: 0,
        key_version: KeyVersion::FIRST,
        authenticated_at: START,
        created_at: START,
        expires_at: START.saturating_add(Duration::from_secs(90 * 24 * 3600)),
        rotated_at: None,
        grace_uses: 0,
        foreign_streak: 0,
        last_seen_at: START,
        revoked: None,
        scopes: Scopes::none(),
        data: SessionData::default(),
        device: Device::default(),
        exchanged_from: None,
        legacy_until: None,
        revision: 0,
    }
}

async fn insert(store: &impl SessionStore, number: u8) {
    let idle = Duration::from_secs(14 * 24 * 3600);
    let new = NewSession {
        record: record(number),
        sessions_max: 1_000,
        exchanges_max: u32::MAX,
        idle,
        supersedes: None,
    };
    store.insert(new).await.unwrap();
}

fn not_before(scope: NotBeforeScope, at: Timestamp) -> NotBefore {
    NotBefore::new(scope, at, Duration::from_secs(3600))
}
