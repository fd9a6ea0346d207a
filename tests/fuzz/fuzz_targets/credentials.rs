//! Credentials in a request: no header, cookie or address panics, and nothing invented is accepted.
#![no_main]

use std::sync::LazyLock;

use http::HeaderValue;
use http::Request;
use libfuzzer_sys::fuzz_target;
use segue::Auth;
use segue::JwtVerifier;
use segue::MemoryStore;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;

static SYSTEM: LazyLock<(Auth, Runtime)> = LazyLock::new(|| {
    let legacy = JwtVerifier::hs256(*b"a secret of 32 bytes for fuzzing").expect("a secret");
    let auth = Auth::builder().store(MemoryStore::new()).legacy(legacy).build().expect("sound");
    (auth, Builder::new_current_thread().enable_all().build().expect("a runtime"))
});

fuzz_target!(|input: (bool, &str, Vec<(u8, &[u8])>)| {
    let (unsafe_method, path, fields) = input;
    let method = if unsafe_method { "POST" } else { "GET" };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields.into_iter().take(8) {
        let names = ["authorization", "cookie", "origin", "sec-fetch-site", "host", "upgrade"];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request = request.header(names[usize::from(name) % names.len()], value);
        }
    }
    let Ok(request) = request.body(()) else { return };
    let (auth, runtime) = &*SYSTEM;
    assert!(runtime.block_on(auth.authenticate(&request.into_parts().0)).is_err());
});
