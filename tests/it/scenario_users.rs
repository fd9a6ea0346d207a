//! Scenarios of users who are disabled, and of an app that can't say whether they are.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use segue::Auth;
use segue::AuthErrorKind;
use segue::MemoryStore;
use segue::RequestContext;
use segue::UserId;

use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::dual;

const ACTIVE: u8 = 0;
const DISABLED: u8 = 1;
const FAILING: u8 = 2;
const SILENT: u8 = 3;

/// What the app says of every user, and how often it was asked.
#[derive(Clone, Debug, Default)]
struct Directory {
    says: Arc<AtomicU8>,
    asked: Arc<AtomicU64>,
}

impl Directory {
    fn say(&self, what: u8) {
        self.says.store(what, Ordering::SeqCst);
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn node(&self, world: &World) -> Node {
        let directory = self.clone();
        let hook = move |_: UserId| {
            let directory = directory.clone();
            async move {
                directory.asked.fetch_add(1, Ordering::SeqCst);
                match directory.says.load(Ordering::SeqCst) {
                    ACTIVE => Ok(true),
                    DISABLED => Ok(false),
                    FAILING => Err("the user database is down"),
                    _ => std::future::pending().await,
                }
            }
        };
        world.node_with(|builder| dual(builder.users(hook))).await
    }
}

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

/// Disabled by the push: the next request fails, on both nodes, by session and by legacy token; so
/// do refresh and exchange.
#[tokio::test]
async fn scenario_39_a_disabled_user_is_out_at_once() {
    let world = World::memory();
    let (node, other) = (world.node().await, world.node().await);
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    for node in [&node, &other] {
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
        assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
    }
    node.pass(SECOND).await;
    node.auth.disable_user(&alice()).await.unwrap();
    other.settle().await;
    for node in [&node, &other] {
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "401 session_revoked");
        assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_revoked");
        let refused = node.refresh(pair.refresh.expose()).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::SessionRevoked);
        assert_eq!(node.exchange(&legacy, None).await.unwrap_err(), AuthErrorKind::TokenRevoked);
    }
}

/// Disabled in the app alone: login, refresh and exchange ask every time, requests once a minute.
/// A "no" is asked again after a second, so whoever is let in again does not wait.
#[tokio::test]
async fn scenario_39_the_hook_is_the_safety_net() {
    let world = World::memory();
    let directory = Directory::default();
    let node = directory.node(&world).await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    let asked = directory.asked();
    for _ in 0..50 {
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
        assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
    }
    assert_eq!(directory.asked(), asked, "the answer of the login is remembered");
    directory.say(DISABLED);
    let disabled = AuthErrorKind::UserDisabled;
    assert_eq!(node.refresh(pair.refresh.expose()).await.unwrap_err(), disabled);
    assert_eq!(node.store.row("alice").await.generation, 0, "nothing was rotated");
    assert_eq!(node.exchange(&legacy, None).await.unwrap_err(), disabled);
    assert_eq!(node.auth.login(alice()).await.unwrap_err().kind(), disabled);
    node.pass(MINUTE).await;
    for token in [pair.access.expose(), &legacy] {
        assert_eq!(node.bearer(token).await.verdict(), "401 user_disabled");
    }
    directory.say(ACTIVE);
    node.pass(SECOND).await;
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
    node.refresh(pair.refresh.expose()).await.unwrap();
}

/// A hook that fails or hangs is no verdict: the last "yes" counts for `LEGACY_STALE_OK`, then
/// nobody can tell. Nobody is turned away for good, and no cookie is taken.
#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_turns_nobody_away() {
    for fault in [FAILING, SILENT] {
        let world = World::memory();
        let directory = Directory::default();
        let node = directory.node(&world).await;
        let (mut pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
        directory.say(fault);
        for _ in 0..5 {
            node.pass(MINUTE).await;
            assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
            assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
            pair = node.refresh(pair.refresh.expose()).await.unwrap();
        }
        node.pass(MINUTE).await;
        for token in [pair.access.expose(), &legacy] {
            assert_eq!(node.bearer(token).await.verdict(), "503 store_unavailable");
        }
        let unavailable = AuthErrorKind::StoreUnavailable;
        assert_eq!(node.refresh(pair.refresh.expose()).await.unwrap_err(), unavailable);
        assert_eq!(node.exchange(&legacy, None).await.unwrap_err(), unavailable);
        directory.say(ACTIVE);
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
        node.refresh(pair.refresh.expose()).await.unwrap();
    }
}

/// A user nobody was ever told about, while the app can't say: 503, not a guess.
#[tokio::test]
async fn an_unknown_user_waits_for_the_app() {
    let world = World::memory();
    let directory = Directory::default();
    let node = directory.node(&world).await;
    let legacy = node.legacy_token("carol");
    directory.say(FAILING);
    assert_eq!(node.bearer(&legacy).await.verdict(), "503 store_unavailable");
    let login = node.auth.login(alice()).await.unwrap_err();
    assert_eq!(login.kind(), AuthErrorKind::StoreUnavailable);
    directory.say(ACTIVE);
    assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
}

/// A repeat inside the grace window asks about the user like any refresh does.
#[tokio::test]
async fn scenario_39_a_repeated_refresh_asks_about_the_user_too() {
    let active = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&active);
    let auth = Auth::builder()
        .store(MemoryStore::new())
        .users(move |_| ready(asked.load(Ordering::SeqCst)))
        .build()
        .unwrap();
    let pair = auth.login(1_u32).await.unwrap().pair.unwrap();
    let context = RequestContext::default();
    auth.refresh(pair.refresh.expose(), &context).await.unwrap();
    auth.refresh(pair.refresh.expose(), &context).await.unwrap();
    active.store(false, Ordering::SeqCst);
    let refused = auth.refresh(pair.refresh.expose(), &context).await.unwrap_err();
    assert_eq!(refused.code(), "user_disabled");
}
