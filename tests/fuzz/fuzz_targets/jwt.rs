//! Legacy JWTs: no text panics or verifies, and no genuine header or payload panics.
#![no_main]

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use libfuzzer_sys::fuzz_target;
use segue::JwtVerifier;
use segue::LegacyVerifier;
use segue::Timestamp;
use sha2::Sha256;

const SECRET: &[u8] = b"a secret of 32 bytes or even more";

static VERIFIER: LazyLock<JwtVerifier> =
    LazyLock::new(|| JwtVerifier::hs256(SECRET).expect("a sound secret"));

fn signed(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", BASE64URL_NOPAD.encode(header), BASE64URL_NOPAD.encode(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any length is a key");
    mac.update(input.as_bytes());
    format!("{input}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()))
}

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = VERIFIER.recognises(text);
        assert!(VERIFIER.verify(text, now).is_err(), "nothing here is signed");
    }
    let _ = VERIFIER.verify(&signed(bytes, br#"{"sub":"42","exp":1800003600}"#), now);
    if let Ok(token) = VERIFIER.verify(&signed(br#"{"alg":"HS256"}"#, bytes), now) {
        assert!(token.expires_at().is_some_and(|end| now < end));
    }
});
