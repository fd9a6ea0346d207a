//! Keyrings in text: no input panics, errors repeat nothing that may be a key, and a ring that is
//! read holds its own current key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segue::Keyring;

fuzz_target!(|text: &str| {
    match Keyring::parse(text) {
        Ok(ring) => {
            assert!(ring.contains(ring.current()));
            assert!(ring.versions().count() <= Keyring::KEYS_MAX);
        }
        Err(error) => {
            let shown = error.to_string();
            let words = text.split(|character: char| !character.is_ascii_alphanumeric());
            for word in words.filter(|word| word.len() >= 32) {
                assert!(!shown.contains(word));
            }
        }
    }
});
