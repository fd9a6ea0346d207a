//! Tables of how credentials may stand in a request, and what is lifted from each.

use super::*;

const MINE: &str = "sga_mine";
const OLD: &str = "eyJh.eyJz.c2ln";

fn rules(legacy: &[Transport]) -> LiftRules {
    LiftRules::new(&CookiePolicy::default(), legacy)
}

fn headers(fields: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn bearer(fields: &[(&'static str, &[u8])]) -> Result<Option<String>, AuthErrorKind> {
    let (headers, rules) = (headers(fields), rules(&[]));
    let uri = Uri::from_static("/");
    lift(&headers, &uri, &rules).map(|found| found.bearer.map(str::to_owned))
}

/// Attacks 37, 50 and 60: every way of writing `Authorization` has one meaning or none.
#[test]
fn attack_60_authorization() {
    type Found = Result<Option<&'static str>, AuthErrorKind>;
    const BAD: Found = Err(AuthErrorKind::InvalidRequest);
    let table: [(&[u8], Found); 24] = [
        (b"Bearer sga_mine", Ok(Some(MINE))),
        (b"bearer sga_mine", Ok(Some(MINE))),
        (b"BEARER   sga_mine", Ok(Some(MINE))),
        (b"Bearer dG9rZW4==", Ok(Some("dG9rZW4=="))),
        (b"Bearer 12|sanctum", Ok(Some("12|sanctum"))),
        (b"Basic dTpw", Ok(None)),
        (b"Digest username=\"u\", realm=\"bearer x\"", Ok(None)),
        (b"sga_mine", Ok(None)),
        (b"BearerX sga_mine", Ok(None)),
        (b"", Ok(None)),
        (b"Bearer", BAD),
        (b"Bearer ", BAD),
        (b"Bearer ==", BAD),
        (b"Bearer\tsga_mine", BAD),
        (b"Bearer sga_mine extra", BAD),
        (b"Bearer sga_mine, Bearer sga_other", BAD),
        (b"Bearer sga_mine,sga_other", BAD),
        (b"Basic dTpw, Bearer sga_mine", BAD),
        (b"Bearer, sga_mine", BAD),
        (b"Bearer Bearer sga_mine", BAD),
        (b"Bearer sga=mine", BAD),
        (b"Bearer sga\xffmine", BAD),
        (b"Bearer \"sga_mine\"", BAD),
        (b"Bearer sga;mine", BAD),
    ];
    for (value, expected) in table {
        let found = bearer(&[("authorization", value)]);
        let text = String::from_utf8_lossy(value);
        assert_eq!(found, expected.map(|token| token.map(str::to_owned)), "{text:?}");
    }
}

/// Attacks 50 and 43: two fields, and a token of a megabyte, are refused unread.
#[test]
fn attack_50_two_fields_and_overlong() {
    let one: (&str, &[u8]) = ("authorization", b"Bearer sga_mine");
    let refused = Err(AuthErrorKind::InvalidRequest);
    assert_eq!(bearer(&[one, one]), refused);
    assert_eq!(bearer(&[one, ("authorization", b"Basic dTpw")]), refused);
    for (length, good) in [(16 * 1024, true), (16 * 1024 + 1, false), (1 << 20, false)] {
        let value = format!("Bearer {}", "a".repeat(length));
        assert_eq!(bearer(&[("authorization", value.as_bytes())]).is_ok(), good, "{length}");
    }
    let cookies = format!("theme={}", "a".repeat(1 << 20));
    assert_eq!(bearer(&[("cookie", cookies.as_bytes())]), refused);
}

/// Attack 49: a token in the URL is refused under the standard's name, and ours under any.
#[test]
fn attack_49_query() {
    let long = format!("sgr_{}", "A".repeat(80));
    let table = [
        ("/?access_token=x", false),
        ("/?a=b&access_token=", false),
        ("/?access_token", false),
        (&format!("/?t={long}"), false),
        ("/?t=sga_hello", true),
        ("/?my_access_token=x&q=access_token", true),
        ("/access_token", true),
    ];
    for (uri, good) in table {
        let uri: Uri = uri.parse().unwrap();
        assert_eq!(lift(&HeaderMap::new(), &uri, &rules(&[])).is_ok(), good, "{uri}");
    }
}

/// Our cookies are found beside anybody's, refused when ambiguous, and absent when cleared.
#[test]
fn cookies() {
    let table: [(&[u8], Option<Option<&str>>); 6] = [
        (b"a=\xe4; __Host-segue_access=sga_mine; b", Some(Some(MINE))),
        (b"__Host-segue_access=; x=1", Some(None)),
        (b"segue_access=sga_mine", Some(None)),
        (b"__Host-segue_access=a; __Host-segue_access=b", None),
        (b"__Host-segue_refresh=a; __Host-segue_refresh=b", None),
        (b"__Host-segue_access=\xff", None),
    ];
    for (value, expected) in table {
        let headers = headers(&[("cookie", value)]);
        let uri = Uri::from_static("/");
        let rules = rules(&[]);
        let found = lift(&headers, &uri, &rules).ok().map(|found| found.access_cookie);
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(value));
    }
}

/// Where each kind of legacy transport looks, and that a token of ours is nobody else's.
#[test]
fn legacy_transports() {
    type Fields = &'static [(&'static str, &'static [u8])];
    let sources = [
        Transport::bearer().with_cookie("token").unwrap(),
        Transport::exact_scheme("JWT").unwrap(),
        Transport::bare_header("x-access-token").unwrap(),
        Transport::cookie("jwt").unwrap().with_cookie("jwt2").unwrap(),
    ];
    let table: [(Fields, &[usize], &[usize]); 10] = [
        (&[("authorization", b"bearer eyJh.eyJz.c2ln")], &[0], &[]),
        (&[("authorization", b"JWT eyJh.eyJz.c2ln")], &[1], &[]),
        (&[("authorization", b"jwt eyJh.eyJz.c2ln")], &[], &[]),
        (&[("x-access-token", b"eyJh.eyJz.c2ln")], &[2], &[]),
        (&[("cookie", b"token=eyJh.eyJz.c2ln")], &[0], &[0]),
        (&[("cookie", b"jwt2=\"eyJh.eyJz.c2ln\"; token=\xff")], &[3], &[3]),
        (&[("cookie", b"token=eyJh.eyJz.c2ln; token=other")], &[0], &[0]),
        (&[("authorization", b"Bearer sga_mine"), ("cookie", b"token=eyJh.eyJz.c2ln")], &[0], &[0]),
        (&[("authorization", b"Bearer sgr_mine")], &[], &[]),
        (
            &[("authorization", b"Bearer eyJh.eyJz.c2ln"), ("cookie", b"jwt=eyJh.eyJz.c2ln")],
            &[0, 3],
            &[3],
        ),
    ];
    let rules = rules(&sources);
    for (fields, expected, in_cookie) in table {
        let (headers, uri) = (headers(fields), Uri::from_static("/"));
        let found = lift(&headers, &uri, &rules).unwrap();
        let by: Vec<_> = found.legacy().map(|(source, _)| source).collect();
        assert_eq!(by, expected, "{fields:?}");
        assert!(found.legacy().all(|(_, text)| text == OLD), "{fields:?}");
        for source in 0..sources.len() {
            let is = found.cookie_sources().contains(source);
            assert_eq!(is, in_cookie.contains(&source), "{fields:?}");
        }
    }
}

/// A source that reads `Authorization` without a scheme leaves the usual form alone.
#[test]
fn a_bare_authorization_header() {
    let rules = rules(&[Transport::bare_header("authorization").unwrap()]);
    let uri = Uri::from_static("/");
    let plain = headers(&[("authorization", OLD.as_bytes())]);
    assert_eq!(lift(&plain, &uri, &rules).unwrap().legacy().count(), 1);
    let usual = headers(&[("authorization", b"Bearer sga_mine")]);
    let found = lift(&usual, &uri, &rules).unwrap();
    assert_eq!((found.bearer, found.legacy().count()), (Some(MINE), 0));
    let twice = headers(&[("x-access-token", b"a"), ("x-access-token", b"b")]);
    let rules = self::rules(&[Transport::bare_header("x-access-token").unwrap()]);
    assert!(lift(&twice, &uri, &rules).is_err());
}
