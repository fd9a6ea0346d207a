//! Minting: from a row and its secret to a pair of tokens, and the legacy token beside it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;

use crate::error::AuthErrorKind;
use crate::flags::FlagSet;
use crate::id::SessionId;
use crate::id::UserId;
use crate::keys::Keyring;
use crate::secret::Secret;
use crate::secret::SecretText;
use crate::session::RefreshCause;
use crate::session::SessionPolicy;
use crate::session::SessionRecord;
use crate::time::Timestamp;
use crate::token::AccessToken;
use crate::token::RefreshToken;
use crate::token::SessionSecret;
use crate::token::mint_access;
use crate::token::mint_refresh;

/// A session's access token and refresh token, and what a client has to know about them.
///
/// `Debug` shows no token. With feature `axum` it is a response; otherwise
/// [`TokenPair::to_json`] is the body for an API client and
/// [`CookiePolicy`](crate::CookiePolicy) makes cookies for a browser, never both.
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenPair {
    /// For requests.
    pub access: AccessToken,
    /// Buys the next pair, once.
    pub refresh: RefreshToken,
    /// How long the access token lives from now: `expires_in`, relative, so that a client whose
    /// clock is wrong does not refresh in a loop.
    pub expires_in: Duration,
    /// How long the session lives at most from now.
    pub session_expires_in: Duration,
    /// The session's public id.
    pub session_id: SessionId,
    /// How a refresh was answered; `None` after login and exchange.
    pub cause: Option<RefreshCause>,
    pub(crate) legacy: Option<SecretText>,
}

impl TokenPair {
    /// The legacy token issued beside the pair, while dual issue is on: what clients of the old
    /// system expect, so that they, and a way back, keep working.
    #[must_use]
    pub fn legacy_token(&self) -> Option<&str> {
        self.legacy.as_ref().map(SecretText::expose)
    }

    /// The body of a token response for an API client (RFC 6749, section 5.1). Send it with
    /// `Cache-Control: no-store`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut body = serde_json::json!({
            "access_token": self.access.expose(),
            "refresh_token": self.refresh.expose(),
            "token_type": "Bearer",
            "expires_in": self.expires_in.as_secs(),
            "session_id": self.session_id,
        });
        if let Some(token) = self.legacy_token() {
            body["legacy_token"] = token.into();
        }
        body
    }
}

/// The pair for a row's stored generation. `None` of its parts is kept anywhere.
pub(crate) fn mint(
    ring: &Keyring,
    policy: &SessionPolicy,
    row: &SessionRecord,
    secret: &SessionSecret,
    now: Timestamp,
) -> Result<TokenPair, AuthErrorKind> {
    let ends = now.saturating_add(policy.access_life).min(row.expires_at);
    let access = mint_access(ring, ring.current(), &secret.access_secret(), row.generation, ends);
    let refresh = mint_refresh(ring, row.key_version, secret, row.generation);
    let (Some(access), Some(refresh)) = (access, refresh) else {
        tracing::error!(version = %row.key_version, "a session's key version is not in the keyring");
        return Err(AuthErrorKind::UnknownKey);
    };
    Ok(TokenPair {
        access,
        refresh,
        expires_in: ends.since(now),
        session_expires_in: row.expires_at.since(now),
        session_id: row.id(),
        cause: None,
        legacy: None,
    })
}

/// What a legacy token issued beside a session must say.
///
/// The app turns it into a token of the old kind, with its old key. The claims `jti` and `sid`
/// must be in it, or revoking the session can't kill the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LegacyGrant {
    /// Whose token.
    pub user: UserId,
    /// Claim `sid`: the session it is issued beside; `None` when no session was issued.
    pub session_id: Option<SessionId>,
    /// Claim `jti`: random.
    pub jti: String,
    /// Claim `iat`, in whole seconds.
    pub issued_at: Timestamp,
    /// Claim `exp`.
    pub expires_at: Timestamp,
}

type Issue = dyn Fn(&LegacyGrant) -> Result<String, Box<dyn Error + Send + Sync>> + Send + Sync;

/// Dual issue: makes the legacy token beside a session.
#[derive(Clone)]
pub(crate) struct LegacyIssuer {
    lifetime: Duration,
    issue: Arc<Issue>,
}

impl LegacyIssuer {
    pub(crate) fn new<F, E>(lifetime: Duration, issue: F) -> Self
    where
        F: Fn(&LegacyGrant) -> Result<String, E> + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self { lifetime, issue: Arc::new(move |grant| issue(grant).map_err(Into::into)) }
    }

    /// The last instant at which a token issued at `now` can be accepted, leeway included; `None`
    /// while legacy tokens are not accepted, and so not issued.
    pub(crate) fn until(
        &self,
        flags: &FlagSet,
        leeway: Duration,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let end = now.saturating_add(self.lifetime).saturating_add(leeway);
        flags.accepts_legacy(now).then(|| flags.legacy_until.map_or(end, |until| end.min(until)))
    }

    /// The token, or `None` when the app's issuer fails: a login does not fail for it.
    pub(crate) fn issue(
        &self,
        user: &UserId,
        session_id: Option<SessionId>,
        ends_before: Timestamp,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<SecretText> {
        let grant = LegacyGrant {
            user: user.clone(),
            session_id,
            jti: HEXLOWER.encode(Secret::<16>::random().ok()?.expose()),
            issued_at: issued_at(not_before, now),
            expires_at: now.saturating_add(self.lifetime).min(ends_before),
        };
        match (self.issue)(&grant) {
            Ok(token) => Some(SecretText::new(token)),
            Err(error) => {
                tracing::error!(error = &*error as &dyn Error, "the legacy issuer failed");
                None
            }
        }
    }
}

/// `iat` in whole seconds: rounded down, unless a not-before lies in the same second. Rounded down
/// past it, a token issued just after "log out everywhere" would be born dead.
fn issued_at(not_before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let second = Timestamp::from_unix_seconds(now.as_unix_seconds());
    if is_within_second_of(not_before, now) {
        return second.saturating_add(Duration::from_secs(1));
    }
    second
}

/// Whether an `iat` of now, rounded down, would not be later than the not-before.
pub(crate) fn is_within_second_of(not_before: Option<Timestamp>, now: Timestamp) -> bool {
    let second = Timestamp::from_unix_seconds(now.as_unix_seconds());
    not_before.is_some_and(|at| second <= at)
}

impl fmt::Debug for LegacyIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyIssuer").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
