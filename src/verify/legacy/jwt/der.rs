//! Public keys out of PEM: SPKI, PKCS #1 and X.509 certificates.

use jsonwebtoken::DecodingKey;
use simple_asn1::ASN1Block;
use simple_asn1::from_der;

use super::algorithm::Family;

/// The smallest and largest RSA modulus, in bits. Below, factoring is in reach; above, a single
/// verification becomes an attack.
const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

const RSA: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];
const EC: &[u64] = &[1, 2, 840, 10_045, 2, 1];
const P256: &[u64] = &[1, 2, 840, 10_045, 3, 1, 7];
const P384: &[u64] = &[1, 3, 132, 0, 34];
const ED25519: &[u64] = &[1, 3, 101, 112];

/// A public key, or what is wrong with it and what to do.
pub(super) type Parsed = Result<(Family, DecodingKey), String>;

/// Reads the first block of a PEM text: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`.
///
/// Of a certificate only the key is taken. Neither its dates nor its issuer are judged: the file is
/// trusted because the operator named it.
pub(super) fn public_key(text: &str) -> Parsed {
    let block = pem::parse(text).map_err(|_| "not a PEM text (-----BEGIN ...)".to_owned())?;
    let content = from_der(block.contents()).map_err(|_| "the PEM holds no DER".to_owned())?;
    let [ASN1Block::Sequence(_, content)] = content.as_slice() else {
        return Err("the PEM holds no key".to_owned());
    };
    match block.tag() {
        "PUBLIC KEY" => subject_public_key(content),
        "RSA PUBLIC KEY" => rsa_of_sequence(content),
        "CERTIFICATE" => match content.first() {
            Some(ASN1Block::Sequence(_, fields)) => certificate(fields),
            _ => Err("not an X.509 certificate".to_owned()),
        },
        tag if tag.contains("PRIVATE") => {
            Err("this is a private key, which a verifier must not have; give its public key \
                 (`openssl pkey -pubout`)"
                .to_owned())
        }
        _ => Err("use PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE".to_owned()),
    }
}

/// Whether these bytes are a public key or certificate in DER.
pub(super) fn is_key(bytes: &[u8]) -> bool {
    // Everything of the kind starts with a SEQUENCE.
    bytes.first() == Some(&0x30)
        && matches!(from_der(bytes).as_deref(), Ok([ASN1Block::Sequence(_, fields)]) if fields.len() > 1)
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

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// RFC 5280, section 4.1: the one field of a certificate that has the shape of a public key.
fn certificate(fields: &[ASN1Block]) -> Parsed {
    let key = fields.iter().find_map(|field| match field {
        ASN1Block::Sequence(_, parts)
            if matches!(parts.as_slice(), [ASN1Block::Sequence(..), ASN1Block::BitString(..)]) =>
        {
            Some(parts)
        }
        _ => None,
    });
    subject_public_key(key.ok_or_else(|| "the certificate holds no public key".to_owned())?)
}

/// SubjectPublicKeyInfo: what kind of key, and the key.
fn subject_public_key(fields: &[ASN1Block]) -> Parsed {
    let [ASN1Block::Sequence(_, kind), ASN1Block::BitString(_, _, key)] = fields else {
        return Err("not a public key".to_owned());
    };
    let oids: Vec<Vec<u64>> = kind.iter().filter_map(oid).collect();
    match oids.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
        [RSA] => match from_der(key).as_deref() {
            Ok([ASN1Block::Sequence(_, numbers)]) => rsa_of_sequence(numbers),
            _ => Err("not an RSA key".to_owned()),
        },
        [EC, P256] => point(Family::P256, key, 65),
        [EC, P384] => point(Family::P384, key, 97),
        [ED25519] if key.len() == 32 => Ok((Family::Ed25519, DecodingKey::from_ed_der(key))),
        _ => Err("this kind of key is not supported; use RSA, P-256, P-384 or Ed25519".to_owned()),
    }
}

fn oid(block: &ASN1Block) -> Option<Vec<u64>> {
    match block {
        ASN1Block::ObjectIdentifier(_, oid) => oid.as_vec().ok(),
        _ => None,
    }
}

fn rsa_of_sequence(numbers: &[ASN1Block]) -> Parsed {
    match numbers {
        [ASN1Block::Integer(_, modulus), ASN1Block::Integer(_, exponent)] => {
            rsa(&modulus.to_bytes_be().1, &exponent.to_bytes_be().1)
        }
        _ => Err("not an RSA key".to_owned()),
    }
}

/// An uncompressed point of the curve; the library checks that it lies on it.
pub(super) fn point(family: Family, point: &[u8], length: usize) -> Parsed {
    if point.len() == length && point.first() == Some(&4) {
        return Ok((family, DecodingKey::from_ec_der(point)));
    }
    Err("give the elliptic curve key in its uncompressed form".to_owned())
}
