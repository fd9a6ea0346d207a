//! Attacks on the format of a token, each named after its number.

use data_encoding::BASE64;
use data_encoding::BASE64_NOPAD;
use segue::LegacyVerifier;

use crate::forge::CLAIMS;
use crate::forge::HS256;
use crate::forge::NOW;
use crate::forge::accepts;
use crate::forge::base64;
use crate::forge::hs256;
use crate::forge::refuses;
use crate::forge::verifier;
use crate::forge::with_claims;
use crate::forge::with_header;

/// Three segments, each with something in it, and nothing around them.
#[test]
fn attack_37_segments() {
    let token = with_claims(CLAIMS);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, mac] = parts.as_slice() else { unreachable!() };
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        (*header).to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{mac}"),
        format!(".{payload}.{mac}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{mac}"),
        format!("{header}.{payload}.{mac}.{payload}.{mac}"),
        format!("{header}.{payload}.{payload}.{payload}.{payload}.{mac}"),
        format!("Bearer {token}"),
        format!("Bearer Bearer {token}"),
        format!("{token},{token}"),
        format!("{token} {token}"),
        "undefined".to_owned(),
        "null".to_owned(),
    ] {
        refuses(&verifier(), &bad);
    }
}

/// The JSON serializations of a JWS are not tokens.
#[test]
fn attack_38_json_serialization() {
    let token = with_claims(CLAIMS);
    let [header, payload, mac] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let flat = format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{mac}"}}"#);
    let general = format!(
        r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{mac}"}}]}}"#
    );
    for bad in [
        flat.as_str(),
        general.as_str(),
        &format!("{header}.{payload}.{mac}{flat}"),
        &format!("{{\"x\":\"{token}\"}}"),
    ] {
        refuses(&verifier(), bad);
        assert!(!verifier().recognises(&flat));
    }
}

/// A token has one text: a second encoding of the same bytes is refused, even over a good MAC.
#[test]
fn attack_39_other_base64() {
    let token = with_claims(CLAIMS);
    for at in 0..=token.len() {
        for stray in ["=", " ", "\n", "\r\n", "\t", "+", "/", "\0", "%3D", "?", "é"] {
            let (before, after) = token.split_at(at);
            refuses(&verifier(), &format!("{before}{stray}{after}"));
        }
    }
    // The last character of a segment whose length is not a multiple of four has bits to spare.
    let (input, mac) = token.rsplit_once('.').unwrap();
    assert_eq!(mac.len() % 4, 3);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (kept, last) = mac.split_at(mac.len() - 1);
    for other in alphabet.chars().filter(|other| !last.contains(*other)) {
        refuses(&verifier(), &format!("{input}.{kept}{other}"));
    }
    // The MAC is over the text, so an issuer could sign a padded or foreign encoding too.
    for (header, payload) in [
        (BASE64.encode(HS256.as_bytes()), base64(CLAIMS)),
        (base64(HS256), BASE64.encode(format!("{CLAIMS} ").as_bytes())),
        (
            base64(HS256),
            BASE64_NOPAD.encode(r#"{"sub":"42","exp":1800003600,"x":"???>>>"}"#.as_bytes()),
        ),
        (base64(HS256), format!("{}A", base64(r#"{"sub":"42","exp":1800003600}"#))),
    ] {
        let input = format!("{header}.{payload}");
        let key = jsonwebtoken::EncodingKey::from_secret(crate::forge::SECRET.as_bytes());
        let mac =
            jsonwebtoken::crypto::sign(input.as_bytes(), &key, jsonwebtoken::Algorithm::HS256);
        let token = format!("{input}.{}", mac.unwrap());
        if token.contains(['=', '+', '/']) || payload.len() % 4 == 1 {
            refuses(&verifier(), &token);
        }
    }
}

/// UTF-8 and nothing else, and every string a sequence of characters.
#[test]
fn attack_40_encodings_of_text() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let with_bom = |text: &str| [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let raw = |middle: &[u8]| {
        [br#"{"sub":"42","iat":1799999940,"exp":1800003600,"n":""#.as_slice(), middle, b"\"}"]
            .concat()
    };
    accepts(&verifier(), &with_claims(raw("zoë 🦀".as_bytes())));
    for payload in [
        utf16(CLAIMS),
        [b"\xff\xfe".as_slice(), &utf16(CLAIMS)].concat(),
        with_bom(CLAIMS),
        raw(b"\xff"),
        raw(b"\xc0\xaf"),
        raw(b"\xed\xa0\x80"),
        raw(b"\xf8\x88\x80\x80\x80"),
        raw(br"\ud800"),
        raw(br"\udc00\ud800"),
        raw(b"\x01"),
    ] {
        refuses(&verifier(), &with_claims(payload));
    }
    let header = String::from_utf8(with_bom(HS256)).unwrap();
    refuses(&verifier(), &with_header(&header));
}

/// A name that occurs twice is refused, so that no two readers can disagree about it.
#[test]
fn attack_41_duplicate_names() {
    for header in [
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
    ] {
        refuses(&verifier(), &with_header(header));
    }
    for payload in [
        r#"{"sub":"1","sub":"42","exp":1800003600}"#,
        r#"{"sub":"42","exp":1,"exp":1800003600}"#,
        r#"{"sub":"42","exp":1800003600,"\u0065xp":1800003600}"#,
        r#"{"sub":"42","exp":1800003600,"user":{"id":1,"id":2}}"#,
        r#"{"sub":"42","exp":1800003600,"list":[{"a":1,"a":1}]}"#,
    ] {
        refuses(&verifier(), &with_claims(payload));
    }
}

/// Names are compared byte by byte: another case or look-alike is another claim.
#[test]
fn attack_42_case_and_look_alikes() {
    for payload in [
        r#"{"sub":"42","EXP":1800003600}"#,
        r#"{"Sub":"42","exp":1800003600}"#,
        r#"{"ѕub":"42","exp":1800003600}"#,
        r#"{"sub ":"42","exp":1800003600}"#,
    ] {
        refuses(&verifier(), &with_claims(payload));
    }
    // Escapes are read before names are compared.
    accepts(&verifier(), &with_claims(r#"{"\u0073ub":"42","e\u0078p":1800003600}"#));
    let composed = with_claims(r#"{"sub":"zo\u00eb","exp":1800003600}"#);
    let decomposed = with_claims(r#"{"sub":"zoe\u0308","exp":1800003600}"#);
    let user = |token: &str| verifier().verify(token, NOW).unwrap().user().clone();
    assert_ne!(user(&composed), user(&decomposed));
}

/// Size, depth and numbers are bounded before they cost anything.
#[test]
fn attack_43_sizes() {
    let filled = |length: usize| {
        let fill = "x".repeat(length);
        with_claims(format!(r#"{{"sub":"42","exp":1800003600,"x":"{fill}"}}"#))
    };
    let overhead = filled(0).len();
    let largest = (16 * 1024 - overhead) / 4 * 3;
    accepts(&verifier(), &filled(largest - 3));
    refuses(&verifier(), &filled(largest + 3));
    refuses(&verifier(), &filled(1 << 20));
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        with_claims(format!(r#"{{"sub":"42","exp":1800003600,"x":{open}{close}}}"#))
    };
    accepts(&verifier(), &nested(64));
    refuses(&verifier(), &nested(65));
    refuses(&verifier(), &nested(5000));
    let names = (0..1_000_000).map(|number| format!(r#""n{number}":0"#)).collect::<Vec<_>>();
    refuses(&verifier(), &with_claims(format!("{{{}}}", names.join(","))));
    let digits = "9".repeat(5000);
    refuses(&verifier(), &with_claims(format!(r#"{{"sub":{digits},"exp":1800003600}}"#)));
    refuses(&verifier(), &with_claims(format!(r#"{{"sub":"42","exp":{digits}}}"#)));
}

/// One JSON value, of JSON as it is specified.
#[test]
fn attack_44_beyond_json() {
    let claims = r#"{"sub":"42","exp":1800003600}"#;
    accepts(&verifier(), &with_claims(format!(" \t\r\n{claims}\n")));
    for payload in [
        format!("{claims}{claims}"),
        format!("{claims}x"),
        format!("{claims}\0"),
        format!("{claims}// c"),
        format!("/* c */{claims}"),
        r#"{"sub":"42","exp":1800003600,}"#.to_owned(),
        r#"{"sub":"42","exp":1800003600,"n":NaN}"#.to_owned(),
        r#"{"sub":"42","exp":Infinity}"#.to_owned(),
        r#"{"sub":"42","exp":1e400}"#.to_owned(),
        r#"{"sub":"42","exp":+1800003600}"#.to_owned(),
        r#"{"sub":"42","exp":01800003600}"#.to_owned(),
        r#"{"sub":"42","exp":0x7fffffff}"#.to_owned(),
        "{'sub':'42','exp':1800003600}".to_owned(),
    ] {
        refuses(&verifier(), &with_claims(payload));
    }
    refuses(&verifier(), &hs256(&format!("{HS256}{HS256}"), CLAIMS));
    refuses(&verifier(), &hs256("not json", CLAIMS));
}

/// Header and payload are objects.
#[test]
fn attack_45_not_an_object() {
    for json in ["null", "[]", r#"[{"sub":"42"}]"#, "42", r#""42""#, "true", "hello", ""] {
        refuses(&verifier(), &with_claims(json));
        refuses(&verifier(), &with_header(json));
    }
    refuses(&verifier(), &hs256(r#"["HS256"]"#, CLAIMS));
}
