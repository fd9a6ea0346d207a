//! Legacy tokens: what every format has in common, and the formats themselves.
//!
//! | part | what it holds |
//! |---|---|
//! | `token` | the verified facts of one legacy token |
//! | `transport` | where a source's tokens arrive |
//! | `limits` | the guard rails: age, cut-over, lifetime, leeway |
//! | `cache`, `refusals` | tokens seen before, bounded by number and bytes |
//! | `jwt` | JSON Web Tokens (feature `jwt`) |

mod cache;
#[cfg(feature = "jwt")]
mod jwt;
mod limits;
mod refusals;
mod token;
mod transport;

use std::fmt;

pub(crate) use cache::TokenCache;
#[cfg(feature = "jwt")]
pub use jwt::Algorithm;
#[cfg(feature = "jwt")]
pub use jwt::JwtKey;
#[cfg(feature = "jwt")]
pub use jwt::JwtVerifier;
#[cfg(feature = "jwt")]
pub use jwt::JwtVerifierBuilder;
#[cfg(feature = "jwt")]
pub use jwt::UserIdKind;
pub use limits::LegacyLimits;
pub use limits::SourceLimits;
pub use limits::guard;
pub use token::LegacyToken;
pub use transport::Scheme;
pub use transport::Transport;

use crate::error::AuthErrorKind;
use crate::id::SourceName;
use crate::time::Timestamp;

/// One source of legacy tokens: it knows their shape, checks their signature and reads their facts.
///
/// Everything here is synchronous and does no I/O: the answer is a function of the token, the keys
/// and `now`. What needs a store (blacklist, not-before, "does the user still exist") is asked
/// afterwards, by the request path, for every source alike; so are the operator's limits, through
/// [`guard`].
///
/// ```
/// use segue::{AuthErrorKind, LegacyToken, LegacyTokenId, LegacyVerifier};
/// use segue::{SourceLimits, SourceName, Timestamp, Transport, UserId};
///
/// /// Opaque tokens from a fixed list.
/// #[derive(Debug)]
/// struct Listed { source: SourceName, transport: Transport, limits: SourceLimits }
///
/// impl LegacyVerifier for Listed {
///     fn source(&self) -> &SourceName { &self.source }
///     fn transport(&self) -> &Transport { &self.transport }
///     fn limits(&self) -> &SourceLimits { &self.limits }
///     fn recognises(&self, token: &str) -> bool { token.starts_with("old_") }
///     fn verify(&self, token: &str, _now: Timestamp) -> Result<LegacyToken, AuthErrorKind> {
///         match token {
///             "old_alice" => {
///                 let id = LegacyTokenId::of_signing_input(token.as_bytes());
///                 Ok(LegacyToken::new(UserId::from(1), id).with_source(self.source.clone()))
///             }
///             _ => Err(AuthErrorKind::InvalidToken),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify legacy tokens",
    note = "for JSON Web Tokens pass a `JwtVerifier`, such as `JwtVerifier::hs256(secret)?`; for other \
            formats implement `LegacyVerifier`"
)]
pub trait LegacyVerifier: fmt::Debug + Send + Sync + 'static {
    /// The name under which everything about this source's tokens is remembered.
    fn source(&self) -> &SourceName;

    /// Where this source's tokens arrive.
    fn transport(&self) -> &Transport;

    /// What this source is allowed that others are not.
    fn limits(&self) -> &SourceLimits;

    /// Whether the text has this source's shape. It looks at the shape alone: a `true` is a claim
    /// to judge the token, and that judgement is final.
    fn recognises(&self, token: &str) -> bool;

    /// Checks the token and reads its facts.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::InvalidToken`] for anything malformed or forged, and nothing more precise
    /// before the signature has been found genuine; then [`AuthErrorKind::TokenExpired`] past its
    /// end.
    fn verify(&self, token: &str, now: Timestamp) -> Result<LegacyToken, AuthErrorKind>;

    /// A number that changes whenever the keys do, so that remembered verdicts die with the keys
    /// they were reached by. A source whose keys never change answers 0.
    fn epoch(&self) -> u64 {
        0
    }

    /// Whether the source states how its user ids become the app's. With several sources each
    /// must: two issuers both have a user 1.
    fn maps_users(&self) -> bool {
        true
    }
}
