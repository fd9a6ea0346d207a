//! What a session row keeps about its device.

use std::fmt;
use std::net::IpAddr;

/// A device as a session row keeps it: for the user's list, and for comparison at use.
///
/// Everything is optional: with `SESSION_TRACKING=false` nothing is recorded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it from their rows")]
pub struct Device {
    /// A short name for people, such as "Firefox on Linux".
    pub name: Option<Box<str>>,
    /// The client's address. Its network is compared apart from the fingerprint.
    pub address: Option<IpAddr>,
    /// A keyed digest of stable request headers.
    pub fingerprint: Option<Fingerprint>,
}

/// A keyed digest of what stays the same in the requests of one browser; tells nothing about them
/// to whoever lacks the key.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Takes back what a store wrote.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What a store writes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}
