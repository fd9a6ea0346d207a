//! One derived key for one purpose (RFC 5869), prepared so that authenticating a token costs no key setup.

use std::fmt;

use hkdf::Hkdf;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The keys that follow from one master key. No two purposes share one, so a code made for one
/// purpose can never be presented for another.
pub(crate) struct DerivedKeys {
    pub(crate) access: MacKey,
    pub(crate) refresh: MacKey,
    pub(crate) exchange: MacKey,
    pub(crate) fingerprint: MacKey,
    check: [u8; 16],
}

impl DerivedKeys {
    pub(super) fn of(master: &Secret<32>) -> Self {
        let extracted = Hkdf::<Sha256>::new(None, master.expose());
        let mut check = [0; 16];
        check.copy_from_slice(&expand(&extracted, b"segue/v1/check").expose()[..16]);
        Self {
            access: MacKey::new(&expand(&extracted, b"segue/v1/access")),
            refresh: MacKey::new(&expand(&extracted, b"segue/v1/refresh")),
            exchange: MacKey::new(&expand(&extracted, b"segue/v1/exchange")),
            fingerprint: MacKey::new(&expand(&extracted, b"segue/v1/fingerprint")),
            check,
        }
    }

    /// Tells two master keys apart and reveals nothing of either.
    pub(super) const fn check_value(&self) -> [u8; 16] {
        self.check
    }
}

#[expect(clippy::expect_used, reason = "32 bytes are within RFC 5869's limit of 255 * 32")]
fn expand(extracted: &Hkdf<Sha256>, purpose: &[u8]) -> Secret<32> {
    let mut key = Zeroizing::new([0; 32]);
    extracted.expand(purpose, &mut *key).expect("32 bytes are a valid length");
    Secret::new(*key)
}

/// An HMAC-SHA-256 key (RFC 2104) whose two padded blocks are already hashed.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    fn new(key: &Secret<32>) -> Self {
        // HMAC pads a short key with zeros to a block; done here, there is no length to be wrong.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(key.expose());
        Self(Hmac::new((&*block).into()))
    }

    /// The code of the parts, one after the other; the caller makes their borders unambiguous.
    pub(crate) fn code(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Whether `code` is the code of the parts; takes the same time wherever it differs.
    pub(crate) fn verifies(&self, parts: &[&[u8]], code: &[u8; 32]) -> bool {
        self.code(parts).ct_eq(code).into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// The code is plain HMAC-SHA-256: test case 1 of RFC 4231 with its key padded to 32 bytes,
    /// which HMAC pads with the same zeros.
    #[test]
    fn it_is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..20].copy_from_slice(&[0x0b; 20]);
        let code = MacKey::new(&Secret::new(key)).code(&[b"Hi ", b"There"]);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(HEXLOWER.encode(&code), expected);
    }

    /// Every purpose has its own key, and another master key has others.
    #[test]
    fn purposes_and_masters_are_apart() {
        let keys = [DerivedKeys::of(&Secret::new([1; 32])), DerivedKeys::of(&Secret::new([2; 32]))];
        let mut codes: Vec<_> = keys
            .iter()
            .flat_map(|keys| [&keys.access, &keys.refresh, &keys.exchange, &keys.fingerprint])
            .map(|key| key.code(&[b"same"]))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 8);
        assert_ne!(keys[0].check_value(), keys[1].check_value());
    }
}
