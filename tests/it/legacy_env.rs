//! The legacy source described by variables.

use std::collections::HashMap;
use std::fs;

use jsonwebtoken::Algorithm as Library;
use segue::ConfigError;
use segue::JwtVerifier;
use segue::LegacyVerifier;

use crate::forge::CLAIMS;
use crate::forge::JWKS;
use crate::forge::RSA;
use crate::forge::RSA_PUBLIC;
use crate::forge::SECRET;
use crate::forge::accepts;
use crate::forge::refuses;
use crate::forge::signed;
use crate::forge::user;
use crate::forge::with_claims;

fn from(variables: &[(&str, &str)]) -> Result<Option<JwtVerifier>, ConfigError> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    JwtVerifier::from_env(&|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn faults(variables: &[(&str, &str)]) -> Vec<String> {
    let error = from(variables).unwrap_err();
    error.faults().iter().map(|fault| fault.setting().to_owned()).collect()
}

/// Nothing set means that there is no legacy source.
#[test]
fn nothing_is_nothing() {
    assert!(from(&[]).unwrap().is_none());
    assert!(from(&[("JWT_OTHER", "x")]).unwrap().is_none());
}

/// A secret alone accepts the three HMAC algorithms, which are what the npm package accepts.
#[test]
fn a_secret() {
    let verifier = from(&[("JWT_SECRET", SECRET)]).unwrap().unwrap();
    for (library, name) in
        [(Library::HS256, "HS256"), (Library::HS384, "HS384"), (Library::HS512, "HS512")]
    {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        accepts(&verifier, &signed(library, SECRET.as_bytes(), &header, CLAIMS));
    }
    refuses(&verifier, &signed(Library::RS256, RSA.as_bytes(), r#"{"alg":"RS256"}"#, CLAIMS));
}

/// Keys from files, beside a secret, each with the algorithms of its kind.
#[test]
fn files() {
    let directory = tempfile::tempdir().unwrap();
    let (pem, set) = (directory.path().join("k.pem"), directory.path().join("k.json"));
    fs::write(&pem, RSA_PUBLIC).unwrap();
    fs::write(&set, JWKS).unwrap();
    let (pem, set) = (pem.to_str().unwrap(), set.to_str().unwrap());
    let token = signed(Library::RS256, RSA.as_bytes(), r#"{"alg":"RS256"}"#, CLAIMS);
    for variables in [
        vec![("JWT_PUBLIC_KEY_FILE", pem)],
        vec![("JWT_JWKS_FILE", set)],
        vec![("JWT_SECRET", SECRET), ("JWT_PUBLIC_KEY_FILE", pem)],
    ] {
        accepts(&from(&variables).unwrap().unwrap(), &token);
    }
    let public = from(&[("JWT_PUBLIC_KEY_FILE", pem)]).unwrap().unwrap();
    refuses(&public, &signed(Library::HS256, RSA_PUBLIC.as_bytes(), r#"{"alg":"HS256"}"#, CLAIMS));
}

/// Issuer, audience, user claim and leeway narrow or widen what is accepted.
#[test]
fn details() {
    let verifier = from(&[
        ("JWT_SECRET", SECRET),
        ("JWT_ISSUER", "a, b"),
        ("JWT_AUDIENCE", "web"),
        ("JWT_USER_CLAIM", "/user/id,uid"),
        ("JWT_LEEWAY", "5s"),
    ]);
    let verifier = verifier.unwrap().unwrap();
    assert_eq!(verifier.limits().leeway().as_secs(), 5);
    let claims = |iss: &str, id: &str| {
        with_claims(format!(r#"{{"iss":"{iss}","aud":"web","exp":1799999996,{id}}}"#))
    };
    assert_eq!(user(&verifier, &claims("b", r#""user":{"id":7}"#)).as_deref(), Some("7"));
    assert_eq!(user(&verifier, &claims("a", r#""uid":8"#)).as_deref(), Some("8"));
    refuses(&verifier, &claims("a", r#""sub":"8""#));
    refuses(&verifier, &claims("c", r#""uid":8"#));
    let seconds = from(&[("JWT_SECRET", SECRET), ("JWT_LEEWAY", "15")]).unwrap().unwrap();
    assert_eq!(seconds.limits().leeway().as_secs(), 15);
}

/// Every fault is found at once and named by its variable; no message holds a secret.
#[test]
fn faults_are_named() {
    let names = faults(&[
        ("JWT_SECRET", "hunter22"),
        ("JWT_PUBLIC_KEY_FILE", "/nowhere"),
        ("JWT_JWKS_FILE", "/nowhere"),
        ("JWT_ISSUER", "a,,b"),
        ("JWT_LEEWAY", "an hour"),
        ("JWT_DANGER_ALLOW_WEAK_SECRET", "yes"),
    ]);
    for name in [
        "JWT_SECRET",
        "JWT_PUBLIC_KEY_FILE",
        "JWT_JWKS_FILE",
        "JWT_ISSUER",
        "JWT_LEEWAY",
        "JWT_DANGER_ALLOW_WEAK_SECRET",
    ] {
        assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{name}: {names:?}");
    }
    let message = from(&[("JWT_SECRET", "hunter22")]).unwrap_err().to_string();
    assert!(!message.contains("hunter22"), "{message}");
    assert!(message.contains("JWT_DANGER_ALLOW_WEAK_SECRET=true"), "{message}");
}

/// An empty secret is a fault, not the absence of a legacy system; so are details without a key.
#[test]
fn empty_is_not_absent() {
    assert_eq!(faults(&[("JWT_SECRET", "")]), ["JWT_SECRET"]);
    assert_eq!(faults(&[("JWT_ISSUER", "a")]), ["JWT_SECRET"]);
    assert_eq!(faults(&[("JWT_SECRET", SECRET), ("JWT_LEEWAY", "6m")]), ["JWT_LEEWAY"]);
}

/// A live app with a short secret can say so.
#[test]
fn short_secrets_by_name() {
    let variables = [("JWT_SECRET", "hunter22"), ("JWT_DANGER_ALLOW_WEAK_SECRET", "true")];
    assert!(from(&variables).unwrap().is_some());
}
