//! The system being replaced: an issuer of HS256 tokens, and the verifier that knows them.

use std::time::Duration;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::JwtVerifierBuilder;
use segue::LegacyGrant;
use segue::Timestamp;
use segue::Transport;
use serde_json::Value;
use serde_json::json;

/// The secret that the old system signs with.
pub const LEGACY_SECRET: &str = "the legacy secret of the old system, long enough";
/// The cookie that the old system keeps its tokens in.
pub const LEGACY_COOKIE: &str = "legacy_token";
/// How long its tokens live.
pub const LEGACY_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// Accepts the old system's tokens, in the header or in its cookie.
pub fn legacy_verifier() -> JwtVerifier {
    legacy_builder("main", LEGACY_SECRET).build().unwrap()
}

pub fn legacy_builder(source: &str, secret: &str) -> JwtVerifierBuilder {
    JwtVerifier::builder(source)
        .algorithms([Algorithm::HS256])
        .key(JwtKey::secret(secret))
        .transport(Transport::bearer().with_cookie(LEGACY_COOKIE).unwrap())
}

/// The claims of a legacy token; by default issued now for a week.
#[derive(Clone, Debug)]
pub struct Claims(Value);

impl Claims {
    pub fn of(user: &str, issued_at: Timestamp) -> Self {
        let iat = issued_at.as_unix_seconds();
        let exp = iat + i64::try_from(LEGACY_LIFE.as_secs()).unwrap();
        Self(json!({ "sub": user, "iat": iat, "exp": exp }))
    }

    /// What the issuer beside a session is asked for.
    pub fn granted(grant: &LegacyGrant) -> Self {
        let mut claims = Self::of(grant.user.as_str(), grant.issued_at)
            .with("jti", grant.jti.as_str())
            .with("exp", grant.expires_at.as_unix_seconds());
        if let Some(sid) = grant.session_id {
            claims = claims.with("sid", sid.to_string());
        }
        claims
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(name);
        self
    }

    /// The token, signed by the old system.
    pub fn sign(&self) -> String {
        self.sign_with(LEGACY_SECRET)
    }

    pub fn sign_with(&self, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::default(), &self.0, &key).unwrap()
    }
}
