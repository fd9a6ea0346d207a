//! The blacklist replica: complete or asked, never lost, said again after a failover.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use super::*;
use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::error::AuthErrorKind;
use crate::error::StoreErrorKind;
use crate::session::RevokeReason;
use crate::store::BlacklistQuery;
use crate::store::BlacklistStore;
use crate::store::Change;
use crate::store::ChangeFeed;
use crate::store::ChangePage;
use crate::store::Fault;
use crate::store::FeedPosition;
use crate::store::StoreResult;

const NO_PATIENCE: Duration = Duration::ZERO;

fn entry(number: usize) -> BlacklistEntry {
    let key = BlacklistKey::of_jti("main", &number.to_string());
    BlacklistEntry { key, until: START.saturating_add(Duration::from_secs(3600)) }
}

fn query(number: usize) -> BlacklistQuery {
    BlacklistQuery { keys: vec![entry(number).key], user: Some(user("7")) }
}

impl Node {
    fn judge(&self, number: usize) -> Option<bool> {
        let query = query(number);
        let answer = self.cache.judge_blacklist(&query.keys, query.user.as_ref(), self.moment());
        answer.map(|answer| answer.listed)
    }
}

/// Before everything was read absence means nothing; afterwards it costs no question.
#[tokio::test]
async fn absence_counts_once_everything_was_read() {
    let hand = ManualClock::at(START);
    let store = FaultyStore::new(MemoryStore::with_clock(hand.clock()));
    store.add_to_blacklist((0..12_000).map(entry).collect()).await.unwrap();
    let node = Node::on(store, hand, CoherenceConfig::default());
    assert_eq!(node.judge(99_999), None);
    node.cache.follow_once().await.unwrap();
    assert_eq!(node.judge(99_999), None, "one page of three");
    node.follow().await;
    assert_eq!(node.judge(99_999), Some(false));
    assert!((0..12_000).all(|number| node.judge(number) == Some(true)));
    assert_eq!(node.store.calls("read blacklist"), 3);
    assert_eq!(node.store.calls("query blacklist"), 0);
}

/// An entry of another node is heard, changes the epoch, and so does this node's own at once.
#[tokio::test]
async fn news_change_the_epoch() {
    let node = Node::new().await;
    let epoch = node.cache.blacklist_epoch();
    node.follow().await;
    assert_eq!(node.cache.blacklist_epoch(), epoch, "no news");
    node.store.add_to_blacklist(vec![entry(1)]).await.unwrap();
    assert_eq!(node.judge(1), Some(false));
    node.follow().await;
    assert_eq!(node.judge(1), Some(true));
    let heard = node.cache.blacklist_epoch();
    assert_ne!(heard, epoch);
    node.cache.apply_local(&Change::Blacklisted(entry(2)));
    assert_eq!(node.judge(2), Some(true));
    assert_ne!(node.cache.blacklist_epoch(), heard);
}

/// Past the bound absence means nothing; what is listed stays listed.
#[tokio::test]
async fn trust_in_absence_ends_with_the_bound() {
    let node = Node::new().await;
    node.cache.apply_local(&Change::Blacklisted(entry(1)));
    assert!(node.cache.blacklist_is_trusted(node.moment()));
    assert_eq!(node.cache.not_before(&user("7"), node.moment()), Some(None));
    node.hand.advance(SECOND + Duration::from_micros(1));
    assert!(!node.cache.blacklist_is_trusted(node.moment()));
    assert_eq!(node.cache.not_before(&user("7"), node.moment()), None);
    assert_eq!(node.judge(2), None);
    assert_eq!(node.judge(1), Some(true));
}

/// The maximum of the user's and the global instant counts.
#[tokio::test]
async fn scenario_35_the_later_instant_counts() {
    let node = Node::new().await;
    let later = START.saturating_add(SECOND);
    let raise = |scope, at| node.cache.apply_local(&Change::NotBefore(not_before(scope, at)));
    let read = |name| node.cache.not_before(&user(name), node.moment()).unwrap();
    raise(NotBeforeScope::User(user("7")), later);
    assert_eq!((read("7"), read("8")), (Some(later), None));
    raise(NotBeforeScope::All, START);
    assert_eq!((read("7"), read("8")), (Some(later), Some(START)));
    raise(NotBeforeScope::User(user("7")), START);
    raise(NotBeforeScope::All, later.saturating_add(SECOND));
    assert_eq!(read("7"), Some(later.saturating_add(SECOND)));
}

/// Instants leave memory after their `until`, and not before.
#[tokio::test]
async fn instants_leave_after_their_until() {
    let node = Node::new().await;
    for scope in [NotBeforeScope::All, NotBeforeScope::User(user("7"))] {
        let instant = not_before(scope, START);
        node.cache.apply_local(&Change::NotBefore(instant.clone()));
        node.cache.sweep_once(instant.until).await.unwrap();
        assert_eq!(node.cache.not_before(&user("7"), node.moment()), Some(Some(START)));
        node.cache.sweep_once(instant.until.saturating_add(SECOND)).await.unwrap();
        assert_eq!(node.cache.not_before(&user("7"), node.moment()), Some(None));
    }
}

/// Without the feed a session is loaded together with its not-before instant.
#[tokio::test]
async fn an_untrusted_replica_is_not_trusted_for_sessions() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    insert(&node.store, 2).await;
    node.store.inject_only("read feed", Fault::Fail(StoreErrorKind::Unavailable));
    node.hand.advance(2 * SECOND);
    let session = node.load(1).await.unwrap();
    assert_eq!(node.cache.judge_session(&session, node.moment()), None);
    assert_eq!(node.store.calls("query blacklist"), 1);
    assert!(node.is_cached(1));
    let instant = not_before(NotBeforeScope::User(user("7")), START);
    node.store.inner().raise_not_before(instant).await.unwrap();
    let dead = node.load(2).await.unwrap();
    let verdict = node.cache.judge_session(&dead, node.moment());
    assert_eq!(verdict, Some(AuthErrorKind::SessionRevoked));
}

/// The same question is asked once, and memory adds what the store has forgotten.
#[tokio::test]
async fn questions_are_asked_once_and_merged() {
    let node = Node::new().await;
    node.hand.advance(2 * SECOND);
    let instant = not_before(NotBeforeScope::User(user("7")), START);
    node.cache.apply_local(&Change::NotBefore(instant));
    node.store.inject_only("query blacklist", Fault::HoldAnswer);
    let ask = || {
        let (cache, moment) = (node.cache.clone(), node.moment());
        tokio::spawn(
            async move { cache.core().query_blacklist(query(1), moment, NO_PATIENCE).await },
        )
    };
    let asking: Vec<_> = (0..100).map(|_| ask()).collect();
    node.store.held(1).await;
    node.store.heal();
    for answer in asking {
        assert_eq!(answer.await.unwrap().unwrap().not_before, Some(START));
    }
    assert_eq!(node.store.calls("query blacklist"), 1);
}

/// What is listed while a question is on its way counts, whatever the answer says.
#[tokio::test]
async fn news_count_for_questions_on_their_way() {
    let node = Node::new().await;
    node.hand.advance(2 * SECOND);
    node.store.inject_only("query blacklist", Fault::HoldAnswer);
    let (cache, moment) = (node.cache.clone(), node.moment());
    let ask = async move { cache.core().query_blacklist(query(1), moment, NO_PATIENCE).await };
    let asking = tokio::spawn(ask);
    node.store.held(1).await;
    node.cache.apply_local(&Change::Blacklisted(entry(1)));
    node.store.heal();
    assert!(asking.await.unwrap().unwrap().listed);
}

/// With the store down the last complete replica answers for as long as is permitted.
#[tokio::test]
async fn stale_judgement_ends_with_its_bound() {
    let node = Node::new().await;
    node.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    let permitted = Duration::from_secs(300);
    let ask = || node.cache.core().query_blacklist(query(1), node.moment(), permitted);
    node.hand.advance(permitted);
    assert!(!ask().await.unwrap().listed);
    node.hand.advance(Duration::from_micros(1));
    assert!(ask().await.is_err());
}

/// A node that never read the blacklist answers nothing by itself.
#[tokio::test]
async fn what_was_never_complete_is_not_stale() {
    let hand = ManualClock::at(START);
    let store = FaultyStore::new(MemoryStore::with_clock(hand.clock()));
    store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    let node = Node::on(store, hand, CoherenceConfig::default());
    let asked = node.cache.core().query_blacklist(query(1), node.moment(), PATIENCE).await;
    assert!(asked.is_err());
}

/// A blacklist that outgrows memory is asked of the store, and read again once there is room.
#[tokio::test]
async fn an_overflow_is_asked_of_the_store() {
    let config = CoherenceConfig { blacklist_max: 10, ..CoherenceConfig::default() };
    let node = Node::with(config).await;
    node.store.add_to_blacklist((0..20).map(entry).collect()).await.unwrap();
    node.follow().await;
    let unknown = (0..20).filter(|number| node.judge(*number).is_none()).count();
    assert_eq!(unknown, 10, "ten are listed, of the others nothing is known");
    for number in 0..20 {
        let answer =
            node.cache.core().query_blacklist(query(number), node.moment(), NO_PATIENCE).await;
        assert!(answer.unwrap().listed);
    }
    let end = entry(0).until.saturating_add(2 * SECOND);
    node.cache.sweep_once(end).await.unwrap();
    assert_eq!(node.judge(99), None, "not read again yet");
    node.follow().await;
    assert_eq!(node.judge(99), Some(false));
}

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
