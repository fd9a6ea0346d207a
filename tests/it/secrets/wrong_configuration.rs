//! Faults of the configuration name the variable and what is allowed, never the secret in it.

use std::collections::HashMap;

use segue::AuthBuilder;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::Keyring;

use super::capture::Capture;
use crate::forge::ED25519;
use crate::forge::RSA;

const KEY: &str = "dG9wLXNlY3JldC1tYXN0ZXIta2V5LW9mLTMyLWJ5dGU";
const PASSWORD: &str = "correct-horse-battery-staple";
const WEAK: &str = "tr0ub4dor-or-3-words";

pub fn all(capture: &mut Capture) {
    capture.secret("a configured key", KEY);
    capture.secret("the store's password", PASSWORD);
    capture.secret("a weak legacy secret", WEAK);
    for pem in [RSA, ED25519] {
        for line in pem.lines().filter(|line| line.len() > 40) {
            capture.secret("a line of a private key", line);
        }
    }
    environments(capture);
    keyrings(capture);
    verifiers(capture);
}

fn environments(capture: &mut Capture) {
    let url = format!("postgres://app:{PASSWORD}@db.example.com/app?password={PASSWORD}");
    let bare = format!("{PASSWORD}@db");
    let short = format!("1*:{}", &KEY[..40]);
    let twice = format!("1*:{KEY},1:{KEY}");
    let swapped = format!("{KEY}:1*");
    let good = format!("1*:{KEY}");
    let jwks = jwks();
    let variables: &[&[(&str, &str)]] = &[
        &[("SEGUE_STORE", &url)],
        &[("SEGUE_STORE", &bare)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS", &short)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS", &twice)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS", &swapped)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS", KEY)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS", &good), ("JWT_SECRET", KEY)],
        &[("SEGUE_STORE", "memory:"), ("JWT_SECRET", WEAK)],
        &[("SEGUE_STORE", "memory:"), ("JWT_SECRET", RSA)],
        &[("SEGUE_STORE", "memory:"), ("JWT_SECRET", KEY), ("JWT_PUBLIC_KEY_FILE", RSA)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS", &good), ("SEGUE_KEYS_FILE", &good)],
        &[("SEGUE_STORE", &url), ("SEGUE_KEYS", KEY), ("JWT_SECRET", WEAK)],
        &[("SEGUE_STORE", "memory:"), ("SEGUE_KEYS_FILE", &good)],
        &[("SEGUE_STORE", "memory:"), ("JWT_JWKS_FILE", &jwks)],
    ];
    for (number, set) in variables.iter().enumerate() {
        let table: HashMap<&str, &str> = set.iter().copied().collect();
        let lookup = |name: &str| table.get(name).map(|value| (*value).to_owned());
        match AuthBuilder::from_lookup(&lookup).and_then(AuthBuilder::build) {
            Ok(auth) => capture.debug("Auth of the environment", &auth),
            Err(error) => capture.error(&format!("environment {number}"), &error),
        }
    }
}

fn keyrings(capture: &mut Capture) {
    let texts = [KEY.to_owned(), format!("0*:{KEY}"), format!("1*:{KEY}="), format!("x:{KEY}")];
    for text in texts {
        match Keyring::parse(&text) {
            Ok(keys) => capture.debug("a keyring", &keys),
            Err(error) => capture.error("a keyring", &error),
        }
    }
    let keys = Keyring::parse(&format!("1:{KEY},2*:{}", KEY.to_lowercase()));
    capture.debug("two keys", &keys);
}

fn verifiers(capture: &mut Capture) {
    let jwks = jwks();
    let keys = [
        JwtKey::secret(WEAK),
        JwtKey::secret_base64(format!("{WEAK}!")),
        JwtKey::secret_hex(WEAK),
        JwtKey::pem(RSA),
        JwtKey::pem(ED25519),
        JwtKey::pem(KEY),
        JwtKey::jwks(&jwks),
        JwtKey::jwks(format!("{jwks}{jwks}")),
        JwtKey::certificates(KEY),
    ];
    for key in keys {
        capture.debug("a key", &key);
        for algorithm in [segue::Algorithm::HS256, segue::Algorithm::RS256] {
            let builder = JwtVerifier::builder("main").algorithms([algorithm]).key(key.clone());
            capture.debug("a described verifier", &builder);
            match builder.build() {
                Ok(verifier) => capture.debug("a verifier", &verifier),
                Err(error) => capture.error("a verifier", &error),
            }
        }
    }
}

/// A key set with a secret in it, where public keys belong.
fn jwks() -> String {
    format!(r#"{{"keys":[{{"kty":"oct","k":"{KEY}","alg":"RS256","kid":"{WEAK}x"}}]}}"#)
}
