//! The versioned master keys, where they come from, and the keys derived from them.

mod version;

pub use version::KeyVersion;
