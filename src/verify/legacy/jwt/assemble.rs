//! From a description to a verifier: keys read, every fault reported at once.

use sha2::Digest;
use sha2::Sha256;

use super::JwtVerifier;
use super::algorithm::Algorithm;
use super::builder::JwtVerifierBuilder;
use super::keys::KEY_TRIALS_MAX;
use super::keys::Key;
use super::keys::KeySet;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::id::SourceName;

impl JwtVerifierBuilder {
    /// Reads the keys and makes the verifier.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault: a bad name, no algorithms, no keys, a file that can't be
    /// read, a key that fits none of the algorithms, a secret that can be guessed, an RSA key
    /// outside 2048 to 8192 bits.
    pub fn build(mut self) -> Result<JwtVerifier, ConfigError> {
        let mut faults = std::mem::take(&mut self.faults);
        let source = match SourceName::new(&self.source) {
            Ok(source) => source,
            Err(error) => {
                faults.extend(error.into_faults());
                SourceName::default()
            }
        };
        if self.algorithms.is_empty() {
            let advice = "name the algorithms the issuer signs with; they are never guessed";
            faults.push(ConfigFault::advise(self.place("algorithms"), advice));
        }
        if self.keys.is_empty() {
            faults.push(ConfigFault::advise(self.place("keys"), "give the issuer's key"));
        }
        if self.policy.user.is_empty() {
            faults.push(ConfigFault::advise(self.place("user claims"), "name at least one claim"));
        }
        let keys = match self.algorithms.is_empty() {
            true => Ok(KeySet::default()),
            false => self.load(),
        };
        let keys = keys.unwrap_or_else(|error| {
            faults.extend(error.into_faults());
            KeySet::default()
        });
        ConfigError::check(faults)?;
        Ok(JwtVerifier::assemble(source, self, keys))
    }

    pub(super) fn place(&self, what: &str) -> String {
        format!("legacy source {:?}, {what}", self.source)
    }

    /// Reads every key; a fault in one does not hide the faults of the others.
    pub(super) fn load(&self) -> Result<KeySet, ConfigError> {
        let mut digest = Sha256::new();
        let (mut keys, mut faults) = (Vec::<Key>::new(), Vec::new());
        for (index, spec) in self.keys.iter().enumerate() {
            let place = self.place(&format!("key {}", index + 1));
            match spec.load(&place, &self.algorithms, self.allow_weak_secret, &mut digest) {
                Ok(found) => keys.extend(found),
                Err(fault) => faults.push(fault),
            }
        }
        let unnamed = |algorithm: &&Algorithm| {
            let fits = |key: &&Key| key.kid.is_none() && key.algorithms.contains(algorithm);
            keys.iter().filter(fits).count() > KEY_TRIALS_MAX
        };
        if let Some(algorithm) = self.algorithms.iter().find(unnamed) {
            let advice = format!("more than {KEY_TRIALS_MAX} keys without id for {algorithm}");
            faults.push(ConfigFault::advise(self.place("keys"), advice));
        }
        ConfigError::check(faults)?;
        Ok(KeySet { keys, fingerprint: digest.finalize().into(), epoch: 0 })
    }
}
