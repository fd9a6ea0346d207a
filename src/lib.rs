//! Move a live web app from legacy tokens to revocable sessions with rotating refresh tokens, with
//! nobody logged out on the way and a way back at every step.
//!
//! Tower layers and axum extractors accept both kinds of credential, sessions first, behind flags
//! that are turned while the app runs.
//!
//! ```
//! use segue::{Auth, MemoryStore};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let auth = Auth::builder().store(MemoryStore::new()).build()?;
//!
//! // After your app has checked the password:
//! let login = auth.login(42_u64).await?;
//! let tokens = login.pair.expect("by default everybody gets a session");
//!
//! // `AuthLayer::dual()` does this for every request:
//! let (parts, ()) = http::Request::get("/me")
//!     .header("authorization", format!("Bearer {}", tokens.access.expose()))
//!     .body(())?
//!     .into_parts();
//! let who = auth.authenticate(&parts).await?;
//! assert_eq!(who.user_id().as_str(), "42");
//!
//! // "Log out everywhere": one write, and the token is dead.
//! auth.revoke_user(who.user_id()).await?;
//! assert_eq!(auth.authenticate(&parts).await.unwrap_err().code(), "session_revoked");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Where to look
//!
//! | you want to | start at |
//! |---|---|
//! | protect routes | [`AuthLayer`], [`Principal`] |
//! | log users in and out | [`Auth::login`], [`Auth::logout_all`], [`Auth::revoke_user`], `Auth::routes` |
//! | serve browsers | `SameOrigin`, `Login::into_cookies`, [`RefreshLayer`], [`CookiePolicy`] |
//! | demand a scope | [`LoginBuilder::scopes`], `Scoped` |
//! | configure | [`AuthBuilder`], `AuthBuilder::from_env` for variables completed in code |
//! | keep old tokens working | [`guides::legacy`] |
//! | roll it out | [`Flags`], [`guides::rollout`] |
//! | choose or write a store | [`guides::stores`], [`store`] |
//! | know why it is so | [`guides::design`], [`guides::threat_model`] |
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `axum` | extractors, routes, responses | yes |
//! | `jwt` | the legacy verifier for JSON Web Tokens | yes |
//! | `sqlite` | the embedded SQLite store | yes |
//! | `metrics` | counters and histograms through the `metrics` facade | no |
//! | `conformance` | the store conformance suite | no |
//! | `test-util` | a clock moved by hand and a store that fails on demand | no |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod __fuzz;
mod blacklist;
mod coherent;
mod cookies;
mod device;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod flags;
mod flow;
mod id;
mod keys;
mod layer;
mod principal;
mod problem;
#[cfg(feature = "axum")]
mod routes;
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
pub use device::ForwardedHeader;
pub use device::PeerAddress;
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
#[cfg(feature = "axum")]
pub use extract::AuthRejection;
#[cfg(feature = "axum")]
pub use extract::CurrentSession;
#[cfg(feature = "axum")]
pub use extract::Fresh;
#[cfg(feature = "axum")]
pub use extract::InCookies;
#[cfg(feature = "axum")]
pub use extract::SameOrigin;
#[cfg(feature = "axum")]
pub use extract::Scope;
#[cfg(feature = "axum")]
pub use extract::Scoped;
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
pub use flow::Auth;
pub use flow::AuthBuilder;
pub use flow::LegacyGrant;
pub use flow::ListedSession;
pub use flow::Login;
pub use flow::LoginBuilder;
pub use flow::LogoutScope;
pub use flow::RequestContext;
pub use flow::SessionPage;
pub use flow::TokenPair;
pub use id::InvalidSessionId;
pub use id::InvalidUserId;
pub use id::LegacyTokenId;
pub use id::SessionId;
pub use id::SessionKey;
pub use id::SourceName;
pub use id::UserId;
pub use keys::KeyVersion;
pub use keys::Keyring;
pub use layer::AuthFuture;
pub use layer::AuthLayer;
pub use layer::AuthService;
pub use layer::BlacklistFuture;
pub use layer::BlacklistLayer;
pub use layer::BlacklistService;
pub use layer::RefreshFuture;
pub use layer::RefreshLayer;
pub use layer::RefreshService;
pub use layer::ResponseBody;
pub use principal::Anonymous;
pub use principal::Principal;
pub use principal::Via;
pub use problem::Problem;
pub use problem::ProblemRenderer;
#[cfg(feature = "axum")]
pub use routes::RouteOptions;
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
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use time::Clock;
#[cfg(feature = "test-util")]
pub use time::ManualClock;
pub use time::Moment;
pub use time::Monotonic;
pub use time::Timestamp;
pub use token::AccessToken;
pub use token::RefreshToken;
pub use verify::IntoUserStatus;
pub use verify::UserStatus;
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

/// Guides: the long explanations, one page each.
pub mod guides {
    #[doc = include_str!("docs/changelog.md")]
    pub mod changelog {}
    #[doc = include_str!("docs/design.md")]
    pub mod design {}
    #[doc = include_str!("docs/errors.md")]
    pub mod errors {}
    #[doc = include_str!("docs/legacy.md")]
    pub mod legacy {}
    #[doc = include_str!("docs/rollout.md")]
    pub mod rollout {}
    #[doc = include_str!("docs/stores.md")]
    pub mod stores {}
    #[doc = include_str!("docs/telemetry.md")]
    pub mod telemetry {}
    #[doc = include_str!("docs/threat_model.md")]
    pub mod threat_model {}
}

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "axum", feature = "jwt", feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
