//! The verified facts of one legacy token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;

use crate::id::LegacyTokenId;
use crate::id::SessionId;
use crate::id::SourceName;
use crate::id::UserId;
use crate::time::Timestamp;

/// What a genuine legacy token says. Only a [`LegacyVerifier`](crate::LegacyVerifier) makes one.
///
/// Having one means that the signature (or whatever the format has instead) was checked. It does
/// *not* mean that the token is accepted: its age, the cut-over, the blacklist and the user are
/// judged afterwards.
///
/// ```
/// use segue::{LegacyToken, LegacyTokenId, Timestamp, UserId};
///
/// let id = LegacyTokenId::of_signing_input(b"header.payload");
/// let token = LegacyToken::new(UserId::from(42), id)
///     .with_issued_at(Timestamp::from_unix_seconds(1_800_000_000))
///     .with_jti("a1");
/// assert_eq!(token.user().as_str(), "42");
/// assert_eq!(token.jti(), Some("a1"));
/// assert_eq!(token.lifetime(), None);
/// ```
#[derive(Clone)]
pub struct LegacyToken {
    user: UserId,
    source: SourceName,
    id: LegacyTokenId,
    jti: Option<Box<str>>,
    sid: Option<SessionId>,
    issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    claims: Arc<Map<String, Value>>,
}

impl LegacyToken {
    /// A token of this user, of the source `jwt`, with no other facts.
    #[must_use]
    pub fn new(user: UserId, id: LegacyTokenId) -> Self {
        Self {
            user,
            source: SourceName::default(),
            id,
            jti: None,
            sid: None,
            issued_at: None,
            not_before: None,
            expires_at: None,
            claims: Arc::default(),
        }
    }

    /// The same, from another source.
    #[must_use]
    pub fn with_source(mut self, source: SourceName) -> Self {
        self.source = source;
        self
    }

    /// The same with the issuer's own token id: the blacklist is then asked for it too.
    #[must_use]
    pub fn with_jti(mut self, jti: impl Into<Box<str>>) -> Self {
        self.jti = Some(jti.into());
        self
    }

    /// The same, issued beside this session: it dies with the session.
    #[must_use]
    pub fn with_sid(mut self, sid: SessionId) -> Self {
        self.sid = Some(sid);
        self
    }

    /// The same with the instant of issue.
    #[must_use]
    pub fn with_issued_at(mut self, instant: Timestamp) -> Self {
        self.issued_at = Some(instant);
        self
    }

    /// The same, not valid before this instant.
    #[must_use]
    pub fn with_not_before(mut self, instant: Timestamp) -> Self {
        self.not_before = Some(instant);
        self
    }

    /// The same, not valid at or after this instant.
    #[must_use]
    pub fn with_expires_at(mut self, instant: Timestamp) -> Self {
        self.expires_at = Some(instant);
        self
    }

    /// The same with everything the token says, for the app to read.
    #[must_use]
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Self {
        self.claims = Arc::new(claims);
        self
    }

    /// Whose token it is, in the app's one namespace.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// The name by which the blacklist knows it, `jti` or not.
    #[must_use]
    pub fn id(&self) -> LegacyTokenId {
        self.id
    }

    /// The issuer's own token id, if it gave one.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// The session it was issued beside, if any.
    #[must_use]
    pub fn sid(&self) -> Option<SessionId> {
        self.sid
    }

    /// When it was issued. A token that does not say counts as issued before every not-before.
    #[must_use]
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// The first instant at which it is valid.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// The first instant at which it is no longer valid.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// From issue to end, when it says both.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        Some(self.expires_at?.since(self.issued_at?))
    }

    /// Everything it says. Claims other than the ones above were not judged: check types before
    /// trusting one (`"admin": "false"` is a string, and not empty).
    #[must_use]
    pub fn claims(&self) -> &Arc<Map<String, Value>> {
        &self.claims
    }
}

// Claims often hold e-mail addresses and worse; names are enough to find a fault.
impl fmt::Debug for LegacyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyToken")
            .field("user", &self.user)
            .field("source", &self.source)
            .field("id", &self.id)
            .field("sid", &self.sid)
            .field("issued_at", &self.issued_at)
            .field("not_before", &self.not_before)
            .field("expires_at", &self.expires_at)
            .field("claims", &self.claims.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Debug output names the claims and shows none of them.
    #[test]
    fn debug_hides_claims() {
        let mut claims = Map::new();
        claims.insert("email".to_owned(), Value::from("a@example.com"));
        let id = LegacyTokenId::of_signing_input(b"x");
        let token = LegacyToken::new(UserId::from(1), id).with_claims(claims).with_jti("j1");
        let shown = format!("{token:?}");
        assert!(shown.contains("email") && !shown.contains("example.com"), "{shown}");
        assert!(!shown.contains("j1"), "{shown}");
    }
}
