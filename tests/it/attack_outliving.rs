//! Attacks by credentials that outlive what should have ended them: tokens minted or exchanged
//! from news that came late, and tokens that leave the session they were issued beside.

use segue::AuthErrorKind;
use segue::SessionPolicy;
use segue::StoreErrorKind;
use segue::UserId;
use segue::store::Fault;

use crate::harness::Claims;
use crate::harness::DAY;
use crate::harness::HOUR;
use crate::harness::LEGACY_LIFE;
use crate::harness::LEGACY_SECRET;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::dual;
use crate::harness::either;
use crate::harness::legacy_builder;
use crate::harness::node_of;

const TENTH: std::time::Duration = std::time::Duration::from_millis(100);

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

/// Hears nothing from other nodes any more, and does not know it yet.
fn deafen(node: &Node) {
    node.store.inject_only("read feed", Fault::Fail(StoreErrorKind::Unavailable));
}

either! {
    /// Whoever holds a stolen refresh token and asks a node that has not heard of "log out
    /// everywhere" gets no legacy token that is younger than it.
    attack_57_late_news_mint_no_legacy_token, world => {
        let (near, far) = (world.node_with(dual).await, world.node_with(dual).await);
        let stolen = near.login("alice").await;
        deafen(&far);
        world.clock.advance(9 * TENTH);
        near.auth.revoke_user(&alice()).await.unwrap();
        world.clock.advance(TENTH);
        let bought = far.refresh(stolen.refresh.expose()).await;
        let legacy = bought.ok().and_then(|pair| pair.legacy_token().map(str::to_owned));
        far.store.heal();
        far.pass(MINUTE).await;
        if let Some(token) = legacy {
            assert_eq!(far.bearer(&token).await.verdict(), "401 token_revoked");
        }
    }
}

/// "Sign out other devices" keeps the session of whoever asks, but gives it no legacy token from
/// the future, which the owner's own "log out everywhere" a moment later would miss.
#[tokio::test]
async fn attack_57_a_kept_session_gets_no_token_from_the_future() {
    let world = World::memory();
    let node = world.node_with(dual).await;
    let stolen = node.login("alice").await;
    world.clock.advance(MINUTE + TENTH);
    node.settle().await;
    let thief = node.bearer(stolen.access.expose()).await.principal.unwrap();
    node.auth.logout_all(&thief, segue::LogoutScope::Others).await.unwrap();
    world.clock.advance(TENTH);
    let kept = node.refresh(stolen.refresh.expose()).await.unwrap();
    world.clock.advance(TENTH);
    node.auth.revoke_user(&alice()).await.unwrap();
    node.pass(MINUTE).await;
    if let Some(token) = kept.legacy_token() {
        assert_eq!(node.bearer(token).await.verdict(), "401 token_revoked");
    }
}

/// A login that began before everything of the user was revoked yields nothing, for users whom
/// the rollout does not reach too.
#[tokio::test]
async fn attack_57_a_login_overtaken_by_a_revocation_yields_no_legacy_token() {
    let world = World::memory();
    let node = world.node_with(dual).await;
    node.flags("REFRESH_TOKEN_SYSTEM=drain");
    let before_the_password_was_checked = world.clock.now();
    node.pass(2 * SECOND).await;
    node.auth.revoke_user(&alice()).await.unwrap();
    node.pass(2 * SECOND).await;
    let login = node.auth.login(alice()).authenticated_at(before_the_password_was_checked).await;
    assert_eq!(login.unwrap_err().kind(), AuthErrorKind::SessionRevoked);
    assert!(node.auth.login(alice()).await.unwrap().legacy_token().is_some());
}

/// An instant of authentication from the future, of an issuer whose clock is ahead or of the app,
/// does not outlive a later revocation.
#[tokio::test]
async fn attack_57_nobody_authenticates_in_the_future() {
    let world = World::memory();
    let sources = [legacy_builder("main", LEGACY_SECRET).leeway(3 * MINUTE)];
    let node = node_of(&world, sources).await;
    let soon = world.clock.now().saturating_add(2 * MINUTE);
    let pair = node.auth.login(alice()).authenticated_at(soon).await.unwrap().pair.unwrap();
    let exchanged = node.exchange(&Claims::of("alice", soon).sign(), None).await.unwrap();
    node.pass(MINUTE).await;
    node.auth.revoke_user(&alice()).await.unwrap();
    for pair in [pair, exchanged] {
        let answer = node.bearer(pair.access.expose()).await;
        assert_eq!(answer.verdict(), "401 session_revoked");
    }
}

either! {
    /// A session's absolute end is the end of the legacy tokens beside it as well, or refreshing
    /// just before it would extend it.
    attack_59_legacy_tokens_end_with_their_session, world => {
        let policy = SessionPolicy { absolute: 10 * DAY, ..SessionPolicy::default() };
        let node = world.node_with(|builder| dual(builder).policy(policy)).await;
        let pair = node.login("alice").await;
        node.pass(10 * DAY - HOUR).await;
        let last = node.refresh(pair.refresh.expose()).await.unwrap();
        let legacy = last.legacy_token().unwrap().to_owned();
        assert_eq!(node.bearer(&legacy).await.verdict(), "200 legacy_jwt");
        node.pass(HOUR).await;
        assert_eq!(node.bearer(last.access.expose()).await.verdict(), "401 token_expired");
        assert_eq!(node.bearer(&legacy).await.verdict(), "401 token_expired");
    }
}

either! {
    /// A stolen pair dies whole: the legacy token beside a session does not become a second
    /// session, which revoking the first would miss and which would end later than it.
    attack_59_tokens_beside_sessions_are_not_exchanged, world => {
        let node = world.node_with(dual).await;
        let pair = node.login("alice").await;
        let beside = pair.legacy_token().unwrap();
        assert_eq!(node.exchange(beside, None).await.unwrap_err(), AuthErrorKind::NotExchangeable);
        assert_eq!(node.store.rows("alice").await.len(), 1);
        assert_eq!(node.bearer(beside).await.verdict(), "200 legacy_jwt");
        // A claim of this name from another system names no session of ours.
        let foreign = Claims::of("bob", world.clock.now()).with("sid", "0".repeat(32)).sign();
        node.exchange(&foreign, None).await.unwrap();
    }
}

either! {
    /// A token that was put on the blacklist elsewhere does not become a session on a node that
    /// has not heard of it: late by a second must not mean for months.
    attack_57_late_news_exchange_no_revoked_token, world => {
        let (near, far) = (world.node().await, world.node().await);
        let stolen = near.legacy_token("alice");
        deafen(&far);
        near.auth.blacklist_token(&stolen).await.unwrap();
        let refused = far.exchange(&stolen, None).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::TokenRevoked);
        assert!(far.store.rows("alice").await.is_empty());
    }
}

/// What is on the blacklist stays there over a restart, through every sweep, up to the last instant
/// at which the token could be accepted, leeway included; and no setting brings it back.
#[tokio::test]
async fn attack_70_entries_leave_after_their_tokens() {
    let world = World::sqlite();
    let source = || [legacy_builder("main", LEGACY_SECRET).leeway(3 * MINUTE)];
    let node = node_of(&world, source()).await;
    let killed = node.legacy_token("alice");
    let older = Claims::of("bob", world.clock.now());
    let exp = world.clock.now().saturating_add(300 * DAY).as_unix_seconds();
    let older = older.with("exp", exp).sign();
    node.auth.blacklist_token(&killed).await.unwrap();
    node.auth.revoke_user(&UserId::new("bob").unwrap()).await.unwrap();
    drop(node);

    let node = node_of(&world, source()).await;
    let revoked = "401 token_revoked";
    assert_eq!(node.bearer(&killed).await.verdict(), revoked);
    node.pass(LEGACY_LIFE + 3 * MINUTE - SECOND).await;
    node.auth.sweep().await.unwrap();
    assert_eq!(node.bearer(&killed).await.verdict(), revoked);
    node.pass(SECOND).await;
    assert_eq!(node.bearer(&killed).await.verdict(), "401 token_expired");

    node.pass(200 * DAY).await;
    node.auth.sweep().await.unwrap();
    drop(node);
    let node = node_of(&world, source()).await;
    node.flags("LEGACY_JWT_MAX_AGE=365d");
    assert_eq!(node.bearer(&older).await.verdict(), revoked);
}

/// What was verified once vouches for nothing but itself: not for another signature over the same
/// claims, and not for other claims under the same `jti`.
#[tokio::test]
async fn attack_65_a_cached_verdict_is_for_one_text() {
    let world = World::memory();
    let node = world.node().await;
    let claims = Claims::of("alice", world.clock.now()).with("jti", "one");
    let good = claims.sign();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    let forged = [
        format!("{input}.{other}"),
        claims.sign_with("another secret, which is long enough as well"),
        claims.with("sub", "bob").sign_with("another secret, which is long enough as well"),
    ];
    for _ in 0..2 {
        assert_eq!(node.bearer(&good).await.verdict(), "200 legacy_jwt");
        for forged in &forged {
            assert_eq!(node.bearer(forged).await.verdict(), "401 invalid_token");
        }
    }
}
