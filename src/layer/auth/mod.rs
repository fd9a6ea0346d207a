//! Authentication: every request gets a principal, or is refused before it reaches the app.
//!
//! | file | what it is for |
//! |---|---|
//! | `layer.rs` | [`AuthLayer`]: which ways in there are |
//! | `service.rs` | [`AuthService`]: asks, and lets through or refuses |
//! | `gate.rs` | what a verdict means for request and response |
//! | `future.rs` | [`AuthFuture`]: at once, or after a store was asked |

mod future;
mod gate;
mod layer;
mod service;

pub use future::AuthFuture;
pub use layer::AuthLayer;
pub use service::AuthService;
