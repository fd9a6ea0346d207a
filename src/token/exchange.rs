//! The secret of the session that a legacy token is traded for, computed instead of stored.

use super::secret::SessionSecret;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::secret::Secret;

/// The secret that this legacy token, from this source and under this idempotency key, always gives.
///
/// Repeating an exchange therefore leads to the same session without an answer being kept, and
/// without the keyring nobody can compute it from the legacy token. Every part is preceded by its
/// length, so that no two different exchanges feed the same bytes. `None` without the key of that
/// version.
#[must_use]
pub(crate) fn exchange_secret(
    ring: &Keyring,
    version: KeyVersion,
    source: &str,
    signing_input: &[u8],
    idempotency_key: Option<&str>,
) -> Option<SessionSecret> {
    // An empty key and no key at all are different exchanges.
    let has_key = [u8::from(idempotency_key.is_some())];
    let idempotency_key = idempotency_key.unwrap_or_default().as_bytes();
    let code = Secret::new(ring.derived(version)?.exchange.code(&[
        &length(source.as_bytes()),
        source.as_bytes(),
        &length(signing_input),
        signing_input,
        &has_key,
        &length(idempotency_key),
        idempotency_key,
    ]));
    let mut secret = [0; 16];
    secret.copy_from_slice(&code.expose()[..16]);
    Some(SessionSecret::from_bytes(secret))
}

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(source: &str, input: &[u8], key: Option<&str>) -> [u8; 16] {
        let version = KeyVersion::FIRST;
        let ring = Keyring::new(version, [(version, [7; 32])]).unwrap();
        *exchange_secret(&ring, version, source, input, key).unwrap().expose()
    }

    /// The same exchange always gives the same session, and moving a border between parts another.
    #[test]
    fn borders_count() {
        assert_eq!(secret("main", b"h.p", None), secret("main", b"h.p", None));
        let different = [
            secret("main", b"h.p", None),
            secret("main", b"h.p", Some("")),
            secret("main", b"h.p", Some("1")),
            secret("main", b"h.p1", Some("")),
            secret("mainh", b".p", None),
            secret("", b"mainh.p", None),
        ];
        for (index, one) in different.iter().enumerate() {
            assert!(!different[..index].contains(one), "{index}");
        }
    }

    /// Without the key there is no secret, instead of one that somebody could guess.
    #[test]
    fn a_missing_key_gives_none() {
        let version = KeyVersion::FIRST;
        let ring = Keyring::new(version, [(version, [7; 32])]).unwrap();
        let other = KeyVersion::new(2).unwrap();
        assert!(exchange_secret(&ring, other, "main", b"h.p", None).is_none());
    }
}
