//! A whole run: every operation, every kind of refusal, every fault of the store.

use data_encoding::BASE64URL_NOPAD;
use segue::AuthLayer;
use segue::BlacklistLayer;
use segue::KeyVersion;
use segue::Keyring;
use segue::LegacyVerifier;
use segue::RefreshLayer;
use segue::RequestContext;
use segue::RevokeReason;
use segue::StoreErrorKind;
use segue::UserId;
use segue::store::Fault;
use serde_json::json;
use tower::ServiceBuilder;

use super::capture::Capture;
use crate::harness::Answer;
use crate::harness::Ask;
use crate::harness::Claims;
use crate::harness::LEGACY_SECRET;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::dual;
use crate::harness::legacy_verifier;

pub async fn all(capture: &mut Capture) {
    let mut world = World::sqlite();
    let master: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 + 3).unwrap());
    world.keys = Keyring::new(KeyVersion::FIRST, [(KeyVersion::FIRST, master)]).unwrap();
    capture.secret("master key as configured", &BASE64URL_NOPAD.encode(&master));
    capture.secret_bytes("master key", &master);
    capture.secret("legacy secret", LEGACY_SECRET);
    let node = world.node_with(dual).await;
    node.flags("SHADOW_COMPARE=true DEVICE_FINGERPRINTING=observe");
    parts(capture, &node);
    lives(capture, &node).await;
    refusals(capture, &node).await;
    exchanges(capture, &node).await;
    faults(capture, &node).await;
    node.auth.flush().await.unwrap();
    node.auth.sweep().await.unwrap();
    let path = world.path().unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        if let Ok(bytes) = std::fs::read(&file) {
            capture.heap(&format!("the database file{suffix}"), bytes);
        }
    }
}

/// `Debug` of what an app holds in its hands.
fn parts(capture: &mut Capture, node: &Node) {
    let auth = &node.auth;
    capture.debug("Auth", auth);
    capture.debug("the store", &node.store);
    capture.debug("the flags", auth.flags());
    capture.debug("the snapshot", &auth.flags().snapshot());
    capture.debug("the cookies", auth.cookies());
    capture.debug("the problems", auth.problems());
    capture.debug("the builder", &segue::Auth::builder());
    capture.debug("the verifier", &legacy_verifier());
    capture.debug("a legacy key", &segue::JwtKey::secret(LEGACY_SECRET));
    capture.debug("a described verifier", &crate::harness::legacy_builder("x", LEGACY_SECRET));
    capture.debug("AuthLayer", &AuthLayer::dual().with(auth));
    capture.debug("RefreshLayer", &RefreshLayer::new().with(auth));
    capture.debug("BlacklistLayer", &BlacklistLayer::new().with(auth));
    capture.debug("the routes", &auth.routes());
    capture.debug("a login", &auth.login(1_u64));
}

/// Login, use, refresh, repeat, renewal, reuse, logout.
async fn lives(capture: &mut Capture, node: &Node) {
    capture.debug("keys", &node.auth.clone());
    let request = || Ask::post().header("user-agent", "Firefox/130.0").peer("192.0.2.1:1");
    let context = node.auth.context(&request().parts());
    capture.debug("a context", &context);
    let login = node.auth.login(UserId::new("alice").unwrap()).context(context.clone()).await;
    let login = login.unwrap();
    capture.debug("a login's result", &login);
    let first = login.pair.unwrap();
    capture.pair("the first pair", &first);
    look(capture, &node.bearer(first.access.expose()).await);
    look(capture, &Ask::get().access_cookie(first.access.expose()).send(node).await);
    look(capture, &node.bearer(first.legacy_token().unwrap()).await);
    let second = node.refresh_as(first.refresh.expose(), &context).await.unwrap();
    capture.pair("the second pair", &second);
    let again = node.refresh(first.refresh.expose()).await.unwrap();
    capture.pair("the repeated pair", &again);
    node.pass(11 * MINUTE).await;
    renewal(capture, node, second.access.expose(), second.refresh.expose()).await;
    capture.debug("a row", &node.store.rows("alice").await);
    let list = node.auth.sessions(&UserId::new("alice").unwrap(), None).await;
    capture.debug("the list", &list);
    let reuse = node.auth.refresh(first.refresh.expose(), &context).await.unwrap_err();
    capture.error("reuse", &reuse);
    let other = node.login("alice").await;
    capture.pair("another pair", &other);
    let ask = Ask::post().bearer(other.access.expose());
    look(capture, &ask.route(node, "/auth/logout", None).await);
    let body = json!({ "refresh_token": other.refresh.expose() });
    look(capture, &Ask::post().route(node, "/auth/refresh", Some(body)).await);
}

/// New cookies ride on the response; its `Debug` is what a trace layer prints.
async fn renewal(capture: &mut Capture, node: &Node, access: &str, refresh: &str) {
    let layers = ServiceBuilder::new()
        .layer(RefreshLayer::new().with(&node.auth))
        .layer(AuthLayer::dual().with(&node.auth));
    let ask = Ask::get().access_cookie(access).refresh_cookie(refresh);
    let answer = ask.through(layers.into_inner()).await;
    let cookie = answer.new_cookie(crate::harness::ACCESS_COOKIE).unwrap();
    capture.secret("access cookie of the renewal", &cookie);
    let cookie = answer.new_cookie(crate::harness::REFRESH_COOKIE).unwrap();
    capture.secret("refresh cookie of the renewal", &cookie);
    capture.debug("headers of the renewal", &answer.headers);
    look(capture, &answer);
}

/// What an answer shows: everything of a refusal, the principal of what was served.
fn look(capture: &mut Capture, answer: &Answer) {
    capture.debug("response headers", &answer.headers);
    if answer.status >= 400 {
        capture.heap("a problem document", answer.body.clone());
    }
    if let Some(principal) = &answer.principal {
        capture.debug("a principal", principal);
        let taken = (principal.via(), principal.legacy_claims(), principal.legacy_source());
        capture.debug("a principal's facts", &taken);
    }
}

/// Every kind of bad credential.
async fn refusals(capture: &mut Capture, node: &Node) {
    let pair = node.login("bob").await;
    capture.pair("the refused pair", &pair);
    let (access, refresh) = (pair.access.expose(), pair.refresh.expose());
    let (rest, last) = access.split_at(access.len() - 1);
    let forged = format!("{rest}{}", if last == "A" { "B" } else { "A" });
    let expired = Claims::of("bob", node.clock.now().saturating_sub(30 * crate::harness::DAY));
    let expired = expired.sign();
    capture.jwt("an expired legacy token", &expired);
    let stranger = Claims::of("bob", node.clock.now());
    let stranger = stranger.sign_with("a secret of somebody else, of 32 bytes and more");
    let other = node.legacy_token("carol");
    capture.jwt("another user's legacy token", &other);
    let asks = [
        Ask::get().bearer(&forged),
        Ask::get().access_cookie(&forged),
        Ask::get().bearer(refresh),
        Ask::get().bearer(access).bearer(access),
        Ask::get().header("authorization", &format!("Bearer {access}, Bearer {access}")),
        Ask::get().header("authorization", &format!("Bearer {access} {access}")),
        Ask::get().access_cookie(access).access_cookie(refresh),
        Ask::get().bearer(&expired),
        Ask::get().bearer(&stranger),
        Ask::get().access_cookie(access).bearer(&other),
        Ask::post().access_cookie(access),
        Ask::get().uri(&format!("/me?access_token={access}")),
        Ask::get().bearer(access).header("user-agent", "curl/8"),
    ];
    for ask in asks {
        look(capture, &ask.send(node).await);
    }
    node.flags("DEVICE_FINGERPRINTING=enforce SHADOW_COMPARE=true");
    let ask = Ask::get().bearer(access).header("user-agent", "curl/8");
    look(capture, &ask.send(node).await);
    node.flags("REFRESH_TOKEN_SYSTEM=false SHADOW_COMPARE=true");
    look(capture, &Ask::get().bearer(access).send(node).await);
    look(capture, &Ask::get().access_cookie(access).bearer(&other).send(node).await);
    node.flags("SHADOW_COMPARE=true");
    for body in [json!({ "refresh_token": forged }), json!({ "refresh_token": [access] })] {
        look(capture, &Ask::post().route(node, "/auth/refresh", Some(body)).await);
    }
    let error = node.auth.refresh(&forged, &RequestContext::default()).await.unwrap_err();
    capture.error("a forged refresh token", &error);
}

async fn exchanges(capture: &mut Capture, node: &Node) {
    let legacy = node.legacy_token("dave");
    capture.jwt("the exchanged token", &legacy);
    let verified = legacy_verifier().verify(&legacy, node.clock.now());
    capture.debug("a verified legacy token", &verified);
    let pair = node.exchange(&legacy, Some("key-of-the-request")).await.unwrap();
    capture.pair("the exchanged pair", &pair);
    node.pass(2 * MINUTE).await;
    let ask = Ask::post().bearer(&legacy);
    look(capture, &ask.route(node, "/auth/exchange", Some(json!({}))).await);
    let ask = Ask::get().bearer(&legacy).through(BlacklistLayer::new().with(&node.auth));
    look(capture, &ask.await);
    node.auth.blacklist_token(&legacy).await.unwrap();
    look(capture, &node.bearer(&legacy).await);
    let user = UserId::new("dave").unwrap();
    let reason = RevokeReason::Administration;
    node.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
    node.auth.disable_user(&user).await.unwrap();
    look(capture, &node.bearer(pair.access.expose()).await);
}

async fn faults(capture: &mut Capture, node: &Node) {
    node.pass(SECOND).await;
    let pair = node.login("erin").await;
    capture.pair("the pair of the outage", &pair);
    for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Corrupt, StoreErrorKind::Conflict] {
        node.store.inject(Fault::Fail(kind));
        node.clock.advance(2 * SECOND);
        look(capture, &node.bearer(pair.access.expose()).await);
        let context = RequestContext::default();
        let error = node.auth.refresh(pair.refresh.expose(), &context).await.unwrap_err();
        capture.error("refresh without the store", &error);
        let error = node.auth.ready().await.unwrap_err();
        capture.error("a store error", &error);
    }
    node.store.heal();
    let conflicting = Keyring::generate(KeyVersion::FIRST).unwrap();
    let error = node.auth.replace_keys(conflicting).await.unwrap_err();
    capture.error("another key of the same number", &error);
    node.settle().await;
    look(capture, &node.bearer(pair.access.expose()).await);
}
