//! The blacklist alone, in front of authentication that is not ours.
//!
//! | file | what it is for |
//! |---|---|
//! | `layer.rs` | [`BlacklistLayer`] |
//! | `service.rs` | [`BlacklistService`]: asks, and passes on or refuses |
//! | `future.rs` | [`BlacklistFuture`]: at once, or after the store confirmed |

mod future;
mod layer;
mod service;

pub use future::BlacklistFuture;
pub use layer::BlacklistLayer;
pub use service::BlacklistService;
