//! Names of legacy things that the blacklist keeps: the source of a token, and the token itself.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::Serializer;
use sha2::Digest;
use sha2::Sha256;

use crate::error::ConfigError;
use crate::error::ConfigFault;

/// The name of a legacy source: one issuer, or one kind of legacy token.
///
/// Two issuers may use the same `jti` and the same user numbers, so everything that is remembered
/// about a legacy token is kept under the name of its source. It is also a label in metrics. One
/// to [`SourceName::LENGTH_BYTES_MAX`] lower-case letters, digits, `-` and `_`; the default is
/// `jwt`.
///
/// ```
/// use segue::SourceName;
///
/// assert_eq!(SourceName::default().as_str(), "jwt");
/// assert_eq!(SourceName::new("django-api")?.as_str(), "django-api");
/// assert!(SourceName::new("Django API").is_err());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// The longest name, in bytes.
    pub const LENGTH_BYTES_MAX: usize = 32;

    /// Takes a name.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for an empty or overlong name, or a character that is not allowed.
    pub fn new(name: impl AsRef<str>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if !name.is_empty() && name.len() <= Self::LENGTH_BYTES_MAX && name.bytes().all(plain) {
            return Ok(Self(name.into()));
        }
        let shown: String = name.chars().take(Self::LENGTH_BYTES_MAX).collect();
        let allowed = "1 to 32 characters of a-z, 0-9, - and _";
        Err(ConfigFault::new("source name", shown, allowed).into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SourceName {
    fn default() -> Self {
        Self("jwt".into())
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SourceName {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl Serialize for SourceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The name by which the blacklist knows a legacy token that has no `jti`.
///
/// SHA-256 of what was signed (for a JWT the text `header.payload`), never of the whole token: an
/// ECDSA signature has a second valid form, so a thief who holds a revoked token could otherwise
/// make one that the blacklist does not know (RFC 8725 speaks of the token, not of its text).
///
/// ```
/// use segue::LegacyTokenId;
///
/// let id = LegacyTokenId::of_signing_input(b"header.payload");
/// assert_eq!(LegacyTokenId::from_bytes(*id.as_bytes()), id);
/// assert_eq!(id.to_string().len(), 64);
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LegacyTokenId([u8; 32]);

impl LegacyTokenId {
    /// The name of the token over whose bytes the signature was made.
    #[must_use]
    pub fn of_signing_input(input: &[u8]) -> Self {
        Self(Sha256::digest(input).into())
    }

    /// Takes back what a store wrote.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What a store writes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for LegacyTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for LegacyTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LegacyTokenId({}..)", HEXLOWER.encode(&self.0[..4]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source name is short and plain, since it becomes a label and a part of keys.
    #[test]
    fn source_names_are_plain() {
        for name in ["", "A", "a b", "a.b", "ä", "a\n", &"a".repeat(33)] {
            assert!(SourceName::new(name).is_err(), "{name:?}");
        }
        for name in ["jwt", "a", "django_2-x", &"a".repeat(32)] {
            assert_eq!(SourceName::new(name).unwrap().as_str(), name);
        }
    }
}
