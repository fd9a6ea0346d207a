//! Tokens made by other programs (see `tests/fixtures/make.sh`), and keys in every form.

use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::LegacyVerifier;
use segue::Timestamp;
use serde_json::Value;

use crate::forge::JWKS;
use crate::forge::RSA;
use crate::forge::accepts;
use crate::forge::builder;
use crate::forge::signed;

fn public(name: &str) -> &'static str {
    match name {
        "rsa" => include_str!("../fixtures/keys/rsa.pub.pem"),
        "p256" => include_str!("../fixtures/keys/p256.pub.pem"),
        "p384" => include_str!("../fixtures/keys/p384.pub.pem"),
        "ed25519" => include_str!("../fixtures/keys/ed25519.pub.pem"),
        other => panic!("no key {other}"),
    }
}

fn check(fixtures: &str) {
    let fixtures: Value = serde_json::from_str(fixtures).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let now = Timestamp::from_unix_seconds(fixtures["now"].as_i64().unwrap());
    for case in fixtures["cases"].as_array().unwrap() {
        let key = match case["key"].as_str().unwrap() {
            "secret" => JwtKey::secret(fixtures["secret"].as_str().unwrap()),
            name => JwtKey::pem(public(name)),
        };
        let algorithm: Algorithm = case["alg"].as_str().unwrap().parse().unwrap();
        let mut verifier = builder(&[algorithm], key);
        if let Some(pointer) = text(&case["pointer"]) {
            verifier = verifier.user_claims([pointer]);
        }
        if let Some(audience) = text(&case["audience"]) {
            verifier = verifier.audience(audience);
        }
        if let Some(issuer) = text(&case["issuer"]) {
            verifier = verifier.issuer(issuer);
        }
        if let Some(typ) = text(&case["typ"]) {
            verifier = verifier.typ(typ);
        }
        if case["missing"] == "exp" {
            verifier = verifier.allow_missing_exp();
        }
        let token = case["token"].as_str().unwrap();
        let verdict = verifier.build().unwrap().verify(token, now);
        let verdict = verdict.unwrap_or_else(|kind| panic!("{}: {kind:?}", case["name"]));
        assert_eq!(Some(verdict.user().as_str()), case["user"].as_str(), "{}", case["name"]);
        assert_eq!(verdict.jti(), case["jti"].as_str(), "{}", case["name"]);
        assert_eq!(verdict.issued_at().is_none(), case["missing"] == "iat", "{}", case["name"]);
    }
}

/// What the npm package `jsonwebtoken` issues is accepted.
#[test]
fn npm_jsonwebtoken() {
    check(include_str!("../fixtures/npm.json"));
}

/// What PyJWT issues is accepted.
#[test]
fn pyjwt() {
    check(include_str!("../fixtures/pyjwt.json"));
}

/// A public key is the same key as SPKI, PKCS #1, certificate, key set and map of certificates.
#[test]
fn forms_of_a_public_key() {
    let certificate = include_str!("../fixtures/keys/rsa.cert.pem");
    let claims = crate::forge::CLAIMS;
    let token = signed(
        jsonwebtoken::Algorithm::RS256,
        RSA.as_bytes(),
        r#"{"alg":"RS256","kid":"rsa"}"#,
        claims,
    );
    let map = serde_json::json!({ "rsa": certificate }).to_string();
    for key in [
        JwtKey::pem(public("rsa")),
        JwtKey::pem(include_str!("../fixtures/keys/rsa.pkcs1.pem")),
        JwtKey::pem(certificate),
        JwtKey::jwks(JWKS),
        JwtKey::certificates(map),
    ] {
        accepts(&builder(&[Algorithm::RS256], key).build().unwrap(), &token);
    }
    let certificate = include_str!("../fixtures/keys/p256.cert.pem");
    let token = signed(
        jsonwebtoken::Algorithm::ES256,
        crate::forge::P256.as_bytes(),
        r#"{"alg":"ES256"}"#,
        claims,
    );
    accepts(&builder(&[Algorithm::ES256], JwtKey::pem(certificate)).build().unwrap(), &token);
}

/// A secret is the same secret as bytes, in base64 of any flavour, and in hexadecimal.
#[test]
fn forms_of_a_secret() {
    let secret: Vec<u8> = (0..40).map(|byte| byte * 6 + 5).collect();
    let token =
        signed(jsonwebtoken::Algorithm::HS256, &secret, r#"{"alg":"HS256"}"#, crate::forge::CLAIMS);
    for key in [
        JwtKey::secret(secret.clone()),
        JwtKey::secret_base64(data_encoding::BASE64.encode(&secret)),
        JwtKey::secret_base64(data_encoding::BASE64_NOPAD.encode(&secret)),
        JwtKey::secret_base64(data_encoding::BASE64URL.encode(&secret)),
        JwtKey::secret_base64(data_encoding::BASE64URL_NOPAD.encode(&secret)),
        JwtKey::secret_hex(data_encoding::HEXLOWER.encode(&secret)),
        JwtKey::secret_hex(data_encoding::HEXUPPER.encode(&secret)),
    ] {
        accepts(&builder(&[Algorithm::HS256], key).build().unwrap(), &token);
    }
    for key in [JwtKey::secret_base64("!"), JwtKey::secret_hex("xyz")] {
        assert!(builder(&[Algorithm::HS256], key).build().is_err());
    }
}

/// All faults of a description are reported at once, with the place of each, and no secret.
#[test]
fn all_faults_at_once() {
    let error = JwtVerifier::builder("Not A Name")
        .algorithms([Algorithm::HS256])
        .key(JwtKey::secret("hunter22"))
        .key(JwtKey::pem("no pem"))
        .key(JwtKey::pem(include_str!("../fixtures/keys/rsa.pem")))
        .key(JwtKey::pem_file("/nowhere/key.pem"))
        .user_claims(Vec::<String>::new())
        .build()
        .unwrap_err();
    assert_eq!(error.faults().len(), 6, "{error}");
    let text = error.to_string();
    for part in ["Not A Name", "8 bytes", "private key", "/nowhere/key.pem", "user claims"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("hunter22"), "{text}");
    let error = JwtVerifier::builder("jwt").build().unwrap_err();
    assert_eq!(error.faults().len(), 2, "{error}");
}

/// Debug output of a verifier, its builder and its keys shows no secret.
#[test]
fn debug_shows_no_secret() {
    let key = JwtKey::secret("hunter22 hunter22 hunter22 hunter22");
    let described = builder(&[Algorithm::HS256], key.clone());
    let verifier = described.clone().build().unwrap();
    for text in [format!("{key:?}"), format!("{described:?}"), format!("{verifier:#?}")] {
        assert!(!text.contains("hunter22") && !text.contains("104, 117"), "{text}");
    }
    assert!(verifier.uses_secret(b"hunter22 hunter22 hunter22 hunter22"));
    assert!(!verifier.uses_secret(b"hunter22 hunter22 hunter22 hunter23"));
}
