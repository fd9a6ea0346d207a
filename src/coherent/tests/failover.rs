//! Gaps, failovers, and two stores: what is known stays known, and what is not is asked.

use crate::store::BlacklistStore;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use super::blacklist::entry;
use super::*;
use crate::error::StoreErrorKind;
use crate::session::RevokeReason;
use crate::store::BlacklistQuery;
use crate::store::Change;
use crate::store::ChangeFeed;
use crate::store::ChangePage;
use crate::store::Fault;
use crate::store::FeedPosition;
use crate::store::StoreResult;

/// A gap voids cached sessions and absence; what is listed stays listed meanwhile.
#[tokio::test]
async fn a_gap_voids_everything_but_what_is_listed() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.load(1).await;
    node.cache.apply_local(&Change::Blacklisted(entry(1)));
    // More changes than the feed keeps.
    for chunk in 0..7 {
        let entries = (0..10_000).map(|number| entry(1_000 + chunk * 10_000 + number)).collect();
        node.store.inner().add_to_blacklist(entries).await.unwrap();
    }
    node.cache.follow_once().await.unwrap();
    assert!(!node.is_cached(1));
    assert_eq!(node.judge(1), Some(true));
    assert_eq!(node.judge(2), None);
    for _ in 0..20 {
        node.cache.follow_once().await.unwrap();
    }
    assert_eq!(node.judge(2), Some(false));
    assert_eq!(node.judge(70_999), Some(true));
}

/// A feed that goes over from one store to another, as a failover does.
#[derive(Clone, Debug)]
struct Failover {
    stores: [MemoryStore; 2],
    is_over: Arc<AtomicBool>,
}

impl Failover {
    fn current(&self) -> &MemoryStore {
        &self.stores[usize::from(self.is_over.load(Ordering::SeqCst))]
    }
}

impl ChangeFeed for Failover {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn connect(&self) -> StoreResult<()> {
        self.current().connect().await
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        self.current().now().await
    }

    async fn tail(&self) -> StoreResult<FeedPosition> {
        self.current().tail().await
    }

    async fn changes(&self, after: &FeedPosition, limit: u32) -> StoreResult<ChangePage> {
        self.current().changes(after, limit).await
    }

    async fn wait(&self, after: &FeedPosition, patience: Duration) -> StoreResult<()> {
        self.current().wait(after, patience).await
    }
}

/// After a failover to a replica that lags behind, nodes say again what was revoked lately, and
/// treat it as revoked from the first moment on.
#[tokio::test]
async fn a_failover_revives_nothing() {
    let hand = ManualClock::at(START);
    let stores = [(); 2].map(|()| MemoryStore::with_clock(hand.clock()));
    let [master, replica] = stores.clone();
    let feed = Failover { stores, is_over: Arc::default() };
    let behind = Arc::new(replica.clone());
    let parts = Stores {
        sessions: Sessions::new(Arc::clone(&behind), PATIENCE),
        blacklist: Blacklist::new(Arc::clone(&behind), PATIENCE),
        session_feed: Feed::new(Arc::new(feed.clone()), PATIENCE),
        blacklist_feed: None,
    };
    let cache = Coherence::new(parts, hand.clock(), CoherenceConfig::default());
    insert(&replica, 1).await;
    let follow = async || {
        for _ in 0..3 {
            cache.follow_once().await.unwrap();
        }
    };
    follow().await;
    // The master knew of three revocations; the replica has none of them.
    master.add_to_blacklist(vec![entry(1)]).await.unwrap();
    master.raise_not_before(not_before(NotBeforeScope::User(user("8")), START)).await.unwrap();
    follow().await;
    cache.note_revoked(key(1), RevokeReason::Reuse);
    let moment = hand.clock().read();
    let session = cache.core().load_session(secret(1), key(1), moment).await.unwrap().unwrap();
    assert!(session.is_revoked(), "whatever the store says");
    assert!(replica.load(key(1)).await.unwrap().unwrap().revoked.is_none());

    feed.is_over.store(true, Ordering::SeqCst);
    follow().await;
    let row = replica.load(key(1)).await.unwrap().unwrap();
    assert_eq!(row.revoked.unwrap().reason, RevokeReason::Reuse);
    let keys = vec![entry(1).key];
    let answer =
        replica.query_blacklist(BlacklistQuery { keys, user: Some(user("8")) }).await.unwrap();
    assert!(answer.listed);
    assert_eq!(answer.not_before, Some(START));
}

/// A node with its sessions in the node's store, and its blacklist in the other one.
async fn node_on_two_stores() -> (Node, Store) {
    let hand = ManualClock::at(START);
    let [sessions, blacklist] =
        [(); 2].map(|()| FaultyStore::new(MemoryStore::with_clock(hand.clock())));
    let parts = Stores {
        blacklist: Blacklist::new(Arc::new(blacklist.clone()), PATIENCE),
        blacklist_feed: Some(Feed::new(Arc::new(blacklist.clone()), PATIENCE)),
        ..stores(&sessions)
    };
    let cache = Coherence::new(parts, hand.clock(), CoherenceConfig::default());
    let node = Node { cache, store: sessions, hand };
    node.follow().await;
    insert(&node.store, 1).await;
    (node, blacklist)
}

/// With two stores each feed answers for its own part: sessions whose feed stands still are read
/// through, however lively the other one is.
#[tokio::test]
async fn each_feed_answers_for_its_own_part() {
    let (node, _blacklist) = node_on_two_stores().await;
    node.load(1).await;
    node.store.inject_times("read feed", Fault::HoldAnswer, 1);
    let cache = node.cache.clone();
    let following = tokio::spawn(async move { cache.follow_once().await });
    node.store.held(1).await;
    node.hand.advance(2 * SECOND);
    node.store.heal();
    following.await.unwrap().unwrap();
    assert!(node.cache.blacklist_is_trusted(node.moment()));
    assert!(!node.is_cached(1));
}

/// A session counts only with its not-before instant, in whichever store that is.
#[tokio::test]
async fn the_blacklist_feed_counts_for_sessions() {
    let (node, blacklist) = node_on_two_stores().await;
    node.load(1).await;
    assert!(node.is_cached(1));
    blacklist.inject_only("read feed", Fault::Fail(StoreErrorKind::Unavailable));
    node.hand.advance(2 * SECOND);
    assert!(node.cache.follow_once().await.is_err());
    assert_eq!(node.judge(1), None);
    assert!(!node.is_cached(1), "a session is good only with its not-before instant");
    assert!(node.load(1).await.is_some());
    assert!(node.is_cached(1));
}
