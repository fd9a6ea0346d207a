//! Scenarios of clocks: of clients, of nodes, and of windows that end when they say.

use segue::AuthErrorKind;
use segue::ManualClock;
use segue::RefreshCause;

use crate::harness::HOUR;
use crate::harness::MINUTE;
use crate::harness::SECOND;
use crate::harness::START;
use crate::harness::World;

/// A client is told spans, not instants: however wrong its clock, it refreshes when it should.
#[tokio::test]
async fn scenario_72_clients_are_told_spans() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    let body = pair.to_json();
    assert_eq!(body["expires_in"], 600);
    assert_eq!(body["token_type"], "Bearer");
    let instants = body.as_object().unwrap().keys().filter(|name| name.ends_with("_at"));
    assert_eq!(instants.count(), 0);
}

/// Ends are exclusive and windows are too: one microsecond decides, the same everywhere.
#[tokio::test]
async fn ends_are_exact() {
    let tick = std::time::Duration::from_micros(1);
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    node.pass(10 * MINUTE - std::time::Duration::from_millis(1)).await;
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
    node.pass(std::time::Duration::from_millis(1)).await;
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "401 token_expired");
    node.refresh(pair.refresh.expose()).await.unwrap();
    node.pass(30 * SECOND - tick).await;
    let repeated = node.refresh(pair.refresh.expose()).await.unwrap();
    assert_eq!(repeated.cause, Some(RefreshCause::ConcurrentRefresh));
    node.pass(tick).await;
    let late = node.refresh(pair.refresh.expose()).await.unwrap_err();
    assert_eq!(late, AuthErrorKind::RefreshReused);
}

/// Store time stepped back does not make a cached answer trusted for longer: trust goes by the
/// clock that never goes back.
#[tokio::test]
async fn scenario_73_a_step_back_extends_no_trust() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
    node.store.break_down();
    world.clock.advance(2 * SECOND);
    world.clock.step_to(START.saturating_sub(HOUR));
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "503 store_unavailable");
}

/// A node whose clock is a minute and a half behind or ahead refuses no live session and accuses
/// nobody, and a revocation made elsewhere counts there at once.
#[tokio::test]
async fn scenario_71_a_wrong_clock_logs_nobody_out() {
    let world = World::memory();
    let node = world.node().await;
    for seconds in [-90_i64, 90] {
        let wrong = START.as_unix_seconds() + seconds;
        let clock = ManualClock::at(segue::Timestamp::from_unix_seconds(wrong));
        let other = world.node_at(clock.clock(), |builder| builder);
        other.settle().await;
        let pair = node.login("alice").await;
        assert_eq!(other.bearer(pair.access.expose()).await.verdict(), "200 session");
        let next = other.refresh(pair.refresh.expose()).await.unwrap();
        assert_eq!(node.bearer(next.access.expose()).await.verdict(), "200 session");
        let reason = segue::RevokeReason::DeviceList;
        let user = segue::UserId::new("alice").unwrap();
        node.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
        other.settle().await;
        assert_eq!(other.bearer(next.access.expose()).await.verdict(), "401 session_revoked");
    }
}
