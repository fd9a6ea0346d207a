//! Devices: names, fingerprints, and what counts as a change.

use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use proptest::prelude::*;
use segue::ClientInfo;
use segue::Device;
use segue::DevicePolicy;
use segue::Fingerprint;
use segue::KeyVersion;
use segue::Keyring;
use segue::device_name;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        })
        .collect()
}

/// People recognise their devices by these names.
#[test]
fn devices_have_names() {
    for (user_agent, name) in [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
             Gecko) Version/18.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
             like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/141.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "curl"),
        ("okhttp/4.12.0", "okhttp"),
        ("", "Unknown device"),
        ("-", "Unknown device"),
        ("Mozilla/5.0", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("\u{1f511}\u{1f511}", "Unknown device"),
    ] {
        assert_eq!(device_name(user_agent), name, "{user_agent}");
    }
}

fn seen(user_agent: &str, language: &str) -> ClientInfo {
    let fields = [("user-agent", user_agent), ("accept-language", language)];
    DevicePolicy::default().client(&headers(&fields), "192.0.2.7".parse().ok())
}

fn ring() -> Keyring {
    let (one, two) = (KeyVersion::FIRST, KeyVersion::new(2).unwrap());
    Keyring::new(one, [(one, [1; 32]), (two, [2; 32])]).unwrap()
}

fn fingerprint(user_agent: &str, language: &str) -> Fingerprint {
    seen(user_agent, language).fingerprint(&ring(), KeyVersion::FIRST).unwrap()
}

/// An update or another order of languages is the same device; another browser, system or
/// language is another, and so is a client that sends nothing of it.
#[test]
fn fingerprints_outlive_updates() {
    let stored = fingerprint(FIREFOX, "en-GB,de;q=0.5");
    let updated = FIREFOX.replace("140.0", "151.0");
    for (user_agent, language) in
        [(FIREFOX, "en-GB,de;q=0.5"), (&*updated, "en-GB"), (FIREFOX, "EN-us, fr"), (FIREFOX, "en")]
    {
        assert_eq!(fingerprint(user_agent, language), stored, "{user_agent} {language}");
    }
    let other_system = FIREFOX.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64");
    for (user_agent, language) in [
        (CHROME, "en-GB"),
        (&*other_system, "en-GB"),
        (FIREFOX, "de"),
        (FIREFOX, ""),
        ("", "en"),
        ("", ""),
        ("curl/8.5.0", "en"),
    ] {
        assert_ne!(fingerprint(user_agent, language), stored, "{user_agent} {language}");
    }
    assert_ne!(fingerprint("curl/8.5.0", ""), fingerprint("wget/1.2", ""));
}

/// The fingerprint is keyed: another version gives another one, an absent version gives none.
#[test]
fn fingerprints_are_keyed() {
    let client = seen(FIREFOX, "en");
    let with = |version| client.fingerprint(&ring(), KeyVersion::new(version).unwrap());
    assert!(with(1).is_some());
    assert_ne!(with(1), with(2));
    assert_eq!(with(3), None);
    assert_eq!(format!("{:?}", with(1).unwrap()), "Fingerprint(..)");
}

/// Client hints and the address are no part of it: handshakes of WebSockets lack the former, and
/// phones change the latter.
#[test]
fn fingerprints_ignore_hints_and_addresses() {
    let mut fields = headers(&[("user-agent", FIREFOX), ("accept-language", "en")]);
    fields.insert("sec-ch-ua-platform", HeaderValue::from_static("\"Linux\""));
    let elsewhere = DevicePolicy::default().client(&fields, "203.0.113.1".parse().ok());
    let found = elsewhere.fingerprint(&ring(), KeyVersion::FIRST);
    assert_eq!(found, Some(fingerprint(FIREFOX, "en")));
}

/// Fingerprint and network are compared apart, and what is unknown does not differ.
#[test]
fn changes_are_told_apart() {
    let device = |fingerprint: Option<u8>, place: Option<&str>| Device {
        name: None,
        address: place.map(address),
        fingerprint: fingerprint.map(|byte| Fingerprint::from_bytes([byte; 16])),
    };
    let stored = device(Some(1), Some("192.0.2.7"));
    for (now, fingerprint, network) in [
        (device(Some(1), Some("192.0.2.7")), false, false),
        (device(Some(1), Some("192.0.2.200")), false, false),
        (device(Some(1), Some("::ffff:192.0.2.9")), false, false),
        (device(Some(1), Some("192.0.3.7")), false, true),
        (device(Some(1), Some("2001:db8::1")), false, true),
        (device(Some(2), Some("192.0.2.7")), true, false),
        (device(Some(2), Some("198.51.100.1")), true, true),
        (device(None, None), false, false),
    ] {
        for change in [stored.compare(&now), now.compare(&stored)] {
            assert_eq!((change.fingerprint, change.network), (fingerprint, network), "{now:?}");
            assert_eq!(change.any(), fingerprint || network);
        }
    }
    let (near, far) = (device(None, Some("2001:db8:7:1::1")), device(None, Some("2001:db8:8::1")));
    assert!(!near.compare(&device(None, Some("2001:db8:7:ffff::2"))).network);
    assert!(near.compare(&far).network);
}

/// What the session row keeps reads back from JSON as it was, and hand-made rubbish does not.
#[test]
fn devices_are_stored() {
    let ring = ring();
    let device = seen(FIREFOX, "en").device(Some((&ring, KeyVersion::FIRST)));
    assert_eq!(device.name.as_deref(), Some("Firefox on Linux"));
    assert_eq!(device.address, Some(address("192.0.2.7")));
    assert_eq!(device.network().unwrap().to_string(), "192.0.2.0/24");
    let text = serde_json::to_string(&device).unwrap();
    assert_eq!(serde_json::from_str::<Device>(&text).unwrap(), device);
    assert_eq!(serde_json::from_str::<Device>("{}").unwrap(), Device::default());
    assert_eq!(seen(FIREFOX, "en").device(None).fingerprint, None);
    for bad in ["\"00\"", "\"zz\"", "1", "\"00112233445566778899AABBCCDDEEFF\""] {
        assert!(serde_json::from_str::<Device>(&format!("{{\"fingerprint\":{bad}}}")).is_err());
    }
}

proptest! {
    /// Whatever the header holds, names stay short and plain.
    #[test]
    fn any_user_agent_has_a_name(agent in any::<String>()) {
        let name = device_name(&agent);
        prop_assert!(!name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control));
    }
}
