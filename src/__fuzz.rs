//! A door to the parsers for fuzz targets and published test vectors. Not part of the interface.
//!
//! Nothing here is stable, and nothing here can make a principal.

use crate::AuthErrorKind;
use crate::KeyVersion;
use crate::Keyring;
use crate::SessionKey;
use crate::Timestamp;
use crate::token;
use crate::token::AccessSecret;
use crate::token::SessionSecret;

/// What a genuine access token says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Access {
    /// The version of its key.
    pub key_version: u32,
    /// The secret it carries.
    pub secret: [u8; 16],
    /// Its generation.
    pub generation: u64,
    /// Its end.
    pub expires_at: Timestamp,
    /// The row it names.
    pub session_key: SessionKey,
}

/// What a genuine refresh token says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refresh {
    /// The version of its key.
    pub key_version: u32,
    /// The secret it carries.
    pub secret: [u8; 16],
    /// Its generation.
    pub generation: u64,
    /// The row it names.
    pub session_key: SessionKey,
}

/// Makes an access token.
#[must_use]
pub fn mint_access(
    ring: &Keyring,
    version: KeyVersion,
    secret: [u8; 16],
    generation: u64,
    expires_at: Timestamp,
) -> Option<String> {
    let secret = AccessSecret::from_bytes(secret);
    let token = token::mint_access(ring, version, &secret, generation, expires_at)?;
    Some(token.expose().to_owned())
}

/// Makes a refresh token.
#[must_use]
pub fn mint_refresh(
    ring: &Keyring,
    version: KeyVersion,
    secret: [u8; 16],
    generation: u64,
) -> Option<String> {
    let secret = SessionSecret::from_bytes(secret);
    let token = token::mint_refresh(ring, version, &secret, generation)?;
    Some(token.expose().to_owned())
}

/// The access secret that follows from a session's secret.
#[must_use]
pub fn access_secret(secret: [u8; 16]) -> [u8; 16] {
    *SessionSecret::from_bytes(secret).access_secret().expose()
}

/// Reads an access token.
///
/// # Errors
///
/// Why it is refused.
pub fn read_access(ring: &Keyring, text: &str) -> Result<Access, AuthErrorKind> {
    let raw = token::decode_access(text)?;
    let verified = raw.verify(ring)?;
    Ok(Access {
        key_version: verified.key_version().get(),
        secret: *raw.secret_bytes(),
        generation: verified.generation(),
        expires_at: verified.expires_at(),
        session_key: verified.session_key(),
    })
}

/// Reads a refresh token.
///
/// # Errors
///
/// Why it is refused.
pub fn read_refresh(ring: &Keyring, text: &str) -> Result<Refresh, AuthErrorKind> {
    let verified = token::decode_refresh(text)?.verify(ring)?;
    Ok(Refresh {
        key_version: verified.key_version().get(),
        secret: *verified.secret().expose(),
        generation: verified.generation(),
        session_key: verified.session_key(),
    })
}

/// The bytes of an access token, authentic or not.
#[must_use]
pub fn access_bytes(text: &str) -> Option<[u8; 66]> {
    token::decode_access(text).ok().map(|raw| *raw.bytes())
}

/// The bytes of a refresh token, authentic or not.
#[must_use]
pub fn refresh_bytes(text: &str) -> Option<[u8; 60]> {
    token::decode_refresh(text).ok().map(|raw| *raw.bytes())
}
