//! Why a request is refused, and the one table that turns a reason into status, code and challenge.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// Why a request was refused.
///
/// Small, `Copy`, and free of secrets: it names the reason, never the credential. The layers put
/// it into the extensions of the response they write, so that outer layers can count reasons
/// without reading bodies.
///
/// ```
/// use segue::{AuthError, AuthErrorKind};
///
/// let error = AuthError::from(AuthErrorKind::SessionRevoked);
/// assert_eq!(error.status(), 401);
/// assert_eq!(error.code(), "session_revoked");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthError {
    kind: AuthErrorKind,
    retry_after_seconds: u16,
}

/// The reasons, each with a status, a stable code and a sentence.
///
/// A reason beyond "invalid token" is told only to somebody who holds a genuine token: signature
/// or MAC is checked first, so a stranger learns nothing by guessing.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The body is longer than a route takes.
    ContentTooLarge,
    /// A credential that arrived in a cookie was used across origins, or without evidence.
    CrossOrigin,
    /// The legacy cut-over has passed.
    CutOverPassed,
    /// The device differs and fingerprints are enforced; the session is kept.
    DeviceMismatch,
    /// The legacy token was traded for a session before, and that answer can't be repeated.
    ExchangeSpent,
    /// The shared flags have not been read yet.
    FlagsUnknown,
    /// The action wants a more recent authentication.
    FreshAuthenticationRequired,
    /// The session credential and the legacy credential name different users.
    IdentityMismatch,
    /// The principal lacks a scope.
    InsufficientScope,
    /// The body or a parameter is not what a route takes.
    InvalidInput,
    /// The request carries its credential in a way that has no single meaning.
    InvalidRequest,
    /// Malformed, forged, or unknown; deliberately not told apart.
    InvalidToken,
    /// A handler asked for a principal on a route without the layer: the programmer's mistake.
    LayerMissing,
    /// Legacy tokens are not accepted here.
    LegacyOff,
    /// No credential was sent.
    MissingCredential,
    /// Legacy tokens of short life are not exchanged unless their source says so.
    NotExchangeable,
    /// No such session, or somebody else's.
    NotFound,
    /// Sessions are switched off, so nothing is refreshed; the refresh token stays good.
    RefreshOff,
    /// An old refresh token was presented again; its session has been revoked.
    RefreshReused,
    /// Idle or absolute end of the session.
    SessionExpired,
    /// The credential is good, but no session, and this needs one.
    SessionRequired,
    /// The session was revoked: logout, device list, reuse, cap, or administration.
    SessionRevoked,
    /// Sessions are switched off; the cookies stay.
    SessionsOff,
    /// The store can't be asked.
    StoreUnavailable,
    /// The access or legacy token is past its end.
    TokenExpired,
    /// The legacy token is on the blacklist, or older than a not-before instant.
    TokenRevoked,
    /// The legacy token is older than is accepted, or does not say how old it is.
    TokenTooOld,
    /// Too many requests of this kind.
    TooManyRequests,
    /// The key version is not on this node; the cookies stay.
    UnknownKey,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The user is disabled or gone.
    UserDisabled,
}

/// What the `WWW-Authenticate` field says (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Challenge {
    /// No field.
    None,
    /// `Bearer` alone: no credential was sent, so no error code is given.
    Bare,
    /// `Bearer error="…"`.
    Error(&'static str),
}

struct Row(u16, &'static str, &'static str, Challenge);

const INVALID_TOKEN: Challenge = Challenge::Error("invalid_token");
const INVALID_REQUEST: Challenge = Challenge::Error("invalid_request");
const INSUFFICIENT_SCOPE: Challenge = Challenge::Error("insufficient_scope");
const FRESHNESS: Challenge = Challenge::Error("insufficient_user_authentication");

impl AuthErrorKind {
    /// Every reason there is, in the order of their names.
    pub const ALL: [Self; 31] = [
        Self::ContentTooLarge,
        Self::CrossOrigin,
        Self::CutOverPassed,
        Self::DeviceMismatch,
        Self::ExchangeSpent,
        Self::FlagsUnknown,
        Self::FreshAuthenticationRequired,
        Self::IdentityMismatch,
        Self::InsufficientScope,
        Self::InvalidInput,
        Self::InvalidRequest,
        Self::InvalidToken,
        Self::LayerMissing,
        Self::LegacyOff,
        Self::MissingCredential,
        Self::NotExchangeable,
        Self::NotFound,
        Self::RefreshOff,
        Self::RefreshReused,
        Self::SessionExpired,
        Self::SessionRequired,
        Self::SessionRevoked,
        Self::SessionsOff,
        Self::StoreUnavailable,
        Self::TokenExpired,
        Self::TokenRevoked,
        Self::TokenTooOld,
        Self::TooManyRequests,
        Self::UnknownKey,
        Self::UnsupportedMediaType,
        Self::UserDisabled,
    ];

    #[rustfmt::skip]
    const fn row(self) -> Row {
        use Challenge::None;
        match self {
            Self::ContentTooLarge => Row(413, "content_too_large", "The body is longer than is taken here.", None),
            Self::CrossOrigin => Row(403, "cross_origin", "Cookies are accepted on this request only with evidence that it comes from the same origin.", None),
            Self::CutOverPassed => Row(401, "cut_over_passed", "Tokens of the old kind are no longer accepted; log in again.", INVALID_TOKEN),
            Self::DeviceMismatch => Row(401, "device_mismatch", "The session belongs to another device; log in again on this one.", INVALID_TOKEN),
            Self::ExchangeSpent => Row(401, "exchange_spent", "This token has been exchanged before; use the session it became, or log in again.", INVALID_TOKEN),
            Self::FlagsUnknown => Row(503, "flags_unknown", "The service is starting; try again shortly.", None),
            Self::FreshAuthenticationRequired => Row(403, "fresh_authentication_required", "Confirm your identity again to do this.", FRESHNESS),
            Self::IdentityMismatch => Row(401, "identity_mismatch", "The request carries credentials of two different users.", INVALID_TOKEN),
            Self::InsufficientScope => Row(403, "insufficient_scope", "The credential does not permit this.", INSUFFICIENT_SCOPE),
            Self::InvalidInput => Row(400, "invalid_input", "The body or a parameter is not what is taken here.", None),
            Self::InvalidRequest => Row(400, "invalid_request", "Send exactly one well-formed credential, in the Authorization header or in a cookie.", INVALID_REQUEST),
            Self::InvalidToken => Row(401, "invalid_token", "The credential is not valid.", INVALID_TOKEN),
            Self::LayerMissing => Row(500, "layer_missing", "A handler takes a Principal, but no AuthLayer covers its route; perhaps you forgot `.layer(AuthLayer::dual())`, or added it before the route.", None),
            Self::LegacyOff => Row(401, "legacy_off", "Tokens of the old kind are not accepted; log in again.", INVALID_TOKEN),
            Self::MissingCredential => Row(401, "missing_credential", "Authentication is required.", Challenge::Bare),
            Self::NotExchangeable => Row(403, "not_exchangeable", "Tokens of this kind are not exchanged for sessions.", None),
            Self::NotFound => Row(404, "not_found", "There is no such session.", None),
            Self::RefreshOff => Row(503, "refresh_off", "No session is issued or refreshed at the moment; keep the tokens you have and try again later.", None),
            Self::RefreshReused => Row(401, "refresh_reused", "This refresh token was used before; the session was ended for safety. Log in again.", INVALID_TOKEN),
            Self::SessionExpired => Row(401, "session_expired", "The session has ended; log in again.", INVALID_TOKEN),
            Self::SessionRequired => Row(403, "session_required", "This needs a session; exchange the token for one, or log in again.", None),
            Self::SessionRevoked => Row(401, "session_revoked", "The session was signed out; log in again.", INVALID_TOKEN),
            Self::SessionsOff => Row(401, "sessions_off", "Sessions are switched off at the moment; your session is kept.", INVALID_TOKEN),
            Self::StoreUnavailable => Row(503, "store_unavailable", "The credential can't be checked at the moment; try again shortly.", None),
            Self::TokenExpired => Row(401, "token_expired", "The token has expired; refresh it.", INVALID_TOKEN),
            Self::TokenRevoked => Row(401, "token_revoked", "The token was revoked; log in again.", INVALID_TOKEN),
            Self::TokenTooOld => Row(401, "token_too_old", "The token is older than is accepted; log in again.", INVALID_TOKEN),
            Self::TooManyRequests => Row(429, "too_many_requests", "Too many requests; try again later.", None),
            Self::UnknownKey => Row(401, "unknown_key", "The credential was issued under a key that is not known here.", INVALID_TOKEN),
            Self::UnsupportedMediaType => Row(415, "unsupported_media_type", "Send JSON, with the content type application/json.", None),
            Self::UserDisabled => Row(401, "user_disabled", "The account is not active.", INVALID_TOKEN),
        }
    }

    /// The stable code of the problem document; also the label in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// One sentence for the person at the other end. It never says anything about the credential's content.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.row().2
    }

    /// What `WWW-Authenticate` says.
    #[must_use]
    pub const fn challenge(self) -> Challenge {
        self.row().3
    }

    /// Whether this is the credential's own, final fault, so that the cookie it came from is cleared.
    ///
    /// Never for a store fault, an unknown key or sessions switched off: there the credential may
    /// be perfectly good, and clearing it would log the user out for somebody else's mistake.
    #[must_use]
    pub const fn is_definitive(self) -> bool {
        matches!(
            self,
            Self::CutOverPassed
                | Self::InvalidToken
                | Self::RefreshReused
                | Self::SessionExpired
                | Self::SessionRevoked
                | Self::TokenExpired
                | Self::TokenRevoked
                | Self::TokenTooOld
                | Self::UserDisabled
        )
    }
}

impl AuthError {
    /// What a client is told to wait when nothing better is known.
    const RETRY_AFTER_SECONDS: u16 = 2;

    /// The reason.
    #[must_use]
    pub const fn kind(self) -> AuthErrorKind {
        self.kind
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.kind.status()
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.kind.code()
    }

    /// The same refusal with another `Retry-After`, rounded up to whole seconds.
    #[must_use]
    pub fn with_retry_after(mut self, span: Duration) -> Self {
        let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
        self.retry_after_seconds = u16::try_from(seconds).unwrap_or(u16::MAX).max(1);
        self
    }

    /// What `Retry-After` says: present for 429 and 503, absent otherwise.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        matches!(self.status().as_u16(), 429 | 503)
            .then(|| Duration::from_secs(self.retry_after_seconds.into()))
    }
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self { kind, retry_after_seconds: Self::RETRY_AFTER_SECONDS }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.detail())
    }
}

impl std::error::Error for AuthError {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Codes are unique, and the table's list is complete and in order.
    #[test]
    fn codes_are_unique() {
        let codes: HashSet<_> = AuthErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), AuthErrorKind::ALL.len());
        assert!(AuthErrorKind::ALL.is_sorted());
    }

    /// A 401 always carries a challenge (RFC 9110, section 15.5.2), and no credential means no code.
    #[test]
    fn unauthorized_is_challenged() {
        for kind in AuthErrorKind::ALL {
            if kind.status() == 401 {
                assert_ne!(kind.challenge(), Challenge::None, "{kind:?}");
            }
        }
        assert_eq!(AuthErrorKind::MissingCredential.challenge(), Challenge::Bare);
    }

    /// Only 429 and 503 say when to come back, and a store fault never clears a cookie.
    #[test]
    fn retry_after_and_cookies() {
        for kind in AuthErrorKind::ALL {
            let waits = matches!(kind.status().as_u16(), 429 | 503);
            assert_eq!(AuthError::from(kind).retry_after().is_some(), waits, "{kind:?}");
            assert!(!(kind.is_definitive() && kind.status() != 401), "{kind:?}");
        }
        assert!(!AuthErrorKind::UnknownKey.is_definitive());
        assert!(!AuthErrorKind::SessionsOff.is_definitive());
    }

    /// It rides through every layer by value, so it stays small.
    #[test]
    fn it_is_small() {
        assert!(size_of::<AuthError>() <= 8);
    }
}
