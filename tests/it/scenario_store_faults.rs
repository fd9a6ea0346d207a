//! Scenarios of a store that fails at the worst moment: nobody is logged out for it.

use segue::AuthErrorKind;
use segue::MemoryStore;
use segue::RefreshCause;
use segue::RequestContext;
use segue::SessionRecord;
use segue::SessionStore;
use segue::StoreErrorKind;
use segue::TokenPair;
use segue::store::Fault;
use segue::store::NewSession;

use crate::harness::DAY;
use crate::harness::Node;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::either;

async fn insert(store: &MemoryStore, record: SessionRecord) {
    let new = NewSession {
        record,
        sessions_max: 100,
        idle: 14 * DAY,
        supersedes: None,
        exchanges_max: 5,
    };
    store.insert(new).await.unwrap();
}

/// The store failed over and forgot rotations: the client's token is ahead of it, and only this
/// server can have made it. The session goes on, and nobody is accused.
#[tokio::test]
async fn scenario_18_a_store_that_went_back_in_time() {
    let world = World::memory();
    let node = world.node().await;
    let first = node.login("alice").await;
    let forgotten = node.store.row("alice").await;
    let other = node.login("bob").await;
    let others_row = node.store.row("bob").await;
    let second = node.refresh(first.refresh.expose()).await.unwrap();
    let third = node.refresh(second.refresh.expose()).await.unwrap();

    let lagging = MemoryStore::with_clock(world.clock.clock());
    insert(&lagging, forgotten).await;
    insert(&lagging, others_row).await;
    let after = world.cold_node_with(|builder| builder.store(lagging.clone()));
    let fourth = after.refresh(third.refresh.expose()).await.unwrap();
    assert_eq!(fourth.cause, Some(RefreshCause::StoreBehind));
    let row = lagging.list(&"alice".parse_user(), None, 10).await.unwrap().remove(0);
    assert_eq!((row.generation, row.revoked), (3, None));
    assert_eq!(after.bearer(fourth.access.expose()).await.verdict(), "200 session");
    after.refresh(fourth.refresh.expose()).await.unwrap();
    after.refresh(other.refresh.expose()).await.unwrap();
}

trait ParseUser {
    fn parse_user(&self) -> segue::UserId;
}

impl ParseUser for str {
    fn parse_user(&self) -> segue::UserId {
        segue::UserId::new(self).unwrap()
    }
}

either! {
    /// The rotation was committed and the answer lost on its way from the store: the same request
    /// recovers, and if it gives up, the next one does.
    scenario_19_committed_but_not_answered, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let lose = Fault::LoseAnswer(StoreErrorKind::Unavailable);
        node.store.inject_times("rotate session", lose, 1);
        let second = node.refresh(first.refresh.expose()).await.unwrap();
        assert_eq!(node.store.row("alice").await.generation, 1);
        assert_eq!(node.bearer(second.access.expose()).await.verdict(), "200 session");

        node.store.inject_only("rotate session", lose);
        let context = RequestContext::default();
        let outcome = node.auth.refresh(second.refresh.expose(), &context).await;
        node.store.heal();
        // Whether the rule or the caller's patience came first, the same token still works.
        if let Err(error) = outcome {
            assert_eq!(error.kind(), AuthErrorKind::StoreUnavailable);
        }
        node.pass(5 * SECOND).await;
        let third = node.refresh(second.refresh.expose()).await.unwrap();
        assert_eq!(node.store.row("alice").await.generation, 2);
        node.refresh(third.refresh.expose()).await.unwrap();
        assert_eq!(node.store.row("alice").await.revoked, None);
    }
}

/// A store that hangs costs a bounded wait and a 503 that says when to come back, well inside the
/// grace window; and however many wait, nothing is used up when it answers again.
#[tokio::test(start_paused = true)]
async fn scenario_21_a_stuck_store_is_a_bounded_wait() {
    let world = World::memory();
    let node = world.node().await;
    let first = node.login("alice").await;
    node.store.inject(Fault::Hang);
    let begun = tokio::time::Instant::now();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let (auth, token) = (node.auth.clone(), first.refresh.expose().to_owned());
        waiting.spawn(async move { auth.refresh(&token, &RequestContext::default()).await });
    }
    for outcome in waiting.join_all().await {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.status().as_u16()), (AuthErrorKind::StoreUnavailable, 503));
        let retry = error.retry_after().unwrap();
        assert!(retry >= SECOND && retry <= 10 * SECOND, "{retry:?}");
    }
    assert!(begun.elapsed() <= 10 * SECOND, "{:?}", begun.elapsed());
    node.store.heal();
    let second = node.refresh(first.refresh.expose()).await.unwrap();
    assert_eq!(node.bearer(second.access.expose()).await.verdict(), "200 session");
}

/// Every operation, with the store down: 503, never 401, and afterwards everything as before.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_refuses_nobody() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    let legacy = node.legacy_token("bob");
    node.store.break_down();
    world.clock.advance(10 * crate::harness::MINUTE - SECOND);
    let unavailable = AuthErrorKind::StoreUnavailable;
    let alice = "alice".parse_user();
    assert_eq!(node.auth.login(alice.clone()).await.unwrap_err().kind(), unavailable);
    assert_eq!(node.refresh(pair.refresh.expose()).await.unwrap_err(), unavailable);
    assert_eq!(node.exchange(&legacy, None).await.unwrap_err(), unavailable);
    assert_eq!(node.auth.revoke_user(&alice).await.unwrap_err().kind(), unavailable);
    assert_eq!(node.auth.sessions(&alice, None).await.unwrap_err().kind(), unavailable);
    assert_eq!(node.auth.blacklist_token(&legacy).await.unwrap_err().kind(), unavailable);
    let reason = segue::RevokeReason::Logout;
    let revoked = node.auth.revoke_session(&alice, pair.session_id, reason).await;
    assert_eq!(revoked.unwrap_err().kind(), unavailable);
    refused_for_now(&node, &pair).await;
    node.store.heal();
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
    node.refresh(pair.refresh.expose()).await.unwrap();
}

async fn refused_for_now(node: &Node, pair: &TokenPair) {
    let ask = crate::harness::Ask::get().access_cookie(pair.access.expose());
    let answer = ask.refresh_cookie(pair.refresh.expose()).send(node).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("503 store_unavailable", "kept"));
    assert!(answer.headers.contains_key("retry-after"));
}
