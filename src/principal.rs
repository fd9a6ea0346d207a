//! Who made a request: a proof that a verifier accepted a credential.

use std::fmt;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::time::Timestamp;

/// Who made the request, by which way, with which scopes.
///
/// It has no public constructor: holding one means that a verifier accepted a credential for
/// exactly this request. Cloning is a reference count.
///
/// In a handler, take it as an argument (feature `axum`); under plain tower, take it from the
/// request's extensions.
///
/// ```
/// use segue::Principal;
///
/// fn greet(who: &Principal) -> String {
///     format!("{} by {}", who.user_id(), who.via())
/// }
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    user: UserId,
    scopes: Scopes,
    authenticated_at: Option<Timestamp>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Session(SessionFacts),
    Legacy { source: Arc<str>, claims: Arc<Map<String, Value>> },
}

/// What a principal knows of its session.
#[derive(Clone, Debug)]
pub(crate) struct SessionFacts {
    pub(crate) key: SessionKey,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) data: SessionData,
}

/// By which way a request was authenticated.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Via {
    /// A token of the system being replaced.
    LegacyJwt,
    /// A long-lived credential for scripts.
    PersonalToken,
    /// A session's access token, in a header or a cookie.
    Session,
}

impl Via {
    /// The stable name: `session`, `legacy_jwt`, `personal_token`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LegacyJwt => "legacy_jwt",
            Self::PersonalToken => "personal_token",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Principal {
    /// For verifiers only: the access token of this live session was accepted.
    pub(crate) fn of_session(
        user: UserId,
        scopes: Scopes,
        authenticated_at: Timestamp,
        facts: SessionFacts,
    ) -> Self {
        let way = Way::Session(facts);
        Self(Arc::new(Inner { user, scopes, authenticated_at: Some(authenticated_at), way }))
    }

    /// For verifiers only: this legacy token was accepted.
    pub(crate) fn of_legacy(
        user: UserId,
        scopes: Scopes,
        issued_at: Option<Timestamp>,
        source: Arc<str>,
        claims: Arc<Map<String, Value>>,
    ) -> Self {
        let way = Way::Legacy { source, claims };
        Self(Arc::new(Inner { user, scopes, authenticated_at: issued_at, way }))
    }

    /// The user.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.0.user
    }

    /// By which way the request was authenticated.
    #[must_use]
    pub fn via(&self) -> Via {
        match self.0.way {
            Way::Session(_) => Via::Session,
            Way::Legacy { .. } => Via::LegacyJwt,
        }
    }

    /// What the credential permits. A session without scopes, and a legacy token, have none:
    /// absence of scopes is not a right to everything.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// When the user last proved who they are; a legacy token's `iat` at best.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.0.authenticated_at
    }

    /// The public id of the session, if it came by one.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.session_facts().map(|facts| facts.key.public_id())
    }

    /// The application's data on the session, if it came by one: as of at most the staleness bound
    /// ago, and without a store call.
    #[must_use]
    pub fn session_data(&self) -> Option<&SessionData> {
        self.session_facts().map(|facts| &facts.data)
    }

    /// The absolute end of the session, if it came by one.
    #[must_use]
    pub fn session_expires_at(&self) -> Option<Timestamp> {
        self.session_facts().map(|facts| facts.expires_at)
    }

    /// When the session began, if it came by one.
    #[must_use]
    pub fn session_created_at(&self) -> Option<Timestamp> {
        self.session_facts().map(|facts| facts.created_at)
    }

    /// The claims of the legacy token, if it came by one: for handlers that still read roles or
    /// tenants from there. Their values are what the old issuer wrote, checked for nothing but the
    /// signature.
    #[must_use]
    pub fn legacy_claims(&self) -> Option<&Map<String, Value>> {
        match &self.0.way {
            Way::Legacy { claims, .. } => Some(claims),
            Way::Session(_) => None,
        }
    }

    /// The name of the legacy source whose token was accepted.
    #[must_use]
    pub fn legacy_source(&self) -> Option<&str> {
        match &self.0.way {
            Way::Legacy { source, .. } => Some(source),
            Way::Session(_) => None,
        }
    }

    pub(crate) fn session_facts(&self) -> Option<&SessionFacts> {
        match &self.0.way {
            Way::Session(facts) => Some(facts),
            Way::Legacy { .. } => None,
        }
    }
}

/// In the extensions of a request that a layer let through without a credential.
///
/// It tells a request of nobody from a route without a layer, which would be a mistake. It has no
/// public constructor.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous(());

impl Anonymous {
    /// For layers only.
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("user_id", &self.0.user)
            .field("via", &self.via())
            .field("session_id", &self.session_id())
            .field("scopes", &self.0.scopes)
            .finish_non_exhaustive()
    }
}
