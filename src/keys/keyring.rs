//! The set of master keys, one of them current.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::KeyVersion;
use super::derive::DerivedKeys;
use super::file;
use super::parse;
use super::source;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::error::EntropyError;
use crate::secret::Secret;

/// The master keys of this installation, each with a version, one marked as current.
///
/// Tokens are authenticated with keys derived from these, one for each purpose. New tokens are made
/// under the current version; tokens of every other version in the ring still verify. To rotate
/// without logging anybody out: add the new key on every node, then mark it as current on every
/// node, and take the old one out once nothing refers to it any more.
///
/// In text: `1:AAA…,2*:BBB…`, each key 32 random bytes in unpadded base64url, `*` after the
/// version that is current (a single key needs no mark). In a file one a line; blank lines and
/// lines that begin with `#` are skipped.
///
/// Cloning is cheap and shares the keys. `Debug` shows versions only. Memory that held a key is
/// wiped when the last clone is dropped.
///
/// ```
/// use segue::Keyring;
///
/// let text = "1:VGhpcyBrZXkgaXMgZm9yIGRvY3VtZW50YXRpb24hISE, 2*:QW5vdGhlciBrZXkgZm9yIHRoZSBkb2N1bWVudGF0aW8";
/// let ring = Keyring::parse(text)?;
/// assert_eq!(ring.current().get(), 2);
/// assert_eq!(format!("{ring:?}"), "Keyring(1, 2*)");
///
/// let error = Keyring::parse("1:AAAA,1:not base64").unwrap_err();
/// assert_eq!(error.faults().len(), 3);
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Keyring(Arc<Ring>);

struct Ring {
    current: KeyVersion,
    epoch: u64,
    // In the order of their versions; a handful, so a search from the front is the fastest.
    keys: Vec<Key>,
}

struct Key {
    version: KeyVersion,
    master: Secret<32>,
    derived: DerivedKeys,
}

impl Keyring {
    /// The most master keys one ring holds.
    pub const KEYS_MAX: usize = 64;

    /// A ring of keys given in code, for instance from a secret manager.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault: no key, more than [`Keyring::KEYS_MAX`], a version given
    /// twice, the same key under two versions, a key of zeros only, `current` not among them.
    ///
    /// ```
    /// use segue::{KeyVersion, Keyring};
    ///
    /// let first = KeyVersion::FIRST;
    /// let ring = Keyring::new(first, [(first, *b"32 bytes from the secret manager")])?;
    /// assert!(ring.contains(first));
    /// # Ok::<(), segue::ConfigError>(())
    /// ```
    pub fn new(
        current: KeyVersion,
        keys: impl IntoIterator<Item = (KeyVersion, [u8; 32])>,
    ) -> Result<Self, ConfigError> {
        let mut masters = Vec::with_capacity(Self::KEYS_MAX);
        let keys = keys.into_iter().take(Self::KEYS_MAX + 1);
        masters.extend(keys.map(|(version, key)| (version, Secret::new(key))));
        Self::assemble("keyring", Some(current), masters, Vec::new())
    }

    /// A ring of one fresh random key: for tests, for demonstrations, and to make the first key.
    ///
    /// Sessions made under it end with the process unless the key is kept.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] when the operating system gives no random bytes.
    pub fn generate(version: KeyVersion) -> Result<Self, EntropyError> {
        Ok(Self::build(version, vec![(version, Secret::random()?)]))
    }

    /// Reads the text form, as in the variable `SEGUE_KEYS`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault; no message contains any part of a key.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        parse::parse(source::KEYS, text)
    }

    /// The ring of the environment: `SEGUE_KEYS`, else the file that `SEGUE_KEYS_FILE` names.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when neither is set (the message says how to make a key), when both are,
    /// and for every fault in what they hold.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(&source::environment)?.ok_or_else(|| source::missing().into())
    }

    /// The same as [`Keyring::from_env`] with the variables from `lookup`; `None` when neither is set.
    ///
    /// # Errors
    ///
    /// As [`Keyring::from_env`].
    pub fn from_lookup(
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConfigError> {
        source::from_lookup(lookup, file::open)
    }

    /// The same for an embedded store: a key file that does not exist yet is created, at the path
    /// that `SEGUE_KEYS_FILE` names or else at `beside`.
    ///
    /// Only for stores that one machine uses: with a shared store every node would make its own key.
    ///
    /// # Errors
    ///
    /// As [`Keyring::from_env`] and [`Keyring::open_or_create`].
    pub fn from_lookup_or_create(
        lookup: &dyn Fn(&str) -> Option<String>,
        beside: &Path,
    ) -> Result<Self, ConfigError> {
        match source::from_lookup(lookup, file::open_or_create)? {
            Some(ring) => Ok(ring),
            None => file::open_or_create(beside),
        }
    }

    /// Reads a key file that exists.
    ///
    /// On Unix a file that anybody but its owner can read, write or execute is refused; the
    /// message holds the `chmod` to run. A symbolic link is followed (secrets mounted into
    /// containers are links), and the mode is that of the file it leads to.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file can't be read, is not private, or has faults.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        file::open(path.as_ref())
    }

    /// Reads a key file, or creates it with one fresh key, readable by its owner only.
    ///
    /// Two processes that start at once agree on one key: the file appears complete or not at all,
    /// and the loser of the race reads the winner's.
    ///
    /// # Errors
    ///
    /// As [`Keyring::open`], and when the file can't be created.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        file::open_or_create(path.as_ref())
    }

    /// The version under which new tokens are made.
    #[must_use]
    pub fn current(&self) -> KeyVersion {
        self.0.current
    }

    /// Every version in the ring, in rising order.
    pub fn versions(&self) -> impl Iterator<Item = KeyVersion> {
        self.0.keys.iter().map(|key| key.version)
    }

    /// Whether this node has the key of that version.
    #[must_use]
    pub fn contains(&self, version: KeyVersion) -> bool {
        self.derived(version).is_some()
    }

    /// One value for each version that differs when the key differs, and reveals nothing of it.
    ///
    /// The store keeps them, so that a node whose version has other bytes than that of the others
    /// refuses to start instead of refusing everybody's tokens.
    #[must_use]
    pub fn check_values(&self) -> Vec<(KeyVersion, [u8; 16])> {
        self.0.keys.iter().map(|key| (key.version, key.derived.check_value())).collect()
    }

    /// A number that differs for rings that differ in a version, a key, or the current mark.
    ///
    /// What was verified under one ring is cached under its epoch, so that a key taken out of the
    /// ring takes effect at once.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Whether a secret used elsewhere, such as `JWT_SECRET`, is one of these keys.
    ///
    /// Compared as raw bytes and as base64 or base64url text, with or without padding. Takes the
    /// same time wherever they differ.
    #[must_use]
    pub fn equals_secret(&self, secret: &[u8]) -> bool {
        let text = Zeroizing::new(in_base64url(secret));
        self.0.keys.iter().fold(false, |found, key| {
            let encoded = Zeroizing::new(BASE64URL_NOPAD.encode(key.master.expose()));
            let raw = key.master.expose().ct_eq(secret);
            let written = encoded.as_bytes().ct_eq(&text);
            found | bool::from(raw | written)
        })
    }

    pub(crate) fn derived(&self, version: KeyVersion) -> Option<&DerivedKeys> {
        self.0.keys.iter().find(|key| key.version == version).map(|key| &key.derived)
    }

    /// The ring of these keys, unless there are faults, old or new.
    ///
    /// `current` is `None` where the reason stands among `faults` already.
    pub(super) fn assemble(
        setting: &str,
        current: Option<KeyVersion>,
        keys: Vec<(KeyVersion, Secret<32>)>,
        mut faults: Vec<ConfigFault>,
    ) -> Result<Self, ConfigError> {
        faults.extend(faults_of(&keys).map(|fault| ConfigFault::advise(setting, fault)));
        let absent = current.filter(|current| keys.iter().all(|(version, _)| version != current));
        faults.extend(absent.map(|version| {
            let fault = format!("version {version} is to be current, but is not in the ring");
            ConfigFault::advise(setting, fault)
        }));
        ConfigError::check(faults)?;
        let unmarked = || ConfigFault::advise(setting, "no version is marked as current");
        Ok(Self::build(current.ok_or_else(unmarked)?, keys))
    }

    fn build(current: KeyVersion, mut keys: Vec<(KeyVersion, Secret<32>)>) -> Self {
        keys.sort_by_key(|(version, _)| *version);
        let keys: Vec<_> = keys
            .into_iter()
            .map(|(version, master)| Key { version, derived: DerivedKeys::of(&master), master })
            .collect();
        Self(Arc::new(Ring { current, epoch: epoch_of(current, &keys), keys }))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(")?;
        for (index, version) in self.versions().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let mark = if version == self.current() { "*" } else { "" };
            write!(f, "{comma}{version}{mark}")?;
        }
        f.write_str(")")
    }
}

fn faults_of(keys: &[(KeyVersion, Secret<32>)]) -> impl Iterator<Item = String> {
    let crowd = (keys.len() > Keyring::KEYS_MAX)
        .then(|| format!("more than {} keys; take out those no longer used", Keyring::KEYS_MAX));
    let each = keys.iter().enumerate().flat_map(|(index, (version, key))| {
        let earlier = &keys[..index];
        let twice = earlier.iter().any(|(other, _)| other == version);
        let same = earlier.iter().find(|(_, other)| other.matches(key.expose()));
        let same = same.map(|(other, _)| {
            format!("versions {other} and {version} have the same key; each needs its own")
        });
        [
            twice
                .then(|| format!("version {version} stands there twice; give each its own number")),
            same,
            key.matches(&[0; 32]).then(|| format!("the key of version {version} is all zeros")),
        ]
    });
    crowd.into_iter().chain(each.flatten())
}

fn epoch_of(current: KeyVersion, keys: &[Key]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"segue/epoch");
    hash.update(current.get().to_be_bytes());
    for key in keys {
        hash.update(key.version.get().to_be_bytes());
        hash.update(key.derived.check_value());
    }
    hash.finalize().iter().take(8).fold(0, |epoch, byte| epoch << 8 | u64::from(*byte))
}

/// Base64 of either alphabet as it would be in unpadded base64url.
fn in_base64url(text: &[u8]) -> Vec<u8> {
    let mut url: Vec<u8> = text.trim_ascii().to_vec();
    for byte in &mut url {
        *byte = match *byte {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        };
    }
    while url.last() == Some(&b'=') {
        url.pop();
    }
    url
}
