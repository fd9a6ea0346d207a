//! Signs of life: at most once per interval, never for the revoked, never lost to a fault.

use super::*;
use crate::error::StoreErrorKind;
use crate::session::RevokeReason;
use crate::store::Fault;

const INTERVAL: Duration = Duration::from_secs(60);

/// However often a session is used, it is written once per interval.
#[tokio::test]
async fn once_per_interval() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let session = node.load(1).await.unwrap();
    for minute in 0..5_u64 {
        for _ in 0..100 {
            node.cache.note_use(&session, node.moment(), None);
        }
        assert_eq!(node.cache.core().behind.len(), usize::from(minute > 0));
        node.cache.flush().await.unwrap();
        assert_eq!(node.store.calls("touch sessions"), minute);
        node.hand.advance(INTERVAL);
    }
    let row = node.store.inner().load(key(1)).await.unwrap().unwrap();
    assert_eq!(row.last_seen_at, START.saturating_add(4 * INTERVAL));
}

/// A session that was revoked while its sign of life waited is not written any more.
#[tokio::test]
async fn never_after_a_revocation() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let session = node.load(1).await.unwrap();
    node.hand.advance(INTERVAL);
    node.cache.note_use(&session, node.moment(), None);
    node.cache.note_revoked(key(1), RevokeReason::Logout);
    node.hand.advance(INTERVAL);
    node.cache.note_use(&session, node.moment(), None);
    node.cache.flush().await.unwrap();
    assert_eq!(node.store.calls("touch sessions"), 0);
}

/// What can't be written waits, unless there is a later sign of life.
#[tokio::test]
async fn faults_lose_nothing() {
    let node = Node::new().await;
    for number in [1, 2] {
        insert(&node.store, number).await;
        let session = node.load(number).await.unwrap();
        node.hand.advance(INTERVAL);
        node.cache.note_use(&session, node.moment(), None);
    }
    node.store.inject_only("touch sessions", Fault::Fail(StoreErrorKind::Unavailable));
    assert!(node.cache.flush().await.is_err());
    assert_eq!(node.cache.core().behind.len(), 2);
    node.store.heal();
    node.cache.flush().await.unwrap();
    assert_eq!(node.cache.core().behind.len(), 0);
}

/// The latest use known here counts for the idle timeout, also after the row was read again.
#[tokio::test]
async fn use_counts_for_idleness() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let session = node.load(1).await.unwrap();
    node.hand.advance(INTERVAL);
    node.cache.note_use(&session, node.moment(), None);
    node.hand.advance(Duration::from_secs(61));
    node.follow().await;
    let again = node.load(1).await.unwrap();
    assert_eq!(again.last_active_at(), START.saturating_add(INTERVAL));
}

/// The sweeper purges what is dead, in the store and in memory.
#[tokio::test]
async fn the_sweeper_purges() {
    let node = Node::new().await;
    for number in 1..=3 {
        insert(&node.store, number).await;
    }
    let swept = node.cache.sweep_once(START).await.unwrap();
    assert_eq!((swept.sessions, swept.blacklist), (0, 0));
    let swept = node.cache.sweep_once(record(1).expires_at).await.unwrap();
    assert_eq!(swept.sessions, 3);
}
