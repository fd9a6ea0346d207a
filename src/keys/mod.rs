//! The versioned master keys, where they come from, and the keys derived from them.
//!
//! | file | what it is for |
//! |---|---|
//! | `version.rs` | the number of a master key |
//! | `keyring.rs` | the set of master keys, one of them current |
//! | `derive.rs` | one derived key for one purpose (RFC 5869), ready to authenticate |
//! | `parse.rs` | the text form `1:AAA…,2*:BBB…`, every fault named |
//! | `file.rs` | the key file: created once, for the owner only |
//! | `source.rs` | which of variable and file counts |

mod derive;
mod file;
mod keyring;
mod parse;
mod source;
mod version;

pub use keyring::Keyring;
pub use version::KeyVersion;
