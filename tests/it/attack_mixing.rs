//! Attacks by mixing: credentials in several places of one request, several systems in one
//! process, nodes with other keys.

use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::Request;
use http::StatusCode;
use segue::AuthErrorKind;
use segue::AuthLayer;
use segue::BlacklistLayer;
use segue::JwtVerifierBuilder;
use segue::KeyVersion;
use segue::Keyring;
use segue::RefreshLayer;
use segue::Transport;
use segue::UserId;
use serde_json::Value;
use tower::ServiceExt;
use tower::layer::util::Stack;

use crate::harness::Ask;
use crate::harness::Claims;
use crate::harness::HOUR;
use crate::harness::LEGACY_COOKIE;
use crate::harness::LEGACY_SECRET;
use crate::harness::Node;
use crate::harness::World;
use crate::harness::legacy_builder;
use crate::harness::node_of;

const OTHER_SECRET: &str = "the secret of a second system, also long enough";
/// Has the shape of a token, and is none.
const JUNK: &str = "eyJhbGciOiJIUzI1NiJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Two systems being replaced: one sends its tokens in the header, the other in a cookie.
async fn two_sources(world: &World) -> Node {
    let mapped = |builder: JwtVerifierBuilder| builder.map_user(|id| UserId::new(id).ok());
    let header = legacy_builder("header", OTHER_SECRET).transport(Transport::bearer());
    let in_cookie = Transport::cookie(LEGACY_COOKIE).unwrap();
    let cookie = legacy_builder("cookie", LEGACY_SECRET).transport(in_cookie);
    node_of(world, [mapped(header), mapped(cookie)]).await
}

async fn call(node: &Node, path: &str, ask: Ask) -> (StatusCode, Value) {
    let (parts, ()) = ask.build().into_parts();
    let mut request = Request::from_parts(parts, Body::empty());
    *request.uri_mut() = path.parse().unwrap();
    let response = node.auth.routes().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A renewal by one system proves nothing to another one in the same process: their users may have
/// the same ids and mean different people.
#[tokio::test]
async fn attack_52_a_renewal_counts_for_its_own_system_only() {
    let (customers, staff) = (World::memory(), World::memory());
    let (customers, staff) = (customers.node().await, staff.node().await);
    let customer = customers.login("1").await;
    customers.pass(HOUR).await;
    let renewing = RefreshLayer::new().with(&customers.auth);
    let ask = || Ask::get().refresh_cookie(customer.refresh.expose());
    let layers = Stack::new(AuthLayer::dual().with(&staff.auth), renewing.clone());
    assert_eq!(ask().through(layers).await.status, 401);
    let layers = Stack::new(AuthLayer::dual().with(&customers.auth), renewing);
    assert_eq!(ask().through(layers).await.verdict(), "200 session");
}

/// A bearer token that nobody takes is refused, also beside a legacy token in another place.
#[tokio::test]
async fn attack_60_an_unclaimed_bearer_beside_a_good_cookie() {
    let world = World::memory();
    let node = two_sources(&world).await;
    let good = Claims::of("alice", world.clock.now()).sign();
    assert_eq!(Ask::get().legacy_cookie(&good).send(&node).await.verdict(), "200 legacy_jwt");
    for bearer in ["opaque", "sgr_opaque"] {
        let answer = Ask::get().bearer(bearer).legacy_cookie(&good).send(&node).await;
        assert_eq!(answer.verdict(), "401 invalid_token", "{bearer}");
    }
}

/// Junk in the header does not make a cookie look like a header: evidence of the origin is still
/// asked for, and the token in the cookie is not traded for tokens that a script can read.
#[tokio::test]
async fn attack_60_junk_in_the_header_hides_no_cookie() {
    let world = World::memory();
    let node = two_sources(&world).await;
    let good = Claims::of("alice", world.clock.now()).sign();
    let ask = |junk| Ask::post().bearer(junk).legacy_cookie(&good);
    assert_eq!(ask(JUNK).send(&node).await.verdict(), "403 cross_origin");
    for junk in [JUNK, "opaque"] {
        let (status, body) = call(&node, "/auth/exchange", ask(junk)).await;
        assert_ne!(status, StatusCode::OK);
        assert_eq!(body.get("access_token"), None);
        let ask = ask(junk).header("sec-fetch-site", "same-origin");
        assert_eq!(call(&node, "/auth/exchange", ask).await.1.get("access_token"), None);
    }
}

/// Logging out ends every credential of the request, also the one behind junk.
#[tokio::test]
async fn attack_60_junk_in_the_header_keeps_no_cookie_alive() {
    let world = World::memory();
    let node = two_sources(&world).await;
    let good = Claims::of("alice", world.clock.now()).sign();
    let ask = Ask::post().bearer(JUNK).legacy_cookie(&good);
    let ask = ask.header("sec-fetch-site", "same-origin");
    assert_eq!(call(&node, "/auth/logout", ask).await.0, StatusCode::NO_CONTENT);
    let answer = Ask::get().legacy_cookie(&good).send(&node).await;
    assert_eq!(answer.verdict(), "401 token_revoked");
}

/// A node that has other bytes under the number of a key can judge nobody's tokens: it takes no
/// cookie, ends no session in name only, and makes no tokens that the others refuse.
#[tokio::test]
async fn attack_56_a_node_with_other_keys_serves_nobody() {
    let world = World::memory();
    let good = world.node().await;
    let pair = good.login("alice").await;
    let other = Keyring::generate(KeyVersion::FIRST).unwrap();
    let bad = world.cold_node_with(|builder| builder.keys(other.clone()));
    assert!(bad.auth.ready().await.is_err());
    let unavailable = AuthErrorKind::StoreUnavailable;
    assert_eq!(bad.refresh(pair.refresh.expose()).await.unwrap_err(), unavailable);
    let login = bad.auth.login(UserId::new("alice").unwrap()).await;
    assert_eq!(login.unwrap_err().kind(), unavailable);
    let legacy = Claims::of("alice", world.clock.now()).sign();
    assert_eq!(bad.exchange(&legacy, None).await.unwrap_err(), unavailable);
    let ask = || Ask::post().header("sec-fetch-site", "same-origin");
    for path in ["/auth/refresh", "/auth/logout"] {
        let ask = ask().refresh_cookie(pair.refresh.expose());
        assert_eq!(call(&bad, path, ask).await.0, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    // Trying another ring that is no better changes nothing.
    assert!(bad.auth.replace_keys(Keyring::generate(KeyVersion::FIRST).unwrap()).await.is_err());
    assert_eq!(bad.refresh(pair.refresh.expose()).await.unwrap_err(), unavailable);
    bad.auth.replace_keys(world.keys.clone()).await.unwrap();
    assert!(bad.refresh(pair.refresh.expose()).await.is_ok());
}

/// A node that has one key wrong does not settle what the others are.
#[tokio::test]
async fn attack_56_a_wrong_ring_registers_nothing() {
    let world = World::memory();
    let versions = [KeyVersion::FIRST, KeyVersion::new(2).unwrap()];
    let ring = |bytes: [u8; 2]| {
        let keys = versions.into_iter().zip(bytes.map(|byte| [byte; 32]));
        Keyring::new(KeyVersion::FIRST, keys).unwrap()
    };
    let with = |ring: Keyring| world.cold_node_with(|builder| builder.keys(ring));
    let first = Keyring::new(KeyVersion::FIRST, [(KeyVersion::FIRST, [1; 32])]).unwrap();
    with(first).auth.ready().await.unwrap();
    assert!(with(ring([7, 8])).auth.ready().await.is_err());
    with(ring([1, 2])).auth.ready().await.unwrap();
}

/// A node that has just started compares devices from its first request on.
#[tokio::test]
async fn scenario_25_a_starting_node_compares_devices() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let world = World::memory();
    let enforce = "DEVICE_FINGERPRINTING=enforce";
    let node = world.node().await;
    node.flags(enforce);
    let own = || Ask::get().header("user-agent", FIREFOX);
    let context = node.auth.context(&own().parts());
    let login = node.auth.login(UserId::new("alice").unwrap()).context(context).await;
    let pair = login.unwrap().pair.unwrap();
    let access = pair.access.expose();
    let other = || Ask::get().header("user-agent", "curl/8.0");

    let cold = world.cold_node_with(|builder| builder);
    cold.flags(enforce);
    assert_eq!(other().bearer(access).send(&cold).await.verdict(), "401 device_mismatch");
    assert_eq!(own().bearer(access).send(&cold).await.verdict(), "200 session");

    let cold = world.cold_node_with(|builder| builder);
    cold.flags(enforce);
    let token = pair.refresh.expose();
    for refusal in [AuthErrorKind::StoreUnavailable, AuthErrorKind::DeviceMismatch] {
        let context = cold.auth.context(&other().parts());
        assert_eq!(cold.refresh_as(token, &context).await.unwrap_err(), refusal);
    }
    let context = cold.auth.context(&own().parts());
    assert!(cold.refresh_as(token, &context).await.is_ok());
}

/// Tokens of other systems are read as those write them: with ids that are numbers, and instants
/// that have fractions.
#[tokio::test]
async fn attack_53_foreign_tokens_are_read_as_they_are_written() {
    let world = World::memory();
    let node = world.node().await;
    let token = |iat: f64| {
        let claims = format!(r#"{{"id":7,"jti":12345,"iat":{iat:.3}}}"#);
        format!("eyJhbGciOiJIUzI1NiJ9.{}.AAAA", BASE64URL_NOPAD.encode(claims.as_bytes()))
    };
    let ask = async |token: &str| {
        let layer = BlacklistLayer::new().with(&node.auth);
        Ask::get().bearer(token).through(layer).await.status
    };
    node.auth.revoke_user(&UserId::from(7_u64)).await.unwrap();
    let before = token(1_799_999_999.5);
    let after = token(1_800_000_000.5);
    assert_eq!((ask(&before).await, ask(&after).await), (401, 200));
    let until = world.clock.now().saturating_add(HOUR);
    node.auth.blacklist_jti("main", "12345", until).await.unwrap();
    assert_eq!(ask(&after).await, 401);
}
