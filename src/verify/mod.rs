//! The request path: credentials in, a decision out. Pure where it can be, and without I/O on a hit.
//!
//! ```text
//! request -> credentials -> session way (new first)  ┐
//!                        -> legacy way  (second)     ├-> decision -> outcome
//!                           flags, clock: once       ┘
//! ```
//!
//! | file | what it is for |
//! |---|---|
//! | `credentials/` | lifts the credentials out of a request |
//! | `origin.rs` | same-origin evidence for cookies |
//! | `authenticate.rs` | asks both ways and decides once |
//! | `session_way.rs`, `legacy_way.rs` | one way each: from text to verdict |
//! | `decision.rs` | the table of what two verdicts mean together: pure |
//! | `shadow.rs` | asks the system that is off, and only counts |
//! | `foreign.rs` | the blacklist in front of somebody else's authentication |
//! | `users.rs` | the app's answer to "does this user still exist?" |
//! | `devices.rs` | the device of a request, and what a change of it means |
//! | `legacy/` | the vocabulary of legacy tokens, and the JWT verifier |
//! | `core.rs`, `startup.rs` | the shared parts, and what begins with the first request |

mod authenticate;
mod core;
mod credentials;
mod decision;
pub(crate) mod devices;
mod foreign;
pub(crate) mod head;
pub(crate) mod legacy;
pub(crate) mod legacy_way;
mod origin;
pub(crate) mod renewed;
mod session_way;
mod shadow;
pub(crate) mod startup;
mod users;

pub(crate) use authenticate::authenticate;
pub(crate) use core::Core;
pub(crate) use credentials::LiftRules;
pub(crate) use credentials::lift;
pub(crate) use foreign::BlacklistCheck;
pub(crate) use foreign::check as check_blacklist;
pub(crate) use head::Authentication;
pub(crate) use head::Effects;
pub(crate) use head::RequestHead;
pub(crate) use head::Ways;
#[cfg(feature = "jwt")]
pub(crate) use legacy::JwtVerifier;
pub(crate) use legacy::LegacyToken;
pub(crate) use legacy::LegacyVerifier;
pub(crate) use legacy_way::LegacySources;
pub(crate) use legacy_way::SeenToken;
pub(crate) use origin::OriginRule;
pub use users::IntoUserStatus;
pub use users::UserStatus;
pub(crate) use users::Users;
