//! The background tasks: who starts them, who follows, when they end.

use super::*;
use crate::session::RevokeReason;
use tokio::runtime::Builder;
use tokio::task::yield_now;

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

fn node() -> Node {
    let hand = ManualClock::at(START);
    let store = FaultyStore::new(MemoryStore::with_clock(hand.clock()));
    Node::on(store, hand, CoherenceConfig::default())
}

/// Lets the tasks run until something holds; fails if it never does.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        yield_now().await;
    }
    panic!("it never came to hold");
}

/// Outside a runtime nothing starts, and nothing fails.
#[test]
fn without_a_runtime_nothing_starts() {
    let node = node();
    node.cache.start();
    assert!(!node.is_cached(1));
    assert!(!node.cache.blacklist_is_trusted(node.moment()));
}

/// Once ready, everything is trusted, and news arrive by themselves.
#[test]
fn news_arrive_by_themselves() {
    let node = node();
    runtime().block_on(async {
        node.cache.ready().await.unwrap();
        assert!(node.cache.blacklist_is_trusted(node.moment()));
        insert(&node.store, 1).await;
        node.load(1).await;
        assert!(node.is_cached(1));
        node.store.inner().revoke(key(1), RevokeReason::Logout, START).await.unwrap();
        until(|| !node.is_cached(1)).await;
    });
}

/// When the runtime that carried the tasks is gone, the next one carries them on.
#[test]
fn the_next_runtime_carries_on() {
    let node = node();
    runtime().block_on(async { node.cache.ready().await.unwrap() });
    runtime().block_on(async {
        insert(&node.store, 1).await;
        // A load starts the tasks again.
        node.cache.load_session(secret(1), key(1), node.moment()).await.unwrap();
        node.hand.advance(30 * SECOND);
        until(|| node.cache.blacklist_is_trusted(node.moment())).await;
        assert!(node.is_cached(1), "the feed was followed on from where it was");
        assert_eq!(node.loads(), 1);
    });
}

/// Starting twice is starting once.
#[test]
fn starting_twice_starts_once() {
    let node = node();
    let runtime = runtime();
    runtime.block_on(async {
        node.cache.ready().await.unwrap();
        for _ in 0..10 {
            node.cache.start();
        }
        until(|| node.store.calls("wait for feed") > 0).await;
        // The follower, the writer, the sweeper.
        assert_eq!(runtime.metrics().num_alive_tasks(), 3);
    });
}

/// Dropping the last handle ends the tasks.
#[test]
fn dropping_the_cache_ends_the_tasks() {
    let runtime = runtime();
    runtime.block_on(async {
        let node = node();
        node.cache.ready().await.unwrap();
        until(|| node.store.calls("wait for feed") > 0).await;
        let clone = node.cache.clone();
        drop(node);
        yield_now().await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 3);
        drop(clone);
        until(|| runtime.metrics().num_alive_tasks() == 0).await;
    });
}

/// A feed that is lost is tried again, and found again.
#[test]
fn a_lost_feed_is_found_again() {
    let node = node();
    runtime().block_on(async {
        node.cache.ready().await.unwrap();
        let fault = crate::store::Fault::Fail(crate::error::StoreErrorKind::Unavailable);
        node.store.inject(fault);
        let failed = node.store.calls("read feed") + 3;
        until_passed(|| node.store.calls("read feed") >= failed).await;
        node.hand.advance(10 * SECOND);
        assert!(!node.cache.blacklist_is_trusted(node.moment()));
        node.store.heal();
        until_passed(|| node.cache.blacklist_is_trusted(node.moment())).await;
    });
}

/// Lets time pass for the tasks until something holds.
async fn until_passed(holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        // Paused time: this costs none.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to hold");
}

/// Signs of life are written by themselves, together.
#[test]
fn signs_of_life_are_written_together() {
    let node = node();
    runtime().block_on(async {
        node.cache.ready().await.unwrap();
        for number in 1..=20 {
            insert(&node.store, number).await;
            let session = node.load(number).await.unwrap();
            node.hand.advance(Duration::from_secs(60));
            node.cache.note_use(&session, node.moment(), None);
        }
        until_passed(|| node.cache.core().behind.len() == 0).await;
        until_passed(|| node.store.calls("touch sessions") > 0).await;
        assert_eq!(node.store.calls("touch sessions"), 1);
    });
}
