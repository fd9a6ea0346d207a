//! Refresh tokens, `sgr_…`: made, taken apart, authenticated.

use std::fmt;

use zeroize::Zeroizing;

use super::codec;
use super::secret::SessionSecret;
use super::text::RefreshToken;
use crate::error::AuthErrorKind;
use crate::id::SessionKey;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::secret::Secret;

const PREFIX: &str = "sgr_";
const LENGTH_BYTES: usize = 60;

// Where the fields begin.
const VERSION: usize = 0;
const SECRET: usize = 4;
const GENERATION: usize = 20;
const CODE: usize = 28;

/// Whether the text claims to be a refresh token.
pub(crate) fn is_refresh_shape(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Makes the refresh token of a generation, or `None` without the key of that version.
///
/// A function of its arguments: asked again with the same ones it gives the same token, so the
/// answer to a repeated refresh need not be kept anywhere. A missing key must be answered with a
/// refusal, and never be taken for reuse.
#[must_use]
pub(crate) fn mint_refresh(
    ring: &Keyring,
    version: KeyVersion,
    secret: &SessionSecret,
    generation: u64,
) -> Option<RefreshToken> {
    let mut bytes = Zeroizing::new([0; LENGTH_BYTES]);
    bytes[VERSION..SECRET].copy_from_slice(&version.get().to_be_bytes());
    bytes[SECRET..GENERATION].copy_from_slice(secret.expose());
    bytes[GENERATION..CODE].copy_from_slice(&generation.to_be_bytes());
    let code = ring.derived(version)?.refresh.code(&[PREFIX.as_bytes(), &bytes[..CODE]]);
    bytes[CODE..].copy_from_slice(&code);
    Some(RefreshToken::encode(PREFIX, &*bytes))
}

/// Takes a refresh token apart. Nothing is verified yet, nothing is allocated.
///
/// # Errors
///
/// [`AuthErrorKind::InvalidToken`] for anything but the one canonical text of such a token.
pub(crate) fn decode_refresh(text: &str) -> Result<RawRefresh, AuthErrorKind> {
    let bytes = codec::decode(PREFIX, text).map(Secret::new).ok_or(AuthErrorKind::InvalidToken)?;
    let version = u32::from_be_bytes(codec::field(bytes.expose(), VERSION));
    let version = KeyVersion::new(version).ok_or(AuthErrorKind::InvalidToken)?;
    Ok(RawRefresh { version, bytes })
}

/// The parts of what may be a refresh token, or a forgery.
#[derive(Clone)]
pub(crate) struct RawRefresh {
    version: KeyVersion,
    bytes: Secret<LENGTH_BYTES>,
}

impl RawRefresh {
    /// All bytes behind the prefix: what a memo of recent rotations recognises the token by.
    pub(crate) const fn bytes(&self) -> &[u8; LENGTH_BYTES] {
        self.bytes.expose()
    }

    /// What the token says, once its code is found to be genuine.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::UnknownKey`] without the key of its version, [`AuthErrorKind::InvalidToken`]
    /// for a wrong code.
    pub(crate) fn verify(&self, ring: &Keyring) -> Result<VerifiedRefresh, AuthErrorKind> {
        let keys = ring.derived(self.version).ok_or(AuthErrorKind::UnknownKey)?;
        let bytes = self.bytes();
        let code = codec::field(bytes, CODE);
        if !keys.refresh.verifies(&[PREFIX.as_bytes(), &bytes[..CODE]], &code) {
            return Err(AuthErrorKind::InvalidToken);
        }
        Ok(VerifiedRefresh {
            secret: SessionSecret::from_bytes(codec::field(bytes, SECRET)),
            generation: u64::from_be_bytes(codec::field(bytes, GENERATION)),
            key_version: self.version,
        })
    }
}

impl fmt::Debug for RawRefresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRefresh(key {})", self.version)
    }
}

/// What a genuine refresh token says.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedRefresh {
    secret: SessionSecret,
    generation: u64,
    #[cfg_attr(not(any(test, feature = "_fuzz")), expect(dead_code, reason = "for vectors"))]
    key_version: KeyVersion,
}

impl VerifiedRefresh {
    /// The session's secret, from which the successor is made.
    pub(crate) const fn secret(&self) -> &SessionSecret {
        &self.secret
    }

    /// The generation in which the token was issued.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The version of the key that authenticated it.
    #[cfg(any(test, feature = "_fuzz"))]
    pub(crate) const fn key_version(&self) -> KeyVersion {
        self.key_version
    }

    /// The primary key of the session's row.
    pub(crate) fn session_key(&self) -> SessionKey {
        self.secret.session_key()
    }
}
