//! Renewal on the way through: a browser's session goes on without a request of its own for it.
//!
//! | file | what it is for |
//! |---|---|
//! | `layer.rs` | [`RefreshLayer`] |
//! | `service.rs` | [`RefreshService`]: is there something to renew? |
//! | `future.rs` | [`RefreshFuture`]: authenticate, serve, and only then rotate |

mod future;
mod layer;
mod service;

pub use future::RefreshFuture;
pub use layer::RefreshLayer;
pub use service::RefreshService;
