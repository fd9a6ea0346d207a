//! What each kind of request gets from `AuthLayer`, and what the response carries.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use segue::AuthErrorKind;
use segue::AuthLayer;
use segue::Principal;
use segue::RevokeReason;
use segue::StoreErrorKind;
use segue::UserId;
use segue::store::Fault;
use tower::ServiceExt;
use tower::service_fn;
use tower_layer::Layer;

use super::support::ACCESS;
use super::support::Answer;
use super::support::REFRESH;
use super::support::World;
use super::support::bearer;
use super::support::cookies;
use super::support::get;
use super::support::request;
use super::support::send;
use super::support::who;

async fn ask(world: &World, layer: AuthLayer, request: Request<Empty<Bytes>>) -> Answer {
    send(&layer.with(&world.auth).layer(service_fn(who)), request).await
}

async fn revoke(world: &World, user: u64) {
    let user = UserId::from(user);
    for session in world.auth.sessions(&user, None).await.unwrap().sessions {
        world.auth.revoke_session(&user, session.id, RevokeReason::Logout).await.unwrap();
    }
}

/// A good token, in a header or a cookie, becomes a principal; the handler sees nothing else.
#[tokio::test]
async fn good_credentials_pass() {
    let world = World::dual();
    let tokens = world.login(7).await;
    for request in [bearer(&tokens.access), cookies(&[(ACCESS, &tokens.access)])] {
        let answer = ask(&world, AuthLayer::dual(), request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "7 by session"));
        assert!(answer.headers.is_empty(), "{:?}", answer.headers);
    }
    let answer = ask(&world, AuthLayer::dual(), bearer("old_alice")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "alice by legacy_jwt"));
}

/// A refusal is a problem document with a challenge, and its reason rides in the extensions.
#[tokio::test]
async fn attack_51_refusals_are_problem_documents() {
    let world = World::dual();
    let answer = ask(&world, AuthLayer::dual(), get(&[])).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_credential"));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.error.unwrap().kind(), AuthErrorKind::MissingCredential);

    let answer = ask(&world, AuthLayer::dual(), bearer("garbage")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"));
    assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
}

/// Garbage, forged and refresh tokens are refused without a look into the store.
#[tokio::test]
async fn refusals_cost_no_store_call() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let mut forged = tokens.access.clone().into_bytes();
    forged[40] = if forged[40] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    world.store.reset_calls();
    for token in ["garbage", "sga_short", &forged, &tokens.refresh, "old_forged", "a.b.c"] {
        let answer = ask(&world, AuthLayer::dual(), bearer(token)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{token}");
    }
    assert_eq!(world.store.calls("load session"), 0);
    assert_eq!(world.store.calls("query blacklist"), 0);
}

/// Each layer takes its own kind of credential and refuses the other.
#[tokio::test]
async fn ways_in() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let table = [
        (AuthLayer::dual(), tokens.access.as_str(), 200),
        (AuthLayer::dual(), "old_alice", 200),
        (AuthLayer::sessions(), tokens.access.as_str(), 200),
        (AuthLayer::sessions(), "old_alice", 401),
        (AuthLayer::legacy(), tokens.access.as_str(), 401),
        (AuthLayer::legacy(), "old_alice", 200),
    ];
    for (layer, token, status) in table {
        let shown = format!("{layer:?}").len();
        let answer = ask(&world, layer, bearer(token)).await;
        assert_eq!(answer.status, status, "{token} {shown}");
    }
}

/// Legacy clients are told that their kind of token ends; sessions are not.
#[tokio::test]
async fn legacy_answers_announce_the_end() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let answer = ask(&world, AuthLayer::dual(), bearer("old_alice")).await;
    assert_eq!(answer.header("deprecation"), "@0");
    let answer = ask(&world, AuthLayer::dual(), bearer(&tokens.access)).await;
    assert_eq!(answer.header("deprecation"), "");
}

/// Optional lets requests of nobody through, marked; a bad bearer token is still refused.
#[tokio::test]
async fn optional_is_not_lenient() {
    let world = World::dual();
    let answer = ask(&world, AuthLayer::dual().optional(), get(&[])).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "anonymous"));
    for token in ["garbage", "sga_short", "old_forged"] {
        let answer = ask(&world, AuthLayer::dual().optional(), bearer(token)).await;
        assert_eq!(answer.status, 401, "{token}");
    }
}

/// Under optional a browser's dead session counts as absent and is taken from it; as a bearer
/// token it is refused.
#[tokio::test]
async fn optional_clears_dead_cookies() {
    let world = World::new();
    let revoked = world.login(7).await;
    revoke(&world, 7).await;
    let expired = world.login(8).await;
    world.outlive_access();
    for tokens in [&revoked, &expired] {
        let layer = AuthLayer::sessions().optional();
        let answer = ask(&world, layer, cookies(&[(ACCESS, &tokens.access)])).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "anonymous"));
        assert_eq!(answer.cookies().get(ACCESS).map(String::as_str), Some(""));
        let layer = AuthLayer::sessions().optional();
        assert_eq!(ask(&world, layer, bearer(&tokens.access)).await.status, 401);
    }
}

/// Scenario 48: a revoked session beside a good legacy token is refused, and its cookies go.
#[tokio::test]
async fn scenario_48_no_downgrade() {
    let world = World::dual();
    let tokens = world.login(7).await;
    revoke(&world, 7).await;
    let request =
        cookies(&[(ACCESS, &tokens.access), (REFRESH, &tokens.refresh), ("old", "old_7")]);
    let answer = ask(&world, AuthLayer::dual(), request).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "session_revoked"));
    let cleared = answer.cookies();
    assert_eq!(cleared.get(ACCESS).map(String::as_str), Some(""));
    assert_eq!(cleared.get(REFRESH).map(String::as_str), Some(""));
}

/// Scenario 49: with the store down a session is neither refused for good nor logged out.
#[tokio::test]
async fn scenario_49_store_down_takes_nothing() {
    let world = World::new();
    let tokens = world.login(7).await;
    // Long enough that nothing remembered is trusted any more.
    world.clock.advance(std::time::Duration::from_secs(120));
    world.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    for layer in [AuthLayer::dual(), AuthLayer::dual().optional()] {
        let answer = ask(&world, layer, cookies(&[(ACCESS, &tokens.access)])).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "store_unavailable"));
        assert_ne!(answer.header("retry-after"), "");
        assert!(answer.cookies().is_empty());
    }
    world.store.heal();
    let answer = ask(&world, AuthLayer::dual(), cookies(&[(ACCESS, &tokens.access)])).await;
    assert_eq!(answer.status, 200);
}

/// Attack 48: a cookie on anything but a read needs evidence of the same origin; a header does not.
#[tokio::test]
async fn attack_48_cookies_across_origins() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let cookie = format!("{ACCESS}={}", tokens.access);
    let header = format!("Bearer {}", tokens.access);
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let table: [(&str, Fields<'_>, u16); 7] = [
        ("POST", &[("cookie", &cookie)], 403),
        ("POST", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], 200),
        ("POST", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], 403),
        ("POST", &[("cookie", "old=old_7"), ("sec-fetch-site", "cross-site")], 403),
        (
            "GET",
            &[("cookie", &cookie), ("upgrade", "websocket"), ("origin", "https://evil.test")],
            403,
        ),
        ("GET", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], 200),
        ("POST", &[("authorization", &header), ("sec-fetch-site", "cross-site")], 200),
    ];
    for (method, fields, status) in table {
        let answer = ask(&world, AuthLayer::dual(), request(method, fields)).await;
        assert_eq!(answer.status, status, "{method} {fields:?} {}", answer.text);
    }
}

/// A principal that something outside put into the request does not survive.
#[tokio::test]
async fn planted_principals_are_replaced() {
    let world = World::new();
    let (mine, other) = (world.login(7).await, world.login(8).await);
    let keep = service_fn(|request: Request<Empty<Bytes>>| async move {
        let mut response = http::Response::new(Empty::<Bytes>::new());
        response.extensions_mut().insert(request.extensions().get::<Principal>().cloned().unwrap());
        Ok::<_, std::convert::Infallible>(response)
    });
    let layer = AuthLayer::sessions().with(&world.auth);
    let response = layer.layer(keep).oneshot(bearer(&other.access)).await.unwrap();
    let stolen = response.extensions().get::<Principal>().cloned().unwrap();

    let mut request = get(&[]);
    request.extensions_mut().insert(stolen.clone());
    let answer = ask(&world, AuthLayer::sessions().optional(), request).await;
    assert_eq!(answer.text, "anonymous");
    let mut request = bearer(&mine.access);
    request.extensions_mut().insert(stolen);
    let answer = ask(&world, AuthLayer::sessions(), request).await;
    assert_eq!(answer.text, "7 by session");
}

/// Over gRPC a refusal is a status that a gRPC client understands.
#[tokio::test]
async fn grpc_refusals() {
    let world = World::new();
    let answer = ask(&world, AuthLayer::dual(), get(&[("content-type", "application/grpc")])).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("grpc-status"), "16");
    assert_eq!(answer.header("content-type"), "application/grpc");
}

/// A login behind an optional layer keeps the cookies it sets, although the layer wants to clear
/// the dead ones that came with the request.
#[tokio::test]
async fn a_login_behind_the_layer_wins() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    let login = service_fn(|_: Request<Empty<Bytes>>| async {
        let set = format!("{ACCESS}=fresh; Path=/");
        let response = http::Response::builder().header("set-cookie", set);
        Ok::<_, std::convert::Infallible>(response.body(Empty::<Bytes>::new()).unwrap())
    });
    let service = AuthLayer::sessions().optional().with(&world.auth).layer(login);
    let answer = send(&service, cookies(&[(ACCESS, &tokens.access)])).await;
    let set = answer.headers.get_all("set-cookie").iter().count();
    assert_eq!((set, answer.cookies()[ACCESS].as_str()), (1, "fresh"));
}
