//! `GET /auth/sessions` and `DELETE /auth/sessions/{id}`.

use std::time::Duration;

use segue::StoreErrorKind;
use segue::store::Fault;

use super::harness::Call;
use super::harness::text;
use super::harness::world;

const UNKNOWN: &str = "00112233445566778899aabbccddeeff";

/// The list holds the user's live sessions, newest first, and marks the one that asks.
#[tokio::test]
async fn the_list_marks_the_current_one() {
    let world = world();
    let first = world.login(42).await;
    world.clock.advance(Duration::from_secs(5));
    let second = world.login(42).await;
    world.login(7).await;
    let answer = world.send(Call::get("/auth/sessions").bearer(&first.access)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let sessions = answer.body["sessions"].as_array().unwrap();
    let listed: Vec<_> =
        sessions.iter().map(|one| (text(&one["id"]), one["current"].as_bool().unwrap())).collect();
    assert_eq!(listed, [(second.session, false), (first.session, true)]);
    assert_eq!(sessions[1]["created_at"], "2027-01-15T08:00:00Z");
    assert_eq!(sessions[1]["exchanged"], false);
    for member in ["last_seen_at", "expires_at", "device", "address", "scopes"] {
        assert!(sessions[1].get(member).is_some(), "{member}");
    }
    assert!(answer.body["next"].is_null());
}

/// A legacy token may look too; none of the sessions is its own.
#[tokio::test]
async fn a_legacy_token_lists() {
    let world = world();
    let tokens = world.login(42).await;
    let answer = world.send(Call::get("/auth/sessions").bearer(&tokens.legacy)).await;
    assert_eq!(answer.body["sessions"][0]["current"], false);
    assert!(answer.headers.contains_key("deprecation"));
}

/// Scenario 76: a long list comes in pages, each session once.
#[tokio::test]
async fn scenario_76_the_list_is_paged() {
    let policy =
        segue::SessionPolicy { sessions_per_user_max: 150, ..segue::SessionPolicy::default() };
    let world = super::harness::world_with(
        |builder| builder.policy(policy),
        segue::RouteOptions::default(),
    );
    let mut expected = Vec::new();
    let mut last = String::new();
    for _ in 0..130 {
        let tokens = world.login(42).await;
        (expected, last) = ([expected, vec![tokens.session]].concat(), tokens.access);
    }
    let mut seen = Vec::new();
    let mut uri = "/auth/sessions".to_owned();
    for page in 0.. {
        assert!(page < 3);
        let answer = world.send(Call::get(&uri).bearer(&last)).await;
        assert_eq!(answer.status, 200);
        let sessions = answer.body["sessions"].as_array().unwrap();
        seen.extend(sessions.iter().map(|one| text(&one["id"])));
        let Some(next) = answer.body["next"].as_str() else { break };
        uri = format!("/auth/sessions?limit=5&after={next}");
    }
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

/// A cursor that was never given out is refused.
#[tokio::test]
async fn cursors_are_checked() {
    let world = world();
    let tokens = world.login(42).await;
    for after in ["", "5", "x.00112233445566778899aabbccddeeff", "5.xyz", "5.%00"] {
        let call = Call::get(&format!("/auth/sessions?after={after}")).bearer(&tokens.access);
        assert_eq!(world.send(call).await.refusal(), (400, "invalid_input"), "{after}");
    }
}

/// Signing another device out ends it and its legacy token, and is done when it is done twice.
#[tokio::test]
async fn signing_a_device_out() {
    let world = world();
    let (here, there) = (world.login(42).await, world.login(42).await);
    for _ in 0..2 {
        let call = Call::delete(&format!("/auth/sessions/{}", there.session)).bearer(&here.access);
        assert_eq!(world.send(call).await.status, 204);
    }
    assert_eq!(world.me(&there.access).await, "session_revoked");
    assert_eq!(world.me(&there.legacy).await, "token_revoked");
    assert_eq!(world.me(&here.access).await, "42 by session");
    let answer = world.send(Call::get("/auth/sessions").bearer(&here.access)).await;
    assert_eq!(answer.body["sessions"].as_array().unwrap().len(), 1);
}

/// A browser that signs itself out loses its cookies; another device's keeps them.
#[tokio::test]
async fn cookies_follow_the_session() {
    let world = world();
    let mut here = world.browser(42).await;
    let there = world.login(42).await;
    let list = world.browse(&mut here, Call::get("/auth/sessions")).await;
    let sessions = list.body["sessions"].as_array().unwrap();
    let own = sessions.iter().find(|one| one["current"] == true).unwrap();
    let other = Call::delete(&format!("/auth/sessions/{}", there.session));
    assert_eq!(world.browse(&mut here, other).await.status, 204);
    assert_eq!(here.0.len(), 3);
    let own = Call::delete(&format!("/auth/sessions/{}", text(&own["id"])));
    assert_eq!(world.browse(&mut here, own).await.status, 204);
    assert!(here.0.is_empty());
}

/// Unknown ids, other users' ids and what is no id are told apart by nobody.
#[tokio::test]
async fn foreign_sessions_do_not_exist() {
    let world = world();
    let (mine, other) = (world.login(42).await, world.login(7).await);
    for id in [UNKNOWN, &other.session, "x", "%00", &UNKNOWN.to_uppercase()] {
        let call = Call::delete(&format!("/auth/sessions/{id}")).bearer(&mine.access);
        assert_eq!(world.send(call).await.refusal(), (404, "not_found"), "{id}");
    }
    assert_eq!(world.me(&other.access).await, "7 by session");
}

/// Both routes need somebody, and from a cookie evidence of the same origin to change anything.
#[tokio::test]
async fn both_are_guarded() {
    let world = world();
    for call in [Call::get("/auth/sessions"), Call::delete(&format!("/auth/sessions/{UNKNOWN}"))] {
        assert_eq!(world.send(call).await.refusal(), (401, "missing_credential"));
    }
    let browser = world.browser(42).await;
    let call = Call::delete(&format!("/auth/sessions/{UNKNOWN}"));
    let call = call.header("cookie", &browser.header()).header("sec-fetch-site", "cross-site");
    assert_eq!(world.send(call).await.refusal(), (403, "cross_origin"));
}

/// With the store down nothing is listed as empty, nothing looks signed out.
#[tokio::test]
async fn a_failing_store_is_a_503() {
    let world = world();
    let tokens = world.login(42).await;
    assert_eq!(world.me(&tokens.access).await, "42 by session");
    world.store.inject_only("list sessions", Fault::Fail(StoreErrorKind::Unavailable));
    world.store.inject_only("find session", Fault::Fail(StoreErrorKind::Unavailable));
    let calls =
        [Call::get("/auth/sessions"), Call::delete(&format!("/auth/sessions/{}", tokens.session))];
    for call in calls {
        let answer = world.send(call.bearer(&tokens.access)).await;
        assert_eq!(answer.refusal(), (503, "store_unavailable"));
    }
}
