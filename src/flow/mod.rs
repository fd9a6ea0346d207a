//! What an app does with sessions: the assembled [`Auth`], and its operations as plain async methods.
//!
//! | file | operation |
//! |---|---|
//! | `auth.rs` | [`Auth`]: the assembled system, its parts and its default |
//! | `builder.rs` | [`AuthBuilder`]: assembling in code, every fault at once |
//! | `environment.rs` | assembling from environment variables |
//! | `browser.rs` | cookies, origin and freshness, for what a browser needs |
//! | `context.rs` | [`RequestContext`]: device and presented credentials of a request |
//! | `issue.rs` | [`TokenPair`]: minting, and the legacy token issued beside it |
//! | `login.rs` | login, with renewal of the session id |
//! | `refresh.rs`, `attempt.rs`, `memo.rs` | rotation, grace, reuse |
//! | `exchange.rs` | a legacy token in, a session out |
//! | `revoke.rs` | logout, device list, not-before, blacklist, disabled users |
//! | `sessions.rs` | list, scopes and data |
//! | `renewal.rs` | what `RefreshLayer` does around a request |

mod attempt;
mod auth;
mod browser;
mod builder;
mod context;
mod environment;
mod exchange;
mod issue;
mod login;
mod memo;
mod refresh;
mod renewal;
mod revoke;
mod sessions;

pub use auth::Auth;
pub use builder::AuthBuilder;
pub use context::RequestContext;
pub use issue::LegacyGrant;
pub use issue::TokenPair;
pub use login::Login;
pub use login::LoginBuilder;
pub(crate) use renewal::Renewal;
pub(crate) use renewal::RenewalEnd;
pub(crate) use renewal::RenewalStart;
pub use revoke::LogoutScope;
pub use sessions::ListedSession;
pub use sessions::SessionPage;
