//! The compact form of a signed token (RFC 7515, section 7.1), taken apart strictly.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Map;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::json;

/// The longest token that is looked at, in bytes. No server behind which the old tokens lived took
/// longer headers.
pub(super) const TOKEN_LENGTH_BYTES_MAX: usize = 16 * 1024;

/// The longest key id, in bytes.
pub(super) const KID_LENGTH_BYTES_MAX: usize = 256;

/// The three segments of a compact token, and what the signature is made over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Compact<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    pub(super) signing_input: &'a str,
}

/// Exactly three segments, none empty, of the base64url alphabet, within the size limit.
pub(super) fn split(token: &str) -> Option<Compact<'_>> {
    if token.len() > TOKEN_LENGTH_BYTES_MAX {
        return None;
    }
    let (signing_input, signature) = token.rsplit_once('.')?;
    let (header, payload) = signing_input.split_once('.')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let sound = |segment: &str| !segment.is_empty() && segment.bytes().all(plain);
    let whole = sound(header) && sound(payload) && sound(signature);
    whole.then_some(Compact { header, payload, signature, signing_input })
}

/// The bytes of a segment. Only the canonical encoding has a meaning: no padding, no other
/// alphabet, no stray bits at the end. Otherwise one token would have several texts.
pub(super) fn decode(segment: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(segment.as_bytes()).ok()
}

/// What a header says that matters here.
///
/// `jku`, `jwk`, `x5u`, `x5c` and `x5t` are not among it: keys come from the configuration alone.
/// They are not refused for being present, since some issuers add them to every token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<Value>,
}

impl Header {
    /// Reads the header segment, or refuses.
    ///
    /// `crit`, `b64` and `zip` change what a token means or how it is read, and nothing here
    /// understands them, so they are refused (RFC 7515, section 4.1.11; RFC 7797). So is a `cty`
    /// that announces another token inside.
    pub(super) fn read(segment: &str) -> Option<Self> {
        let mut members = json::object(&decode(segment)?)?;
        if ["crit", "b64", "zip"].into_iter().any(|name| members.contains_key(name)) {
            return None;
        }
        if members.get("cty").is_some_and(|cty| !cty.as_str().is_some_and(is_not_nested)) {
            return None;
        }
        let algorithm = Algorithm::named(members.get("alg")?.as_str()?)?;
        let kid = kid(&mut members)?;
        Some(Self { algorithm, kid, typ: members.remove("typ") })
    }
}

/// `None` is a refusal, `Some(None)` is a header without `kid`.
fn kid(members: &mut Map<String, Value>) -> Option<Option<String>> {
    match members.remove("kid") {
        None => Some(None),
        Some(Value::String(kid)) if (1..=KID_LENGTH_BYTES_MAX).contains(&kid.len()) => {
            Some(Some(kid))
        }
        Some(_) => None,
    }
}

fn is_not_nested(cty: &str) -> bool {
    !media_type(cty).eq_ignore_ascii_case("jwt")
}

/// A media type in a header may leave `application/` out (RFC 7515, section 4.1.9).
pub(super) fn media_type(text: &str) -> &str {
    const PREFIX: &str = "application/";
    match text.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => &text[PREFIX.len()..],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(json: &str) -> Option<Header> {
        Header::read(&BASE64URL_NOPAD.encode(json.as_bytes()))
    }

    /// Only three non-empty segments of the right alphabet are a token.
    #[test]
    fn three_segments() {
        let compact = split("aa.bb.cc").unwrap();
        assert_eq!((compact.header, compact.payload, compact.signature), ("aa", "bb", "cc"));
        assert_eq!(compact.signing_input, "aa.bb");
        for bad in [
            "",
            ".",
            "..",
            "a",
            "a.b",
            "a.b.",
            ".b.c",
            "a..c",
            "a.b.c.",
            "a.b.c.d",
            "a.b.c.d.e",
            " a.b.c",
            "a.b.c ",
            "a.b.c\n",
            "a.b=.c",
            "a.b+.c",
            "a.b/.c",
            "\"a.b.c\"",
            "a.b.c\0",
            "a.ü.c",
            "Bearer a.b.c",
        ] {
            assert_eq!(split(bad), None, "{bad:?}");
        }
        let fill = "a".repeat(TOKEN_LENGTH_BYTES_MAX - 4);
        assert!(split(&format!("a.{fill}.c")).is_some());
        assert!(split(&format!("aa.{fill}.c")).is_none());
    }

    /// One token has one text.
    #[test]
    fn canonical_base64() {
        assert_eq!(decode("Zg"), Some(b"f".to_vec()));
        for bad in ["Zh", "Zg==", "Zg=", "Z", "Zm9v+", "Zm9/", "Zm 9", "Zm9v\n"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    /// What changes the meaning of a token is refused, what is merely there is not.
    #[test]
    fn headers() {
        let read = header(r#"{"alg":"HS256","typ":"JWT","kid":"a","jku":"http://x","x5c":[]}"#);
        let read = read.unwrap();
        assert_eq!(read.algorithm, Algorithm::HS256);
        assert_eq!(read.kid.as_deref(), Some("a"));
        assert_eq!(read.typ, Some(Value::from("JWT")));
        for bad in [
            r#"{}"#,
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS256 "}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#,
            r#"{"alg":"HS256","b64":true}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"{"alg":"HS256","cty":"JWT"}"#,
            r#"{"alg":"HS256","cty":"Application/jwt"}"#,
            r#"{"alg":"HS256","cty":1}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":""}"#,
            r#"{"alg":"HS256","kid":null}"#,
        ] {
            assert_eq!(header(bad), None, "{bad}");
        }
        let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(257));
        assert_eq!(header(&long), None);
        assert!(header(r#"{"alg":"HS256","cty":"json"}"#).is_some());
    }

    /// The two names of Ed25519 are one algorithm.
    #[test]
    fn ed25519_has_two_names() {
        for name in ["EdDSA", "Ed25519"] {
            let read = header(&format!(r#"{{"alg":"{name}"}}"#)).unwrap();
            assert_eq!(read.algorithm, Algorithm::EdDSA);
        }
        assert_eq!(header(r#"{"alg":"Ed448"}"#), None);
    }
}
