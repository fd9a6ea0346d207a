//! The Wycheproof vectors for JSON Web Signatures, read from the directory in `SEGUE_JWS_VECTORS`.

use std::fs;
use std::path::PathBuf;

use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;
use serde_json::Value;

/// Vectors that are called valid and are refused here, on purpose.
const REFUSED_ON_PURPOSE: [(&[u64], &str); 5] = [
    (&[259, 264, 268, 272, 320, 325], "an empty payload is no set of claims"),
    (&[346, 350], "a key that says PS256 verifies no PS384"),
    (&[347, 351], "ES512 is not supported"),
    (&[357, 358, 359, 376, 377], "the secret is all zeros"),
    (&[372, 373], "a character outside the alphabet of base64url"),
];

fn vectors() -> Option<Value> {
    let Some(directory) = std::env::var_os("SEGUE_JWS_VECTORS") else {
        println!("SEGUE_JWS_VECTORS is not set: the Wycheproof vectors are skipped");
        return None;
    };
    let file = PathBuf::from(directory).join("json_web_signature_test.json");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    Some(serde_json::from_str(&text).unwrap())
}

/// The group's key as a set, without its private part.
fn verifier(group: &Value) -> Option<JwtVerifier> {
    let key = if group["public"].is_object() { &group["public"] } else { &group["private"] };
    let mut key = key.clone();
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        key.as_object_mut()?.remove(private);
    }
    let set = serde_json::json!({ "keys": [key] }).to_string();
    let builder = JwtVerifier::builder("vectors").algorithms(Algorithm::ALL);
    builder.key(JwtKey::jwks(set)).ignore_typ().build().ok()
}

/// Every invalid vector is refused, and every valid one accepted but for the listed ones.
#[test]
fn wycheproof_json_web_signature() {
    let Some(vectors) = vectors() else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    for group in vectors["testGroups"].as_array().unwrap() {
        let verifier = verifier(group);
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_u64().unwrap();
            let token = test["jws"].as_str().unwrap_or_default();
            let accepted = verifier
                .as_ref()
                .is_some_and(|verifier| verifier.danger_verify_signature_only(token).is_ok());
            let valid = test["result"] == "valid"
                && !REFUSED_ON_PURPOSE.iter().any(|(refused, _)| refused.contains(&id));
            checked += 1;
            if accepted != valid {
                wrong.push(format!(
                    "{id} {} {} {} built={}: {accepted}",
                    group["comment"],
                    test["comment"],
                    test["flags"],
                    verifier.is_some()
                ));
            }
        }
    }
    println!("Wycheproof JSON Web Signature: {checked} vectors checked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
