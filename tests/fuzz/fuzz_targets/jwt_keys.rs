//! Keys for legacy JWTs: whatever a file or a variable holds, it becomes keys or faults.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for key in [
        JwtKey::secret(bytes),
        JwtKey::secret_base64(&text),
        JwtKey::secret_hex(&text),
        JwtKey::pem(text.as_ref()),
        JwtKey::jwks(text.as_ref()),
        JwtKey::certificates(text.as_ref()),
    ] {
        let _ = JwtVerifier::builder("fuzz").algorithms(Algorithm::ALL).key(key).build();
    }
});
