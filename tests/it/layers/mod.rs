//! The layers, with real parts below and around them.

mod backpressure;
mod blacklist;
mod bodies;
mod decisions;
mod environment;
mod renewal;
mod stacking;
pub(crate) mod support;
mod wire;
