//! Keys out of a JSON Web Key Set (RFC 7517), and out of a map of certificates.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use serde_json::Map;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::algorithm::Family;
use super::compact::KID_LENGTH_BYTES_MAX;
use super::der;
use super::json;
use super::secret;
use crate::secret::SecretBytes;

/// How many keys one set may hold.
const KEYS_PER_SET_MAX: usize = 64;

/// A key as a set describes it, before the verifier's own list of algorithms is applied.
pub(super) struct SetKey {
    pub(super) kid: Option<Box<str>>,
    pub(super) family: Family,
    pub(super) material: DecodingKey,
    /// The one algorithm the key is for, where the set names it.
    pub(super) only: Option<Algorithm>,
}

/// Reads a key set.
///
/// Keys that are for something else are left out: `use` other than `sig`, `key_ops` without
/// `verify`, an `alg` or `kty` that is not supported. A set that mixes secrets and public keys is
/// refused whole, since one slip would make the public keys secrets; so is one with private keys.
pub(super) fn key_set(text: &str, allow_weak_secret: bool) -> Result<Vec<SetKey>, String> {
    let set = json::object(text.as_bytes()).ok_or("not a JSON object")?;
    let Some(Value::Array(entries)) = set.get("keys") else {
        return Err("not a key set: it has no array `keys`".to_owned());
    };
    if entries.len() > KEYS_PER_SET_MAX {
        return Err(format!("{} keys in one set; at most {KEYS_PER_SET_MAX}", entries.len()));
    }
    let secrets = entries.iter().filter(|entry| entry["kty"] == "oct").count();
    if secrets > 0 && secrets < entries.len() {
        return Err("the set mixes secrets (`oct`) with public keys; give them apart".to_owned());
    }
    let mut keys = Vec::new();
    for entry in entries {
        let entry = entry.as_object().ok_or("an entry of `keys` is not an object")?;
        keys.extend(key(entry, allow_weak_secret)?);
    }
    Ok(keys)
}

/// Reads a map from key id to certificate, the form in which Google publishes Firebase's keys.
pub(super) fn certificates(text: &str) -> Result<Vec<SetKey>, String> {
    let map = json::object(text.as_bytes()).ok_or("not a JSON object")?;
    if map.len() > KEYS_PER_SET_MAX {
        return Err(format!("{} certificates in one map; at most {KEYS_PER_SET_MAX}", map.len()));
    }
    let one = |(kid, pem): (&String, &Value)| {
        let pem = pem.as_str().ok_or("a certificate is not a string")?;
        let (family, material) = der::public_key(pem)?;
        Ok(SetKey { kid: Some(kid.as_str().into()), family, material, only: None })
    };
    map.iter().map(one).collect()
}

fn key(entry: &Map<String, Value>, allow_weak_secret: bool) -> Result<Option<SetKey>, String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    if entry.contains_key("d") {
        return Err("the set holds a private key, which a verifier must not have".to_owned());
    }
    let for_signatures = entry.get("use").is_none_or(|usage| usage == "sig");
    let verifies = entry.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
    });
    let only = text("alg").map(Algorithm::named);
    if !for_signatures || !verifies || only == Some(None) {
        return Ok(None);
    }
    let (family, material) = match (text("kty"), text("crv")) {
        (Some("RSA"), _) => der::rsa(&bytes(entry, "n")?, &bytes(entry, "e")?)?,
        (Some("EC"), Some("P-256")) => curve_point(entry, Family::P256, 32)?,
        (Some("EC"), Some("P-384")) => curve_point(entry, Family::P384, 48)?,
        (Some("OKP"), Some("Ed25519")) => ed25519(&bytes(entry, "x")?)?,
        (Some("oct"), _) => octets(bytes(entry, "k")?, allow_weak_secret)?,
        _ => return Ok(None),
    };
    let only = only.flatten();
    if only.is_some_and(|algorithm| algorithm.family() != family) {
        return Err(format!("the `alg` of a key is not one of {}", family.words()));
    }
    Ok(Some(SetKey { kid: kid(entry)?, family, material, only }))
}

fn kid(entry: &Map<String, Value>) -> Result<Option<Box<str>>, String> {
    match entry.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if (1..=KID_LENGTH_BYTES_MAX).contains(&kid.len()) => {
            Ok(Some(kid.as_str().into()))
        }
        Some(_) => Err(format!("a `kid` is not a string of 1 to {KID_LENGTH_BYTES_MAX} bytes")),
    }
}

fn bytes(entry: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = entry.get(name).and_then(Value::as_str);
    let decoded = text.and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    decoded.ok_or_else(|| format!("a key has no `{name}` in unpadded base64url"))
}

fn curve_point(entry: &Map<String, Value>, family: Family, size: usize) -> der::Parsed {
    let (x, y) = (bytes(entry, "x")?, bytes(entry, "y")?);
    if x.len() != size || y.len() != size {
        return Err(format!("`x` and `y` of {} have {size} bytes each", family.words()));
    }
    der::point(family, &[&[4], x.as_slice(), &y].concat(), 1 + 2 * size)
}

fn ed25519(x: &[u8]) -> der::Parsed {
    if x.len() != 32 {
        return Err("`x` of an Ed25519 key has 32 bytes".to_owned());
    }
    Ok((Family::Ed25519, DecodingKey::from_ed_der(x)))
}

fn octets(k: Vec<u8>, allow_weak_secret: bool) -> der::Parsed {
    let k = SecretBytes::new(k);
    match secret::fault(&k, allow_weak_secret) {
        Some(fault) => Err(fault),
        None => Ok((Family::Hmac, DecodingKey::from_secret(k.expose()))),
    }
}
