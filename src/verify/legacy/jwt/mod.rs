//! JSON Web Tokens as a second way in.
//!
//! | part | what it holds |
//! |---|---|
//! | `algorithm` | the algorithms, and which kind of key each belongs to |
//! | `json`, `compact` | a token taken apart, strictly |
//! | `material`, `jwks`, `der`, `secret` | keys read from where they are kept, weak ones refused |
//! | `keys` | which key may verify what, and the one call into the library |
//! | `claims`, `policy` | what a genuine token must say |
//! | `builder`, `env`, `assemble` | how a source is described, and what becomes of it |
//!
//! The library (`jsonwebtoken` on aws-lc-rs) is asked one question: did this key make this
//! signature over these bytes. Everything else is decided here, by small pure functions.

mod algorithm;
mod assemble;
mod builder;
mod claims;
mod compact;
mod der;
mod env;
mod json;
mod jwks;
mod keys;
mod material;
mod policy;
mod secret;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use algorithm::Algorithm;
pub use builder::JwtVerifierBuilder;
pub use claims::UserIdKind;
use compact::Compact;
use compact::Header;
use compact::TOKEN_LENGTH_BYTES_MAX;
use compact::decode;
use compact::split;
use keys::KeySet;
pub use material::JwtKey;

use super::LegacyVerifier;
use super::limits::SourceLimits;
use super::token::LegacyToken;
use super::transport::Transport;
use crate::error::AuthErrorKind;
use crate::error::ConfigError;
use crate::id::LegacyTokenId;
use crate::id::SourceName;
use crate::time::Timestamp;

/// Verifies the JSON Web Tokens of one issuer. Cloning shares the keys.
///
/// Verification never does I/O and never trusts the token about how it is to be verified: the
/// algorithm must be on the configured list, the key must be of that algorithm's family, keys come
/// from the configuration alone. Only the canonical text of a token is read. Before the signature
/// has been found genuine no claim is looked at, and every refusal is the same
/// ([`AuthErrorKind::InvalidToken`]); afterwards a token past its end gets
/// [`AuthErrorKind::TokenExpired`]. A verified token still has to pass the guard rails, the
/// blacklist and the users hook.
///
/// ```
/// use segue::{JwtVerifier, LegacyVerifier, Timestamp};
///
/// let verifier = JwtVerifier::hs256("a secret of 32 bytes or even more")?;
/// let now = Timestamp::from_unix_seconds(1_800_000_000);
/// assert!(verifier.recognises("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"));
/// assert!(verifier.verify("eyJhbGciOiJIUzI1NiJ9.e30.c2ln", now).is_err());
/// assert!(JwtVerifier::hs256("changeme").is_err());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwtVerifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: SourceName,
    description: JwtVerifierBuilder,
    keys: ArcSwap<KeySet>,
}

impl JwtVerifier {
    /// The commonest case: HS256 with one secret, taken byte for byte, as `jsonwebtoken` for Node
    /// and its likes take it. Everything else is left at the defaults of [`JwtVerifier::builder`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a secret that is empty, all zeros, a known placeholder, a public key, or
    /// shorter than 32 bytes.
    pub fn hs256(secret: impl Into<Vec<u8>>) -> Result<Self, ConfigError> {
        Self::builder(SourceName::default().as_str())
            .algorithms([Algorithm::HS256])
            .key(JwtKey::secret(secret))
            .build()
    }

    /// Describes a source of JWTs under this name; see [`SourceName`] for what a name may be.
    pub fn builder(source: impl Into<String>) -> JwtVerifierBuilder {
        JwtVerifierBuilder::new(source.into())
    }

    /// Reads the verifier from variables: `JWT_SECRET`, `JWT_PUBLIC_KEY_FILE`, `JWT_JWKS_FILE`,
    /// `JWT_ISSUER`, `JWT_AUDIENCE`, `JWT_USER_CLAIM` (the last three may be lists with commas),
    /// `JWT_LEEWAY` (`5s`; a bare number is seconds) and `JWT_DANGER_ALLOW_WEAK_SECRET`.
    ///
    /// `lookup` answers with the value of a variable. With none of them set there is no legacy
    /// source, `None`. A secret is accepted with HS256, HS384 and HS512, a public key with every
    /// algorithm of its kind.
    ///
    /// ```
    /// use segue::JwtVerifier;
    ///
    /// let lookup = |name: &str| match name {
    ///     "JWT_SECRET" => Some("a secret of 32 bytes or even more".to_owned()),
    ///     _ => None,
    /// };
    /// assert!(JwtVerifier::from_env(&lookup)?.is_some());
    /// assert!(JwtVerifier::from_env(&|_| None)?.is_none());
    /// # Ok::<(), segue::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault in them.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        env::verifier(lookup)
    }

    /// Reads the key files again and says whether anything changed.
    ///
    /// Requests under way finish with the keys they started with; remembered verdicts die with
    /// the [`epoch`](LegacyVerifier::epoch). It reads files and blocks while it does. Call it from
    /// a timer or a signal handler, never because of a request: a stranger could make it run by
    /// inventing key ids.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a file can't be used; the keys from before then stay in force.
    pub fn reload(&self) -> Result<bool, ConfigError> {
        let fresh = self.0.description.load()?;
        let mut changed = false;
        self.0.keys.rcu(|current| {
            changed = current.fingerprint != fresh.fingerprint;
            let epoch = current.epoch.wrapping_add(u64::from(changed));
            match changed {
                true => Arc::new(KeySet { epoch, ..fresh.clone() }),
                false => Arc::clone(current),
            }
        });
        if changed {
            tracing::info!(source = %self.0.source, "the keys of a legacy source have changed");
        }
        Ok(changed)
    }

    /// The payload of a token whose signature is genuine, with nothing in it judged.
    ///
    /// For tools that look into tokens, never for letting somebody in: the token may be expired,
    /// for another app, or not a set of claims at all.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::InvalidToken`] for anything malformed or forged.
    pub fn danger_verify_signature_only(&self, token: &str) -> Result<Vec<u8>, AuthErrorKind> {
        self.genuine(token)
            .and_then(|compact| decode(compact.payload))
            .ok_or(AuthErrorKind::InvalidToken)
    }

    /// Whether one of the keys is this secret. A key of sessions must never also sign JWTs, so
    /// start-up compares them. Takes the same time wherever the bytes differ.
    #[must_use]
    pub fn uses_secret(&self, bytes: &[u8]) -> bool {
        self.0.description.keys.iter().fold(false, |found, key| key.is_secret(bytes) | found)
    }

    fn assemble(source: SourceName, description: JwtVerifierBuilder, keys: KeySet) -> Self {
        Self(Arc::new(Inner { source, description, keys: ArcSwap::from_pointee(keys) }))
    }

    /// The token taken apart, if its signature is genuine.
    fn genuine<'a>(&self, token: &'a str) -> Option<Compact<'a>> {
        let compact = split(token)?;
        let header = Header::read(compact.header)?;
        let keys = self.0.keys.load();
        let accepted =
            self.0.description.policy.accepts_header(&header) && keys.verifies(&header, &compact);
        accepted.then_some(compact)
    }
}

impl LegacyVerifier for JwtVerifier {
    fn source(&self) -> &SourceName {
        &self.0.source
    }

    fn transport(&self) -> &Transport {
        &self.0.description.transport
    }

    fn limits(&self) -> &SourceLimits {
        &self.0.description.policy.limits
    }

    /// Three segments within the size limit. Two JWT sources are kept apart by their keys, not by
    /// what an unverified token says of itself.
    fn recognises(&self, token: &str) -> bool {
        token.len() <= TOKEN_LENGTH_BYTES_MAX
            && token.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<LegacyToken, AuthErrorKind> {
        let invalid = AuthErrorKind::InvalidToken;
        let compact = self.genuine(token).ok_or(invalid)?;
        let payload = decode(compact.payload).ok_or(invalid)?;
        let claims = json::object(&payload).ok_or(invalid)?;
        let id = LegacyTokenId::of_signing_input(compact.signing_input.as_bytes());
        self.0.description.policy.judge(&self.0.source, claims, id, now)
    }

    fn epoch(&self) -> u64 {
        self.0.keys.load().epoch
    }

    fn maps_users(&self) -> bool {
        self.0.description.policy.user_map.is_some()
    }
}
