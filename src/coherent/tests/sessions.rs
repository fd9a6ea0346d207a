//! Sessions: when a cached one counts, and when the store is asked.

use tokio::task::JoinHandle;

use super::*;
use crate::error::StoreErrorKind;
use crate::session::RevokeReason;
use crate::store::Fault;
use crate::store::SessionPatch;

/// A thousand requests that miss at once are one load.
#[tokio::test]
async fn simultaneous_misses_are_one_load() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.store.inject_only("load session", Fault::HoldAnswer);
    let requests: Vec<_> = (0..1_000)
        .map(|_| {
            let (cache, moment) = (node.cache.clone(), node.moment());
            tokio::spawn(async move { cache.core().load_session(secret(1), key(1), moment).await })
        })
        .collect();
    node.store.held(1).await;
    node.store.heal();
    for request in requests {
        assert!(request.await.unwrap().unwrap().is_some());
    }
    assert_eq!(node.loads(), 1);
    assert_eq!(node.cache.core().loads.len(), 0);
}

/// When the request that asks goes away, another one that waits asks in its place.
#[tokio::test]
async fn a_load_outlives_the_request_that_began_it() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.store.inject_times("load session", Fault::Hang, 1);
    let request = || {
        let (cache, moment) = (node.cache.clone(), node.moment());
        tokio::spawn(async move { cache.core().load_session(secret(1), key(1), moment).await })
    };
    let (first, second) = (request(), request());
    tokio::task::yield_now().await;
    assert_eq!(node.loads(), 1);
    first.abort();
    assert!(second.await.unwrap().unwrap().is_some());
    assert_eq!((node.loads(), node.cache.core().loads.len()), (2, 0));
}

/// Nothing stays behind of a load that everybody left.
#[tokio::test]
async fn an_abandoned_load_leaves_nothing() {
    let node = Node::new().await;
    node.store.inject_only("load session", Fault::Hang);
    let (cache, moment) = (node.cache.clone(), node.moment());
    let request =
        tokio::spawn(
            async move { cache.core().load_session(secret(1), key(1), moment).await.is_ok() },
        );
    tokio::task::yield_now().await;
    assert_eq!(node.cache.core().loads.len(), 1);
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(node.cache.core().loads.len(), 0);
}

/// A hot session reads the store once a minute, not once a request.
#[tokio::test]
async fn a_hot_session_is_read_once_a_minute() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.load(1).await;
    for _ in 0..60 {
        assert!(node.is_cached(1));
        node.hand.advance(SECOND);
        node.follow().await;
    }
    assert_eq!(node.loads(), 1);
    node.hand.advance(SECOND);
    node.follow().await;
    assert!(!node.is_cached(1), "older than a minute");
    node.load(1).await;
    assert!(node.is_cached(1));
}

/// Lets a load read its row and holds the answer back.
async fn held_load(node: &Node) -> JoinHandle<Arc<CachedSession>> {
    node.store.inject_times("load session", Fault::HoldAnswer, 1);
    let (cache, moment) = (node.cache.clone(), node.moment());
    let load = async move { cache.core().load_session(secret(1), key(1), moment).await };
    let load = tokio::spawn(async { load.await.unwrap().unwrap() });
    node.store.held(1).await;
    load
}

/// 36: a session revoked between "row read" and "cache written" is not cached.
#[tokio::test]
async fn scenario_36_a_load_that_raced_a_revocation_is_not_cached() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let racing = held_load(&node).await;
    node.store.inner().revoke(key(1), RevokeReason::Logout, START).await.unwrap();
    node.follow().await;
    node.store.heal();
    assert!(!racing.await.unwrap().is_revoked(), "the row was read before the revocation");
    assert!(!node.is_cached(1));
    assert!(node.load(1).await.unwrap().is_revoked());
}

/// Whoever comes after news of a session does not wait for an older answer, and the older answer
/// does not take the place of the newer one.
#[tokio::test]
async fn news_detach_the_load_on_its_way() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let racing = held_load(&node).await;
    let scopes: Scopes = "orders:read".parse().unwrap();
    let patch = SessionPatch { scopes: Some(scopes.clone()), ..SessionPatch::default() };
    node.store.inner().update(key(1), 0, patch).await.unwrap();
    node.follow().await;
    assert_eq!(node.load(1).await.unwrap().principal().scopes(), &scopes);
    node.store.heal();
    assert!(racing.await.unwrap().principal().scopes().is_empty());
    let cached = |session: &CachedSession| session.principal().scopes() == &scopes;
    assert_eq!(node.cache.with_session(&secret(1), node.moment(), cached), Some(true));
    assert_eq!(node.loads(), 2);
}

/// This node's own revocation counts at once, without the feed.
#[tokio::test]
async fn own_revocations_count_at_once() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.load(1).await;
    node.store.revoke(key(1), RevokeReason::Logout, START).await.unwrap();
    assert!(node.is_cached(1), "nobody has told the cache");
    node.cache.note_revoked(key(1), RevokeReason::Logout);
    assert!(!node.is_cached(1));
    assert!(node.load(1).await.unwrap().is_revoked());
}

/// 37: what one node revokes another one refuses with the next news, and only that session is
/// read again.
#[tokio::test]
async fn scenario_37_other_nodes_hear_of_it() {
    let here = Node::new().await;
    let there = here.beside().await;
    for number in [1, 2] {
        insert(&here.store, number).await;
        there.load(number).await;
    }
    here.store.revoke(key(1), RevokeReason::DeviceList, START).await.unwrap();
    there.follow().await;
    assert!(!there.is_cached(1));
    assert!(there.load(1).await.unwrap().is_revoked());
    assert!(there.is_cached(2));
    assert_eq!(there.loads(), 3);
}

/// 38: with the feed cut, a revocation still counts within the bound, and a hot session costs one
/// read per bound.
#[tokio::test]
async fn scenario_38_without_the_feed_the_store_is_read() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.load(1).await;
    node.store.inject_only("read feed", Fault::Fail(StoreErrorKind::Unavailable));
    node.store.inner().revoke(key(1), RevokeReason::Logout, START).await.unwrap();
    node.hand.advance(SECOND);
    assert!(node.is_cached(1), "within the bound");
    node.hand.advance(Duration::from_micros(1));
    assert!(!node.is_cached(1));
    assert!(node.load(1).await.unwrap().is_revoked());
    for _ in 0..10 {
        assert!(node.is_cached(1), "its own reading counts for the bound");
    }
    node.hand.advance(SECOND);
    assert!(node.is_cached(1));
    node.hand.advance(Duration::from_micros(1));
    assert!(!node.is_cached(1));
    assert!(node.cache.follow_once().await.is_err());
    node.store.heal();
    node.follow().await;
    assert!(node.load(1).await.unwrap().is_revoked());
}

/// An answer that was under way for longer than the bound is not kept.
#[tokio::test]
async fn slow_answers_are_not_kept() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let slow = held_load(&node).await;
    node.hand.advance(SECOND + Duration::from_micros(1));
    node.follow().await;
    node.store.heal();
    assert!(!slow.await.unwrap().is_revoked());
    assert!(!node.is_cached(1));
}

/// A request does not join a question that was sent longer ago than the bound.
#[tokio::test]
async fn old_questions_are_not_joined() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let slow = held_load(&node).await;
    node.hand.advance(SECOND + Duration::from_micros(1));
    assert!(node.load(1).await.is_some());
    assert_eq!(node.loads(), 2);
    slow.abort();
}

/// Trust counts from when the feed was asked, not from when its answer came.
#[tokio::test]
async fn trust_counts_from_the_question() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.load(1).await;
    node.store.inject_times("read feed", Fault::HoldAnswer, 1);
    let (cache, store) = (node.cache.clone(), node.store.clone());
    let following = tokio::spawn(async move { cache.follow_once().await });
    store.held(1).await;
    node.hand.advance(2 * SECOND);
    store.heal();
    following.await.unwrap().unwrap();
    assert!(!node.is_cached(1), "what was true two seconds ago");
    assert!(!node.cache.blacklist_is_trusted(node.moment()));
}

/// An older reading does not take the place of a newer one.
#[tokio::test]
async fn older_readings_do_not_replace_newer_ones() {
    let node = Node::new().await;
    let older = node.cache.asking(&key(1));
    node.hand.advance(Duration::from_millis(1));
    let newer = node.cache.asking(&key(1));
    let mut changed = record(1);
    changed.scopes = "orders:read".parse().unwrap();
    node.cache.put_session(secret(1), &changed, newer);
    node.cache.put_session(secret(1), &record(1), older);
    let scopes = |session: &CachedSession| session.principal().scopes().clone();
    let cached = node.cache.with_session(&secret(1), node.moment(), scopes);
    assert_eq!(cached, Some(changed.scopes));
}

/// A row that was put in counts only with its not-before instant, which nobody has asked for.
#[tokio::test]
async fn without_the_feed_what_is_put_in_does_not_count() {
    let node = Node::new().await;
    node.hand.advance(2 * SECOND);
    let asked = node.cache.asking(&key(1));
    node.cache.put_session(secret(1), &record(1), asked);
    assert!(!node.is_cached(1));
    node.follow().await;
    assert!(node.is_cached(1), "now the blacklist is known");
}

/// What was read before the feed was joined is not covered by it.
#[tokio::test]
async fn rows_from_before_the_feed_are_void() {
    let hand = ManualClock::at(START);
    let store = FaultyStore::new(MemoryStore::with_clock(hand.clock()));
    let node = Node::on(store, hand, CoherenceConfig::default());
    insert(&node.store, 1).await;
    node.load(1).await;
    assert!(node.is_cached(1), "its own reading counts for the bound");
    node.follow().await;
    assert!(!node.is_cached(1));
}
