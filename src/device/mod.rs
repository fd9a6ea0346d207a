//! Devices: where a session was opened and is used from, as far as that can be known.

mod record;

pub use record::Device;
pub use record::Fingerprint;
