//! The tower layers: authentication, renewal on the way through, and the blacklist alone.
//!
//! | layer | what it does with a request | when to use it |
//! |---|---|---|
//! | [`AuthLayer`] | finds out who made it, or refuses it | in front of everything that needs a user |
//! | [`RefreshLayer`] | renews a browser's ending session while the request is served | outside [`AuthLayer`], where pages are served |
//! | [`BlacklistLayer`] | refuses it if its token was revoked | in front of authentication that is not ours |
//!
//! A request passes them from the outside in:
//!
//! ```text
//! trace -> cors -> RefreshLayer -> AuthLayer -> timeout, limits -> the app
//! ```
//!
//! * CORS goes outside: a preflight request carries no credential, and a refusal without CORS
//!   fields can't be read by the page that caused it.
//! * With axum, `Router::layer` also covers the fallback, so unknown paths answer 401;
//!   `Router::route_layer` leaves them at 404.
//! * Several of our layers in one `tower::ServiceBuilder` cost less than one `layer` call each.
//!
//! | file | what it is for |
//! |---|---|
//! | `auth/`, `refresh/`, `blacklist/` | one layer each: `layer`, `service`, `future` |
//! | `body.rs` | the body of responses: the inner one, or a refusal |
//! | `parked.rs` | a request that waits for a verdict, with the service that is ready for it |
//! | `refusal.rs` | what the layers write: refusals, cleared cookies, the end of legacy tokens |
//! | `resolve.rs` | where a layer without arguments finds its `Auth` |

mod auth;
mod blacklist;
mod body;
mod parked;
mod refresh;
pub(crate) mod refusal;
mod resolve;

pub use auth::AuthFuture;
pub use auth::AuthLayer;
pub use auth::AuthService;
pub use blacklist::BlacklistFuture;
pub use blacklist::BlacklistLayer;
pub use blacklist::BlacklistService;
pub use body::ResponseBody;
pub use refresh::RefreshFuture;
pub use refresh::RefreshLayer;
pub use refresh::RefreshService;
