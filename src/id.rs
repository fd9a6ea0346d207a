//! Identifiers: users, sessions as the store knows them, sessions as people see them.

mod legacy;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::Serializer;
use sha2::Digest;
use sha2::Sha256;

pub use legacy::LegacyTokenId;
pub use legacy::SourceName;

/// The app's own id of a user, as text.
///
/// One namespace for everything: the id in a session, in a legacy token and in the blacklist name
/// the same user. Integer ids are written in decimal (`"42"`). Bounded to
/// [`UserId::LENGTH_BYTES_MAX`], never empty, without control characters and without white space
/// at either end, so that it can be logged and stored as it is.
///
/// ```
/// use segue::UserId;
///
/// assert_eq!(UserId::new("42")?.as_str(), "42");
/// assert_eq!(UserId::from(42_u64).as_str(), "42");
/// assert!(UserId::new("").is_err());
/// assert!(UserId::new("42\r\nSet-Cookie: a=b").is_err());
/// # Ok::<(), segue::InvalidUserId>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The longest id that is taken, in bytes.
    pub const LENGTH_BYTES_MAX: usize = 255;

    /// Takes an id, or says why it can't be one.
    ///
    /// # Errors
    ///
    /// [`InvalidUserId`] for an empty or overlong id, control characters, or white space at an end.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidUserId> {
        let id = id.as_ref();
        let sound = !id.is_empty()
            && id.len() <= Self::LENGTH_BYTES_MAX
            && !id.chars().any(char::is_control)
            && id.trim().len() == id.len();
        if sound { Ok(Self(id.into())) } else { Err(InvalidUserId) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! user_id_from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for UserId {
            fn from(id: $integer) -> Self {
                Self(id.to_string().into())
            }
        }
    )*};
}
user_id_from_integer!(i32, i64, u32, u64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({:?})", &*self.0)
    }
}

impl FromStr for UserId {
    type Err = InvalidUserId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl AsRef<str> for UserId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The text is not a user id; see [`UserId`] for what is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidUserId;

impl fmt::Display for InvalidUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a user id has 1 to 255 bytes, no control characters and no white space at its ends",
        )
    }
}

impl std::error::Error for InvalidUserId {}

/// The primary key of a session row: a hash of half the session's secret, useless to a thief.
///
/// Nobody outside needs it but authors of stores. It is the session's *stored* name;
/// [`SessionId`] is the one shown to people.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// The key of the session whose access secret this is: SHA-256("segue/session" ‖ secret).
    pub(crate) fn of_access_secret(secret: &[u8; 16]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"segue/session");
        hash.update(secret);
        Self(hash.finalize().into())
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

    /// The name of the same session that may be shown.
    #[must_use]
    pub fn public_id(&self) -> SessionId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        SessionId(id)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({}..)", self.public_id())
    }
}

/// The public name of a session: in lists, logs, events and the administration.
///
/// Sixteen bytes of the stored hash, in lower-case hexadecimal. Knowing it lets nobody do
/// anything: every operation that takes one also takes the owner, and somebody else's id is
/// answered as if it did not exist.
///
/// ```
/// let id: segue::SessionId = "00112233445566778899aabbccddeeff".parse()?;
/// assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
/// assert!("00112233445566778899AABBCCDDEEFF".parse::<segue::SessionId>().is_err());
/// # Ok::<(), segue::InvalidSessionId>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId([u8; 16]);

impl SessionId {
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

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        if text.len() != 32 {
            return Err(InvalidSessionId);
        }
        match HEXLOWER.decode_mut(text.as_bytes(), &mut id) {
            Ok(_) => Ok(Self(id)),
            Err(_) => Err(InvalidSessionId),
        }
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not a session id: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidSessionId;

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id has 32 lower-case hexadecimal digits")
    }
}

impl std::error::Error for InvalidSessionId {}
