//! What is compared: the rows of the middleware table, and the servers of the HTTP table.
//!
//! `cargo run --release --manifest-path benches/compare/Cargo.toml` prints the first,
//! with `-- http` the second. Times and allocations come from two programs, so that counting does
//! not slow down what is timed.

pub mod contention;
pub mod http;
pub mod jwt;
pub mod measure;
pub mod rows;
