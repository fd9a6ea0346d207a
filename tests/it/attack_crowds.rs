//! Attacks by crowds and by patience: many at once, and one who waits.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::header::SET_COOKIE;
use http_body_util::Full;
use segue::KeyVersion;
use segue::Keyring;
use segue::RefreshCause;
use segue::RefreshLayer;
use segue::SessionPolicy;
use segue::store::Fault;
use tokio::sync::Notify;
use tower::Layer;
use tower::ServiceExt;
use tower::service_fn;

use crate::harness::Ask;
use crate::harness::HOUR;
use crate::harness::MINUTE;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::either;
use crate::harness::until;

/// Something that takes as long as the test likes.
#[derive(Clone, Debug, Default)]
struct Slow {
    begun: Arc<AtomicU32>,
    over: Arc<Notify>,
}

impl Slow {
    async fn pass(self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.over.notified().await;
    }

    async fn has_begun(&self) {
        until("it begins", || self.begun.load(Ordering::SeqCst) > 0).await;
    }
}

either! {
    /// A crowd of honest tabs on several nodes gets its successor, and nobody a fault, although only
    /// one grace answer a time can be counted.
    attack_64_a_crowd_is_answered, world => {
        let policy = SessionPolicy { grace_uses_max: 1_000, ..SessionPolicy::default() };
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(world.node_with(|builder| builder.policy(policy.clone())).await);
        }
        let token = world.node().await.login("alice").await.refresh.expose().to_owned();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..128 {
            let (node, token) = (nodes[index % 4].clone(), token.clone());
            tasks.spawn(async move { node.refresh(&token).await });
        }
        let answers = tasks.join_all().await;
        let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
        assert_eq!(refused.collect::<Vec<_>>(), [&segue::AuthErrorKind::CrossOrigin; 0]);
        let rotated = |cause: Option<RefreshCause>| cause == Some(RefreshCause::Rotated);
        let rotations = answers.iter().flatten().filter(|pair| rotated(pair.cause));
        assert_eq!(rotations.count(), 1);
        assert_eq!(nodes[0].store.row("alice").await.revoked, None);
    }
}

/// Whoever opens a slow request with a stolen token does not collect the token that the owner has
/// come to meanwhile, and is not noticed for it either: the owner's own slow requests look the same.
#[tokio::test]
async fn attack_64_a_slow_request_collects_no_successor() {
    let world = World::memory();
    let node = world.node().await;
    let stolen = node.login("alice").await;
    node.pass(HOUR).await;
    let slow = Slow::default();
    let inner = service_fn({
        let slow = slow.clone();
        move |_: Request<()>| {
            let slow = slow.clone();
            async move {
                slow.pass().await;
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        }
    });
    let service = RefreshLayer::new().with(&node.auth).layer(inner);
    let request = Ask::get().refresh_cookie(stolen.refresh.expose()).build();
    let thief = tokio::spawn(service.oneshot(request));
    slow.has_begun().await;
    node.pass(MINUTE).await;
    let next = node.refresh(stolen.refresh.expose()).await.unwrap();
    node.pass(MINUTE).await;
    node.refresh(next.refresh.expose()).await.unwrap();
    node.pass(SECOND).await;
    slow.over.notify_one();
    let response = thief.await.unwrap().unwrap();
    assert_eq!(response.headers().get(SET_COOKIE), None);
    assert_eq!(node.store.row("alice").await.revoked, None);
}

/// An access token that has expired is no sign of life of its session, whatever stands beside it.
#[tokio::test]
async fn attack_66_an_expired_token_keeps_no_session_from_idling() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    let seen = node.store.row("alice").await.last_seen_at;
    node.pass(HOUR).await;
    for _ in 0..2 {
        let ask = Ask::get().access_cookie(pair.access.expose());
        let ask = ask.bearer(&node.legacy_token("alice"));
        assert_eq!(ask.send(&node).await.verdict(), "200 legacy_jwt");
    }
    node.auth.flush().await.unwrap();
    assert_eq!(node.store.row("alice").await.last_seen_at, seen);
}

/// A key that is taken out while the store is asked verifies nothing any more: neither the request
/// that waits, nor those after it from memory.
#[tokio::test]
async fn attack_26_a_retired_key_does_not_outlive_in_a_load() {
    let world = World::memory();
    let (near, far) = (world.node().await, world.node().await);
    let pair = near.login("alice").await;
    far.store.inject_only("load session", Fault::HoldCall);
    let waiting = tokio::spawn({
        let (far, token) = (far.clone(), pair.access.expose().to_owned());
        async move { far.bearer(&token).await.verdict() }
    });
    far.store.held(1).await;
    let ring = Keyring::generate(KeyVersion::new(2).unwrap()).unwrap();
    far.auth.replace_keys(ring).await.unwrap();
    far.store.heal();
    assert_eq!(waiting.await.unwrap(), "401 unknown_key");
    assert_eq!(far.bearer(pair.access.expose()).await.verdict(), "401 unknown_key");
}

/// An answer of the users hook that took long does not replace the one to a later question.
#[tokio::test]
async fn attack_57_a_slow_answer_revives_nobody() {
    let world = World::memory();
    let slow = Slow::default();
    let hook = slow.clone();
    let node = world.node_with(|builder| {
        builder.users(move |_| {
            let slow = hook.clone();
            async move {
                let first = slow.begun.load(Ordering::SeqCst) == 0;
                if first {
                    slow.pass().await;
                }
                first
            }
        })
    });
    let node = node.await;
    let token = node.legacy_token("alice");
    let early = tokio::spawn({
        let (node, token) = (node.clone(), token.clone());
        async move { node.bearer(&token).await.verdict() }
    });
    slow.has_begun().await;
    node.pass(SECOND).await;
    assert_eq!(node.bearer(&token).await.verdict(), "401 user_disabled");
    slow.over.notify_one();
    assert_eq!(early.await.unwrap(), "200 legacy_jwt");
    assert_eq!(node.bearer(&token).await.verdict(), "401 user_disabled");
}
