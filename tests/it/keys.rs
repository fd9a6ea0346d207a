//! Keyrings: the text form, the environment, the key file, and what a ring tells about itself.

use std::collections::HashMap;
use std::collections::HashSet;

use data_encoding::BASE64;
use data_encoding::BASE64_NOPAD;
use data_encoding::BASE64URL;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use segue::KeyVersion;
use segue::Keyring;

fn text_of(byte: u8) -> String {
    BASE64URL_NOPAD.encode(&[byte; 32])
}

fn version(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

fn faults(text: &str) -> Vec<String> {
    let error = Keyring::parse(text).expect_err(text);
    error.faults().iter().map(ToString::to_string).collect()
}

/// Commas and lines, comments and blank lines, one key without a mark: all of these are keyrings.
#[test]
fn keyrings_are_read() {
    let (a, b) = (text_of(1), text_of(2));
    for (text, debug) in [
        (format!("1:{a}"), "Keyring(1*)"),
        (format!("7*:{a}"), "Keyring(7*)"),
        (format!("1:{a},2*:{b}"), "Keyring(1, 2*)"),
        (format!("2*:{b}, 1:{a},"), "Keyring(1, 2*)"),
        (format!("1*:{a}\r\n2:{b}\r\n"), "Keyring(1*, 2)"),
        (
            format!("# since May, with comma\n\n  1:{a},\n4294967295*:{b}"),
            "Keyring(1, 4294967295*)",
        ),
    ] {
        assert_eq!(format!("{:?}", Keyring::parse(&text).unwrap()), debug);
    }
}

/// Every fault has its own message, and all of them are reported at once.
#[test]
fn faults_are_named() {
    let (a, b) = (text_of(1), text_of(2));
    let mut spare_bits = a.clone();
    spare_bits.replace_range(42.., "F");
    let crowd: Vec<_> = (1..=65_u8).map(|byte| format!("{byte}:{}", text_of(byte))).collect();
    for (text, expected) in [
        (String::new(), "there is no key"),
        (String::from("# only a comment\n"), "there is no key"),
        (a.clone(), "entry 1: write version:key"),
        (format!("1:{a},,2*:{b}"), "entry 2: write version:key"),
        (format!("0:{a}"), "a number from 1 to 4294967295"),
        (format!("01:{a}"), "a number from 1 to 4294967295"),
        (format!("+1:{a}"), "a number from 1 to 4294967295"),
        (format!("4294967296:{a}"), "a number from 1 to 4294967295"),
        (format!("*:{a}"), "a number from 1 to 4294967295"),
        (format!("1**:{a}"), "a number from 1 to 4294967295"),
        (format!("1:{}", &a[1..]), "the key of version 1 has 42 characters"),
        (format!("1:{a}="), "the key of version 1 has 44 characters"),
        (format!("1: {a}"), "the key of version 1 has 44 characters"),
        (format!("1:{}+", &a[1..]), "is not 32 bytes in unpadded base64url"),
        (format!("1:{spare_bits}"), "no spare bits"),
        (format!("1:{}", text_of(0)), "the key of version 1 is all zeros"),
        (format!("1:{a},2:{b}"), "mark the version that is current"),
        (format!("1*:{a},2*:{b}"), "more than one version is marked"),
        (format!("1*:{a},1:{b}"), "version 1 stands there twice"),
        (format!("1*:{a},2:{a}"), "versions 1 and 2 have the same key"),
        (format!("1*:{}", crowd.join(",")).replacen("1*:1:", "1*:", 1), "more than 64 keys"),
        ("x".repeat(70_000), "longer than 65536 bytes"),
    ] {
        let faults = faults(&text);
        assert_eq!(faults.len(), 1, "{expected}: {faults:?}");
        assert!(faults[0].starts_with("SEGUE_KEYS: "), "{faults:?}");
        assert!(faults[0].contains(expected), "{expected}: {faults:?}");
    }
    assert_eq!(faults(&format!("1:AAAA,x:{a},2*:{},3*:{b},4", text_of(0))).len(), 4);
}

/// A key, or what was meant to be one, never stands in a message or in debug output.
#[test]
fn messages_hold_no_key() {
    let (a, b) = (text_of(0xa7), text_of(0xb3));
    for text in [a.clone(), format!("1:{a}{b}"), format!("{a}:1"), format!("1:{a},1:{a}")] {
        let error = Keyring::parse(&text).unwrap_err();
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains(&a[..8]) && !shown.contains(&b[..8]), "{shown}");
        }
    }
    let ring = Keyring::parse(&format!("1:{a},2*:{b}")).unwrap();
    assert_eq!(format!("{ring:?}"), "Keyring(1, 2*)");
}

/// Keys given in code are held to the same rules.
#[test]
fn rings_from_code_are_checked() {
    let (one, two) = (version(1), version(2));
    assert!(Keyring::new(two, [(one, [1; 32]), (two, [2; 32])]).is_ok());
    for (current, keys, expected) in [
        (one, vec![], "version 1 is to be current, but is not in the ring"),
        (two, vec![(one, [1; 32])], "version 2 is to be current"),
        (one, vec![(one, [0; 32])], "all zeros"),
        (one, vec![(one, [1; 32]), (one, [2; 32])], "stands there twice"),
        (one, vec![(one, [1; 32]), (two, [1; 32])], "have the same key"),
    ] {
        let error = Keyring::new(current, keys).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// The variable, or the file, but not both; neither is no fault of itself.
#[test]
fn the_environment_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let read = |pairs: &[(&str, &str)]| {
        let pairs: HashMap<_, _> = pairs.iter().copied().collect();
        let lookup = |name: &str| pairs.get(name).map(|value| (*value).to_owned());
        Keyring::from_lookup(&lookup)
    };
    let key = format!("1:{}", text_of(9));
    assert!(read(&[]).unwrap().is_none());
    assert_eq!(read(&[("SEGUE_KEYS", &key)]).unwrap().unwrap().current(), version(1));
    let file = path.to_str().unwrap();
    let absent = read(&[("SEGUE_KEYS_FILE", file)]).unwrap_err().to_string();
    assert!(absent.contains(file) && absent.contains("can't be read"), "{absent}");
    let made = Keyring::open_or_create(&path).unwrap();
    let found = read(&[("SEGUE_KEYS_FILE", file)]).unwrap().unwrap();
    assert_eq!(found.epoch(), made.epoch());
    let both = read(&[("SEGUE_KEYS", &key), ("SEGUE_KEYS_FILE", file)]).unwrap_err().to_string();
    assert!(both.contains("keep one of the two"), "{both}");
    assert!(read(&[("SEGUE_KEYS", "")]).is_err());
    assert!(read(&[("SEGUE_KEYS_FILE", " ")]).is_err());
}

/// With an embedded store the named file is created, or else the one beside the store.
#[test]
fn embedded_stores_make_their_key() {
    let directory = tempfile::tempdir().unwrap();
    let (named, beside) = (directory.path().join("named"), directory.path().join("app.db.keys"));
    let ring = Keyring::from_lookup_or_create(&|_| None, &beside).unwrap();
    assert_eq!(Keyring::open(&beside).unwrap().epoch(), ring.epoch());
    let lookup =
        |name: &str| (name == "SEGUE_KEYS_FILE").then(|| named.to_str().unwrap().to_owned());
    let other = Keyring::from_lookup_or_create(&lookup, &beside).unwrap();
    assert_eq!(Keyring::open(&named).unwrap().epoch(), other.epoch());
    assert_ne!(ring.epoch(), other.epoch());
}

/// Many that start at once agree on one key, and leave nothing behind but the key file.
#[test]
fn starters_agree_on_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let epochs: HashSet<u64> = std::thread::scope(|scope| {
        let starters: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Keyring::open_or_create(&path).unwrap().epoch()))
            .collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect()
    });
    assert_eq!(epochs.len(), 1);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// The file is made for its owner only, and refused with the command to run when others can use it.
#[cfg(unix)]
#[test]
fn the_key_file_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    Keyring::open_or_create(&path).unwrap();
    assert_eq!(mode(), 0o600);
    for exposed in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(exposed)).unwrap();
        for refused in [Keyring::open(&path), Keyring::open_or_create(&path)] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
        }
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert!(Keyring::open(&path).is_ok());
}

/// A link to a key file is followed and the file's own mode counts; a link to nowhere makes no key.
#[cfg(unix)]
#[test]
fn links_are_followed() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;

    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("keys"), directory.path().join("link"));
    symlink(&path, &link).unwrap();
    assert!(Keyring::open_or_create(&link).is_err());
    assert!(!path.exists());
    let ring = Keyring::open_or_create(&path).unwrap();
    assert_eq!(Keyring::open_or_create(&link).unwrap().epoch(), ring.epoch());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(Keyring::open(&link).is_err());
}

/// What is at the path and is no key file is left as it is, with a message that names it.
#[test]
fn other_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    for content in [&b""[..], b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----", b"1:AAAA"] {
        drop(std::fs::remove_file(&path));
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let message = Keyring::open_or_create(&path).unwrap_err().to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    let message = Keyring::open_or_create(directory.path()).unwrap_err().to_string();
    assert!(message.contains("is not a regular file"), "{message}");
    let nowhere = Keyring::open_or_create(directory.path().join("no/such/keys")).unwrap_err();
    assert!(nowhere.to_string().contains("can't be created"), "{nowhere}");
}

/// The epoch follows every change of the ring and nothing else; check values follow the key alone.
#[test]
fn epochs_and_check_values() {
    let ring = |text: &str| Keyring::parse(text).unwrap();
    let (a, b, c) = (text_of(1), text_of(2), text_of(3));
    let same = [ring(&format!("1*:{a},2:{b}")), ring(&format!("2:{b}\n1*:{a}"))];
    assert_eq!(same[0].epoch(), same[1].epoch());
    let epochs: HashSet<_> = [
        format!("1*:{a},2:{b}"),
        format!("1:{a},2*:{b}"),
        format!("1*:{a}"),
        format!("1*:{a},2:{c}"),
        format!("1*:{a},3:{b}"),
        format!("1*:{b},2:{a}"),
    ]
    .iter()
    .map(|text| ring(text).epoch())
    .collect();
    assert_eq!(epochs.len(), 6);
    let (one, two) = (ring(&format!("1:{a}")), ring(&format!("2:{a}")));
    assert_eq!(one.check_values()[0].1, two.check_values()[0].1);
    assert_ne!(one.check_values()[0].1, ring(&format!("1:{b}")).check_values()[0].1);
}

/// A legacy secret that is one of the keys is recognised in every spelling; others are not.
#[test]
fn shared_secrets_are_recognised() {
    let key = [0xfb; 32];
    let ring = Keyring::new(version(2), [(version(1), [3; 32]), (version(2), key)]).unwrap();
    let padded = format!(" {}\n", BASE64.encode(&key));
    for encoding in [&BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD] {
        assert!(ring.equals_secret(encoding.encode(&key).as_bytes()));
    }
    assert!(ring.equals_secret(&key));
    assert!(ring.equals_secret(&[3; 32]));
    assert!(ring.equals_secret(padded.as_bytes()));
    for other in [&b""[..], &[4; 32], &key[..31], b"secret", &[0; 32]] {
        assert!(!ring.equals_secret(other));
    }
}

/// Two generated rings differ.
#[test]
fn generated_keys_differ() {
    let ring = || Keyring::generate(KeyVersion::FIRST).unwrap();
    assert_ne!(ring().epoch(), ring().epoch());
}

proptest! {
    /// Any text gets an answer; an error never repeats a run of key-like characters from it.
    #[test]
    fn any_text_is_answered(text in prop_oneof![
        any::<String>(),
        "[0-9]{0,3}\\*?:[A-Za-z0-9_-]{40,46}(,[0-9]\\*?:[A-Za-z0-9_-]{43})?",
    ]) {
        if let Err(error) = Keyring::parse(&text) {
            let shown = error.to_string();
            for word in text.split([':', ',', '\n', '\r']).filter(|word| word.len() > 24) {
                prop_assert!(!shown.contains(word));
            }
        }
    }
}
