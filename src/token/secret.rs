//! The two secrets of a session, one following from the other.

use sha2::Digest;
use sha2::Sha256;

use crate::error::EntropyError;
use crate::id::SessionKey;
use crate::secret::Secret;

/// What a session's refresh tokens carry: 16 random bytes from which everything else follows.
#[derive(Clone, Debug)]
pub(crate) struct SessionSecret(Secret<16>);

impl SessionSecret {
    /// The secret of a new session.
    pub(crate) fn generate() -> Result<Self, EntropyError> {
        Secret::random().map(Self)
    }

    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Secret::new(bytes))
    }

    pub(crate) const fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }

    /// What the same session's access tokens carry: the first 16 bytes of SHA-256("segue/access" ‖ secret).
    ///
    /// One way only: a stolen access token does not lead to the refresh token.
    pub(crate) fn access_secret(&self) -> AccessSecret {
        let mut hash = Sha256::new();
        hash.update(b"segue/access");
        hash.update(self.expose());
        let mut secret = [0; 16];
        secret.copy_from_slice(&hash.finalize()[..16]);
        AccessSecret(Secret::new(secret))
    }

    /// The primary key of the session's row.
    pub(crate) fn session_key(&self) -> SessionKey {
        self.access_secret().session_key()
    }
}

/// What a session's access tokens carry; a hash of it is the primary key of the session's row.
#[derive(Clone, Debug)]
pub(crate) struct AccessSecret(Secret<16>);

impl AccessSecret {
    #[cfg(any(test, feature = "_fuzz"))]
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Secret::new(bytes))
    }

    pub(crate) const fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }

    /// The primary key of the session's row.
    pub(crate) fn session_key(&self) -> SessionKey {
        SessionKey::of_access_secret(self.expose())
    }
}
