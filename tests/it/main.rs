//! The one integration binary; this list is its table of contents.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on fails, in helpers too"
)]

mod client_address;
mod device;
mod flags;
mod keys;
mod stores;
#[cfg(feature = "_fuzz")]
mod tokens;
