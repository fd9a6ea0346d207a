//! The small examples do what their first lines say.

use std::time::Duration;

use axum::body::Body;
use axum::body::to_bytes;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use segue::Auth;
use segue::ManualClock;
use segue::MemoryStore;
use segue::Timestamp;
use serde_json::Value;
use tower::ServiceExt;

#[allow(dead_code, reason = "its main binds a port")]
#[path = "../../examples/quickstart.rs"]
mod quickstart;
#[allow(dead_code, reason = "its main prints a table")]
#[path = "../../examples/rollout/main.rs"]
mod rollout;
#[allow(dead_code, reason = "its main binds a port")]
#[path = "../../examples/tower_only.rs"]
mod tower_only;

fn access(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

/// The one line: refused without a credential, served with a session.
#[tokio::test]
async fn the_quickstart() {
    Auth::builder().store(MemoryStore::new()).build().unwrap().install();
    let app = quickstart::app().unwrap();
    let call = async |method: &str, uri: &str, token: &str| {
        let request = Request::builder().method(method).uri(uri).header("authorization", token);
        let request = request.body(Body::empty());
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let (status, body) = call("GET", "/me", "Basic none").await;
    assert_eq!(status, 401, "{body}");
    let (_, login) = call("POST", "/login/42", "Basic none").await;
    let answer = call("GET", "/me", &format!("Bearer {}", access(&login))).await;
    assert_eq!(answer, (200, "42 by session".to_owned()));
}

/// Plain hyper over a real connection: login, use, logout, refused.
#[tokio::test]
async fn tower_only() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let auth = Auth::builder().store(MemoryStore::new()).build().unwrap();
    tokio::spawn(async move { tower_only::serve(auth, listener).await.unwrap() });
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let get = async |path: &str, token: &str| {
        let request = Request::get(format!("http://{address}{path}"));
        let request = request.header("authorization", token).body(Full::default()).unwrap();
        let response = client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(get("/", "Basic none").await.0, 401);
    let (_, login) = get("/login", "Basic none").await;
    let bearer = format!("Bearer {}", access(&login));
    assert_eq!(get("/", &bearer).await, (200, "hello 42, by session\n".to_owned()));
    assert_eq!(get("/logout", &bearer).await.0, 204);
    let (status, body) = get("/", &bearer).await;
    assert_eq!(status, 401);
    assert!(body.contains("session_revoked"), "{body}");
}

/// Scenarios 50 and 51: forward and all the way back under traffic, and nobody is asked to log in.
#[tokio::test]
async fn scenario_51_a_rollout_and_the_way_back() {
    let hand = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
    let clock = hand.clock();
    let pass = async |span: Duration| hand.advance(span);
    let tallies = rollout::run(clock, pass).await.unwrap();
    assert_eq!(tallies.len(), 6);
    for (phase, tally) in &tallies {
        assert_eq!(tally.asked, 0, "{phase}: {tally:?}");
        assert_eq!(tally.by_session + tally.by_legacy, tally.requests, "{phase}");
    }
    let sessions = |phase: usize| tallies[phase].1.by_session;
    assert_eq!((sessions(0), sessions(1)), (0, 0));
    assert!(0 < sessions(2) && sessions(2) < sessions(3) && sessions(4) > sessions(2));
}
