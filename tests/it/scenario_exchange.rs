//! Scenarios of exchange: one legacy token, one session, however often and wherever it is asked.

use segue::AuthErrorKind;
use segue::Transport;
use segue::UserId;
use serde_json::json;

use crate::harness::Ask;
use crate::harness::Claims;
use crate::harness::DAY;
use crate::harness::HOUR;
use crate::harness::LEGACY_SECRET;
use crate::harness::MINUTE;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::either;
use crate::harness::legacy_builder;

either! {
    /// Exchanged twice, in parallel on two nodes or again inside the window: one session, one pair.
    /// After the window the token is spent for exchange, and still good as a credential.
    scenario_55_an_exchange_is_idempotent, world => {
        let (one, two) = (world.node().await, world.node().await);
        let legacy = one.legacy_token("alice");
        let (first, second) =
            tokio::join!(one.exchange(&legacy, None), two.exchange(&legacy, None));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.refresh.expose(), second.refresh.expose());
        one.pass(59 * SECOND).await;
        let third = one.exchange(&legacy, None).await.unwrap();
        assert_eq!(first.refresh.expose(), third.refresh.expose());
        assert_eq!(one.store.rows("alice").await.len(), 1);
        one.pass(SECOND).await;
        two.settle().await;
        for node in [&one, &two] {
            let spent = node.exchange(&legacy, None).await.unwrap_err();
            assert_eq!(spent, AuthErrorKind::ExchangeSpent);
            assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
            assert_eq!(node.bearer(third.access.expose()).await.verdict(), "200 session");
        }
    }
}

either! {
    /// Once the session was refreshed, a repeat would hand out a spent pair: it is refused.
    a_refreshed_session_is_not_handed_out_again, world => {
        let node = world.node().await;
        let legacy = node.legacy_token("alice");
        let pair = node.exchange(&legacy, None).await.unwrap();
        node.refresh(pair.refresh.expose()).await.unwrap();
        let spent = node.exchange(&legacy, None).await.unwrap_err();
        assert_eq!(spent, AuthErrorKind::ExchangeSpent);
    }
}

either! {
    /// Twenty devices that share one legacy token and each bring their own key: at most five
    /// sessions, and for each of those the same answer again.
    a_token_becomes_five_sessions_at_most, world => {
        let (one, two) = (world.node().await, world.node().await);
        let legacy = one.legacy_token("alice");
        let mut devices = tokio::task::JoinSet::new();
        for index in 0..20 {
            let (node, legacy) = (if index % 2 == 0 { &one } else { &two }.clone(), legacy.clone());
            devices.spawn(async move {
                let key = format!("device-{index}");
                (key.clone(), node.exchange(&legacy, Some(&key)).await)
            });
        }
        let mut sessions = 0;
        for (key, outcome) in devices.join_all().await {
            match outcome {
                Ok(pair) => {
                    sessions += 1;
                    let again = two.exchange(&legacy, Some(&key)).await.unwrap();
                    assert_eq!(again.refresh.expose(), pair.refresh.expose());
                }
                Err(kind) => assert_eq!(kind, AuthErrorKind::ExchangeSpent),
            }
        }
        assert_eq!(sessions, 5);
        assert_eq!(one.store.rows("alice").await.len(), 5);
    }
}

either! {
    /// Stolen before the password was reset, exchanged after it: refused.
    scenario_56_a_reset_stops_stolen_tokens, world => {
        let node = world.node().await;
        let stolen = node.legacy_token("alice");
        node.pass(HOUR).await;
        node.auth.revoke_user(&UserId::new("alice").unwrap()).await.unwrap();
        let refused = node.exchange(&stolen, None).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::TokenRevoked);
        assert!(node.store.rows("alice").await.is_empty());
    }
}

either! {
    /// What the exchange made dies with a not-before between the token's issue and the exchange,
    /// even one that is heard of later.
    an_exchanged_session_is_as_old_as_its_token, world => {
        let node = world.node().await;
        let old = node.legacy_token("alice");
        node.pass(HOUR).await;
        let pair = node.exchange(&old, None).await.unwrap();
        let row = node.store.row("alice").await;
        assert_eq!(row.authenticated_at, world.clock.now().saturating_sub(HOUR));
        assert_eq!(row.expires_at, row.authenticated_at.saturating_add(90 * DAY));
        node.auth.revoke_user(&UserId::new("alice").unwrap()).await.unwrap();
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "401 session_revoked");
    }
}

either! {
    /// On the blacklist by text or by name: refused on the direct way and on the exchange.
    scenario_57_the_blacklist_covers_both_ways, world => {
        let (node, other) = (world.node().await, world.node().await);
        let by_text = node.legacy_token("alice");
        let by_name = Claims::of("alice", world.clock.now()).with("jti", "name").sign();
        node.auth.blacklist_token(&by_text).await.unwrap();
        let until = world.clock.now().saturating_add(8 * DAY);
        node.auth.blacklist_jti("main", "name", until).await.unwrap();
        other.settle().await;
        for node in [&node, &other] {
            for token in [&by_text, &by_name] {
                assert_eq!(node.bearer(token).await.verdict(), "401 token_revoked");
                let refused = node.exchange(token, None).await.unwrap_err();
                assert_eq!(refused, AuthErrorKind::TokenRevoked);
            }
        }
    }
}

/// While the old system's key is rotated both keys are good, on both ways in.
#[tokio::test]
async fn scenario_58_both_legacy_keys_are_good() {
    const NEXT: &str = "the next secret of the old system, long enough";
    let world = World::memory();
    let source = legacy_builder("other", LEGACY_SECRET).key(segue::JwtKey::secret(NEXT));
    let source = source.transport(Transport::scheme("Token").unwrap());
    let source = source.map_user(|id| UserId::new(id).ok()).build().unwrap();
    let main = legacy_builder("main", "unused here, but every world has a main source");
    let main = main.map_user(|id| UserId::new(format!("main:{id}")).ok()).build().unwrap();
    let node = world.node_of(segue::Auth::builder().legacy(source).legacy(main));
    node.settle().await;
    for (secret, user) in [(LEGACY_SECRET, "alice"), (NEXT, "bob")] {
        let token = Claims::of(user, world.clock.now()).sign_with(secret);
        let ask = Ask::get().header("authorization", &format!("Token {token}"));
        let answer = ask.send(&node).await;
        assert_eq!((answer.verdict().as_str(), answer.user()), ("200 legacy_jwt", Some(user)));
        node.exchange(&token, None).await.unwrap();
    }
}

/// Tokens that live under an hour become sessions only where their source says so, and nobody's
/// key is longer than 255 bytes.
#[tokio::test]
async fn short_lived_tokens_are_not_exchanged() {
    let world = World::memory();
    let node = world.node().await;
    let now = world.clock.now();
    let short = Claims::of("alice", now)
        .with("exp", now.saturating_add(59 * MINUTE).as_unix_seconds())
        .sign();
    assert_eq!(node.bearer(&short).await.verdict(), "200 legacy_jwt");
    let refused = node.exchange(&short, None).await.unwrap_err();
    assert_eq!(refused, AuthErrorKind::NotExchangeable);
    let key = "k".repeat(256);
    let refused = node.exchange(&node.legacy_token("alice"), Some(&key)).await.unwrap_err();
    assert_eq!(refused, AuthErrorKind::InvalidRequest);
    assert!(node.store.rows("alice").await.is_empty());
}

/// Over HTTP: the token in `Authorization`, in the body, in the old cookie; the answer by request.
#[tokio::test]
async fn exchange_over_http() {
    let world = World::memory();
    let node = world.node().await;
    let path = "/auth/exchange";
    let by_header = Ask::post().bearer(&node.legacy_token("alice"));
    let answer = by_header.route(&node, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(node.bearer(&access).await.user(), Some("alice"));
    let body = json!({ "token": node.legacy_token("bob") });
    let answer = Ask::post().route(&node, path, Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let by_cookie = Ask::post().same_origin().legacy_cookie(&node.legacy_token("carol"));
    let answer = by_cookie.route(&node, path, Some(json!({ "delivery": "cookies" }))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("sga_"), "{}", answer.body);
    let cookie = answer.new_cookie(crate::harness::ACCESS_COOKIE).unwrap();
    let me = Ask::get().access_cookie(&cookie).send(&node).await;
    assert_eq!(me.user(), Some("carol"));
    let forged = Claims::of("alice", world.clock.now()).sign_with("x".repeat(40).as_str());
    let answer = Ask::post().bearer(&forged).route(&node, path, None).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("invalid_token")));
}
