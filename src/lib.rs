//! Tower layers and axum extractors that move a live web app from legacy tokens to revocable
//! sessions with rotating refresh tokens.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod __fuzz;
mod blacklist;
mod coherent;
mod cookies;
mod device;
mod error;
mod flags;
mod id;
mod keys;
mod principal;
mod problem;
mod secret;
mod session;
pub mod store;
mod time;
mod token;
mod trace;
mod verify;

pub use blacklist::BlacklistEntry;
pub use blacklist::BlacklistKey;
pub use blacklist::NotBefore;
pub use blacklist::NotBeforeScope;
pub use cookies::CookiePolicy;
pub use cookies::StaleCookie;
pub use device::AddressPrefix;
pub use device::ClientInfo;
pub use device::Device;
pub use device::DeviceChange;
pub use device::DevicePolicy;
pub use device::Fingerprint;
pub use device::PeerAddress;
pub use device::ForwardedHeader;
pub use device::TrustedProxies;
pub use device::client_address;
pub use device::device_name;
pub use error::AuthError;
pub use error::AuthErrorKind;
pub use error::Challenge;
pub use error::ConfigError;
pub use error::ConfigFault;
pub use error::EntropyError;
pub use error::StoreError;
pub use error::StoreErrorKind;
pub use flags::Fingerprinting;
pub use flags::FlagOverrides;
pub use flags::FlagSet;
pub use flags::FlagSnapshot;
pub use flags::Flags;
pub use flags::FlagsStatus;
pub use flags::FlagsSubscription;
pub use flags::FlagsWatcher;
pub use flags::InvalidPercent;
pub use flags::Percent;
pub use flags::ROLLOUT_BUCKETS;
pub use flags::ROLLOUT_SALT_DEFAULT;
pub use flags::RolloutMode;
pub use flags::rollout_bucket;
pub use id::InvalidSessionId;
pub use id::InvalidUserId;
pub use id::LegacyTokenId;
pub use id::SessionId;
pub use id::SessionKey;
pub use id::SourceName;
pub use id::UserId;
pub use keys::KeyVersion;
pub use keys::Keyring;
pub use principal::Principal;
pub use principal::Via;
pub use problem::Problem;
pub use problem::ProblemRenderer;
pub use session::DataTooLarge;
pub use session::InvalidScope;
pub use session::LegacyLink;
pub use session::RefreshCause;
pub use session::RefreshDecision;
pub use session::ReuseCause;
pub use session::RevokeReason;
pub use session::Revoked;
pub use session::Scopes;
pub use session::SessionData;
pub use session::SessionPolicy;
pub use session::SessionRecord;
pub use session::decide_refresh;
pub use store::MemoryStore;
pub use store::SessionStore;
pub use time::Clock;
#[cfg(feature = "test-util")]
pub use time::ManualClock;
pub use time::Moment;
pub use time::Monotonic;
pub use time::Timestamp;
pub use token::AccessToken;
pub use token::RefreshToken;
#[cfg(feature = "jwt")]
pub use verify::legacy::Algorithm;
#[cfg(feature = "jwt")]
pub use verify::legacy::JwtKey;
#[cfg(feature = "jwt")]
pub use verify::legacy::JwtVerifier;
#[cfg(feature = "jwt")]
pub use verify::legacy::JwtVerifierBuilder;
pub use verify::legacy::LegacyLimits;
pub use verify::legacy::LegacyToken;
pub use verify::legacy::LegacyVerifier;
pub use verify::legacy::Scheme;
pub use verify::legacy::SourceLimits;
pub use verify::legacy::Transport;
#[cfg(feature = "jwt")]
pub use verify::legacy::UserIdKind;
pub use verify::legacy::guard;
