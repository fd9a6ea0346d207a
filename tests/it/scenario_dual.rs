//! Scenarios of two systems side by side: one identity a request, and nobody logged out on the way.

use segue::AuthErrorKind;
use segue::AuthLayer;
use segue::BlacklistLayer;
use segue::Via;
use segue::store::Fault;

use crate::harness::ACCESS_COOKIE;
use crate::harness::Ask;
use crate::harness::Claims;
use crate::harness::DAY;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::REFRESH_COOKIE;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::dual;

/// An old client after its login: both credentials in every request.
fn both(session: &str, legacy: &str) -> Ask {
    Ask::get().access_cookie(session).bearer(legacy)
}

/// Session and legacy token of one user: the session is who asks, and nothing says "deprecated".
#[tokio::test]
async fn scenario_46_the_session_wins() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    let answer = both(pair.access.expose(), &legacy).send(&node).await;
    let principal = answer.principal.unwrap();
    assert_eq!((principal.via(), principal.session_id()), (Via::Session, Some(pair.session_id)));
    assert!(!answer.headers.contains_key("deprecation"));
}

/// Of two users: refused, both credentials kept, and no principal of either.
#[tokio::test]
async fn scenario_47_two_users_are_nobody() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("bob"));
    let answer = both(pair.access.expose(), &legacy).send(&node).await;
    assert_eq!(answer.verdict(), "401 identity_mismatch");
    assert_eq!((answer.cleared(), answer.user()), ("kept", None));
}

/// A revoked session is never saved by the weaker credential beside it, under no layer that knows
/// sessions; its cookies go.
#[tokio::test]
async fn scenario_48_no_downgrade() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    let reason = segue::RevokeReason::DeviceList;
    let user = segue::UserId::new("alice").unwrap();
    node.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
    let ask = || both(pair.access.expose(), &legacy).refresh_cookie(pair.refresh.expose());
    for layer in [AuthLayer::dual(), AuthLayer::sessions()] {
        let answer = ask().through(layer.with(&node.auth)).await;
        assert_eq!((answer.status, answer.user()), (401, None), "{}", answer.verdict());
    }
    let answer = ask().send(&node).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("401 session_revoked", "both"));
}

/// The store is down: legacy clients go on, session clients get a 503 and keep their cookies, and
/// once it is back everybody is who they were.
#[tokio::test]
async fn scenario_49_an_outage_logs_nobody_out() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("bob"));
    let session = || Ask::get().access_cookie(pair.access.expose());
    session().send(&node).await;
    node.bearer(&legacy).await;
    node.store.break_down();
    for minute in 0..4 {
        world.clock.advance(MINUTE);
        let answer = session().send(&node).await;
        let got = (answer.verdict(), answer.cleared());
        assert_eq!(got, ("503 store_unavailable".to_owned(), "kept"), "{minute}");
        assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt", "{minute}");
    }
    world.clock.advance(2 * MINUTE);
    assert_eq!(node.bearer(&legacy).await.verdict(), "503 store_unavailable");
    node.store.heal();
    node.settle().await;
    assert_eq!(session().send(&node).await.verdict(), "200 session");
    assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
}

/// The flag is off on one node and on on the other, and requests alternate: with dual issue the
/// user never notices.
#[tokio::test]
async fn scenario_50_alternating_nodes() {
    let world = World::memory();
    let (on, off) = (world.node_with(dual).await, world.node_with(dual).await);
    off.flags("REFRESH_TOKEN_SYSTEM=false");
    let mut pair = on.login("alice").await;
    let mut legacy = pair.legacy_token().unwrap().to_owned();
    for round in 0..20 {
        let node = if round % 2 == 0 { &off } else { &on };
        node.settle().await;
        let answer = both(pair.access.expose(), &legacy).send(node).await;
        assert_eq!((answer.status, answer.user()), (200, Some("alice")), "{round}");
        assert!(["kept", "access"].contains(&answer.cleared()), "an expired one may go");
        match node.refresh(pair.refresh.expose()).await {
            Ok(next) => {
                legacy = next.legacy_token().unwrap().to_owned();
                pair = next;
            }
            Err(kind) => assert_eq!((kind, round % 2), (AuthErrorKind::RefreshOff, 0)),
        }
        world.clock.advance(5 * MINUTE);
    }
    // A client that has only the session is not served where they are off, and loses nothing.
    on.settle().await;
    let pair = on.refresh(pair.refresh.expose()).await.unwrap();
    let alone = || Ask::get().access_cookie(pair.access.expose());
    let answer = alone().send(&off).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("401 sessions_off", "kept"));
    assert_eq!(alone().send(&on).await.verdict(), "200 session");
}

/// The flag flips while a request waits for the store: one request, one decision.
#[tokio::test]
async fn scenario_53_one_decision_a_request() {
    let world = World::memory();
    let (maker, node) = (world.node().await, world.node().await);
    let (pair, legacy) = (maker.login("alice").await, maker.legacy_token("alice"));
    node.store.inject_only("load session", Fault::HoldAnswer);
    let request = tokio::spawn({
        let (node, ask) = (node.clone(), both(pair.access.expose(), &legacy));
        async move { ask.send(&node).await.verdict() }
    });
    node.store.held(1).await;
    node.flags("REFRESH_TOKEN_SYSTEM=false");
    node.store.heal();
    assert_eq!(request.await.unwrap(), "200 session");
    let next = both(pair.access.expose(), &legacy).send(&node).await;
    assert_eq!(next.verdict(), "200 legacy_jwt");
}

/// Until the cut-over legacy answers announce their end; from that instant on they are refused,
/// cached or not, and the exchange with them.
#[tokio::test]
async fn scenario_54_the_cut_over() {
    let world = World::memory();
    let node = world.node_with(dual).await;
    let legacy = node.legacy_token("alice");
    let answer = node.bearer(&legacy).await;
    assert_eq!(answer.headers["deprecation"], "@0");
    assert!(!answer.headers.contains_key("sunset"));
    let cut_over = world.clock.now().saturating_add(DAY);
    node.flags(&format!("LEGACY_JWT_UNTIL={cut_over}"));
    let answer = node.bearer(&legacy).await;
    assert_eq!(answer.headers["sunset"], "Sat, 16 Jan 2027 08:00:00 GMT");
    let beside = node.login("bob").await.legacy_token().unwrap().to_owned();
    node.pass(DAY - SECOND).await;
    assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
    assert_eq!(node.bearer(&beside).await.verdict(), "200 legacy_jwt");
    node.pass(SECOND).await;
    for token in [&legacy, &beside] {
        assert_eq!(node.bearer(token).await.verdict(), "401 cut_over_passed");
        assert!(node.exchange(token, None).await.is_err());
    }
    let late = node.login("carol").await;
    assert_eq!(late.legacy_token(), None, "none is issued any more");
    let answer = node.bearer(late.access.expose()).await;
    assert_eq!(answer.verdict(), "200 session");
}

/// A token that does not say how old it is is refused at once, with or without a cut-over.
#[tokio::test]
async fn scenario_54_a_token_without_age_is_refused() {
    let world = World::memory();
    let node = world.node().await;
    let ageless = Claims::of("alice", world.clock.now()).without("iat").sign();
    assert_eq!(node.bearer(&ageless).await.verdict(), "401 token_too_old");
    assert_eq!(node.exchange(&ageless, None).await.unwrap_err(), AuthErrorKind::TokenTooOld);
}

/// Two cookies of one name, as another scope plants them: the request is unreadable, once. What is
/// stale is cleared, and the next request is served.
#[tokio::test]
async fn scenario_59_no_loop_over_duplicate_cookies() {
    let world = World::memory();
    let node = world
        .node_with(|builder| {
            let cookies = segue::CookiePolicy::default().with_domain("example.com").unwrap();
            builder.cookies(cookies)
        })
        .await;
    let name = node.auth.cookies().access_name().to_owned();
    let (old, new) = (node.login("alice").await, node.login("alice").await);
    let ask = Ask::get().cookie(&name, old.access.expose()).cookie(&name, new.access.expose());
    let answer = ask.send(&node).await;
    assert_eq!(answer.verdict(), "400 invalid_request");
    let cleared = answer.set_cookie(&name).unwrap();
    assert!(cleared.contains("Max-Age=0") && !cleared.contains("Domain"), "{cleared}");
    let answer = Ask::get().cookie(&name, new.access.expose()).send(&node).await;
    assert_eq!(answer.verdict(), "200 session");
}

/// A logout ends every credential that the request carries, and what was issued beside them.
#[tokio::test]
async fn scenario_60_a_logout_ends_both() {
    let world = World::memory();
    let (node, other) = (world.node_with(dual).await, world.node_with(dual).await);
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    let beside = pair.legacy_token().unwrap().to_owned();
    let ask = Ask::post().same_origin().bearer(&legacy).access_cookie(pair.access.expose());
    let answer = ask.route(&node, "/auth/logout", None).await;
    assert_eq!((answer.status, answer.cleared()), (204, "both"));
    other.settle().await;
    for node in [&node, &other] {
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "401 session_revoked");
        assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_revoked");
        assert_eq!(node.bearer(&beside).await.verdict(), "401 token_revoked");
    }
}

/// Only the name with the prefix is read: a plain one, which anybody may plant, is nothing.
#[tokio::test]
async fn scenario_61_plain_names_are_not_read() {
    let world = World::memory();
    let node = world.node().await;
    let (victim, planted) = (node.login("alice").await, node.login("mallory").await);
    for name in ["segue_access", "__host-segue_access", "__HoSt-segue_access"] {
        let answer = Ask::get().cookie(name, planted.access.expose()).send(&node).await;
        assert_eq!(answer.verdict(), "401 missing_credential", "{name}");
        let ask = Ask::get().cookie(name, planted.access.expose());
        let answer = ask.access_cookie(victim.access.expose()).send(&node).await;
        assert_eq!(answer.user(), Some("alice"), "{name}");
    }
}

/// Shadow mode changes no answer, and the system that is only asked leaves no trace: no last-seen,
/// no rotation, no cookie.
#[tokio::test]
async fn scenario_62_shadow_mode_has_no_effects() {
    let world = World::memory();
    let (maker, node) = (world.node().await, world.node().await);
    let (pair, legacy) = (maker.login("alice").await, maker.legacy_token("alice"));
    let stranger = maker.legacy_token("bob");
    node.pass(5 * MINUTE).await;
    let before = node.store.row("alice").await;
    for flags in ["REFRESH_TOKEN_SYSTEM=false", "LEGACY_JWT=false"] {
        for legacy in [&legacy, &stranger] {
            node.flags(flags);
            let plain = both(pair.access.expose(), legacy).send(&node).await;
            node.flags(&format!("{flags} SHADOW_COMPARE=true"));
            let shadowed = both(pair.access.expose(), legacy).send(&node).await;
            assert_eq!(plain.verdict(), shadowed.verdict());
            assert_eq!(plain.user(), shadowed.user());
            assert_eq!((shadowed.cleared(), plain.cleared()), ("kept", "kept"));
            tokio::task::yield_now().await;
        }
    }
    node.flags("SHADOW_COMPARE=true REFRESH_TOKEN_SYSTEM=false");
    both(pair.access.expose(), &legacy).send(&node).await;
    node.auth.flush().await.unwrap();
    // Of the phases above only the one that serves by session leaves a sign of life.
    let mut after = node.store.row("alice").await;
    after.last_seen_at = before.last_seen_at;
    after.device = before.device.clone();
    assert_eq!(after, before);
}

/// The candidate alone: a session that is only compared is not touched.
#[tokio::test]
async fn scenario_62_a_candidate_is_not_touched() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    node.flags("SHADOW_COMPARE=true REFRESH_TOKEN_SYSTEM=false");
    node.pass(5 * MINUTE).await;
    let before = node.store.row("alice").await;
    let answer = both(pair.access.expose(), &legacy).send(&node).await;
    assert_eq!(answer.verdict(), "200 legacy_jwt");
    let loads = || node.store.calls("load session");
    crate::harness::until("the candidate was asked", || loads() > 0).await;
    node.auth.flush().await.unwrap();
    assert_eq!(node.store.row("alice").await, before);
    assert_eq!(node.store.calls("touch sessions"), 0);
}

/// Where nobody is logged in, `.optional()` lets the request through; a bad bearer never, a dead
/// cookie counts as absent and is cleared.
#[tokio::test]
async fn optional_lets_nobody_through_with_a_bad_credential() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    let reason = segue::RevokeReason::Logout;
    let user = segue::UserId::new("alice").unwrap();
    node.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
    let dead = pair.access.expose();
    let table: [(Ask, &str, &str); 6] = [
        (Ask::get(), "200 anonymous", "kept"),
        (Ask::get().access_cookie(dead).refresh_cookie(dead), "200 anonymous", "both"),
        (Ask::get().bearer(dead), "401 session_revoked", "kept"),
        (Ask::get().bearer("x.y.z"), "401 invalid_token", "kept"),
        (Ask::get().access_cookie("sga_x"), "401 invalid_token", "access"),
        (Ask::get().bearer("a").bearer("b"), "400 invalid_request", "kept"),
    ];
    for (ask, verdict, cleared) in table {
        let shown = format!("{ask:?}");
        let answer = ask.through(AuthLayer::dual().with(&node.auth).optional()).await;
        assert_eq!((answer.verdict().as_str(), answer.cleared()), (verdict, cleared), "{shown}");
    }
    node.store.break_down();
    world.clock.advance(2 * SECOND);
    let other = World::with_keys(world.keys.clone()).node().await.login("bob").await;
    let ask = Ask::get().access_cookie(other.access.expose());
    let answer = ask.through(AuthLayer::dual().with(&node.auth).optional()).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("503 store_unavailable", "kept"));
}

/// In front of foreign authentication the blacklist alone refuses what was revoked, and nothing
/// else, whoever's token it is.
#[tokio::test]
async fn the_blacklist_alone() {
    let world = World::memory();
    let node = world.node().await;
    let (pair, good, killed) =
        (node.login("alice").await, node.legacy_token("alice"), node.legacy_token("bob"));
    node.auth.blacklist_token(&killed).await.unwrap();
    let pass = |token: &str| Ask::get().bearer(token).through(layer(&node));
    assert_eq!(pass(&killed).await.refused, Some(AuthErrorKind::TokenRevoked));
    for token in [good.as_str(), pair.access.expose(), "opaque", "sga_x"] {
        assert_eq!(pass(token).await.status, 200, "{token}");
    }
    assert_eq!(Ask::get().through(layer(&node)).await.status, 200);
    let reason = segue::RevokeReason::Logout;
    let user = segue::UserId::new("alice").unwrap();
    node.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
    let refused = pass(pair.access.expose()).await.refused;
    assert_eq!(refused, Some(AuthErrorKind::SessionRevoked));
}

fn layer(node: &Node) -> BlacklistLayer {
    BlacklistLayer::new().with(&node.auth)
}

/// A browser whose access token ran out is renewed on its way through, once for all requests of a
/// page load; when the session was revoked meanwhile its cookies go instead.
#[tokio::test]
async fn renewal_on_the_way_through() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    node.pass(11 * MINUTE).await;
    let layers = || {
        let refresh = segue::RefreshLayer::new().with(&node.auth);
        tower::ServiceBuilder::new().layer(refresh).layer(AuthLayer::dual().with(&node.auth))
    };
    let ask =
        || Ask::get().access_cookie(pair.access.expose()).refresh_cookie(pair.refresh.expose());
    let mut successors = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let answer = ask().through(layers().into_inner()).await;
        assert_eq!((answer.verdict().as_str(), answer.user()), ("200 session", Some("alice")));
        successors.insert(answer.new_cookie(REFRESH_COOKIE).unwrap());
        let access = answer.new_cookie(ACCESS_COOKIE).unwrap();
        assert_eq!(Ask::get().access_cookie(&access).send(&node).await.verdict(), "200 session");
    }
    assert_eq!(successors.len(), 1);
    assert_eq!(node.store.row("alice").await.generation, 1);
    node.store.break_down();
    world.clock.advance(2 * SECOND);
    let answer = ask().through(layers().into_inner()).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("503 store_unavailable", "kept"));
    let without_access = Ask::get().refresh_cookie(pair.refresh.expose());
    let answer = without_access.through(layers().into_inner()).await;
    assert_eq!((answer.verdict().as_str(), answer.cleared()), ("503 store_unavailable", "kept"));
}
