//! What bad input gets: a 400 with a stable code, no store access, nothing lost.

use http::HeaderValue;
use http::Request;
use segue::AuthLayer;
use segue::RefreshLayer;
use tower::ServiceBuilder;
use tower::service_fn;

use crate::layers::support::ACCESS;
use crate::layers::support::REFRESH;
use crate::layers::support::World;
use crate::layers::support::send;
use crate::layers::support::who;

const MEGABYTE: usize = 1 << 20;

struct Case {
    name: &'static str,
    uri: String,
    fields: Vec<(&'static str, Vec<u8>)>,
    status: u16,
}

fn case(name: &'static str, status: u16, fields: &[(&'static str, &[u8])]) -> Case {
    let fields = fields.iter().map(|(name, value)| (*name, value.to_vec())).collect();
    Case { name, uri: "/me".to_owned(), fields, status }
}

fn at(name: &'static str, uri: String) -> Case {
    Case { name, uri, fields: Vec::new(), status: 400 }
}

fn cases(good: &str) -> Vec<Case> {
    let bearer = format!("Bearer {good}").into_bytes();
    let huge = [b"Bearer ", "a".repeat(MEGABYTE).as_bytes()].concat();
    let list = format!("Bearer {good}, Bearer {good}").into_bytes();
    let cookie = |text: String| text.into_bytes();
    vec![
        case("two fields", 400, &[("authorization", &bearer), ("authorization", &bearer)]),
        case("two kinds", 400, &[("authorization", &bearer), ("authorization", b"Basic eDp5")]),
        case("comma list", 400, &[("authorization", &list)]),
        case("joined schemes", 400, &[("authorization", b"Basic eDp5, Bearer abc")]),
        case("no token", 400, &[("authorization", b"Bearer")]),
        case("bearer twice", 400, &[("authorization", b"Bearer Bearer abc")]),
        case("tab", 400, &[("authorization", b"Bearer\tabc")]),
        case("non-ASCII", 400, &[("authorization", b"Bearer \xc3\xa4bc")]),
        case("not UTF-8", 400, &[("authorization", b"Bearer a\xff\xfe")]),
        case("quoted", 400, &[("authorization", b"Bearer \"abc\"")]),
        case("a megabyte", 400, &[("authorization", &huge)]),
        case("a megabyte of cookies", 400, &[("cookie", &huge)]),
        case("unreadable cookie", 400, &[("cookie", &cookie(format!("{ACCESS}=\u{e4}")))]),
        case("two cookies", 400, &[("cookie", &cookie(format!("{ACCESS}=a; {ACCESS}=b")))]),
        case(
            "two refresh cookies",
            400,
            &[
                ("cookie", &cookie(format!("{REFRESH}=a"))),
                ("cookie", &cookie(format!("{REFRESH}=b"))),
            ],
        ),
        at("token in the URL", format!("/me?access_token={good}")),
        at("our token in the URL", format!("/me?x={good}")),
        case("another scheme", 401, &[("authorization", b"Basic eDp5")]),
        case("garbage", 401, &[("authorization", b"Bearer garbage")]),
        case("damaged", 401, &[("authorization", &bearer[..bearer.len() - 1])]),
        case("lengthened", 401, &[("authorization", &[&bearer[..], b"A"].concat())]),
        case("padded", 401, &[("authorization", &[&bearer[..], b"="].concat())]),
        case("garbage cookie", 401, &[("cookie", &cookie(format!("{ACCESS}=sga_garbage")))]),
        case("plain cookie", 401, &[("cookie", &cookie(format!("segue_access={good}")))]),
        case("case spoof", 401, &[("cookie", &cookie(format!("__HoSt-segue_access={good}")))]),
    ]
}

/// Every bad input has its status and code, costs no store call, and clears only what is broken.
#[tokio::test]
async fn attack_60_bad_input_is_refused_without_a_store_call() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let service = ServiceBuilder::new()
        .layer(RefreshLayer::new().with(&world.auth))
        .layer(AuthLayer::dual().with(&world.auth))
        .service(service_fn(who));
    for case in cases(&tokens.access) {
        world.store.reset_calls();
        let mut request = Request::builder().uri(&case.uri).body(()).unwrap();
        for (name, value) in &case.fields {
            request.headers_mut().append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let answer = send(&service, request).await;
        assert_eq!(answer.status, case.status, "{}: {}", case.name, answer.text);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer"), "{}", case.name);
        match case.status {
            400 => {
                assert_eq!(answer.code(), "invalid_request", "{}", case.name);
                assert!(challenge.contains("invalid_request"), "{}", case.name);
            }
            _ => assert!(["invalid_token", "missing_credential"].contains(&&*answer.code())),
        }
        for call in ["load session", "rotate session", "query blacklist"] {
            assert_eq!(world.store.calls(call), 0, "{}: {call}", case.name);
        }
        assert!(!answer.text.contains(&tokens.access), "{}", case.name);
    }
}

/// A header that http refuses never reaches us: NUL and line breaks are no header values at all.
#[test]
fn nul_bytes_are_no_header_value() {
    for bad in [&b"Bearer a\0b"[..], b"Bearer a\r\nX: y", b"Bearer a\nb", b"Bearer a\x7f"] {
        assert!(HeaderValue::from_bytes(bad).is_err(), "{bad:?}");
    }
}

/// An unreadable cookie would make every further request unreadable, so it goes; a readable one
/// beside it stays.
#[tokio::test]
async fn an_unreadable_cookie_is_cleared() {
    let world = World::new();
    let tokens = world.login(7).await;
    let service = AuthLayer::dual().with(&world.auth);
    let service = tower_layer::Layer::layer(&service, service_fn(who));
    let text = format!("{ACCESS}=\u{e4}; {REFRESH}={}", tokens.refresh);
    let mut request = Request::new(());
    request.headers_mut().insert("cookie", HeaderValue::from_bytes(text.as_bytes()).unwrap());
    let answer = send(&service, request).await;
    assert_eq!(answer.status, 400);
    let cleared = answer.cookies();
    assert_eq!((cleared.len(), cleared[ACCESS].as_str()), (1, ""));
}
