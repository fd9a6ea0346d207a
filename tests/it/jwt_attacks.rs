//! Attacks on algorithms and keys, each named after its number in the list of attacks to withstand.

use data_encoding::BASE64_MIME;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Algorithm as Library;
use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;

use crate::forge::CLAIMS;
use crate::forge::ED25519;
use crate::forge::ED25519_PUBLIC;
use crate::forge::HS256;
use crate::forge::JWKS;
use crate::forge::P256;
use crate::forge::P256_PUBLIC;
use crate::forge::RSA;
use crate::forge::RSA_PUBLIC;
use crate::forge::SECRET;
use crate::forge::accepts;
use crate::forge::base64;
use crate::forge::builder;
use crate::forge::judge;
use crate::forge::refuses;
use crate::forge::signed;
use crate::forge::verifier;
use crate::forge::with_claims;
use crate::forge::with_header;

const RS256: &str = r#"{"alg":"RS256"}"#;
const ES256: &str = r#"{"alg":"ES256"}"#;

fn rsa() -> JwtVerifier {
    builder(&[Algorithm::RS256], JwtKey::pem(RSA_PUBLIC)).build().unwrap()
}

fn p256() -> JwtVerifier {
    builder(&[Algorithm::ES256], JwtKey::pem(P256_PUBLIC)).build().unwrap()
}

/// The bytes inside a PEM text.
fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64_MIME.decode(body.as_bytes()).unwrap()
}

/// The honest tokens that the attacks are made from are accepted.
#[test]
fn attack_00_honest_tokens_pass() {
    accepts(&verifier(), &with_claims(CLAIMS));
    accepts(&rsa(), &signed(Library::RS256, RSA.as_bytes(), RS256, CLAIMS));
    accepts(&p256(), &signed(Library::ES256, P256.as_bytes(), ES256, CLAIMS));
}

/// `none` in any spelling, with an empty or a kept signature, never verifies.
#[test]
fn attack_01_02_alg_none() {
    for name in ["none", "None", "nOnE", "NONE", "none ", " none", "none\\u0000", "\\u006eone"] {
        let header = base64(format!(r#"{{"alg":"{name}"}}"#));
        refuses(&verifier(), &format!("{header}.{}.", base64(CLAIMS)));
        refuses(&verifier(), &format!("{header}.{}", base64(CLAIMS)));
        refuses(&verifier(), &format!("{header}.{}.{}", base64(CLAIMS), base64([0; 32])));
        refuses(&verifier(), &with_header(&format!(r#"{{"alg":"{name}"}}"#)));
    }
}

/// A missing, mistyped or unknown algorithm is refused, even over a good MAC.
#[test]
fn attack_03_04_05_alg_missing_mistyped_unknown() {
    for header in [
        r#"{"typ":"JWT"}"#,
        r#"{"alg":1}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":{"name":"HS256"}}"#,
        r#"{"alg":true}"#,
        r#"{"alg":""}"#,
        r#"{"alg":"HS257"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS256 "}"#,
        r#"{"ALG":"HS256"}"#,
    ] {
        refuses(&verifier(), &with_header(header));
    }
}

/// A public key is no secret: not as PEM, trimmed PEM, DER or JWK, whatever algorithms are listed.
#[test]
fn attack_06_public_key_as_hmac_secret() {
    for (public, other) in [(RSA_PUBLIC, Algorithm::RS256), (P256_PUBLIC, Algorithm::ES256)] {
        let mixed = builder(&[Algorithm::HS256, other], JwtKey::pem(public)).build().unwrap();
        let forms =
            [public.as_bytes().to_vec(), public.trim_end().as_bytes().to_vec(), der(public)];
        for secret in forms {
            refuses(&mixed, &signed(Library::HS256, &secret, HS256, CLAIMS));
            assert!(JwtVerifier::hs256(secret).is_err(), "given as a secret");
        }
    }
    let set: serde_json::Value = serde_json::from_str(JWKS).unwrap();
    let jwk = set["keys"][0].to_string();
    refuses(&rsa(), &signed(Library::HS256, jwk.as_bytes(), HS256, CLAIMS));
    assert!(JwtVerifier::hs256(jwk).is_err());
    let modulus = set["keys"][0]["n"].as_str().unwrap();
    let modulus = BASE64URL_NOPAD.decode(modulus.as_bytes()).unwrap();
    refuses(&rsa(), &signed(Library::HS256, &modulus, HS256, CLAIMS));
}

/// With public keys alone there is no secret to find, not even the empty one.
#[test]
fn attack_07_hmac_token_where_keys_are_public() {
    let set = builder(&Algorithm::ALL, JwtKey::jwks(JWKS)).build().unwrap();
    for secret in [b"".as_slice(), &[0; 32], b"rsa", JWKS.as_bytes()] {
        refuses(&set, &signed(Library::HS256, secret, HS256, CLAIMS));
        refuses(&set, &signed(Library::HS256, secret, r#"{"alg":"HS256","kid":"rsa"}"#, CLAIMS));
    }
}

/// A set that mixes secrets and public keys is refused as a whole.
#[test]
fn attack_08_mixed_key_set() {
    let mut set: serde_json::Value = serde_json::from_str(JWKS).unwrap();
    let oct = serde_json::json!({"kty": "oct", "alg": "HS256", "k": base64(SECRET)});
    set["keys"].as_array_mut().unwrap().push(oct.clone());
    let mixed = builder(&Algorithm::ALL, JwtKey::jwks(set.to_string())).build();
    assert!(mixed.unwrap_err().to_string().contains("mixes"));
    let alone = serde_json::json!({ "keys": [oct] }).to_string();
    let alone = builder(&Algorithm::ALL, JwtKey::jwks(alone)).build().unwrap();
    accepts(&alone, &with_claims(CLAIMS));
}

/// A key verifies with the algorithms it is for, and with no other of its family.
#[test]
fn attack_09_key_of_another_algorithm() {
    let rsa = [
        (Library::RS256, "RS256"),
        (Library::RS384, "RS384"),
        (Library::RS512, "RS512"),
        (Library::PS256, "PS256"),
        (Library::PS384, "PS384"),
        (Library::PS512, "PS512"),
    ];
    for algorithm in Algorithm::ALL {
        for (library, name) in rsa {
            let Ok(verifier) = builder(&[algorithm], JwtKey::pem(RSA_PUBLIC)).build() else {
                continue;
            };
            let token = signed(library, RSA.as_bytes(), &format!(r#"{{"alg":"{name}"}}"#), CLAIMS);
            assert_eq!(judge(&verifier, &token).is_ok(), algorithm.name() == name);
            let lying = signed(
                library,
                RSA.as_bytes(),
                &format!(r#"{{"alg":"{}"}}"#, algorithm.name()),
                CLAIMS,
            );
            assert_eq!(judge(&verifier, &lying).is_ok(), algorithm.name() == name);
        }
    }
    // The `alg` of a key in a set binds it, whatever the verifier's list says.
    let set = builder(&Algorithm::ALL, JwtKey::jwks(JWKS)).build().unwrap();
    accepts(&set, &signed(Library::RS256, RSA.as_bytes(), RS256, CLAIMS));
    refuses(&set, &signed(Library::PS256, RSA.as_bytes(), r#"{"alg":"PS256"}"#, CLAIMS));
}

/// A P-256 key knows no ES384, and the other way round.
#[test]
fn attack_10_curve_of_another_algorithm() {
    let p384 = include_str!("../fixtures/keys/p384.pem").as_bytes();
    let both = builder(&[Algorithm::ES256, Algorithm::ES384], JwtKey::pem(P256_PUBLIC));
    let both = both.build().unwrap();
    refuses(&both, &signed(Library::ES384, p384, r#"{"alg":"ES384"}"#, CLAIMS));
    refuses(&both, &signed(Library::ES384, p384, ES256, CLAIMS));
    refuses(&both, &signed(Library::ES256, P256.as_bytes(), r#"{"alg":"ES384"}"#, CLAIMS));
    assert!(builder(&[Algorithm::ES384], JwtKey::pem(P256_PUBLIC)).build().is_err());
    let p521 = include_str!("../fixtures/keys/p521.pub.pem");
    assert!(builder(&Algorithm::ALL, JwtKey::pem(p521)).build().is_err());
}

/// `EdDSA` and `Ed25519` are two names of one algorithm; nothing else is.
#[test]
fn attack_11_names_of_ed25519() {
    let verifier = builder(&[Algorithm::EdDSA], JwtKey::pem(ED25519_PUBLIC)).build().unwrap();
    let token = |name: &str| {
        signed(Library::EdDSA, ED25519.as_bytes(), &format!(r#"{{"alg":"{name}"}}"#), CLAIMS)
    };
    accepts(&verifier, &token("EdDSA"));
    accepts(&verifier, &token("Ed25519"));
    for name in ["eddsa", "ED25519", "Ed448", "Ed25519ph"] {
        refuses(&verifier, &token(name));
    }
}

/// Keys for encryption, or not for verifying, are left out of a set.
#[test]
fn attack_12_use_and_key_ops() {
    let with = |member: &str, value: serde_json::Value| {
        let set: serde_json::Value = serde_json::from_str(JWKS).unwrap();
        let mut key = set["keys"][0].clone();
        key.as_object_mut().unwrap().remove("use");
        key[member] = value;
        let set = serde_json::json!({ "keys": [key] }).to_string();
        builder(&[Algorithm::RS256], JwtKey::jwks(set)).build()
    };
    assert!(with("use", "sig".into()).is_ok());
    assert!(with("key_ops", serde_json::json!(["verify"])).is_ok());
    assert!(with("use", "enc".into()).is_err());
    assert!(with("use", 1.into()).is_err());
    assert!(with("key_ops", serde_json::json!(["encrypt"])).is_err());
    assert!(with("key_ops", serde_json::json!([])).is_err());
    assert!(with("key_ops", "verify".into()).is_err());
    assert!(with("alg", "RSA-OAEP".into()).is_err());
    assert!(with("alg", "ES256".into()).is_err());
    assert!(with("d", "AQAB".into()).is_err());
}

/// Empty, all-zero and short secrets are refused at the start; short ones can be allowed by name.
#[test]
fn attack_13_empty_zero_short_secrets() {
    for secret in [b"".as_slice(), &[0], &[0; 32], &[0; 64], b"  \n"] {
        let danger = builder(&[Algorithm::HS256], JwtKey::secret(secret));
        assert!(danger.danger_allow_weak_secret().build().is_err(), "{secret:?}");
    }
    let short = builder(&[Algorithm::HS256], JwtKey::secret("31 bytes are not enough for it"));
    let message = short.clone().build().unwrap_err().to_string();
    assert!(message.contains("danger_allow_weak_secret"), "{message}");
    assert!(!message.contains("not enough"), "{message}");
    assert!(short.danger_allow_weak_secret().build().is_ok());
    let zero = serde_json::json!({"keys": [{"kty": "oct", "k": base64([0; 32])}]}).to_string();
    assert!(builder(&[Algorithm::HS256], JwtKey::jwks(zero)).build().is_err());
}

/// Secrets from tutorials and templates are refused at the start.
#[test]
fn attack_14_guessable_secrets() {
    for secret in ["secret", "changeme", "CHANGEME", "your-256-bit-secret", "shhhhh", "password"] {
        let danger = builder(&[Algorithm::HS256], JwtKey::secret(secret));
        let message = danger.danger_allow_weak_secret().build().unwrap_err().to_string();
        assert!(message.contains("openssl rand"), "{message}");
    }
}

/// RSA keys that can be factored, or that anybody can sign for, are refused at the start.
#[test]
fn attack_15_weak_rsa() {
    let short = include_str!("../fixtures/keys/rsa_1024.pub.pem");
    let message = builder(&[Algorithm::RS256], JwtKey::pem(short)).build().unwrap_err();
    assert!(message.to_string().contains("1024 bits"), "{message}");
    let jwk = |n: &[u8], e: &[u8]| {
        let key = serde_json::json!({"kty": "RSA", "n": base64(n), "e": base64(e)});
        let set = serde_json::json!({ "keys": [key] }).to_string();
        builder(&[Algorithm::RS256], JwtKey::jwks(set)).build()
    };
    assert!(jwk(&[0xff; 256], &[1, 0, 1]).is_ok());
    for (n, e) in [
        ([0xff; 64].as_slice(), [1, 0, 1].as_slice()),
        (&[0xff; 255], &[1, 0, 1]),
        (&[0xff; 2048], &[1, 0, 1]),
        (&[0xff; 256], &[1]),
        (&[0xff; 256], &[0, 0, 1]),
        (&[0xff; 256], &[2]),
        (&[0xff; 256], &[]),
        (&[], &[1, 0, 1]),
        (&[0xff; 256], &[0xff; 9]),
    ] {
        assert!(jwk(n, e).is_err(), "{} {}", n.len(), e.len());
    }
}
