//! Scenarios of logout and revocation: what was ended stays ended, on every node and every way in.

use segue::AuthErrorKind;
use segue::LogoutScope;
use segue::RevokeReason;
use segue::TokenPair;
use segue::UserId;
use segue::store::Fault;
use serde_json::json;

use crate::harness::Ask;
use crate::harness::Claims;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::dual;
use crate::harness::either;
use crate::harness::until;

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

async fn revoke(node: &Node, pair: &TokenPair) {
    let reason = RevokeReason::DeviceList;
    node.auth.revoke_session(&alice(), pair.session_id, reason).await.unwrap();
}

async fn verdict(node: &Node, pair: &TokenPair) -> String {
    node.bearer(pair.access.expose()).await.verdict()
}

const LIVE: &str = "200 session";
const DEAD: &str = "401 session_revoked";

either! {
    /// A refresh in flight when the logout commits comes back empty-handed.
    scenario_31_logout_before_the_refresh, world => {
        let (node, other) = (world.node().await, world.node().await);
        let pair = node.login("alice").await;
        node.store.inject_only("rotate session", Fault::HoldCall);
        let refresh = tokio::spawn({
            let ask = Ask::post().same_origin().refresh_cookie(pair.refresh.expose());
            let node = node.clone();
            async move { ask.route(&node, "/auth/refresh", None).await }
        });
        node.store.held(1).await;
        revoke(&other, &pair).await;
        node.store.heal();
        let answer = refresh.await.unwrap();
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("session_revoked")));
        assert_eq!(answer.cleared(), "both");
    }
}

either! {
    /// A logout with the credentials of before a refresh ends what came of the refresh.
    scenario_32_logout_after_the_refresh, world => {
        let node = world.node().await;
        for by_cookie in [true, false] {
            let old = node.login("alice").await;
            let new = node.refresh(old.refresh.expose()).await.unwrap();
            assert_eq!(verdict(&node, &new).await, LIVE);
            let answer = if by_cookie {
                let ask = Ask::post().same_origin().refresh_cookie(old.refresh.expose());
                ask.route(&node, "/auth/logout", None).await
            } else {
                let body = json!({ "refresh_token": old.refresh.expose() });
                Ask::post().route(&node, "/auth/logout", Some(body)).await
            };
            assert_eq!(answer.status, 204, "{}", answer.body);
            assert_eq!(verdict(&node, &new).await, DEAD);
            let refused = node.refresh(new.refresh.expose()).await.unwrap_err();
            assert_eq!(refused, AuthErrorKind::SessionRevoked);
        }
    }
}

either! {
    /// Revoking everything while refreshes are in flight, before and after their writes: nothing
    /// lives afterwards.
    scenario_33_nothing_is_resurrected, world => {
        let (node, admin) = (world.node().await, world.node().await);
        for fault in [Fault::HoldCall, Fault::HoldAnswer] {
            let mut pairs = Vec::new();
            for _ in 0..8 {
                pairs.push(node.login("alice").await);
            }
            node.store.inject_only("rotate session", fault);
            let mut refreshes = tokio::task::JoinSet::new();
            for pair in &pairs {
                let (node, token) = (node.clone(), pair.refresh.expose().to_owned());
                refreshes.spawn(async move { node.refresh(&token).await });
            }
            node.store.held(8).await;
            world.clock.advance(SECOND);
            admin.auth.revoke_user(&alice()).await.unwrap();
            node.settle().await;
            node.store.heal();
            for outcome in refreshes.join_all().await {
                assert_eq!(outcome.unwrap_err(), AuthErrorKind::SessionRevoked, "{fault:?}");
            }
            for pair in &pairs {
                assert_eq!(verdict(&node, pair).await, DEAD);
                assert_eq!(verdict(&admin, pair).await, DEAD);
            }
            world.clock.advance(SECOND);
        }
    }
}

either! {
    /// At the very instant of the not-before is too early; the next microsecond is not. Legacy
    /// tokens, whose instants are seconds, go by the same rule.
    scenario_34_equality_is_dead, world => {
        let node = world.node().await;
        let (before, legacy) = (node.login("alice").await, node.legacy_token("alice"));
        node.auth.revoke_user(&alice()).await.unwrap();
        assert_eq!(verdict(&node, &before).await, DEAD);
        assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_revoked");
        let refused = node.auth.login(alice()).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::SessionRevoked);
        node.pass(std::time::Duration::from_micros(1)).await;
        let after = node.login("alice").await;
        assert_eq!(verdict(&node, &after).await, LIVE);
        let same_second = node.legacy_token("alice");
        assert_eq!(node.bearer(&same_second).await.verdict(), "401 token_revoked");
        node.pass(SECOND).await;
        assert_eq!(node.bearer(&node.legacy_token("alice")).await.verdict(), "200 legacy_jwt");
        assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_revoked");
    }
}

either! {
    /// A password that was checked before everything was revoked opens no session after it.
    a_login_does_not_outlive_a_revocation_in_between, world => {
        let node = world.node().await;
        let checked = world.clock.now();
        node.pass(SECOND).await;
        node.auth.revoke_user(&alice()).await.unwrap();
        node.pass(SECOND).await;
        let login = node.auth.login(alice()).authenticated_at(checked).await;
        assert_eq!(login.unwrap_err().kind(), AuthErrorKind::SessionRevoked);
        assert_eq!(node.store.rows("alice").await.len(), 0);
        // Nor a legacy token, where the rollout gives no session.
        let node = world.node_with(dual).await;
        node.flags("REFRESH_TOKEN_SYSTEM=drain");
        let login = node.auth.login(alice()).authenticated_at(checked).await;
        assert_eq!(login.unwrap_err().kind(), AuthErrorKind::SessionRevoked);
    }
}

either! {
    /// Logged in again in the very second in which everything was revoked: what is issued then is
    /// good at once, the legacy token too, although its instants are whole seconds.
    a_login_in_the_second_of_a_revocation, world => {
        let node = world.node_with(dual).await;
        let before = node.login("alice").await;
        let tenth = SECOND / 10;
        node.pass(3 * tenth).await;
        node.auth.revoke_user(&alice()).await.unwrap();
        node.pass(tenth).await;
        for flags in ["REFRESH_TOKEN_SYSTEM=true", "REFRESH_TOKEN_SYSTEM=drain"] {
            node.flags(flags);
            let login = node.auth.login(alice()).await.unwrap();
            let legacy = login.legacy_token().unwrap();
            assert_eq!(node.bearer(legacy).await.verdict(), "200 legacy_jwt", "{flags}");
        }
        let stolen = before.legacy_token().unwrap();
        assert_eq!(node.bearer(stolen).await.verdict(), "401 token_revoked");
        assert_eq!(verdict(&node, &before).await, DEAD);
    }
}

either! {
    /// Of the user's and the global not-before the later one wins, in either order, for requests,
    /// refreshes and exchanges alike.
    scenario_35_the_later_not_before_wins, world => {
        let node = world.node().await;
        for global_last in [true, false] {
            let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
            node.pass(SECOND).await;
            if global_last {
                node.auth.revoke_everything().await.unwrap();
            } else {
                node.auth.revoke_user(&alice()).await.unwrap();
            }
            assert_eq!(verdict(&node, &pair).await, DEAD);
            assert_eq!(
                node.refresh(pair.refresh.expose()).await.unwrap_err(),
                AuthErrorKind::SessionRevoked
            );
            assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_revoked");
            assert_eq!(
                node.exchange(&legacy, None).await.unwrap_err(),
                AuthErrorKind::TokenRevoked
            );
            node.pass(MINUTE).await;
        }
    }
}

either! {
    /// A row that was read before the revocation is not cached after it.
    scenario_36_a_stale_read_is_not_cached, world => {
        let (node, other) = (world.node().await, world.node().await);
        let pair = other.login("alice").await;
        node.settle().await;
        node.store.inject_only("load session", Fault::HoldAnswer);
        let request = tokio::spawn({
            let (node, token) = (node.clone(), pair.access.expose().to_owned());
            async move { node.bearer(&token).await.verdict() }
        });
        node.store.held(1).await;
        revoke(&other, &pair).await;
        node.settle().await;
        node.store.heal();
        // This request came before the revocation, and may be served.
        request.await.unwrap();
        assert_eq!(verdict(&node, &pair).await, DEAD);
    }
}

either! {
    /// Revoked on one node, refused on the other as soon as it hears the news, which it asks for
    /// three times within the bound.
    scenario_37_the_other_node_hears_of_it, world => {
        let (node, other) = (world.node().await, world.node().await);
        let pair = node.login("alice").await;
        other.settle().await;
        assert_eq!(verdict(&other, &pair).await, LIVE);
        other.store.reset_calls();
        assert_eq!(verdict(&other, &pair).await, LIVE);
        assert_eq!(other.store.request_calls(), 0, "cached");
        revoke(&node, &pair).await;
        assert_eq!(verdict(&node, &pair).await, DEAD, "at once where it was done");
        let before = other.store.calls("read feed");
        until("the other node asks its feed", || other.store.calls("read feed") >= before + 2).await;
        assert_eq!(verdict(&other, &pair).await, DEAD);
    }
}

either! {
    /// Without the feed nothing cached is trusted beyond the bound: the store is read, and says no.
    scenario_38_the_bound_holds_without_the_feed, world => {
        let (node, other) = (world.node().await, world.node().await);
        let pair = node.login("alice").await;
        other.settle().await;
        assert_eq!(verdict(&other, &pair).await, LIVE);
        let lost = Fault::Fail(segue::StoreErrorKind::Unavailable);
        for operation in ["read feed", "wait for feed", "find end of feed"] {
            other.store.inject_only(operation, lost);
        }
        revoke(&node, &pair).await;
        let legacy = node.legacy_token("alice");
        node.auth.blacklist_token(&legacy).await.unwrap();
        world.clock.advance(SECOND + SECOND / 1000);
        assert_eq!(verdict(&other, &pair).await, DEAD);
        assert_eq!(other.bearer(&legacy).await.verdict(), "401 token_revoked");
    }
}

either! {
    /// A password was changed: "sign out the others" keeps the session that asks, its refresh token
    /// included, and ends everything else, legacy tokens too.
    scenario_40_the_others_are_signed_out, world => {
        let (node, other) = (world.node().await, world.node().await);
        let (this, that) = (node.login("alice").await, other.login("alice").await);
        let legacy = node.legacy_token("alice");
        node.pass(SECOND).await;
        let who = node.bearer(this.access.expose()).await.principal.unwrap();
        node.auth.logout_all(&who, LogoutScope::Others).await.unwrap();
        other.settle().await;
        for node in [&node, &other] {
            assert_eq!(verdict(node, &this).await, LIVE);
            assert_eq!(verdict(node, &that).await, DEAD);
            assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_revoked");
        }
        let next = node.refresh(this.refresh.expose()).await.unwrap();
        assert_eq!(verdict(&node, &next).await, LIVE);
        let listed = node.auth.sessions(&alice(), None).await.unwrap().sessions;
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [this.session_id]);
        node.pass(SECOND).await;
        node.auth.logout_all(&who, LogoutScope::Everywhere).await.unwrap();
        assert_eq!(verdict(&node, &next).await, DEAD);
    }
}

either! {
    /// A logout done twice is done once, and says 204 both times; so does one of nothing at all.
    scenario_42_logout_twice, world => {
        let node = world.node().await;
        let pair = node.login("alice").await;
        for _ in 0..2 {
            let ask = Ask::post().bearer(pair.access.expose());
            assert_eq!(ask.route(&node, "/auth/logout", None).await.status, 204);
        }
        let nothing = Ask::post().same_origin().route(&node, "/auth/logout", None).await;
        assert_eq!(nothing.status, 204);
        assert_eq!(verdict(&node, &pair).await, DEAD);
        revoke(&node, &pair).await;
        revoke(&node, &pair).await;
    }
}

/// Unknown tokens are logged out without ado; but a logout that did not happen says 503 and keeps
/// the cookies.
#[tokio::test]
async fn scenario_43_a_logout_that_did_not_happen() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    let stranger = World::memory().node().await.login("mallory").await;
    let unknown = Ask::post().bearer(stranger.access.expose());
    assert_eq!(unknown.route(&node, "/auth/logout", None).await.status, 204);
    node.store.break_down();
    let ask = || Ask::post().same_origin().access_cookie(pair.access.expose());
    let answer = ask().route(&node, "/auth/logout", None).await;
    assert_eq!((answer.status, answer.cleared()), (503, "kept"));
    node.store.heal();
    assert_eq!(verdict(&node, &pair).await, LIVE);
    let answer = ask().route(&node, "/auth/logout", None).await;
    assert_eq!((answer.status, answer.cleared()), (204, "both"));
    assert_eq!(verdict(&node, &pair).await, DEAD);
}

either! {
    /// Revoking a session kills all its access tokens, of every generation.
    scenario_44_access_tokens_die_with_their_session, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let second = node.refresh(first.refresh.expose()).await.unwrap();
        revoke(&node, &second).await;
        assert_eq!(verdict(&node, &first).await, DEAD);
        assert_eq!(verdict(&node, &second).await, DEAD);
    }
}

either! {
    /// A stolen pair dies whole: the legacy token issued beside a session goes with it, whatever
    /// ended the session, on every node; so does the one it was exchanged from.
    a_session_takes_its_legacy_tokens_along, world => {
        let (node, other) = (world.node_with(dual).await, world.node_with(dual).await);
        let old = Claims::of("alice", world.clock.now()).sign();
        let login = node.login("alice").await;
        let renewed = node.refresh(login.refresh.expose()).await.unwrap();
        let exchanged = node.exchange(&old, None).await.unwrap();
        let legacy = [&login, &renewed].map(|pair| pair.legacy_token().unwrap().to_owned());
        other.settle().await;
        for token in legacy.iter().chain([&old]) {
            assert_eq!(other.bearer(token).await.verdict(), "200 legacy_jwt");
        }
        // Reuse ends the first, the device list the second.
        node.pass(MINUTE).await;
        node.refresh(login.refresh.expose()).await.unwrap_err();
        revoke(&node, &exchanged).await;
        other.settle().await;
        for token in legacy.iter().chain([&old]) {
            assert_eq!(node.bearer(token).await.verdict(), "401 token_revoked");
            assert_eq!(other.bearer(token).await.verdict(), "401 token_revoked");
        }
        let again = other.exchange(&old, None).await.unwrap_err();
        assert_eq!(again, AuthErrorKind::TokenRevoked);
    }
}
