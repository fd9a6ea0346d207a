//! `POST /auth/exchange`: a legacy token in, a session out.

use std::time::Duration;

use segue::StoreErrorKind;
use segue::store::Fault;
use serde_json::json;

use super::harness::ACCESS;
use super::harness::Browser;
use super::harness::Call;
use super::harness::LEGACY;
use super::harness::REFRESH;
use super::harness::Tokens;
use super::harness::world;
use crate::forge;

fn legacy() -> String {
    forge::with_claims(forge::CLAIMS)
}

fn exchange(token: &str) -> Call {
    Call::post("/auth/exchange").bearer(token)
}

/// In `Authorization` or in the body, a legacy token becomes a session of the same user, and stays
/// good as a credential.
#[tokio::test]
async fn a_legacy_token_becomes_a_session() {
    let world = world();
    let by_body = Call::post("/auth/exchange").json(json!({ "token": legacy() }));
    let mut pairs = Vec::new();
    for call in [exchange(&legacy()), by_body] {
        let answer = world.send(call).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["cache-control"], "no-store");
        pairs.push(Tokens::from(&answer.body));
    }
    assert_eq!(pairs[0].refresh, pairs[1].refresh, "the same token is the same session");
    assert_eq!(world.me(&pairs[0].access).await, "42 by session");
    assert_eq!(world.me(&legacy()).await, "42 by legacy_jwt");
    let list = world.send(Call::get("/auth/sessions").bearer(&pairs[0].access)).await;
    assert_eq!(list.body["sessions"][0]["exchanged"], true);
}

/// Scenario 55: one session per idempotency key, five at most; after the window the token is spent.
#[tokio::test]
async fn scenario_55_exchanged_twice() {
    let world = world();
    let mut sessions = Vec::new();
    for key in ["phone", "phone", "laptop"] {
        let call = exchange(&legacy()).header("idempotency-key", key);
        sessions.push(Tokens::from(&world.send(call).await.body).session);
    }
    assert_eq!(sessions[0], sessions[1]);
    assert_ne!(sessions[0], sessions[2]);
    for key in ["c", "d", "e"] {
        let call = exchange(&legacy()).header("idempotency-key", key);
        assert_eq!(world.send(call).await.status, 200, "{key}");
    }
    let call = exchange(&legacy()).header("idempotency-key", "f");
    assert_eq!(world.send(call).await.refusal(), (401, "exchange_spent"));
    world.clock.advance(Duration::from_secs(61));
    let call = exchange(&legacy()).header("idempotency-key", "phone");
    assert_eq!(world.send(call).await.refusal(), (401, "exchange_spent"));
    assert_eq!(world.me(&legacy()).await, "42 by legacy_jwt");
}

/// A browser asks for cookies and sees no token; another site can't plant a session in it.
#[tokio::test]
async fn delivery_by_cookies() {
    let world = world();
    let call =
        || Call::post("/auth/exchange").json(json!({ "token": legacy(), "delivery": "cookies" }));
    assert_eq!(world.send(call()).await.refusal(), (403, "cross_origin"));
    let answer = world.send(call().same_origin()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.sets(ACCESS) && answer.sets(REFRESH) && answer.sets(LEGACY));
    assert!(!answer.body.to_string().contains("sg"), "{}", answer.body);
    let mut browser = Browser::default();
    browser.take(&answer.headers);
    assert_eq!(world.me_browsing(&mut browser).await, "42 by session");
}

/// A token that came in a cookie is answered in cookies, and never turned into something that
/// scripts can read.
#[tokio::test]
async fn attack_44_what_came_in_a_cookie_stays_in_cookies() {
    let world = world();
    let cookie = format!("{LEGACY}={}", legacy());
    let call = || Call::post("/auth/exchange").header("cookie", &cookie);
    assert_eq!(world.send(call()).await.refusal(), (403, "cross_origin"));
    let greedy = call().same_origin().json(json!({ "delivery": "json" }));
    assert_eq!(world.send(greedy).await.refusal(), (400, "invalid_input"));
    let answer = world.send(call().same_origin()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.sets(ACCESS));
    assert!(answer.body.get("refresh_token").is_none());
}

/// Scenario 57, and everything else a legacy token can be refused for.
#[tokio::test]
async fn scenario_57_refused_tokens_are_not_exchanged() {
    let world = world();
    let claims = |text: &str| forge::with_claims(text);
    let table = [
        ("nonsense".to_owned(), "missing_credential"),
        ("a.b.c".to_owned(), "invalid_token"),
        (claims(r#"{"sub":"42","iat":1799990000,"exp":1799999999}"#), "token_expired"),
        (claims(r#"{"sub":"42","iat":1700000000,"exp":1900000000}"#), "token_too_old"),
        (claims(r#"{"sub":"42","iat":1799999990,"exp":1800000290}"#), "not_exchangeable"),
    ];
    for (token, code) in table {
        assert_eq!(world.send(exchange(&token)).await.code(), code, "{token}");
    }
    let revoked = legacy();
    assert_eq!(world.send(Call::post("/auth/logout").bearer(&revoked)).await.status, 204);
    assert_eq!(world.send(exchange(&revoked)).await.refusal(), (401, "token_revoked"));
    let ours = world.login(42).await;
    assert_eq!(world.send(exchange(&ours.access)).await.refusal(), (401, "missing_credential"));
    assert_eq!(world.send(Call::post("/auth/exchange")).await.code(), "missing_credential");
}

/// Users whom the rollout does not reach keep their token; with sessions off it is a 503, so that
/// clients try again later; a failing store decides nothing.
#[tokio::test]
async fn the_rollout_decides() {
    let world = world();
    world.flags("REFRESH_TOKEN_SYSTEM=drain");
    assert_eq!(world.send(exchange(&legacy())).await.refusal(), (403, "not_exchangeable"));
    world.flags("REFRESH_TOKEN_SYSTEM=false");
    assert_eq!(world.send(exchange(&legacy())).await.refusal(), (503, "refresh_off"));
    world.flags("REFRESH_TOKEN_SYSTEM=true");
    world.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    assert_eq!(world.send(exchange(&legacy())).await.refusal(), (503, "store_unavailable"));
    world.store.heal();
    assert_eq!(world.send(exchange(&legacy())).await.status, 200);
}

/// An idempotency key is one short visible text.
#[tokio::test]
async fn idempotency_keys_are_checked() {
    let world = world();
    let long = "k".repeat(256);
    let table: [(&[&str], &str); 4] = [
        (&[""], "invalid_input"),
        (&["a", "b"], "invalid_input"),
        (&["\u{e9}"], "invalid_input"),
        (&[&long], "invalid_request"),
    ];
    for (keys, code) in table {
        let add = |call: Call, key: &&str| call.header("idempotency-key", key);
        let answer = world.send(keys.iter().fold(exchange(&legacy()), add)).await;
        assert_eq!(answer.refusal(), (400, code), "{keys:?}");
    }
}
