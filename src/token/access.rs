//! Access tokens, `sga_…`: made, taken apart, authenticated.

use std::fmt;

use zeroize::Zeroizing;

use super::codec;
use super::secret::AccessSecret;
use super::text::AccessToken;
use crate::error::AuthErrorKind;
use crate::id::SessionKey;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::time::Timestamp;

const PREFIX: &str = "sga_";
const LENGTH_BYTES: usize = 66;

/// The length of an access token's text.
pub(crate) const ACCESS_LENGTH_BYTES: usize = PREFIX.len() + LENGTH_BYTES / 3 * 4;

// Where the fields begin.
const VERSION: usize = 0;
const SECRET: usize = 4;
const GENERATION: usize = 20;
const EXPIRY: usize = 28;
const CODE: usize = 34;

const EXPIRY_MILLIS_MAX: u64 = (1 << 48) - 1;

/// Whether the text claims to be an access token; if it does, no other verifier may take it.
///
/// The prefix alone decides, so that a damaged token is refused and never tried elsewhere.
pub(crate) fn is_access_shape(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Makes the access token of a session, or `None` without the key of that version.
///
/// The expiry is cut to whole milliseconds, so a token never lives longer than it was given.
#[must_use]
pub(crate) fn mint_access(
    ring: &Keyring,
    version: KeyVersion,
    secret: &AccessSecret,
    generation: u64,
    expires_at: Timestamp,
) -> Option<AccessToken> {
    let millis = u64::try_from(expires_at.as_unix_micros() / 1_000).unwrap_or(0);
    let mut bytes = Zeroizing::new([0; LENGTH_BYTES]);
    bytes[VERSION..SECRET].copy_from_slice(&version.get().to_be_bytes());
    bytes[SECRET..GENERATION].copy_from_slice(secret.expose());
    bytes[GENERATION..EXPIRY].copy_from_slice(&generation.to_be_bytes());
    bytes[EXPIRY..CODE].copy_from_slice(&millis.min(EXPIRY_MILLIS_MAX).to_be_bytes()[2..]);
    let code = ring.derived(version)?.access.code(&[PREFIX.as_bytes(), &bytes[..CODE]]);
    bytes[CODE..].copy_from_slice(&code);
    Some(AccessToken::encode(PREFIX, &*bytes))
}

/// Takes an access token apart. Nothing is verified yet, nothing is allocated.
///
/// # Errors
///
/// [`AuthErrorKind::InvalidToken`] for anything but the one canonical text of such a token.
pub(crate) fn decode_access(text: &str) -> Result<RawAccess, AuthErrorKind> {
    let bytes = codec::decode(PREFIX, text).ok_or(AuthErrorKind::InvalidToken)?;
    let version = u32::from_be_bytes(codec::field(&bytes, VERSION));
    let version = KeyVersion::new(version).ok_or(AuthErrorKind::InvalidToken)?;
    Ok(RawAccess { version, bytes })
}

/// The parts of what may be an access token, or a forgery.
#[derive(Clone)]
pub(crate) struct RawAccess {
    version: KeyVersion,
    // Not wiped: it is a copy of what stands in the request's header, which nobody wipes, and
    // wiping would be a tenth of a cached request's cost.
    bytes: [u8; LENGTH_BYTES],
}

impl RawAccess {
    /// All bytes behind the prefix: what a cache keeps to recognise the token by.
    pub(crate) const fn bytes(&self) -> &[u8; LENGTH_BYTES] {
        &self.bytes
    }

    /// The bytes that name the session: what a cache looks up by, without hashing.
    pub(crate) fn secret_bytes(&self) -> &[u8; 16] {
        // The range has the length; the copy is never taken.
        self.bytes[SECRET..].first_chunk().unwrap_or(&[0; 16])
    }

    /// What the token says, once its code is found to be genuine. Its expiry is **not** checked.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::UnknownKey`] without the key of its version, [`AuthErrorKind::InvalidToken`]
    /// for a wrong code.
    pub(crate) fn verify(&self, ring: &Keyring) -> Result<VerifiedAccess, AuthErrorKind> {
        let keys = ring.derived(self.version).ok_or(AuthErrorKind::UnknownKey)?;
        let bytes = self.bytes();
        let code = codec::field(bytes, CODE);
        if !keys.access.verifies(&[PREFIX.as_bytes(), &bytes[..CODE]], &code) {
            return Err(AuthErrorKind::InvalidToken);
        }
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&bytes[EXPIRY..CODE]);
        let micros = i64::from_be_bytes(millis).saturating_mul(1_000);
        Ok(VerifiedAccess {
            session_key: SessionKey::of_access_secret(self.secret_bytes()),
            generation: u64::from_be_bytes(codec::field(bytes, GENERATION)),
            expires_at: Timestamp::from_unix_micros(micros),
            key_version: self.version,
        })
    }
}

impl fmt::Debug for RawAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawAccess(key {})", self.version)
    }
}

/// What a genuine access token says. It holds no secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct VerifiedAccess {
    session_key: SessionKey,
    generation: u64,
    expires_at: Timestamp,
    key_version: KeyVersion,
}

impl VerifiedAccess {
    /// The primary key of the session's row.
    pub(crate) const fn session_key(&self) -> SessionKey {
        self.session_key
    }

    /// The generation in which the token was issued. No reason to refuse it.
    #[cfg(any(test, feature = "_fuzz"))]
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The first instant at which the token is no longer good.
    pub(crate) const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether the token's end has come.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// The version of the key that authenticated it.
    #[cfg(any(test, feature = "_fuzz"))]
    pub(crate) const fn key_version(&self) -> KeyVersion {
        self.key_version
    }
}
