//! `RefreshLayer`: a browser's session goes on while its requests are served.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Empty;
use http_body_util::Full;
use segue::AuthLayer;
use segue::RefreshLayer;
use segue::StoreErrorKind;
use segue::store::Fault;
use tower::Service;
use tower::ServiceBuilder;
use tower::service_fn;

use super::support::ACCESS;
use super::support::Answer;
use super::support::REFRESH;
use super::support::Tokens;
use super::support::World;
use super::support::bearer;
use super::support::cookies;
use super::support::get;
use super::support::send;
use super::support::who;

fn jar(tokens: &Tokens) -> Request<Empty<Bytes>> {
    cookies(&[(ACCESS, &tokens.access), (REFRESH, &tokens.refresh)])
}

async fn visit<S, R>(world: &World, inner: S, request: Request<Empty<Bytes>>) -> Answer
where
    S: Service<Request<Empty<Bytes>>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
    R: http_body::Body<Data = Bytes>,
    R::Error: std::fmt::Debug,
{
    let layers = ServiceBuilder::new()
        .layer(RefreshLayer::new().with(&world.auth))
        .layer(AuthLayer::dual().with(&world.auth));
    send(&layers.service(inner), request).await
}

/// Expired, absent: the request is served, and the response brings the next pair, uncached.
#[tokio::test]
async fn sessions_go_on() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    let answer = visit(&world, service_fn(who), jar(&tokens)).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "7 by session"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let set = answer.cookies();
    let next = Tokens { access: set[ACCESS].clone(), refresh: set[REFRESH].clone() };
    assert!(next.access.starts_with("sga_") && next.refresh.starts_with("sgr_"));
    assert_ne!(next.refresh, tokens.refresh);

    let answer = visit(&world, service_fn(who), jar(&next)).await;
    assert_eq!((answer.status, answer.cookies().len()), (200, 0));
    let answer = visit(&world, service_fn(who), cookies(&[(REFRESH, &next.refresh)])).await;
    assert_eq!((answer.status, answer.cookies().len()), (200, 2));
}

/// Scenario 2: the requests of one page load end with one successor.
#[tokio::test]
async fn scenario_02_one_page_load_one_successor() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    let visits: Vec<_> = (0..8).map(|_| visit(&world, service_fn(who), jar(&tokens))).collect();
    let mut successors = std::collections::HashSet::new();
    let answers = futures_join(visits).await;
    for answer in answers {
        assert_eq!(answer.status, 200);
        successors.insert(answer.cookies()[REFRESH].clone());
    }
    assert_eq!(successors.len(), 1);
}

/// Polls all of them in turn, as one task of a server would.
async fn futures_join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, output) in open.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *output = Some(value),
                std::task::Poll::Pending => pending = true,
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    open.into_iter().filter_map(|(_, output)| output).collect()
}

/// Nothing rotates before the handler has answered, and nothing at all if the request is given up.
#[tokio::test]
async fn rotation_waits_for_the_response() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    let store = world.store.clone();
    store.reset_calls();
    let seen = Arc::new(AtomicBool::new(false));
    let inner = service_fn({
        let (store, seen) = (store.clone(), Arc::clone(&seen));
        move |_: Request<Empty<Bytes>>| {
            seen.store(store.calls("rotate session") == 0, Ordering::SeqCst);
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        }
    });
    assert_eq!(visit(&world, inner, jar(&tokens)).await.cookies().len(), 2);
    assert!(seen.load(Ordering::SeqCst));
    assert_eq!(store.calls("rotate session"), 1);

    let hang = service_fn(|_: Request<Empty<Bytes>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    world.outlive_access();
    let tokens = world.login(8).await;
    world.outlive_access();
    store.reset_calls();
    let given_up = tokio::time::timeout(
        std::time::Duration::from_millis(20),
        visit(&world, hang, jar(&tokens)),
    );
    assert!(given_up.await.is_err());
    assert_eq!(store.calls("rotate session"), 0);
}

/// Where the app writes the cookies itself, it has the last word: a logout stays a logout.
#[tokio::test]
async fn the_app_has_the_last_word() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    world.store.reset_calls();
    let logout = service_fn(|_: Request<Empty<Bytes>>| async {
        let response = Response::builder().header("set-cookie", format!("{REFRESH}=; Max-Age=0"));
        Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap())
    });
    let answer = visit(&world, logout, jar(&tokens)).await;
    assert_eq!(answer.cookies().len(), 1);
    assert_eq!(world.store.calls("rotate session"), 0);
}

/// A store that fails at the rotation leaves the response as it was, and the browser as it is.
#[tokio::test]
async fn a_store_fault_changes_nothing() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    world.store.inject_only("rotate session", Fault::Fail(StoreErrorKind::Unavailable));
    let answer = visit(&world, service_fn(who), jar(&tokens)).await;
    assert_eq!((answer.status, answer.cookies().len()), (200, 0));
    assert_eq!(answer.header("cache-control"), "");
    world.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    let answer = visit(&world, service_fn(who), cookies(&[(REFRESH, &tokens.refresh)])).await;
    assert_eq!(answer.cookies().len(), 0);
    world.store.heal();
    let answer = visit(&world, service_fn(who), jar(&tokens)).await;
    assert_eq!((answer.status, answer.cookies().len()), (200, 2));
}

/// Without a genuine refresh cookie nothing is renewed and no store is asked; API clients refresh
/// for themselves.
#[tokio::test]
async fn nothing_to_renew() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    world.store.reset_calls();
    let header = format!("Bearer {}", tokens.access);
    let cookie = format!("{REFRESH}={}", tokens.refresh);
    let requests = [
        get(&[]),
        cookies(&[(REFRESH, "sgr_garbage")]),
        cookies(&[(REFRESH, &tokens.access)]),
        bearer(&tokens.access),
        get(&[("authorization", &header), ("cookie", &cookie)]),
    ];
    for request in requests {
        let answer = visit(&world, service_fn(who), request).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.cookies().values().any(|value| !value.is_empty()));
    }
    assert_eq!(world.store.calls("rotate session"), 0);
    assert_eq!(world.store.calls("load session"), 0);
}

/// A refresh cookie of a session that is gone is taken from the browser, and nobody is let in.
#[tokio::test]
async fn dead_sessions_lose_their_cookies() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.auth.revoke_user(&segue::UserId::from(7)).await.unwrap();
    let answer = visit(&world, service_fn(who), cookies(&[(REFRESH, &tokens.refresh)])).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.cookies().get(REFRESH).map(String::as_str), Some(""));
}

/// A renewed request is still a cookie's: across origins it changes nothing, and rotates nothing.
#[tokio::test]
async fn attack_48_renewal_across_origins() {
    let world = World::new();
    let tokens = world.login(7).await;
    world.outlive_access();
    world.store.reset_calls();
    let mut request = jar(&tokens);
    *request.method_mut() = http::Method::POST;
    let answer = visit(&world, service_fn(who), request).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "cross_origin"));
    assert_eq!((answer.cookies().len(), world.store.calls("rotate session")), (0, 0));
}
