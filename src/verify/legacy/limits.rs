//! The guard rails around genuine legacy tokens: age, cut-over, lifetime, and the clock.

use std::time::Duration;

use super::token::LegacyToken;
use crate::error::AuthErrorKind;
use crate::time::Timestamp;

/// What one legacy source is allowed that others are not.
///
/// The defaults are strict: an end and an instant of issue are demanded, clocks are trusted to the
/// second, short-lived tokens can't be turned into sessions.
///
/// ```
/// use segue::SourceLimits;
/// use std::time::Duration;
///
/// let limits = SourceLimits::default().with_leeway(Duration::from_secs(5));
/// assert!(!limits.allows_missing_exp());
/// assert_eq!(limits.leeway().as_secs(), 5);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SourceLimits {
    allow_missing_iat: bool,
    allow_missing_exp: bool,
    exchange_short_lived: bool,
    leeway: Duration,
    lifetime_max: Option<Duration>,
}

impl SourceLimits {
    /// The most leeway that is taken: more hides a broken clock and keeps dead tokens alive.
    pub const LEEWAY_MAX: Duration = Duration::from_secs(300);

    /// Tokens without `iat` are accepted. They count as issued before every not-before, so
    /// revoking everything of a user kills them for good.
    #[must_use]
    pub fn with_missing_iat_allowed(mut self) -> Self {
        self.allow_missing_iat = true;
        self
    }

    /// Tokens without `exp` are accepted: only their age and the cut-over end them.
    #[must_use]
    pub fn with_missing_exp_allowed(mut self) -> Self {
        self.allow_missing_exp = true;
        self
    }

    /// Tokens that live under an hour may be exchanged for a session. Off by default: a leaked
    /// five-minute token must not become a session of months.
    #[must_use]
    pub fn with_exchange_of_short_lived(mut self) -> Self {
        self.exchange_short_lived = true;
        self
    }

    /// How far the issuer's clock may be off, at most [`SourceLimits::LEEWAY_MAX`]. Default 0.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(Self::LEEWAY_MAX);
        self
    }

    /// Tokens that live longer are refused; those without `exp` end so long after `iat`.
    #[must_use]
    pub fn with_lifetime_max(mut self, lifetime: Duration) -> Self {
        self.lifetime_max = Some(lifetime);
        self
    }

    /// Whether a token may lack `iat`.
    #[must_use]
    pub fn allows_missing_iat(&self) -> bool {
        self.allow_missing_iat
    }

    /// Whether a token may lack `exp`.
    #[must_use]
    pub fn allows_missing_exp(&self) -> bool {
        self.allow_missing_exp
    }

    /// Whether tokens that live under an hour may be exchanged.
    #[must_use]
    pub fn exchanges_short_lived(&self) -> bool {
        self.exchange_short_lived
    }

    /// How far the issuer's clock may be off.
    #[must_use]
    pub fn leeway(&self) -> Duration {
        self.leeway
    }

    /// The longest life of a token, if there is a cap.
    #[must_use]
    pub fn lifetime_max(&self) -> Option<Duration> {
        self.lifetime_max
    }
}

/// What the operator's flags say about legacy tokens at this moment.
///
/// ```
/// let limits = segue::LegacyLimits::default();
/// assert_eq!(limits.max_age.as_secs(), 30 * 24 * 60 * 60);
/// assert_eq!(limits.until, None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LegacyLimits {
    /// `LEGACY_JWT_MAX_AGE`: tokens issued earlier than this are refused. Default 30 days.
    pub max_age: Duration,
    /// `LEGACY_JWT_UNTIL`: the cut-over, from which on no legacy token is accepted.
    pub until: Option<Timestamp>,
}

impl LegacyLimits {
    /// The default of `LEGACY_JWT_MAX_AGE`: 30 days.
    pub const MAX_AGE_DEFAULT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// These limits.
    #[must_use]
    pub const fn new(max_age: Duration, until: Option<Timestamp>) -> Self {
        Self { max_age, until }
    }
}

impl Default for LegacyLimits {
    fn default() -> Self {
        Self::new(Self::MAX_AGE_DEFAULT, None)
    }
}

/// Judges a genuine legacy token by the clock: cut-over, end, start, lifetime, age.
///
/// Pure, and cheap enough to be asked again for every remembered token, so that no deadline is
/// outlived in a cache. Leeway is applied once, to the issuer's clock (`exp`, `nbf`, an `iat` in
/// the future), never to our own limits.
///
/// # Errors
///
/// * [`AuthErrorKind::CutOverPassed`] at and after the cut-over;
/// * [`AuthErrorKind::TokenExpired`] at and after `exp` plus leeway;
/// * [`AuthErrorKind::InvalidToken`] before `nbf` minus leeway, without a demanded `exp`, with an
///   `exp` before its `iat`, or with a life longer than the source allows;
/// * [`AuthErrorKind::TokenTooOld`] when `iat` is too long ago, in the future beyond leeway, or
///   missing where it is demanded.
///
/// ```
/// use segue::{AuthErrorKind, LegacyLimits, LegacyToken, LegacyTokenId, SourceLimits, Timestamp, UserId};
/// use std::time::Duration;
///
/// let issued = Timestamp::from_unix_seconds(1_800_000_000);
/// let token = LegacyToken::new(UserId::from(1), LegacyTokenId::of_signing_input(b"h.p"))
///     .with_issued_at(issued)
///     .with_expires_at(issued.saturating_add(Duration::from_secs(3600)));
/// let judge = |now| segue::guard(&token, &SourceLimits::default(), &LegacyLimits::default(), now);
/// assert_eq!(judge(issued), Ok(()));
/// let end = issued.saturating_add(Duration::from_secs(3600));
/// assert_eq!(judge(end), Err(AuthErrorKind::TokenExpired));
/// ```
pub fn guard(
    token: &LegacyToken,
    limits: &SourceLimits,
    flags: &LegacyLimits,
    now: Timestamp,
) -> Result<(), AuthErrorKind> {
    if flags.until.is_some_and(|until| now >= until) {
        return Err(AuthErrorKind::CutOverPassed);
    }
    check_window(token, limits, now)?;
    check_lifetime(token, limits, now)?;
    check_age(token, limits, flags.max_age, now)
}

/// `exp` and `nbf`, the part that does not depend on the operator's flags.
pub(crate) fn check_window(
    token: &LegacyToken,
    limits: &SourceLimits,
    now: Timestamp,
) -> Result<(), AuthErrorKind> {
    match token.expires_at() {
        Some(end) if now >= end.saturating_add(limits.leeway) => Err(AuthErrorKind::TokenExpired),
        None if !limits.allow_missing_exp => Err(AuthErrorKind::InvalidToken),
        _ => match token.not_before() {
            Some(start) if start > now.saturating_add(limits.leeway) => {
                Err(AuthErrorKind::InvalidToken)
            }
            _ => Ok(()),
        },
    }
}

/// How long the token may live. Without `iat` the rest of its life is measured: whenever it was
/// issued, it was not in the future.
pub(crate) fn check_lifetime(
    token: &LegacyToken,
    limits: &SourceLimits,
    now: Timestamp,
) -> Result<(), AuthErrorKind> {
    let (issued, end) = (token.issued_at(), token.expires_at());
    if matches!((issued, end), (Some(issued), Some(end)) if end < issued) {
        return Err(AuthErrorKind::InvalidToken);
    }
    let Some(cap) = limits.lifetime_max else { return Ok(()) };
    match (issued, end) {
        (issued, Some(end)) if end.since(issued.unwrap_or(now)) > cap => {
            Err(AuthErrorKind::InvalidToken)
        }
        (Some(issued), None) if now.since(issued) >= cap.saturating_add(limits.leeway) => {
            Err(AuthErrorKind::TokenExpired)
        }
        _ => Ok(()),
    }
}

/// Issuers count in whole seconds, and may round up: this one does where a not-before lies in the
/// same second.
fn end_of_second(now: Timestamp) -> Timestamp {
    let second = Timestamp::from_unix_seconds(now.as_unix_seconds());
    if second == now { now } else { second.saturating_add(Duration::from_secs(1)) }
}

fn check_age(
    token: &LegacyToken,
    limits: &SourceLimits,
    max_age: Duration,
    now: Timestamp,
) -> Result<(), AuthErrorKind> {
    let sound = match token.issued_at() {
        Some(issued) => {
            issued <= end_of_second(now).saturating_add(limits.leeway)
                && now.since(issued) <= max_age
        }
        None => limits.allow_missing_iat,
    };
    if sound { Ok(()) } else { Err(AuthErrorKind::TokenTooOld) }
}
