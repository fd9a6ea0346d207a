//! Everything that can go wrong, in four families.
//!
//! | type | whose doing | who sees it |
//! |---|---|---|
//! | [`AuthError`] | the client's credential | the client, as a problem document with a stable code |
//! | [`StoreError`] | the world: a database, a network, a disk | the operator; the client gets a 503 |
//! | [`ConfigError`] | the operator's settings | the operator, at start-up, all faults at once |
//! | [`EntropyError`] | the operating system | the operator; nothing is issued without randomness |

mod auth;
mod config;
mod store;

use std::fmt;

pub use auth::AuthError;
pub use auth::AuthErrorKind;
pub use auth::Challenge;
pub use config::ConfigError;
pub use config::ConfigFault;
pub(crate) use config::shown_path;
pub use store::StoreError;
pub use store::StoreErrorKind;

/// The operating system gave no random bytes, so nothing could be issued.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EntropyError;

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no random bytes")
    }
}

impl std::error::Error for EntropyError {}
