//! What the blacklist holds: names of killed tokens, and not-before instants.

use std::fmt;
use std::time::Duration;

use sha2::Digest;
use sha2::Sha256;

use crate::id::LegacyTokenId;
use crate::id::SessionId;
use crate::id::UserId;
use crate::time::Timestamp;

/// The name of a killed token, or of every token that carries a session's id.
///
/// A digest, so that entries are small, equally long, and tell nothing about users. Names of
/// different kinds can't meet: each is hashed under its own label.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BlacklistKey([u8; 32]);

impl BlacklistKey {
    /// By `jti`, which is unique within its source only.
    #[must_use]
    pub fn of_jti(source: &str, jti: &str) -> Self {
        Self::digest(b"segue/blacklist/jti", &[source.as_bytes(), jti.as_bytes()])
    }

    /// By the signing input (`header.payload`) of a compact JWS, for tokens without `jti`.
    ///
    /// Never by the whole text: signatures have more than one encoding, so a key over the text is
    /// evaded by re-encoding it.
    #[must_use]
    pub fn of_signing_input(signing_input: &[u8]) -> Self {
        LegacyTokenId::of_signing_input(signing_input).blacklist_key()
    }

    /// By the session id (`sid`) that legacy tokens issued beside a session carry.
    #[must_use]
    pub fn of_session(id: SessionId) -> Self {
        Self::digest(b"segue/blacklist/sid", &[id.as_bytes()])
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

    fn digest(label: &[u8], parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(label);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl LegacyTokenId {
    /// The name of this token in the blacklist.
    #[must_use]
    pub fn blacklist_key(&self) -> BlacklistKey {
        BlacklistKey::digest(b"segue/blacklist/token", &[self.as_bytes()])
    }
}

impl fmt::Debug for BlacklistKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlacklistKey({}..)", data_encoding::HEXLOWER.encode(&self.0[..4]))
    }
}

/// A killed token, and until when it has to be remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a pair, part of the store contract")]
pub struct BlacklistEntry {
    /// Its name.
    pub key: BlacklistKey,
    /// The last instant at which the token could still be accepted, leeway included.
    pub until: Timestamp,
}

/// Whom a not-before instant concerns.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody between one and all")]
pub enum NotBeforeScope {
    /// Everybody: after a restore from backup, or a stolen key.
    All,
    /// One user: "log out everywhere".
    User(UserId),
}

/// Everything issued or authenticated at or before this instant is dead.
///
/// One write, whatever the number of sessions. Writes take the maximum, and so do readers over
/// user and global instants.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a triple, part of the store contract")]
pub struct NotBefore {
    /// Whom it concerns.
    pub scope: NotBeforeScope,
    /// The instant; equality means dead.
    pub at: Timestamp,
    /// From when on nothing older can be left, so that the entry may go.
    pub until: Timestamp,
}

impl NotBefore {
    /// The entry for `scope` at `at`, kept for as long as anything older than it may live.
    #[must_use]
    pub fn new(scope: NotBeforeScope, at: Timestamp, longest_life: Duration) -> Self {
        Self { scope, at, until: at.saturating_add(longest_life) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of different kinds or sources never meet, and parts can't be shifted.
    #[test]
    fn kinds_are_apart() {
        let id = SessionId::from_bytes([7; 16]);
        let names = [
            BlacklistKey::of_jti("a", "bc"),
            BlacklistKey::of_jti("ab", "c"),
            BlacklistKey::of_jti("", "abc"),
            BlacklistKey::of_signing_input(b"abc"),
            BlacklistKey::of_signing_input(id.as_bytes()),
            BlacklistKey::of_session(id),
        ];
        for (index, name) in names.iter().enumerate() {
            assert!(!names[index + 1..].contains(name), "{index}");
        }
    }
}
