//! `POST /auth/refresh`: by body for API clients, by cookie for browsers.

use std::time::Duration;

use segue::StoreErrorKind;
use segue::store::Fault;
use serde_json::json;

use super::harness::ACCESS;
use super::harness::Call;
use super::harness::LEGACY;
use super::harness::REFRESH;
use super::harness::Tokens;
use super::harness::world;

fn refresh(token: &str) -> Call {
    Call::post("/auth/refresh").json(json!({ "refresh_token": token }))
}

/// Scenario 1: a refresh token buys a pair that works, uncached, for the same session, with the
/// legacy token beside it.
#[tokio::test]
async fn scenario_01_a_token_buys_the_next_pair() {
    let world = world();
    let first = world.login(42).await;
    let answer = world.send(refresh(&first.refresh)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 600);
    let next = Tokens::from(&answer.body);
    assert_ne!((&next.access, &next.refresh), (&first.access, &first.refresh));
    assert_eq!(next.session, first.session);
    assert_eq!(world.me(&next.access).await, "42 by session");
    assert_eq!(world.me(&next.legacy).await, "42 by legacy_jwt");
    assert!(answer.cookie(ACCESS).is_none());
}

/// Scenario 5: a repeat inside the window gets the same refresh token again.
#[tokio::test]
async fn scenario_05_a_lost_answer_is_repeated() {
    let world = world();
    let first = world.login(42).await;
    let once = Tokens::from(&world.send(refresh(&first.refresh)).await.body);
    world.clock.advance(Duration::from_secs(29));
    let again = Tokens::from(&world.send(refresh(&first.refresh)).await.body);
    assert_eq!(once.refresh, again.refresh);
}

/// Scenario 6: after the window an old token ends the session, whose tokens die with it.
#[tokio::test]
async fn scenario_06_reuse_ends_the_session() {
    let world = world();
    let first = world.login(42).await;
    let next = Tokens::from(&world.send(refresh(&first.refresh)).await.body);
    world.clock.advance(Duration::from_secs(31));
    let answer = world.send(refresh(&first.refresh)).await;
    assert_eq!(answer.refusal(), (401, "refresh_reused"));
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with(r#"Bearer error="invalid_token""#), "{challenge}");
    assert_eq!(world.send(refresh(&next.refresh)).await.refusal(), (401, "session_revoked"));
    assert_eq!(world.me(&next.access).await, "session_revoked");
    assert_eq!(world.me(&next.legacy).await, "token_revoked");
}

/// Attack 44 and requirement 36: a browser is answered in cookies, and no token stands in a body.
#[tokio::test]
async fn attack_44_a_browser_never_sees_a_token_in_a_body() {
    let world = world();
    let mut browser = world.browser(42).await;
    let before = browser.clone();
    world.clock.advance(Duration::from_secs(601));
    let answer = world.browse(&mut browser, Call::post("/auth/refresh")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    for name in [ACCESS, REFRESH, LEGACY] {
        let cookie = answer.cookie(name).unwrap();
        for attribute in ["HttpOnly", "Secure", "Path=/", "SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert_ne!(browser.0[name], before.0[name]);
        assert!(!answer.body.to_string().contains(&browser.0[name]));
    }
    let members: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["expires_in", "session_id"]);
    assert_eq!(world.me_browsing(&mut browser).await, "42 by session");
}

/// Attack 48: another site's form refreshes nothing, whatever it pretends to be.
#[tokio::test]
async fn attack_48_cookies_need_the_same_origin() {
    let world = world();
    let browser = world.browser(42).await;
    let call = || Call::post("/auth/refresh").header("cookie", &browser.header());
    let evidence: [&[(&str, &str)]; 4] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.test")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://other.app.test")],
    ];
    for fields in evidence {
        let call = fields.iter().fold(call(), |call, (name, value)| call.header(name, value));
        let answer = world.send(call).await;
        assert_eq!(answer.refusal(), (403, "cross_origin"), "{fields:?}");
        assert!(answer.cookie(REFRESH).is_none());
    }
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"] {
        let call = call().same_origin().header("content-type", content_type);
        let answer = world.send(call).await;
        assert_eq!(answer.refusal(), (415, "unsupported_media_type"), "{content_type}");
    }
    assert_eq!(world.send(call().header("origin", "https://app.test")).await.status, 200);
}

/// A token in the body decides alone: a bad one is not made good by a cookie, nor is the cookie
/// touched.
#[tokio::test]
async fn a_body_decides_alone() {
    let world = world();
    let mut browser = world.browser(42).await;
    let before = browser.clone();
    let answer = world.browse(&mut browser, refresh("sgr_nonsense")).await;
    assert_eq!(answer.refusal(), (401, "invalid_token"));
    assert_eq!(browser.0, before.0);
    let other = world.login(7).await;
    let answer = world.browse(&mut browser, refresh(&other.refresh)).await;
    assert_eq!(answer.body["session_id"], other.session);
    assert_eq!(browser.0, before.0);
}

/// Without any token there is nothing to refresh; no error code is given (RFC 6750, section 3).
#[tokio::test]
async fn nothing_to_refresh() {
    let world = world();
    for call in [Call::post("/auth/refresh"), Call::post("/auth/refresh").json(json!({}))] {
        let answer = world.send(call.same_origin()).await;
        assert_eq!(answer.refusal(), (401, "missing_credential"));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

/// Cookies go when the refusal is final, and stay when it may not be: with the store down, and
/// with sessions switched off.
#[tokio::test]
async fn scenario_49_cookies_stay_unless_the_refusal_is_final() {
    let world = world();
    let mut browser = world.browser(42).await;
    world.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    let answer = world.browse(&mut browser, Call::post("/auth/refresh")).await;
    assert_eq!(answer.refusal(), (503, "store_unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
    assert!(browser.holds(REFRESH));
    world.store.heal();

    world.flags("REFRESH_TOKEN_SYSTEM=false");
    let answer = world.browse(&mut browser, Call::post("/auth/refresh")).await;
    assert_eq!(answer.refusal(), (503, "refresh_off"));
    assert!(browser.holds(REFRESH));
    world.auth.flags().unpin().unwrap();

    world.clock.advance(Duration::from_secs(15 * 24 * 3600));
    let answer = world.browse(&mut browser, Call::post("/auth/refresh")).await;
    assert_eq!(answer.refusal(), (401, "session_expired"));
    assert!(answer.clears(ACCESS) && answer.clears(REFRESH));
    assert!(!answer.clears(LEGACY), "the old token is not ours to judge here");
}

/// Scenario 29: what is malformed is refused without asking the store.
#[tokio::test]
async fn scenario_29_garbage_costs_no_store_call() {
    let world = world();
    let good = world.login(42).await.refresh;
    world.store.reset_calls();
    let mut forged = good.clone();
    forged.pop();
    forged.push(if good.ends_with('A') { 'B' } else { 'A' });
    let bad =
        [String::new(), "x".repeat(4000), good.replace("sgr", "sga"), format!("{good}A"), forged];
    for token in bad {
        let answer = world.send(refresh(&token)).await;
        assert_eq!(answer.refusal(), (401, "invalid_token"), "{token}");
        assert!(!answer.body.to_string().contains(&good[4..20]));
    }
    assert_eq!(world.store.total_calls(), 0);
}

/// Attack 61: a token in the address is refused, for it is in a log by now.
#[tokio::test]
async fn attack_61_no_token_in_the_address() {
    let world = world();
    let mut browser = world.browser(42).await;
    let token = browser.0[REFRESH].clone();
    let uri = format!("/auth/refresh?refresh_token={token}");
    let answer = world.browse(&mut browser, Call::post(&uri)).await;
    assert_eq!(answer.refusal(), (400, "invalid_request"));
}
