//! Properties of the verifier over arbitrary and mutated text.

use proptest::prelude::*;
use segue::LegacyVerifier;
use segue::Timestamp;

use crate::forge::CLAIMS;
use crate::forge::NOW;
use crate::forge::base64;
use crate::forge::verifier;
use crate::forge::with_claims;
use crate::forge::with_header;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Arbitrary text is refused, without a panic, at any instant.
    #[test]
    fn arbitrary_text(text in any::<String>(), now in any::<i64>()) {
        let _ = verifier().recognises(&text);
        prop_assert!(verifier().verify(&text, Timestamp::from_unix_micros(now)).is_err());
    }

    /// So is text in the shape of a token.
    #[test]
    fn arbitrary_segments(parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 1..6)) {
        prop_assert!(verifier().verify(&parts.join("."), NOW).is_err());
    }

    /// So are arbitrary bytes in the place of header and payload, even over a good MAC.
    #[test]
    fn arbitrary_json(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        prop_assert!(verifier().verify(&with_claims(bytes), NOW).is_err());
        prop_assert!(verifier().verify(&with_header(&text), NOW).is_err());
    }

    /// No token with one byte changed is accepted.
    #[test]
    fn one_byte_changed(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let token = with_claims(CLAIMS);
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(verifier().verify(&changed, NOW).is_err());
    }

    /// No token with text put in or taken out is accepted.
    #[test]
    fn inserted_or_removed(at in any::<prop::sample::Index>(), length in 1_usize..5, text in "[ -~]{1,4}") {
        let token = with_claims(CLAIMS);
        let at = at.index(token.len());
        let inserted = format!("{}{text}{}", &token[..at], &token[at..]);
        prop_assert!(verifier().verify(&inserted, NOW).is_err());
        let end = (at + length).min(token.len());
        let removed = format!("{}{}", &token[..at], &token[end..]);
        prop_assert!(verifier().verify(&removed, NOW).is_err());
    }

    /// Any instant in a claim and any clock give an answer, and never one that the numbers forbid.
    #[test]
    fn any_instants(exp in any::<i64>(), iat in any::<i64>(), now in any::<i64>()) {
        let claims = format!(r#"{{"sub":"42","iat":{iat},"exp":{exp}}}"#);
        let verdict = verifier().verify(&with_claims(claims), Timestamp::from_unix_micros(now));
        if verdict.is_ok() {
            prop_assert!(i128::from(now) < i128::from(exp) * 1_000_000);
            prop_assert!(iat <= exp);
        }
    }

    /// A MAC under any other secret is refused.
    #[test]
    fn another_secret(secret in prop::collection::vec(1_u8.., 1..80)) {
        prop_assume!(secret != crate::forge::SECRET.as_bytes());
        let header = r#"{"alg":"HS256"}"#;
        let token = crate::forge::signed(jsonwebtoken::Algorithm::HS256, &secret, header, CLAIMS);
        prop_assert!(verifier().verify(&token, NOW).is_err());
        let unsigned = format!("{}.{}.", base64(header), base64(CLAIMS));
        prop_assert!(verifier().verify(&unsigned, NOW).is_err());
    }
}
