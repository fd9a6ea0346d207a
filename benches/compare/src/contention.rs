//! Two threads on one hot token: a shared counter or lock on the path shows here and nowhere else.

use std::convert::Infallible;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use axum::body::Body;
use http::Request;
use http::Response;
use segue::AuthLayer;
use segue::SessionPolicy;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tower::Layer;
use tower::Service;
use tower::ServiceExt;

use crate::jwt;
use crate::measure::median;
use crate::rows;
use crate::rows::segue::logged_in;
use crate::rows::segue::system;

const ROUNDS: usize = 21;
const REQUESTS: u32 = 20_000;

/// Prints how much dearer a request gets when a second thread sends the same.
pub fn print() {
    // Its one worker keeps the feed going while the measuring threads are busy.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let auth = system(&[&*jwt::HS256], SessionPolicy::default());
    let pair = runtime.block_on(logged_in(&auth, 1));
    let dual = AuthLayer::dual().with(&auth).layer(rows::router());
    println!("\nTwo threads on one hot token, cost of a request over that with one thread:\n");
    let session = pair.access.expose();
    let legacy = jwt::HS256.token(1);
    line(&runtime, "bare axum router", rows::router(), session);
    line(&runtime, "segue dual, session hit", dual.clone(), session);
    line(&runtime, "segue dual, legacy seen before", dual, &legacy);
}

fn line<S, B>(runtime: &Runtime, name: &str, service: S, token: &str)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync,
{
    let once = |threads| nanos_a_request(runtime, &service, token, threads);
    once(1);
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (once(1), once(2))).collect();
    let alone = median(rounds.iter().map(|round| round.0));
    let ratio = median(rounds.iter().map(|round| round.1 / round.0));
    println!("* {name}: {alone:.0} ns alone, {ratio:.2} x with two");
}

fn nanos_a_request<S, B>(runtime: &Runtime, service: &S, token: &str, threads: usize) -> f64
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync,
{
    let barrier = Barrier::new(threads);
    let work = || {
        // A service and a header value of its own, as every connection has.
        let (service, ask) = (service.clone(), rows::bearer(token));
        barrier.wait();
        let start = Instant::now();
        runtime.block_on(async {
            for _ in 0..REQUESTS {
                let answer = service.clone().oneshot(ask()).await;
                assert_eq!(answer.unwrap_or_else(|never| match never {}).status(), 200);
            }
        });
        start.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS)
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let times = running.into_iter().map(|thread| thread.join().expect("no panic"));
        times.fold(0.0, f64::max)
    })
}
