//! Public keys out of PEM: SPKI, PKCS #1 and X.509 certificates.
//!
//! The reader walks the few known levels and nothing else. A general ASN.1 reader goes one call
//! deeper for every level of the input, and a short file can nest deep enough to end the process.

use std::ops::RangeInclusive;

use jsonwebtoken::DecodingKey;

use super::algorithm::Family;

/// The smallest and largest RSA modulus, in bits. Below, factoring is in reach; above, a single
/// verification becomes an attack.
const RSA_MODULUS_BITS: RangeInclusive<usize> = 2048..=8192;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

// Object identifiers in their encoded form.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A public key, or what is wrong with it and what to do.
pub(super) type Parsed = Result<(Family, DecodingKey), String>;

/// Reads the first block of a PEM text: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`.
///
/// Of a certificate only the key is taken. Neither its dates nor its issuer are judged: the file is
/// trusted because the operator named it.
pub(super) fn public_key(text: &str) -> Parsed {
    let block = pem::parse(text).map_err(|_| "not a PEM text (-----BEGIN ...)".to_owned())?;
    let der = block.contents();
    match block.tag() {
        "PUBLIC KEY" => subject_public_key(der),
        "RSA PUBLIC KEY" => rsa_public_key(der),
        "CERTIFICATE" => {
            subject_public_key(key_of_certificate(der).ok_or("not an X.509 certificate")?)
        }
        tag if tag.contains("PRIVATE") => Err("this is a private key, which a verifier must not \
             have; give its public key (`openssl pkey -pubout`)"
            .to_owned()),
        _ => Err("use PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE".to_owned()),
    }
}

/// Whether these bytes are a public key or certificate in DER.
pub(super) fn is_key(bytes: &[u8]) -> bool {
    key_and_kind(bytes).is_some()
        || rsa_numbers(bytes).is_some()
        || key_of_certificate(bytes).is_some()
}

/// The RSA key of this modulus and exponent, both big-endian.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Parsed {
    let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(0));
    if !RSA_MODULUS_BITS.contains(&bits) {
        return Err(format!("an RSA key of {bits} bits; use 2048 to 8192"));
    }
    let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
    if !odd || exponent == [1] || exponent.len() > 4 {
        return Err("the RSA exponent is not one of an honest key; use 65537".to_owned());
    }
    Ok((Family::Rsa, DecodingKey::from_rsa_raw_components(modulus, exponent)))
}

/// An uncompressed point of the curve; the library checks that it lies on it.
pub(super) fn point(family: Family, point: &[u8], length: usize) -> Parsed {
    if point.len() == length && point.first() == Some(&4) {
        return Ok((family, DecodingKey::from_ec_der(point)));
    }
    Err("give the elliptic curve key in its uncompressed form".to_owned())
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// What kind of key it is, and the key.
fn subject_public_key(der: &[u8]) -> Parsed {
    let (mut kind, key) = key_and_kind(der).ok_or("not a public key")?;
    let algorithm = take(&mut kind, OID);
    let curve = take(&mut kind, OID);
    match (algorithm, curve) {
        (Some(RSA), _) => rsa_public_key(key),
        (Some(EC), Some(P256)) => point(Family::P256, key, 65),
        (Some(EC), Some(P384)) => point(Family::P384, key, 97),
        (Some(ED25519), _) if key.len() == 32 => {
            Ok((Family::Ed25519, DecodingKey::from_ed_der(key)))
        }
        _ => Err("this kind of key is not supported; use RSA, P-256, P-384 or Ed25519".to_owned()),
    }
}

fn rsa_public_key(der: &[u8]) -> Parsed {
    let (modulus, exponent) = rsa_numbers(der).ok_or("not an RSA key")?;
    rsa(modulus, exponent)
}

/// RFC 5280, section 4.1: `SEQUENCE { SEQUENCE { algorithm, parameters }, BIT STRING }`.
fn key_and_kind(mut der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = take(&mut der, SEQUENCE)?;
    let kind = take(&mut fields, SEQUENCE)?;
    let [0, key @ ..] = take(&mut fields, BIT_STRING)? else { return None };
    (der.is_empty() && fields.is_empty()).then_some((kind, key))
}

/// RFC 8017, appendix A.1.1: `SEQUENCE { modulus, publicExponent }`.
fn rsa_numbers(mut der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = take(&mut der, SEQUENCE)?;
    let numbers = (take(&mut fields, INTEGER)?, take(&mut fields, INTEGER)?);
    (der.is_empty() && fields.is_empty()).then_some(numbers)
}

/// The field of a certificate that is a public key, still encoded (RFC 5280, section 4.1).
fn key_of_certificate(mut der: &[u8]) -> Option<&[u8]> {
    let mut certificate = take(&mut der, SEQUENCE)?;
    let mut fields = take(&mut certificate, SEQUENCE)?;
    let _version = take(&mut fields, VERSION);
    take(&mut fields, INTEGER)?;
    for _signature_issuer_validity_subject in 0..4 {
        take(&mut fields, SEQUENCE)?;
    }
    let rest = fields;
    take(&mut fields, SEQUENCE)?;
    rest.get(..rest.len() - fields.len()).filter(|key| key_and_kind(key).is_some())
}

/// Takes the element at the front, if it has this tag.
fn take<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (length, content) = match der {
        [first, short @ 0..=0x7f, rest @ ..] if *first == tag => (usize::from(*short), rest),
        [first, 0x81, length, rest @ ..] if *first == tag => (usize::from(*length), rest),
        [first, 0x82, high, low, rest @ ..] if *first == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    let (element, rest) = content.split_at_checked(length)?;
    *der = rest;
    Some(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nesting costs nothing, and what merely looks like DER is no key.
    #[test]
    fn what_is_no_key() {
        let mut nested = Vec::new();
        for _ in 0..10_000 {
            let length = u16::try_from(nested.len()).unwrap().to_be_bytes();
            nested = [&[SEQUENCE, 0x82], length.as_slice(), &nested].concat();
        }
        assert!(!is_key(&nested));
        let armoured = pem::encode(&pem::Pem::new("PUBLIC KEY", nested));
        assert!(public_key(&armoured).is_err());
        for bytes in [b"".as_slice(), b"0", b"0\x82", b"0\x82\xff\xff", b"0 is how a secret starts"]
        {
            assert!(!is_key(bytes), "{bytes:?}");
        }
    }

    /// An element is taken whole, with its own tag, or not at all.
    #[test]
    fn taking() {
        let mut der: &[u8] = &[INTEGER, 1, 7, OID, 0x81, 2, 8, 9, OID, 5, 1];
        assert_eq!(take(&mut der, OID), None);
        assert_eq!(take(&mut der, INTEGER), Some([7].as_slice()));
        assert_eq!(take(&mut der, OID), Some([8, 9].as_slice()));
        assert_eq!(take(&mut der, OID), None);
        assert_eq!(der.len(), 3);
    }
}
