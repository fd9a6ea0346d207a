//! Scenarios of going forward and back: who gets a session, and that nobody has to log in again.

use segue::Auth;
use segue::AuthErrorKind;
use segue::Login;
use segue::UserId;
use segue::Via;

use crate::harness::Ask;
use crate::harness::DAY;
use crate::harness::HOUR;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::World;
use crate::harness::dual;

async fn login(auth: &Auth, user: u64) -> Login {
    auth.login(user).await.unwrap()
}

/// Back to `drain` or `0%`: who migrated keeps working and refreshing, nobody new is migrated.
#[tokio::test]
async fn scenario_51_the_way_back_keeps_the_migrated() {
    for back in ["drain", "0%"] {
        let world = World::memory();
        let node = world.node_with(dual).await;
        let mut pair = login(&node.auth, 1).await.pair.unwrap();
        node.flags(&format!("REFRESH_TOKEN_SYSTEM={back}"));
        for _ in 0..10 {
            node.pass(DAY).await;
            pair = node.refresh(pair.refresh.expose()).await.unwrap();
            assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
        }
        let late = login(&node.auth, 2).await;
        assert!(late.pair.is_none());
        let legacy = late.legacy_token().unwrap();
        assert_eq!(node.bearer(legacy).await.user(), Some("2"));
        let refused = node.exchange(legacy, None).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::NotExchangeable);
    }
}

/// Raising the percentage only adds users, on every node alike; login and exchange agree.
#[tokio::test]
async fn scenario_52_the_share_only_grows() {
    let world = World::memory();
    let (one, two) = (world.node_with(dual).await, world.node_with(dual).await);
    let mut before = Vec::new();
    for percent in ["0%", "5%", "50%", "100%"] {
        one.flags(&format!("REFRESH_TOKEN_SYSTEM={percent}"));
        two.flags(&format!("REFRESH_TOKEN_SYSTEM={percent}"));
        let mut reached = Vec::new();
        for user in 0..100_u64 {
            let (here, there) = (login(&one.auth, user).await, login(&two.auth, user).await);
            assert_eq!(here.pair.is_some(), there.pair.is_some(), "{user} at {percent}");
            let legacy = one.legacy_token(&user.to_string());
            let exchanged = two.exchange(&legacy, Some(percent)).await;
            assert_eq!(exchanged.is_ok(), here.pair.is_some(), "{user} at {percent}");
            if here.pair.is_some() {
                reached.push(user);
            }
        }
        assert!(before.iter().all(|user| reached.contains(user)), "{percent}");
        before = reached;
    }
    assert_eq!(before.len(), 100);
}

/// The emergency stop is lossless through dual issue: whoever logged in before it goes on with the
/// legacy token, and with the session once it is over.
#[tokio::test]
async fn the_emergency_stop_loses_nobody() {
    let world = World::memory();
    let node = world.node_with(dual).await;
    let pair = node.login("alice").await;
    let legacy = pair.legacy_token().unwrap().to_owned();
    let client = || Ask::get().access_cookie(pair.access.expose()).legacy_cookie(&legacy);
    assert_eq!(client().send(&node).await.via(), Some(Via::Session));
    node.flags("REFRESH_TOKEN_SYSTEM=false");
    let answer = client().send(&node).await;
    assert_eq!((answer.via(), answer.user()), (Some(Via::LegacyJwt), Some("alice")));
    assert_eq!(answer.cleared(), "kept");
    let refused = node.refresh(pair.refresh.expose()).await.unwrap_err();
    assert_eq!((refused, refused.status().as_u16()), (AuthErrorKind::RefreshOff, 503));
    let during = login(&node.auth, 7).await;
    assert!(during.pair.is_none());
    assert_eq!(node.bearer(during.legacy_token().unwrap()).await.user(), Some("7"));
    let refused = node.exchange(&legacy, None).await.unwrap_err();
    assert_eq!(refused, AuthErrorKind::RefreshOff);
    node.pass(HOUR).await;
    node.flags("REFRESH_TOKEN_SYSTEM=true");
    let next = node.refresh(pair.refresh.expose()).await.unwrap();
    assert_eq!(node.bearer(next.access.expose()).await.verdict(), "200 session");
}

/// Sessions off and nobody to issue legacy tokens: a login has nothing to give, and says 503.
#[tokio::test]
async fn nothing_to_issue_is_said() {
    let world = World::memory();
    let node = world.node().await;
    node.flags("REFRESH_TOKEN_SYSTEM=drain");
    let refused = node.auth.login(1_u64).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::RefreshOff);
    assert!(refused.retry_after().is_some());
}

/// Dual issue at login and at refresh: a token with a random `jti` and the session's public id,
/// accepted as the same user, and none once legacy tokens are off.
#[tokio::test]
async fn dual_issue_names_the_session() {
    let world = World::memory();
    let node = world.node_with(dual).await;
    let first = node.login("alice").await;
    node.pass(MINUTE).await;
    let second = node.refresh(first.refresh.expose()).await.unwrap();
    let mut names = Vec::new();
    for pair in [&first, &second] {
        let answer = node.bearer(pair.legacy_token().unwrap()).await;
        let principal = answer.principal.unwrap();
        let claims = principal.legacy_claims().unwrap();
        assert_eq!(claims["sid"], first.session_id.to_string());
        assert_eq!(principal.user_id().as_str(), "alice");
        names.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_ne!(names[0], names[1]);
    assert!(names.iter().all(|jti| jti.len() >= 32));
    node.flags("LEGACY_JWT=false");
    let third = node.refresh(second.refresh.expose()).await.unwrap();
    assert_eq!(third.legacy_token(), None);
}

/// An issuer of the app's that fails costs the legacy token, not the login.
#[tokio::test]
async fn a_failing_issuer_costs_no_login() {
    let world = World::memory();
    let node = world
        .node_with(|builder| builder.legacy_issuer(DAY, |_| Err::<String, _>("the app's fault")))
        .await;
    let pair = node.login("alice").await;
    assert_eq!(pair.legacy_token(), None);
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
}

/// Every request of a user through the whole journey, forward and back, is served as that user.
#[tokio::test]
async fn nobody_is_logged_out_on_the_journey() {
    let world = World::memory();
    let node = world.node_with(dual).await;
    node.flags("REFRESH_TOKEN_SYSTEM=false");
    let mut clients = Vec::new();
    for user in 0..20_u64 {
        clients.push(Client::new(&node, user).await);
    }
    for phase in ["drain", "10%", "50%", "true", "50%", "drain", "false", "drain", "true"] {
        node.flags(&format!("REFRESH_TOKEN_SYSTEM={phase}"));
        for client in &mut clients {
            client.use_app(&node, phase).await;
        }
        node.pass(HOUR).await;
    }
}

/// An ordinary client: keeps what it is given, refreshes and exchanges when it can.
struct Client {
    user: String,
    legacy: String,
    pair: Option<segue::TokenPair>,
}

impl Client {
    async fn new(node: &Node, user: u64) -> Self {
        let login = login(&node.auth, user).await;
        let legacy = login.legacy_token().unwrap().to_owned();
        Self { user: user.to_string(), legacy, pair: login.pair }
    }

    async fn use_app(&mut self, node: &Node, phase: &str) {
        let next = match &self.pair {
            Some(pair) => node.refresh(pair.refresh.expose()).await,
            None => node.exchange(&self.legacy, None).await,
        };
        match next {
            Ok(pair) => self.keep(pair),
            Err(AuthErrorKind::NotExchangeable | AuthErrorKind::RefreshOff) => {}
            Err(kind) => panic!("user {} in {phase}: {kind:?}", self.user),
        }
        let mut ask = Ask::get().legacy_cookie(&self.legacy);
        if let Some(pair) = &self.pair {
            ask = ask.access_cookie(pair.access.expose());
        }
        let answer = ask.send(node).await;
        let user = answer.user().unwrap_or("nobody").to_owned();
        assert_eq!(user, self.user, "in {phase}: {}", answer.verdict());
    }

    fn keep(&mut self, pair: segue::TokenPair) {
        if let Some(token) = pair.legacy_token() {
            token.clone_into(&mut self.legacy);
        }
        self.pair = Some(pair);
    }
}

/// Shared flags that are expected and not read yet: session credentials wait with a 503, legacy
/// tokens go on.
#[tokio::test]
async fn flags_that_are_not_known_yet() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    node.auth.flags().expect_shared();
    let ask = Ask::get().access_cookie(pair.access.expose());
    let answer = ask.send(&node).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("503 flags_unknown", "kept"));
    assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
    let unknown = AuthErrorKind::FlagsUnknown;
    assert_eq!(node.refresh(pair.refresh.expose()).await.unwrap_err(), unknown);
    assert_eq!(node.exchange(&legacy, None).await.unwrap_err(), unknown);
    let user = UserId::new("alice").unwrap();
    assert_eq!(node.auth.login(user).await.unwrap_err().kind(), unknown);
    node.auth.flags().set_shared(None).unwrap();
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
}
