//! Where keys come from: secrets, PEM, key sets, as text or as files that can be read again.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use data_encoding::BASE64_NOPAD;
use data_encoding::HEXLOWER_PERMISSIVE;
use jsonwebtoken::DecodingKey;
use sha2::Digest;
use sha2::Sha256;

use super::algorithm::Algorithm;
use super::algorithm::Family;
use super::der;
use super::jwks;
use super::jwks::SetKey;
use super::keys::Key;
use super::secret;
use crate::error::ConfigFault;
use crate::error::shown_path;
use crate::secret::SecretBytes;

/// The largest key file that is read, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// One key, or one set of keys, for a [`JwtVerifier`](crate::JwtVerifier).
///
/// Nothing is guessed: the constructor says how the material is encoded. Faults in it are reported
/// by [`build`](crate::JwtVerifierBuilder::build), together with all others. Files are read then,
/// and again at every [`reload`](crate::JwtVerifier::reload).
///
/// ```
/// use segue::{Algorithm, JwtKey, JwtVerifier};
///
/// let verifier = JwtVerifier::builder("api")
///     .algorithms([Algorithm::HS256])
///     .key(JwtKey::secret("kept for ten years and known to four people").with_kid("2024"))
///     .key(JwtKey::secret_base64("c3RpbGwgaW4gdXNlIGZvciB0aGUgb2xkZXN0IHRva2Vucw==").with_kid("2019"))
///     .build()?;
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct JwtKey {
    material: Material,
    kid: Option<Box<str>>,
    algorithms: Option<Vec<Algorithm>>,
    setting: Option<&'static str>,
}

#[derive(Clone)]
enum Material {
    Secret(SecretBytes),
    Unreadable(&'static str),
    Text(Format, String),
    File(Format, PathBuf),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Certificates,
    Jwks,
    Pem,
}

impl JwtKey {
    /// A shared secret, byte for byte: what Node, Django and Rails take. Nothing is trimmed, since
    /// a newline at the end of a secret file is part of the secret there too.
    #[must_use]
    pub fn secret(secret: impl Into<Vec<u8>>) -> Self {
        Self::new(Material::Secret(SecretBytes::new(secret.into())))
    }

    /// A shared secret in base64, standard or URL-safe, padded or not.
    #[must_use]
    pub fn secret_base64(text: impl AsRef<str>) -> Self {
        let standard = text.as_ref().trim().trim_end_matches('=').replace('-', "+");
        match BASE64_NOPAD.decode(standard.replace('_', "/").as_bytes()) {
            Ok(secret) => Self::secret(secret),
            Err(_) => Self::new(Material::Unreadable("the secret is not base64")),
        }
    }

    /// A shared secret in hexadecimal.
    #[must_use]
    pub fn secret_hex(text: impl AsRef<str>) -> Self {
        match HEXLOWER_PERMISSIVE.decode(text.as_ref().trim().as_bytes()) {
            Ok(secret) => Self::secret(secret),
            Err(_) => Self::new(Material::Unreadable("the secret is not hexadecimal")),
        }
    }

    /// A public key or X.509 certificate in PEM.
    #[must_use]
    pub fn pem(text: impl Into<String>) -> Self {
        Self::new(Material::Text(Format::Pem, text.into()))
    }

    /// The same from a file.
    #[must_use]
    pub fn pem_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Material::File(Format::Pem, path.into()))
    }

    /// A JSON Web Key Set. `kid`, `alg`, `use` and `key_ops` of its keys are honoured.
    #[must_use]
    pub fn jwks(text: impl Into<String>) -> Self {
        Self::new(Material::Text(Format::Jwks, text.into()))
    }

    /// The same from a file, for instance one that a job fetches from the issuer every hour.
    #[must_use]
    pub fn jwks_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Material::File(Format::Jwks, path.into()))
    }

    /// A JSON map from key id to X.509 certificate: how Google publishes the keys of Firebase.
    #[must_use]
    pub fn certificates(text: impl Into<String>) -> Self {
        Self::new(Material::Text(Format::Certificates, text.into()))
    }

    /// The same from a file.
    #[must_use]
    pub fn certificates_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Material::File(Format::Certificates, path.into()))
    }

    /// The key's id: it is then used only for tokens that name it or name none. A set brings its
    /// own ids.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Only these of the verifier's algorithms.
    #[must_use]
    pub fn for_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// The variable it came from, for the fault message.
    pub(super) fn named_by(mut self, setting: &'static str) -> Self {
        self.setting = Some(setting);
        self
    }

    fn new(material: Material) -> Self {
        Self { material, kid: None, algorithms: None, setting: None }
    }

    /// Whether these are the bytes of the secret, in constant time.
    pub(super) fn is_secret(&self, bytes: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        matches!(&self.material, Material::Secret(own) if own.expose().ct_eq(bytes).into())
    }

    /// Reads the keys; `place` names this one in a fault. What was read is added to `digest`.
    pub(super) fn load(
        &self,
        place: &str,
        algorithms: &[Algorithm],
        allow_weak_secret: bool,
        digest: &mut Sha256,
    ) -> Result<Vec<Key>, ConfigFault> {
        let advise = |advice: String| ConfigFault::advise(self.setting.unwrap_or(place), advice);
        let found = self.read(allow_weak_secret, digest).map_err(advise)?;
        let own = self.algorithms.as_deref().unwrap_or(algorithms);
        let bind = |key: SetKey| Key {
            kid: key.kid.or_else(|| self.kid.clone()),
            family: key.family,
            algorithms: algorithms
                .iter()
                .copied()
                .filter(|algorithm| own.contains(algorithm) && algorithm.family() == key.family)
                .filter(|algorithm| key.only.is_none_or(|only| only == *algorithm))
                .collect(),
            material: key.material,
        };
        let families: Vec<_> = found.iter().map(|key| key.family.words()).collect();
        let mut keys: Vec<Key> = found.into_iter().map(bind).collect();
        keys.retain(|key| !key.algorithms.is_empty());
        if keys.is_empty() {
            let what =
                if families.is_empty() { "no usable key".into() } else { families.join(", ") };
            let names = own.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ");
            return Err(advise(format!("{what}, with which none of [{names}] can be verified")));
        }
        Ok(keys)
    }

    fn read(&self, allow_weak_secret: bool, digest: &mut Sha256) -> Result<Vec<SetKey>, String> {
        let (format, text) = match &self.material {
            Material::Unreadable(fault) => return Err((*fault).to_owned()),
            Material::Secret(secret) => {
                if let Some(fault) = secret::fault(secret, allow_weak_secret) {
                    return Err(fault);
                }
                digest.update(secret.expose());
                let material = DecodingKey::from_secret(secret.expose());
                return Ok(vec![SetKey { kid: None, family: Family::Hmac, material, only: None }]);
            }
            Material::Text(format, text) => (*format, text.clone()),
            Material::File(format, path) => (*format, read_file(path)?),
        };
        digest.update(text.as_bytes());
        match format {
            Format::Pem => der::public_key(&text)
                .map(|(family, material)| vec![SetKey { kid: None, family, material, only: None }]),
            Format::Jwks => jwks::key_set(&text, allow_weak_secret),
            Format::Certificates => jwks::certificates(&text),
        }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let fault = |error: std::io::Error| format!("{} can't be read: {error}", shown_path(path));
    let mut text = String::new();
    let mut file = File::open(path).map_err(fault)?.take(KEY_FILE_BYTES_MAX + 1);
    let length = file.read_to_string(&mut text).map_err(fault)?;
    if u64::try_from(length).is_ok_and(|length| length <= KEY_FILE_BYTES_MAX) {
        return Ok(text);
    }
    Err(format!("{} is larger than {KEY_FILE_BYTES_MAX} bytes", shown_path(path)))
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.material {
            Material::Secret(_) | Material::Unreadable(_) => "secret".to_owned(),
            Material::Text(format, _) => format!("{format:?}"),
            Material::File(format, path) => format!("{format:?} file {}", shown_path(path)),
        };
        f.debug_struct("JwtKey")
            .field("kind", &kind)
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .finish()
    }
}
