//! The blacklist replica: complete or asked, never lost, said again after a failover.

use super::*;
use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::error::AuthErrorKind;
use crate::error::StoreErrorKind;
use crate::store::BlacklistQuery;
use crate::store::BlacklistStore;
use crate::store::Change;
use crate::store::Fault;

const NO_PATIENCE: Duration = Duration::ZERO;

pub(super) fn entry(number: usize) -> BlacklistEntry {
    let key = BlacklistKey::of_jti("main", &number.to_string());
    BlacklistEntry { key, until: START.saturating_add(Duration::from_secs(3600)) }
}

pub(super) fn query(number: usize) -> BlacklistQuery {
    BlacklistQuery { keys: vec![entry(number).key], user: Some(user("7")) }
}

impl Node {
    pub(super) fn judge(&self, number: usize) -> Option<bool> {
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
