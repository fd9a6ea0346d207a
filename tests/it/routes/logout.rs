//! `POST /auth/logout` and `POST /auth/logout-all`.

use std::time::Duration;

use segue::RouteOptions;
use segue::StoreErrorKind;
use segue::store::Fault;
use serde_json::json;

use super::harness::ACCESS;
use super::harness::Call;
use super::harness::LEGACY;
use super::harness::REFRESH;
use super::harness::world;
use super::harness::world_with;

/// Scenarios 42, 44 and 60: logging out ends the session with all its tokens, and is done when it
/// is done twice.
#[tokio::test]
async fn scenario_42_logout_twice() {
    let world = world();
    let tokens = world.login(42).await;
    for _ in 0..2 {
        let answer = world.send(Call::post("/auth/logout").bearer(&tokens.access)).await;
        assert_eq!(answer.status, 204);
    }
    assert_eq!(world.me(&tokens.access).await, "session_revoked");
    assert_eq!(world.me(&tokens.legacy).await, "token_revoked");
    let refresh = Call::post("/auth/refresh").json(json!({ "refresh_token": tokens.refresh }));
    assert_eq!(world.send(refresh).await.refusal(), (401, "session_revoked"));
}

/// Scenario 44: a refresh token in the body logs out too, without an access token.
#[tokio::test]
async fn scenario_44_logout_by_refresh_token() {
    let world = world();
    let tokens = world.login(42).await;
    let call = Call::post("/auth/logout").json(json!({ "refresh_token": tokens.refresh }));
    assert_eq!(world.send(call).await.status, 204);
    assert_eq!(world.me(&tokens.access).await, "session_revoked");
}

/// Scenario 43: unknown, expired and no credentials at all are logged out already.
#[tokio::test]
async fn scenario_43_nothing_to_log_out() {
    let world = world();
    let tokens = world.login(42).await;
    world.clock.advance(Duration::from_secs(3600));
    let calls = [
        Call::post("/auth/logout"),
        Call::post("/auth/logout").bearer(&tokens.access),
        Call::post("/auth/logout").bearer("sga_unknown"),
        Call::post("/auth/logout").bearer("not.a.token"),
        Call::post("/auth/logout").json(json!({ "refresh_token": "nonsense" })),
    ];
    for call in calls {
        assert_eq!(world.send(call).await.status, 204);
    }
    assert_eq!(world.me(&tokens.legacy).await, "token_revoked");
}

/// Scenario 57: a legacy token is logged out by its own, and is refused from then on.
#[tokio::test]
async fn scenario_57_a_legacy_token_logs_out() {
    let world = world();
    let token = crate::forge::with_claims(crate::forge::CLAIMS);
    assert_eq!(world.me(&token).await, "42 by legacy_jwt");
    assert_eq!(world.send(Call::post("/auth/logout").bearer(&token)).await.status, 204);
    assert_eq!(world.me(&token).await, "token_revoked");
}

/// Scenarios 32 and 60: a browser loses all its cookies, and the session dies whichever of them is
/// good; what the browser caches is left alone unless that was asked for.
#[tokio::test]
async fn scenario_60_a_browser_logs_out() {
    let world = world();
    let mut browser = world.browser(42).await;
    let kept = browser.clone();
    let answer = world.browse(&mut browser, Call::post("/auth/logout")).await;
    assert_eq!(answer.status, 204);
    assert!(browser.0.is_empty(), "{browser:?}");
    assert!(!answer.headers.contains_key("clear-site-data"));
    for name in [ACCESS, REFRESH, LEGACY] {
        let alone = format!("{name}={}", kept.0[name]);
        let answer = world.send(Call::get("/me").header("cookie", &alone)).await;
        assert_eq!(answer.status, 401, "{name}");
    }
}

/// Requirement 53: the option tells the browser to forget everything.
#[tokio::test]
async fn site_data_is_cleared_on_demand() {
    let options = RouteOptions::default().with_clear_site_data().with_prefix("/v1");
    let world = world_with(|builder| builder, options);
    let mut browser = world.browser(42).await;
    let answer = world.browse(&mut browser, Call::post("/v1/logout")).await;
    assert_eq!(answer.headers["clear-site-data"], r#""cache", "storage""#);
    assert_eq!(world.send(Call::post("/auth/logout")).await.status, 404);
}

/// Another site can't log a visitor out.
#[tokio::test]
async fn attack_48_logout_needs_the_same_origin() {
    let world = world();
    let mut browser = world.browser(42).await;
    let call = Call::post("/auth/logout").header("cookie", &browser.header());
    let answer = world.send(call.header("sec-fetch-site", "cross-site")).await;
    assert_eq!(answer.refusal(), (403, "cross_origin"));
    assert_eq!(world.me_browsing(&mut browser).await, "42 by session");
}

/// Scenario 43: with the store down it is a 503, the cookies stay, and the logout can be tried again.
#[tokio::test]
async fn scenario_43_a_failed_logout_is_not_a_logout() {
    let world = world();
    let mut browser = world.browser(42).await;
    world.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    let answer = world.browse(&mut browser, Call::post("/auth/logout")).await;
    assert_eq!(answer.refusal(), (503, "store_unavailable"));
    assert_eq!(browser.0.len(), 3);
    world.store.heal();
    assert_eq!(world.browse(&mut browser, Call::post("/auth/logout")).await.status, 204);
}

/// Scenario 33: everything of the user ends, here and on every other device, sessions and legacy
/// tokens; other users are left alone.
#[tokio::test]
async fn scenario_33_logout_everywhere() {
    let world = world();
    let (here, there, other) = (world.login(42).await, world.login(42).await, world.login(7).await);
    let answer = world.send(Call::post("/auth/logout-all").bearer(&here.access)).await;
    assert_eq!(answer.status, 204);
    for tokens in [&here, &there] {
        assert_eq!(world.me(&tokens.access).await, "session_revoked");
        assert_eq!(world.me(&tokens.legacy).await, "token_revoked");
    }
    assert_eq!(world.me(&other.access).await, "7 by session");
}

/// Scenario 40: all but this one; its cookies stay good.
#[tokio::test]
async fn scenario_40_other_devices() {
    let world = world();
    let mut here = world.browser(42).await;
    let there = world.login(42).await;
    world.clock.advance(Duration::from_secs(1));
    let call = Call::post("/auth/logout-all").json(json!({ "keep_current": true }));
    assert_eq!(world.browse(&mut here, call).await.status, 204);
    assert_eq!(world.me_browsing(&mut here).await, "42 by session");
    assert_eq!(world.me(&there.access).await, "session_revoked");
    let answer = world.browse(&mut here, Call::post("/auth/refresh")).await;
    assert_eq!(answer.status, 200);
}

/// A legacy token can't be kept; whoever asks with one is logged out with all the others.
#[tokio::test]
async fn a_legacy_token_is_not_kept() {
    let world = world();
    let token = crate::forge::with_claims(crate::forge::CLAIMS);
    let there = world.login(42).await;
    let call = Call::post("/auth/logout-all").json(json!({ "keep_current": true }));
    assert_eq!(world.send(call.bearer(&token)).await.status, 204);
    assert_eq!(world.me(&token).await, "token_revoked");
    assert_eq!(world.me(&there.access).await, "session_revoked");
}

/// Nobody is logged out everywhere by somebody unknown, or by another site.
#[tokio::test]
async fn logout_all_is_guarded() {
    let world = world();
    let answer = world.send(Call::post("/auth/logout-all")).await;
    assert_eq!(answer.refusal(), (401, "missing_credential"));
    let browser = world.browser(42).await;
    let call = Call::post("/auth/logout-all").header("cookie", &browser.header());
    assert_eq!(world.send(call).await.refusal(), (403, "cross_origin"));
}

/// Requirement 12: where it is asked for, only a recent authentication signs out everywhere.
#[tokio::test]
async fn freshness_on_demand() {
    let options = RouteOptions::default().with_fresh_authentication(Duration::from_secs(60));
    let world = world_with(|builder| builder, options);
    let tokens = world.login(42).await;
    world.clock.advance(Duration::from_secs(61));
    let calls = [
        Call::post("/auth/logout-all"),
        Call::delete(&format!("/auth/sessions/{}", tokens.session)),
    ];
    for call in calls {
        let answer = world.send(call.bearer(&tokens.access)).await;
        assert_eq!(answer.refusal(), (403, "fresh_authentication_required"));
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    }
    let list = world.send(Call::get("/auth/sessions").bearer(&tokens.access)).await;
    assert_eq!(list.status, 200);
}
