//! Readiness: what was awaited is used or given back, with any kind of inner service.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Empty;
use http_body_util::Full;
use segue::AuthLayer;
use segue::BlacklistLayer;
use segue::RefreshLayer;
use tower::Service;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::service_fn;
use tower_layer::Layer;

use super::support::REFRESH;
use super::support::World;
use super::support::bearer;
use super::support::cookies;
use super::support::get;
use super::support::who;

/// Panics when it is called without having been ready, as `Buffer` and the limits do. It is
/// neither `Send` nor, thanks to the borrow, `'static`.
#[derive(Debug)]
struct Strict<'a> {
    ready: bool,
    calls: &'a Cell<usize>,
    _not_send: Rc<()>,
}

impl<'a> Strict<'a> {
    fn new(calls: &'a Cell<usize>) -> Self {
        Self { ready: false, calls, _not_send: Rc::new(()) }
    }
}

impl Clone for Strict<'_> {
    fn clone(&self) -> Self {
        Self::new(self.calls)
    }
}

impl Service<Request<Empty<Bytes>>> for Strict<'_> {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
        assert!(self.ready, "called without having been ready");
        self.ready = false;
        self.calls.set(self.calls.get() + 1);
        ready(Ok(Response::new(Full::default())))
    }
}

/// Every path calls the very instance that was ready: hits, loads, refusals, renewals.
#[tokio::test]
async fn the_ready_instance_is_called() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let calls = Cell::new(0);
    let mut service = ServiceBuilder::new()
        .layer(RefreshLayer::new().with(&world.auth))
        .layer(BlacklistLayer::new().with(&world.auth))
        .layer(AuthLayer::dual().with(&world.auth))
        .service(Strict::new(&calls));
    let requests = [
        (bearer(&tokens.access), 200),
        (bearer(&tokens.access), 200),
        (get(&[]), 401),
        (bearer("garbage"), 401),
        (bearer("old_alice"), 200),
        (bearer("old_alice"), 200),
        (cookies(&[(REFRESH, &tokens.refresh)]), 200),
        (get(&[]), 401),
        (bearer(&tokens.access), 200),
    ];
    for (request, status) in requests {
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), status);
    }
    assert_eq!(calls.get(), 6);
}

/// A thousand connections that were refused in front of a limit of one, none of them closed yet,
/// leave the permit where it was.
#[tokio::test]
async fn refusals_give_readiness_back() {
    let world = World::dual();
    let tokens = world.login(7).await;
    let inner = ServiceBuilder::new().concurrency_limit(1).service(service_fn(who));
    let auth = AuthLayer::dual().with(&world.auth).layer(inner.clone());
    let blacklist = BlacklistLayer::new().with(&world.auth).layer(inner);
    let mut connections = Vec::new();
    for index in 0..1000 {
        let request = if index % 2 == 0 { get(&[]) } else { bearer("garbage") };
        let mut connection = auth.clone();
        let refused = soon(connection.ready()).await.unwrap().call(request).await.unwrap();
        assert_eq!(refused.status(), 401);
        let request = get(&[("authorization", "Bearer a, Bearer b")]);
        let mut other = blacklist.clone();
        let refused = soon(other.ready()).await.unwrap().call(request).await.unwrap();
        assert_eq!(refused.status(), 400);
        connections.push((connection, other));
    }
    let good = soon(auth.oneshot(bearer(&tokens.access))).await.unwrap();
    assert_eq!(good.status(), 200);
}

/// A permit that was lost never comes back; nothing here takes long.
async fn soon<F: Future>(future: F) -> F::Output {
    let patience = Duration::from_secs(5);
    tokio::time::timeout(patience, future).await.expect("the permit was lost")
}

/// A request that waits for the store and is given up returns its permit.
#[tokio::test]
async fn abandoned_requests_give_readiness_back() {
    let world = World::new();
    let tokens = world.login(7).await;
    let inner = ServiceBuilder::new().concurrency_limit(1).service(service_fn(who));
    let mut service = AuthLayer::dual().with(&world.auth).layer(inner);
    for _ in 0..10 {
        drop(service.ready().await.unwrap().call(bearer(&tokens.access)));
    }
    let good = service.ready().await.unwrap().call(bearer(&tokens.access)).await.unwrap();
    assert_eq!(good.status(), 200);
}

/// Readiness and errors of the inner service are its own.
#[tokio::test]
async fn inner_errors_pass() {
    #[derive(Clone)]
    struct Broken;
    impl Service<Request<Empty<Bytes>>> for Broken {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Err("not ready"))
        }

        fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
            ready(Err("failed"))
        }
    }
    let world = World::new();
    let tokens = world.login(7).await;
    let mut service = AuthLayer::dual().with(&world.auth).layer(Broken);
    assert_eq!(service.ready().await.err(), Some("not ready"));
    let outcome = service.call(bearer(&tokens.access)).await;
    assert_eq!(outcome.err(), Some("failed"));
}
