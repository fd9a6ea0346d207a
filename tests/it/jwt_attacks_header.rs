//! Attacks through the header of a token, each named after its number.

use std::fs;

use jsonwebtoken::Algorithm as Library;
use segue::Algorithm;
use segue::JwtKey;
use segue::LegacyVerifier;

use crate::forge::CLAIMS;
use crate::forge::JWKS;
use crate::forge::RSA;
use crate::forge::RSA_OTHER;
use crate::forge::SECRET;
use crate::forge::accepts;
use crate::forge::base64;
use crate::forge::builder;
use crate::forge::refuses;
use crate::forge::signed;
use crate::forge::verifier;
use crate::forge::with_header;

/// Keys and addresses of keys in a header are never used, and an honest token may carry them.
#[test]
fn attack_22_23_24_keys_in_the_header() {
    let set = builder(&[Algorithm::RS256], JwtKey::jwks(JWKS)).build().unwrap();
    let jwk: serde_json::Value = serde_json::from_str(JWKS).unwrap();
    let attacker = serde_json::json!({"kty": "RSA", "e": "AQAB", "n": base64([0xff; 256])});
    for extra in [
        format!(r#""jwk":{attacker}"#),
        format!(r#""jwk":{},"kid":"evil""#, jwk["keys"][0]),
        r#""jku":"http://127.0.0.1:9/jwks.json""#.to_owned(),
        r#""x5u":"http://127.0.0.1:9/cert.pem""#.to_owned(),
        r#""x5c":["MIIB"],"x5t":"AAAA""#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"RS256",{extra}}}"#);
        refuses(&set, &signed(Library::RS256, RSA_OTHER.as_bytes(), &header, CLAIMS));
    }
    let header = r#"{"alg":"RS256","kid":"rsa","jku":"http://127.0.0.1:9/","x5t":"AAAA"}"#;
    accepts(&set, &signed(Library::RS256, RSA.as_bytes(), header, CLAIMS));
}

/// A key id is compared and nothing else: no path, no query, no address, no log line.
#[test]
fn attack_25_kid_injection() {
    let set = builder(&[Algorithm::RS256], JwtKey::jwks(JWKS)).build().unwrap();
    let secret = builder(&[Algorithm::HS256], JwtKey::secret(SECRET)).build().unwrap();
    let labelled = JwtKey::secret(SECRET).with_kid("k1");
    let labelled = builder(&[Algorithm::HS256], labelled).build().unwrap();
    for kid in [
        "../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 'key';--",
        "*)(uid=*",
        "| cat /etc/passwd",
        "http://127.0.0.1:9/key",
        "k1\\u0000",
        "k1\\r\\nX-Admin: 1",
        "\\u212a1",
        "K1",
        " k1",
        "__proto__",
        "constructor",
    ] {
        let header = |alg: &str| format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#);
        refuses(&set, &signed(Library::RS256, RSA.as_bytes(), &header("RS256"), CLAIMS));
        refuses(&labelled, &with_header(&header("HS256")));
        // A single key without an id stands for every id.
        accepts(&secret, &with_header(&header("HS256")));
    }
    for kid in [r#""""#, "1", "null", "[]", r#"["k1"]"#, "{}", "true"] {
        refuses(&secret, &with_header(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#)));
    }
    let huge = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(10 << 20));
    refuses(&secret, &with_header(&huge));
    accepts(&labelled, &with_header(r#"{"alg":"HS256","kid":"k1"}"#));
}

/// A retired key stops at once, with everything remembered about its tokens; a token that names no
/// key is tried with a bounded number of keys.
#[test]
fn attack_26_retired_key_and_missing_kid() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jwks.json");
    fs::write(&file, JWKS).unwrap();
    let verifier = builder(&[Algorithm::RS256], JwtKey::jwks_file(&file)).build().unwrap();
    let header = r#"{"alg":"RS256","kid":"rsa"}"#;
    let token = signed(Library::RS256, RSA.as_bytes(), header, CLAIMS);
    accepts(&verifier, &token);
    assert!(!verifier.reload().unwrap());
    let epoch = verifier.epoch();

    fs::write(&file, "{}").unwrap();
    assert!(verifier.reload().is_err());
    accepts(&verifier, &token);
    assert_eq!(verifier.epoch(), epoch);

    let retired = JWKS.replace(r#""kid": "rsa""#, r#""kid": "rsa-2""#);
    fs::write(&file, retired).unwrap();
    assert!(verifier.reload().unwrap());
    assert_ne!(verifier.epoch(), epoch);
    refuses(&verifier, &token);

    let unnamed = signed(Library::RS256, RSA.as_bytes(), r#"{"alg":"RS256"}"#, CLAIMS);
    accepts(&verifier, &unnamed);
    let strict = builder(&[Algorithm::RS256], JwtKey::jwks(JWKS)).require_kid().build().unwrap();
    refuses(&strict, &unnamed);
    let mut many = builder(&[Algorithm::HS256], JwtKey::secret(SECRET).with_kid("0"));
    for number in 1..9 {
        many = many.key(JwtKey::secret(format!("{SECRET}{number}")).with_kid(number.to_string()));
    }
    let many = many.build().unwrap();
    accepts(&many, &with_header(r#"{"alg":"HS256","kid":"0"}"#));
    refuses(&many, &with_header(r#"{"alg":"HS256"}"#));
}

/// More keys without an id than are ever tried are a fault at the start.
#[test]
fn attack_26_unnamed_keys_are_bounded() {
    let mut many = builder(&[Algorithm::HS256], JwtKey::secret(SECRET));
    for number in 1..8 {
        many = many.key(JwtKey::secret(format!("{SECRET}{number}")));
    }
    accepts(&many.clone().build().unwrap(), &with_header(r#"{"alg":"HS256"}"#));
    assert!(many.key(JwtKey::secret(format!("{SECRET}8"))).build().is_err());
}

/// Unknown key ids never make the verifier read its keys again.
#[test]
fn attack_27_kid_flood() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jwks.json");
    fs::write(&file, JWKS).unwrap();
    let verifier = builder(&[Algorithm::RS256], JwtKey::jwks_file(&file)).build().unwrap();
    fs::write(&file, JWKS.replace(r#""kid": "rsa""#, r#""kid": "new""#)).unwrap();
    let token = signed(Library::RS256, RSA.as_bytes(), r#"{"alg":"RS256","kid":"new"}"#, CLAIMS);
    for _ in 0..1000 {
        refuses(&verifier, &token);
    }
    assert!(verifier.reload().unwrap());
    accepts(&verifier, &token);
}

/// Nothing critical is understood here, so every `crit` is refused.
#[test]
fn attack_28_crit() {
    for crit in [
        r#"["exp-policy"]"#,
        "[]",
        r#""exp""#,
        "null",
        "{}",
        "1",
        r#"["alg"]"#,
        r#"["b64"]"#,
        r#"["x","x"]"#,
    ] {
        refuses(&verifier(), &with_header(&format!(r#"{{"alg":"HS256","crit":{crit},"x":1}}"#)));
    }
}

/// An unencoded payload (RFC 7797) and a compressed one are never read.
#[test]
fn attack_29_30_35_b64_and_zip() {
    for extra in [
        r#""b64":false"#,
        r#""b64":true"#,
        r#""b64":false,"crit":["b64"]"#,
        r#""zip":"DEF""#,
        r#""zip":null"#,
    ] {
        refuses(&verifier(), &with_header(&format!(r#"{{"alg":"HS256",{extra}}}"#)));
    }
}

/// A token of another kind is not an access token, though the same key signed it.
#[test]
fn attack_31_typ_confusion() {
    let with_typ = |typ: &str| with_header(&format!(r#"{{"alg":"HS256","typ":{typ}}}"#));
    for typ in [r#""JWT""#, r#""jwt""#, r#""application/JWT""#] {
        accepts(&verifier(), &with_typ(typ));
    }
    let others = [
        "at+jwt",
        "application/at+jwt",
        "dpop+jwt",
        "dbsc+jwt",
        "logout+jwt",
        "secevent+jwt",
        "JWT2",
        "",
    ];
    for typ in others {
        refuses(&verifier(), &with_typ(&format!("\"{typ}\"")));
    }
    for typ in ["1", "null", r#"["JWT"]"#, "{}"] {
        refuses(&verifier(), &with_typ(typ));
    }
    let profile = builder(&[Algorithm::HS256], JwtKey::secret(SECRET)).require_typ("at+jwt");
    let profile = profile.build().unwrap();
    accepts(&profile, &with_typ(r#""at+jwt""#));
    accepts(&profile, &with_typ(r#""application/AT+JWT""#));
    refuses(&profile, &with_typ(r#""JWT""#));
    refuses(&profile, &with_header(r#"{"alg":"HS256"}"#));
}

/// A token inside a token is refused, not unwrapped.
#[test]
fn attack_32_nested_token() {
    for cty in [r#""JWT""#, r#""jwt""#, r#""application/jwt""#, "1", r#"["JWT"]"#] {
        refuses(&verifier(), &with_header(&format!(r#"{{"alg":"HS256","cty":{cty}}}"#)));
    }
}

/// Encrypted tokens are not for this verifier, whatever they promise inside; nothing is derived
/// from a password, inflated or multiplied on their behalf.
#[test]
fn attack_33_34_36_encrypted_tokens() {
    for header in [
        r#"{"alg":"dir","enc":"A256GCM"}"#,
        r#"{"alg":"dir","enc":"A256GCM","cty":"JWT","zip":"DEF"}"#,
        r#"{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":4294967295,"p2s":"AA"}"#,
        r#"{"alg":"ECDH-ES","enc":"A256GCM","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}"#,
        r#"{"alg":"HS256","enc":"A256GCM"}"#,
    ] {
        let token = format!("{}.AA.AAAA.{}.AAAA", base64(header), base64(CLAIMS));
        assert!(!verifier().recognises(&token));
        refuses(&verifier(), &token);
    }
    for header in [r#"{"alg":"dir","enc":"A256GCM"}"#, r#"{"alg":"PBES2-HS512+A256KW"}"#] {
        refuses(&verifier(), &with_header(header));
    }
    let point = serde_json::json!({"kty": "EC", "crv": "P-256", "x": base64([1; 32]), "y": base64([1; 32])});
    let set = serde_json::json!({ "keys": [point] }).to_string();
    if let Ok(verifier) = builder(&[Algorithm::ES256], JwtKey::jwks(set)).build() {
        refuses(&verifier, &with_header(r#"{"alg":"ES256"}"#));
    }
}
