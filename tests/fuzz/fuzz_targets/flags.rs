//! Flags in variables: no input panics, and what is refused is named.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segue::Flags;

// Not the file, which would be read from the machine.
const NAMES: [&str; 8] = [
    "REFRESH_TOKEN_SYSTEM",
    "SESSION_TRACKING",
    "DEVICE_FINGERPRINTING",
    "LEGACY_JWT",
    "LEGACY_JWT_UNTIL",
    "LEGACY_JWT_MAX_AGE",
    "LEGACY_STALE_OK",
    "SHADOW_COMPARE",
];

fuzz_target!(|values: [Option<&str>; 8]| {
    let lookup = |name: &str| {
        let at = NAMES.iter().position(|known| *known == name)?;
        values[at].map(str::to_owned)
    };
    if let Err(error) = Flags::from_lookup(&lookup) {
        assert!(!error.faults().is_empty());
    }
});
