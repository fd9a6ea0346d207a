//! The guard rails around genuine legacy tokens, each at its boundary.

use std::time::Duration;

use segue::AuthErrorKind;
use segue::LegacyLimits;
use segue::LegacyToken;
use segue::LegacyTokenId;
use segue::SourceLimits;
use segue::Timestamp;
use segue::UserId;
use segue::guard;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const TICK: Duration = Duration::from_micros(1);
const DAY: Duration = Duration::from_secs(86_400);

fn bare() -> LegacyToken {
    LegacyToken::new(UserId::from(42), LegacyTokenId::of_signing_input(b"h.p"))
}

fn sound() -> LegacyToken {
    bare().with_issued_at(NOW.saturating_sub(DAY)).with_expires_at(NOW.saturating_add(DAY))
}

fn judge(token: &LegacyToken, limits: &SourceLimits) -> Result<(), AuthErrorKind> {
    guard(token, limits, &LegacyLimits::default(), NOW)
}

fn leeway(seconds: u64) -> SourceLimits {
    SourceLimits::default().with_leeway(Duration::from_secs(seconds))
}

/// The cut-over is the first instant at which nothing is accepted any more.
#[test]
fn the_cut_over_ends_everything() {
    let until = |until| LegacyLimits::new(LegacyLimits::MAX_AGE_DEFAULT, Some(until));
    let at = |until_at| guard(&sound(), &leeway(300), &until(until_at), NOW);
    assert_eq!(at(NOW.saturating_add(TICK)), Ok(()));
    assert_eq!(at(NOW), Err(AuthErrorKind::CutOverPassed));
    assert_eq!(at(NOW.saturating_sub(TICK)), Err(AuthErrorKind::CutOverPassed));
}

/// Too old is older than the age cap; leeway does not stretch the cap.
#[test]
fn age_is_capped() {
    let age = LegacyLimits::MAX_AGE_DEFAULT;
    let issued = |at| bare().with_issued_at(at).with_expires_at(NOW.saturating_add(DAY));
    let edge = NOW.saturating_sub(age);
    assert_eq!(judge(&issued(edge), &leeway(60)), Ok(()));
    let older = issued(edge.saturating_sub(TICK));
    assert_eq!(judge(&older, &leeway(60)), Err(AuthErrorKind::TokenTooOld));
}

/// An instant of issue in the future counts only within leeway.
#[test]
fn issue_in_the_future() {
    let issued = |at| bare().with_issued_at(at).with_expires_at(NOW.saturating_add(DAY));
    let edge = NOW.saturating_add(Duration::from_secs(5));
    assert_eq!(judge(&issued(NOW), &leeway(0)), Ok(()));
    assert_eq!(judge(&issued(edge), &leeway(5)), Ok(()));
    let later = issued(edge.saturating_add(TICK));
    assert_eq!(judge(&later, &leeway(5)), Err(AuthErrorKind::TokenTooOld));
    let never = bare().with_issued_at(Timestamp::MAX).with_expires_at(Timestamp::MAX);
    assert_eq!(judge(&never, &leeway(5)), Err(AuthErrorKind::TokenTooOld));
}

/// A token that does not say how old it is, is too old, unless its source may omit it.
#[test]
fn missing_iat() {
    let token = bare().with_expires_at(NOW.saturating_add(DAY));
    assert_eq!(judge(&token, &leeway(0)), Err(AuthErrorKind::TokenTooOld));
    assert_eq!(judge(&token, &leeway(0).with_missing_iat_allowed()), Ok(()));
}

/// A token without an end is refused, unless its source may omit it; its age still ends it.
#[test]
fn missing_exp() {
    let token = bare().with_issued_at(NOW);
    assert_eq!(judge(&token, &leeway(0)), Err(AuthErrorKind::InvalidToken));
    let lax = leeway(0).with_missing_exp_allowed();
    assert_eq!(judge(&token, &lax), Ok(()));
    let old = bare().with_issued_at(NOW.saturating_sub(DAY * 31));
    assert_eq!(judge(&old, &lax), Err(AuthErrorKind::TokenTooOld));
}

/// `exp` is the first instant of death, and leeway moves it once.
#[test]
fn exp_at_its_boundary() {
    for seconds in [0, 5] {
        let token = |at| bare().with_issued_at(NOW.saturating_sub(DAY)).with_expires_at(at);
        let edge = NOW.saturating_sub(Duration::from_secs(seconds));
        assert_eq!(judge(&token(edge.saturating_add(TICK)), &leeway(seconds)), Ok(()));
        assert_eq!(judge(&token(edge), &leeway(seconds)), Err(AuthErrorKind::TokenExpired));
    }
    let forever = sound().with_expires_at(Timestamp::MAX);
    assert_eq!(judge(&forever, &leeway(300)), Ok(()));
}

/// `nbf` is the first instant of life, and leeway moves it once.
#[test]
fn nbf_at_its_boundary() {
    for seconds in [0, 5] {
        let edge = NOW.saturating_add(Duration::from_secs(seconds));
        assert_eq!(judge(&sound().with_not_before(edge), &leeway(seconds)), Ok(()));
        let later = sound().with_not_before(edge.saturating_add(TICK));
        assert_eq!(judge(&later, &leeway(seconds)), Err(AuthErrorKind::InvalidToken));
    }
}

/// A life longer than the cap is refused; without `exp` the cap is the end.
#[test]
fn lifetime_is_capped() {
    let cap = leeway(0).with_missing_exp_allowed().with_lifetime_max(DAY * 2);
    assert_eq!(judge(&sound(), &cap), Ok(()));
    let long = sound().with_expires_at(NOW.saturating_add(DAY).saturating_add(TICK));
    assert_eq!(judge(&long, &cap), Err(AuthErrorKind::InvalidToken));
    let endless = |at| judge(&bare().with_issued_at(at), &cap);
    assert_eq!(endless(NOW.saturating_sub(DAY)), Ok(()));
    assert_eq!(endless(NOW.saturating_sub(DAY * 2)), Err(AuthErrorKind::TokenExpired));
}

/// Without `iat`, the rest of the life is held against the cap.
#[test]
fn lifetime_without_iat() {
    let cap = leeway(0).with_missing_iat_allowed().with_lifetime_max(DAY);
    assert_eq!(judge(&bare().with_expires_at(NOW.saturating_add(DAY)), &cap), Ok(()));
    let long = bare().with_expires_at(NOW.saturating_add(DAY + TICK));
    assert_eq!(judge(&long, &cap), Err(AuthErrorKind::InvalidToken));
}

/// A token that ended before it began is not what any issuer makes.
#[test]
fn an_end_before_the_beginning() {
    let token = bare().with_issued_at(NOW).with_expires_at(NOW.saturating_sub(TICK));
    assert_eq!(judge(&token, &leeway(60)), Err(AuthErrorKind::InvalidToken));
}

/// Leeway is bounded, so that a slip in the configuration does not keep dead tokens alive.
#[test]
fn leeway_is_bounded() {
    let limits = SourceLimits::default().with_leeway(DAY);
    assert_eq!(limits.leeway(), SourceLimits::LEEWAY_MAX);
}
