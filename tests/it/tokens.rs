//! Tokens: the published vectors, and properties that hold for every token.

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use segue::__fuzz as door;
use segue::AuthErrorKind;
use segue::KeyVersion;
use segue::Keyring;
use segue::Timestamp;
use serde::Deserialize;

const PUBLISHED: &str = include_str!("../vectors/tokens.json");

#[derive(Deserialize)]
struct Vectors {
    keyring: String,
    check_values: std::collections::BTreeMap<u32, String>,
    good: Vec<Good>,
    bad: Vec<Bad>,
}

#[derive(Deserialize)]
struct Good {
    kind: Kind,
    key_version: u32,
    session_secret: String,
    access_secret: String,
    session_key: String,
    generation: String,
    expires_at_ms: Option<i64>,
    token: String,
}

#[derive(Deserialize)]
struct Bad {
    kind: Kind,
    code: String,
    why: String,
    token: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Access,
    Refresh,
}

fn published() -> (Vectors, Keyring) {
    let vectors: Vectors = serde_json::from_str(PUBLISHED).unwrap();
    let ring = Keyring::parse(&vectors.keyring).unwrap();
    (vectors, ring)
}

fn sixteen(hex: &str) -> [u8; 16] {
    HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

fn read(ring: &Keyring, kind: Kind, token: &str) -> Result<(), AuthErrorKind> {
    match kind {
        Kind::Access => door::read_access(ring, token).map(drop),
        Kind::Refresh => door::read_refresh(ring, token).map(drop),
    }
}

/// The published vectors, made by another program from the description alone, are what is issued
/// and what is read.
#[test]
fn good_vectors_are_issued_and_read() {
    let (vectors, ring) = published();
    for good in &vectors.good {
        let version = KeyVersion::new(good.key_version).unwrap();
        let secret = sixteen(&good.session_secret);
        let generation = good.generation.parse().unwrap();
        assert_eq!(HEXLOWER.encode(&door::access_secret(secret)), good.access_secret);
        let session_key = match good.kind {
            Kind::Access => {
                let millis = good.expires_at_ms.unwrap();
                let expires_at = Timestamp::from_unix_micros(millis * 1_000);
                let secret = sixteen(&good.access_secret);
                let token = door::mint_access(&ring, version, secret, generation, expires_at);
                assert_eq!(token.as_deref(), Some(&*good.token));
                let access = door::read_access(&ring, &good.token).unwrap();
                assert_eq!(access.key_version, good.key_version);
                assert_eq!(access.secret, secret);
                assert_eq!((access.generation, access.expires_at), (generation, expires_at));
                access.session_key
            }
            Kind::Refresh => {
                let token = door::mint_refresh(&ring, version, secret, generation);
                assert_eq!(token.as_deref(), Some(&*good.token));
                let refresh = door::read_refresh(&ring, &good.token).unwrap();
                assert_eq!(refresh.key_version, good.key_version);
                assert_eq!((refresh.secret, refresh.generation), (secret, generation));
                refresh.session_key
            }
        };
        assert_eq!(HEXLOWER.encode(session_key.as_bytes()), good.session_key);
    }
    assert_eq!(vectors.good.len(), 24);
}

/// Every spoilt token is refused, with the reason that the vectors name, by functions that have no
/// store to ask.
#[test]
fn scenario_29_spoilt_tokens_are_refused_without_a_store() {
    let (vectors, ring) = published();
    for bad in &vectors.bad {
        let refusal = read(&ring, bad.kind, &bad.token).expect_err(&bad.why);
        assert_eq!(refusal.code(), bad.code, "{:?} token, {}", bad.kind, bad.why);
    }
    assert!(vectors.bad.len() > 400);
}

/// The check values are those of the description, so that other programs can compare keys too.
#[test]
fn check_values_are_published() {
    let (vectors, ring) = published();
    for (version, value) in ring.check_values() {
        assert_eq!(vectors.check_values[&version.get()], HEXLOWER.encode(&value));
    }
}

/// An access token does not hold what a refresh token is made of.
#[test]
fn an_access_token_does_not_contain_the_refresh_secret() {
    let (vectors, _) = published();
    for good in vectors.good.iter().filter(|good| good.kind == Kind::Access) {
        let bytes = door::access_bytes(&good.token).unwrap();
        let secret = sixteen(&good.session_secret);
        // The all-zero secret of one vector meets zeros of other fields.
        let is_telling = secret != [0; 16];
        assert!(!(is_telling && bytes.windows(16).any(|window| window == secret)));
    }
}

/// A key that is not in the ring mints nothing, instead of something nobody can verify.
#[test]
fn a_missing_key_mints_nothing() {
    let (_, ring) = published();
    let absent = KeyVersion::new(3).unwrap();
    assert_eq!(door::mint_refresh(&ring, absent, [1; 16], 0), None);
    assert_eq!(door::mint_access(&ring, absent, [1; 16], 0, Timestamp::MAX), None);
}

/// An expiry outside the field's range is cut to it, and never wraps around.
#[test]
fn expiries_are_cut_to_their_range() {
    let (_, ring) = published();
    let version = ring.current();
    for (given, kept) in [
        (Timestamp::from_unix_micros(1_999), Timestamp::from_unix_micros(1_000)),
        (Timestamp::from_unix_micros(-1), Timestamp::EPOCH),
        (Timestamp::from_unix_micros(i64::MIN), Timestamp::EPOCH),
        (Timestamp::MAX, Timestamp::from_unix_micros(((1 << 48) - 1) * 1_000)),
    ] {
        let token = door::mint_access(&ring, version, [1; 16], 0, given).unwrap();
        assert_eq!(door::read_access(&ring, &token).unwrap().expires_at, kept);
    }
}

/// Text that a client may replace a character by: everything, with a leaning to the alphabet.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![3 => "[A-Za-z0-9_-]".prop_map(|text| text.chars().next().unwrap()), 1 => any::<char>()]
}

proptest! {
    /// Whatever is issued reads back as it was given.
    #[test]
    fn round_trip(secret: [u8; 16], generation: u64, millis in 0_i64..1 << 48) {
        let (_, ring) = published();
        let expires_at = Timestamp::from_unix_micros(millis * 1_000);
        for version in ring.versions() {
            let token = door::mint_access(&ring, version, secret, generation, expires_at).unwrap();
            prop_assert_eq!(token.len(), 92);
            let access = door::read_access(&ring, &token).unwrap();
            prop_assert_eq!((access.secret, access.generation), (secret, generation));
            prop_assert_eq!((access.expires_at, access.key_version), (expires_at, version.get()));
            let token = door::mint_refresh(&ring, version, secret, generation).unwrap();
            prop_assert_eq!(token.len(), 84);
            let refresh = door::read_refresh(&ring, &token).unwrap();
            prop_assert_eq!((refresh.secret, refresh.generation), (secret, generation));
        }
    }

    /// No single character can be another one.
    #[test]
    fn any_changed_character_is_refused(secret: [u8; 16], at in 0_usize..92, other in character()) {
        let (_, ring) = published();
        let version = ring.current();
        let access = door::mint_access(&ring, version, secret, 7, Timestamp::MAX).unwrap();
        let refresh = door::mint_refresh(&ring, version, secret, 7).unwrap();
        for (kind, token) in [(Kind::Access, access), (Kind::Refresh, refresh)] {
            let at = at % token.len();
            let changed: String = token
                .chars()
                .enumerate()
                .map(|(index, old)| if index == at { other } else { old })
                .collect();
            prop_assert_eq!(read(&ring, kind, &changed).is_ok(), changed == token);
        }
    }

    /// Anything at all is refused in peace, and what has the shape has one text only.
    #[test]
    fn parsers_never_panic(text in prop_oneof![
        any::<String>(),
        "sg[ar]_[A-Za-z0-9_-]{0,100}",
        "sga_[A-Za-z0-9_-]{88}",
        "sgr_[A-Za-z0-9_-]{80}",
    ]) {
        let (_, ring) = published();
        prop_assert!(door::read_access(&ring, &text).is_err());
        prop_assert!(door::read_refresh(&ring, &text).is_err());
        if let Some(bytes) = door::access_bytes(&text) {
            prop_assert_eq!(format!("sga_{}", data_encoding::BASE64URL_NOPAD.encode(&bytes)), text);
        } else if let Some(bytes) = door::refresh_bytes(&text) {
            prop_assert_eq!(format!("sgr_{}", data_encoding::BASE64URL_NOPAD.encode(&bytes)), text);
        }
    }
}
