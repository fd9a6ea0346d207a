//! What a session is, and the rules of its life as pure functions of values and `now`.
//!
//! ```text
//!   login ──► live ──rotate──► live ──rotate──► … ──► expired   (idle or absolute end)
//!               │                │
//!               └── revoked ◄────┘   logout, device list, reuse, cap, renewal, administration
//! ```
//!
//! One session is one login on one device, and at the same time the family of its refresh tokens:
//! the row holds a generation counter instead of a row for every token ever issued, so a replay is
//! recognised for as long as the session exists and nothing accumulates.

mod data;
mod policy;
mod record;
mod refresh;
mod scopes;

pub use data::DataTooLarge;
pub use data::SessionData;
pub use policy::SessionPolicy;
pub use record::LegacyLink;
pub use record::RevokeReason;
pub use record::Revoked;
pub use record::SessionRecord;
pub(crate) use refresh::GENERATION_MAX;
pub use refresh::RefreshCause;
pub use refresh::RefreshDecision;
pub use refresh::ReuseCause;
pub use refresh::decide_refresh;
pub use scopes::InvalidScope;
pub use scopes::Scopes;
