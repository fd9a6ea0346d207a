//! User agents: no input panics, and names stay short and plain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segue::device_name;

fuzz_target!(|text: &str| {
    let name = device_name(text);
    assert!(!name.is_empty() && name.len() <= 64);
    assert!(!name.chars().any(char::is_control));
});
