//! The number of a master key.

use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;
use serde::Serializer;

/// The number under which a master key is known on all nodes, from 1 up.
///
/// It is no secret: it stands in every token and in every session row, so that a node knows which
/// key to use and can tell "a key I do not have" from "a forgery". A larger number does not mean a
/// newer key; the current one is marked in the [`Keyring`](crate::Keyring).
///
/// ```
/// use segue::KeyVersion;
///
/// let version = KeyVersion::new(2).unwrap();
/// assert_eq!(version.get(), 2);
/// assert_eq!(KeyVersion::new(0), None);
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyVersion(NonZeroU32);

impl KeyVersion {
    /// The version of the first key of a fresh installation.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The version of this number; zero is none.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, as tokens and stores hold it.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyVersion({})", self.0)
    }
}

impl Serialize for KeyVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.get())
    }
}
