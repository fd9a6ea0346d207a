//! Keys ready for use: each bound to one family and an exact list of algorithms.

use std::fmt;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;

use super::algorithm::Algorithm;
use super::algorithm::Family;
use super::compact::Compact;
use super::compact::Header;
use super::compact::decode;

/// How many keys are tried for one token when its header does not name one.
///
/// Without the bound a stranger could make every request cost as many RSA verifications as there
/// are keys.
pub(super) const KEY_TRIALS_MAX: usize = 8;

/// A public key or secret and what it may be used for.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) kid: Option<Box<str>>,
    pub(super) family: Family,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) material: DecodingKey,
}

impl Key {
    /// Whether this key made the signature, with exactly this algorithm.
    ///
    /// The provider is named instead of taken from the process: the library panics when both of
    /// its providers were compiled in and the app has chosen none.
    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &Vec<u8>) -> bool {
        self.algorithms.contains(&algorithm)
            && algorithm.family() == self.family
            && (DEFAULT_PROVIDER.verifier_factory)(&algorithm.library(), &self.material)
                .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("family", &self.family)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// The keys of one source at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet {
    pub(super) keys: Vec<Key>,
    /// SHA-256 of everything the keys were read from.
    pub(super) fingerprint: [u8; 32],
    pub(super) epoch: u64,
}

impl KeySet {
    /// Whether one of the keys made the signature.
    ///
    /// A key id chooses among the keys of that id. Keys without an id stand for every id, and a
    /// token without an id may be from any key: those cases are tried one after the other, up to
    /// [`KEY_TRIALS_MAX`] and refused beyond. A key id is only ever compared, never looked up
    /// anywhere.
    pub(super) fn verifies(&self, header: &Header, compact: &Compact<'_>) -> bool {
        let kid = header.kid.as_deref();
        let fits = |key: &&Key| key.algorithms.contains(&header.algorithm);
        let named = |key: &&Key| key.kid.is_some() && key.kid.as_deref() == kid;
        let unnamed = |key: &&Key| kid.is_none() || key.kid.is_none();
        let candidates: Vec<&Key> = match self.keys.iter().any(|key| named(&key)) {
            true => self.keys.iter().filter(fits).filter(named).collect(),
            false => self.keys.iter().filter(fits).filter(unnamed).collect(),
        };
        if candidates.is_empty() || candidates.len() > KEY_TRIALS_MAX {
            return false;
        }
        let Some(signature) = decode(compact.signature) else { return false };
        let message = compact.signing_input.as_bytes();
        candidates.into_iter().any(|key| key.verifies(header.algorithm, message, &signature))
    }
}
