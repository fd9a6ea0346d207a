//! Access tokens: no input panics, none is forged, and what has the shape has one text only.
#![no_main]

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use segue::__fuzz;
use segue::KeyVersion;
use segue::Keyring;

static RING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::generate(KeyVersion::FIRST).expect("the system has randomness"));

fuzz_target!(|text: &str| {
    assert!(__fuzz::read_access(&RING, text).is_err());
    if let Some(bytes) = __fuzz::access_bytes(text) {
        assert_eq!(format!("sga_{}", BASE64URL_NOPAD.encode(&bytes)), text);
    }
});
