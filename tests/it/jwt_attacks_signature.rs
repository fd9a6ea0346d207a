//! Attacks on signatures, each named after its number.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Algorithm as Library;
use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::LegacyVerifier;

use crate::forge::CLAIMS;
use crate::forge::JWKS;
use crate::forge::P256;
use crate::forge::P256_PUBLIC;
use crate::forge::RSA;
use crate::forge::RSA_PUBLIC;
use crate::forge::accepts;
use crate::forge::builder;
use crate::forge::judge;
use crate::forge::refuses;
use crate::forge::signature;
use crate::forge::signed;
use crate::forge::verifier;
use crate::forge::with_claims;
use crate::forge::with_signature;

const ES256: &str = r#"{"alg":"ES256"}"#;

fn p256() -> JwtVerifier {
    builder(&[Algorithm::ES256], JwtKey::pem(P256_PUBLIC)).build().unwrap()
}

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// A "signature" of zeros, ones and the order of the curve signs nothing (CVE-2022-21449).
#[test]
fn attack_16_psychic_signatures() {
    let token = signed(Library::ES256, P256.as_bytes(), ES256, CLAIMS);
    let mut one = [0; 32];
    one[31] = 1;
    let mut below = ORDER;
    below[31] -= 1;
    let numbers = [[0; 32], one, below, ORDER];
    for r in numbers {
        for s in numbers {
            refuses(&p256(), &with_signature(&token, [r, s].concat()));
        }
    }
}

/// Only the fixed-length form of an ECDSA signature counts, with numbers below the order.
#[test]
fn attack_17_encodings_of_ecdsa() {
    let token = signed(Library::ES256, P256.as_bytes(), ES256, CLAIMS);
    let good = signature(&token);
    let integer = |bytes: &[u8]| [[2, 33, 0].as_slice(), bytes].concat();
    let inner = [integer(&good[..32]), integer(&good[32..])].concat();
    refuses(&p256(), &with_signature(&token, [[0x30, 70].as_slice(), &inner].concat()));
    for bad in [
        [good.as_slice(), &[0]].concat(),
        [&[0], good.as_slice()].concat(),
        good[..63].to_vec(),
        good[1..].to_vec(),
        good[32..].to_vec(),
        [good.as_slice(), &good].concat(),
        [&ORDER, &good[32..]].concat(),
        [&good[..32], &ORDER].concat(),
        [good[32..].to_vec(), good[..32].to_vec()].concat(),
    ] {
        refuses(&p256(), &with_signature(&token, bad));
    }
}

/// Nothing but the one right number is an RSA signature: not its neighbours, not the extremes.
#[test]
fn attack_18_19_rsa_signatures() {
    let set: serde_json::Value = serde_json::from_str(JWKS).unwrap();
    let n = BASE64URL_NOPAD.decode(set["keys"][0]["n"].as_str().unwrap().as_bytes()).unwrap();
    let mut below = n.clone();
    *below.last_mut().unwrap() -= 1;
    let mut one = vec![0; 256];
    one[255] = 1;
    for (library, algorithm) in
        [(Library::RS256, Algorithm::RS256), (Library::PS256, Algorithm::PS256)]
    {
        let verifier = builder(&[algorithm], JwtKey::pem(RSA_PUBLIC)).build().unwrap();
        let header = format!(r#"{{"alg":"{algorithm}"}}"#);
        let token = signed(library, RSA.as_bytes(), &header, CLAIMS);
        accepts(&verifier, &token);
        let good = signature(&token);
        for bad in [
            vec![0; 256],
            one.clone(),
            below.clone(),
            n.clone(),
            vec![0xff; 256],
            [[0].as_slice(), &good].concat(),
            [good.as_slice(), &[0]].concat(),
            good[..255].to_vec(),
            good.iter().map(|byte| byte ^ 1).collect(),
        ] {
            refuses(&verifier, &with_signature(&token, bad));
        }
        for other in [Library::RS256, Library::RS384, Library::PS256, Library::PS384] {
            if other != library {
                refuses(&verifier, &signed(other, RSA.as_bytes(), &header, CLAIMS));
            }
        }
    }
}

/// A MAC counts whole: no prefix of it, nothing after it.
#[test]
fn attack_20_truncated_or_extended_mac() {
    let token = with_claims(CLAIMS);
    let good = signature(&token);
    for length in 1..good.len() {
        refuses(&verifier(), &with_signature(&token, &good[..length]));
    }
    refuses(&verifier(), &with_signature(&token, [good.as_slice(), &[0]].concat()));
    refuses(&verifier(), &with_signature(&token, [good.as_slice(), &good].concat()));
    refuses(&verifier(), &format!("{}.", token.rsplit_once('.').unwrap().0));
}

/// A second valid signature over the same input is the same token to the blacklist.
#[test]
fn attack_21_malleable_signatures_have_one_name() {
    let first = signed(Library::ES256, P256.as_bytes(), ES256, CLAIMS);
    let second = signed(Library::ES256, P256.as_bytes(), ES256, CLAIMS);
    assert_ne!(first, second);
    let verifier = p256();
    let (first, second) = (judge(&verifier, &first).unwrap(), judge(&verifier, &second).unwrap());
    assert_eq!(first.id(), second.id());
    assert_eq!(first.id().blacklist_key(), second.id().blacklist_key());
    assert_eq!(verifier.source(), first.source());
}
