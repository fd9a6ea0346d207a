//! The decision when a request carries session and legacy credentials: a pure table.
//!
//! | session \ legacy | absent | good, same user | good, other user | refused | unknowable |
//! |---|---|---|---|---|---|
//! | absent | 401 | legacy | legacy | 401 | 503 |
//! | switched off | `sessions_off` | legacy | legacy | 401 | 503 |
//! | live | session | session | `identity_mismatch` | session | session |
//! | merely expired | 401 | legacy | `identity_mismatch` | 401 | 503 |
//! | revoked, reused, forged | 401 | 401 | 401 | 401 | 401 |
//! | unknowable | 503 | 503 | 503 | 503 | 503 |
//!
//! New first, legacy second, and a refusal is final: a revoked session never falls through to a
//! weaker verifier.

use crate::error::AuthErrorKind;
use crate::id::UserId;
use crate::principal::Principal;

/// What the session way says.
#[derive(Clone, Debug)]
pub(crate) enum SessionVerdict {
    /// No session credential was sent.
    Absent,
    /// Merely expired, its row unrevoked. The owner, when the row was read.
    Expired(AuthErrorKind, Option<UserId>),
    /// Accepted.
    Live(Principal),
    /// `REFRESH_TOKEN_SYSTEM=false`.
    Off,
    /// Refused, and that is final.
    Refused(AuthErrorKind),
    /// The store, or the flags, can't be asked.
    Unknowable(AuthErrorKind),
}

impl SessionVerdict {
    /// Whether the legacy way has nothing to add, so that it need not be asked.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unknowable(_))
    }
}

/// What the legacy way says.
#[derive(Clone, Debug)]
pub(crate) enum LegacyVerdict {
    /// No legacy credential was sent.
    Absent,
    /// Accepted.
    Good(Principal),
    /// Refused.
    Refused(AuthErrorKind),
    /// The store can't be asked, and the last replica is too old.
    Unknowable(AuthErrorKind),
}

/// Who decided, so that the origin of the credential and the effects can be looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DecidedBy {
    Legacy,
    Nobody,
    Session,
}

/// The table above.
pub(crate) fn decide(
    session: SessionVerdict,
    legacy: LegacyVerdict,
) -> (Result<Principal, AuthErrorKind>, DecidedBy) {
    match session {
        SessionVerdict::Absent => by_legacy(legacy, AuthErrorKind::MissingCredential),
        SessionVerdict::Off => by_legacy(legacy, AuthErrorKind::SessionsOff),
        SessionVerdict::Live(principal) => live(principal, &legacy),
        SessionVerdict::Expired(kind, owner) => expired(kind, owner.as_ref(), legacy),
        SessionVerdict::Refused(kind) | SessionVerdict::Unknowable(kind) => {
            (Err(kind), DecidedBy::Session)
        }
    }
}

fn by_legacy(
    legacy: LegacyVerdict,
    otherwise: AuthErrorKind,
) -> (Result<Principal, AuthErrorKind>, DecidedBy) {
    match legacy {
        LegacyVerdict::Absent => (Err(otherwise), DecidedBy::Nobody),
        LegacyVerdict::Good(principal) => (Ok(principal), DecidedBy::Legacy),
        LegacyVerdict::Refused(kind) | LegacyVerdict::Unknowable(kind) => {
            (Err(kind), DecidedBy::Legacy)
        }
    }
}

fn live(
    principal: Principal,
    legacy: &LegacyVerdict,
) -> (Result<Principal, AuthErrorKind>, DecidedBy) {
    match legacy {
        LegacyVerdict::Good(other) if other.user_id() != principal.user_id() => {
            (Err(AuthErrorKind::IdentityMismatch), DecidedBy::Session)
        }
        _ => (Ok(principal), DecidedBy::Session),
    }
}

fn expired(
    kind: AuthErrorKind,
    owner: Option<&UserId>,
    legacy: LegacyVerdict,
) -> (Result<Principal, AuthErrorKind>, DecidedBy) {
    match legacy {
        LegacyVerdict::Good(principal) if owner == Some(principal.user_id()) => {
            (Ok(principal), DecidedBy::Legacy)
        }
        LegacyVerdict::Good(_) if owner.is_some() => {
            (Err(AuthErrorKind::IdentityMismatch), DecidedBy::Session)
        }
        LegacyVerdict::Unknowable(kind) => (Err(kind), DecidedBy::Legacy),
        _ => (Err(kind), DecidedBy::Session),
    }
}
