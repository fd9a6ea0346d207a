//! Tower layers and axum extractors that move a live web app from legacy tokens to revocable
//! sessions with rotating refresh tokens.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod id;
mod secret;
mod time;
mod trace;

pub use error::AuthError;
pub use error::AuthErrorKind;
pub use error::Challenge;
pub use error::ConfigError;
pub use error::ConfigFault;
pub use error::EntropyError;
pub use error::StoreError;
pub use error::StoreErrorKind;
pub use id::InvalidSessionId;
pub use id::InvalidUserId;
pub use id::SessionId;
pub use id::SessionKey;
pub use id::UserId;
pub use time::Clock;
#[cfg(feature = "test-util")]
pub use time::ManualClock;
pub use time::Moment;
pub use time::Monotonic;
pub use time::Timestamp;
