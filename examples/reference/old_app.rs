//! What the old app did, and goes on doing during the migration: JSON Web Tokens that nobody could
//! take back.

use std::time::Duration;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::encode;
use jsonwebtoken::errors::Error;
use segue::LegacyGrant;
use segue::Timestamp;
use segue::UserId;
use serde_json::Map;
use serde_json::Value;

use super::settings::OldTokens;

/// How long the old app's tokens live.
pub(crate) const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The old app's token factory.
#[derive(Clone)]
pub(crate) struct OldApp {
    tokens: OldTokens,
}

impl OldApp {
    pub(crate) fn new(tokens: &OldTokens) -> Self {
        Self { tokens: tokens.clone() }
    }

    /// A token as the old app has always made them: `{"id": 1, "iat": …, "exp": …}`.
    pub(crate) fn token(&self, user: &UserId, now: Timestamp) -> Result<String, Error> {
        self.sign(&self.claims(user, now, now.saturating_add(LIFE)))
    }

    /// The same, issued beside a session: `jti` and `sid` let it die with that session.
    pub(crate) fn token_beside(&self, grant: &LegacyGrant) -> Result<String, Error> {
        let mut claims = self.claims(&grant.user, grant.issued_at, grant.expires_at);
        claims.insert("jti".to_owned(), grant.jti.clone().into());
        if let Some(session) = grant.session_id {
            claims.insert("sid".to_owned(), session.to_string().into());
        }
        self.sign(&claims)
    }

    fn claims(&self, user: &UserId, issued: Timestamp, expires: Timestamp) -> Map<String, Value> {
        let number = user.as_str().parse::<u64>().map(Value::from);
        let user = number.unwrap_or_else(|_| user.as_str().into());
        let mut claims = Map::new();
        claims.insert(self.tokens.user_claim.clone(), user);
        claims.insert("iat".to_owned(), issued.as_unix_seconds().into());
        claims.insert("exp".to_owned(), expires.as_unix_seconds().into());
        let more = [("iss", &self.tokens.issuer), ("aud", &self.tokens.audience)];
        for (name, value) in more {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value.as_str().into());
            }
        }
        claims
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, Error> {
        let key = EncodingKey::from_secret(self.tokens.secret.as_bytes());
        encode(&Header::default(), claims, &key)
    }
}
