//! The servers of the HTTP table, each run in a process of its own by `serve`.

use axum::Router;
use http::HeaderName;
use http::header::AUTHORIZATION;
use http::header::COOKIE;
use tokio::net::TcpListener;

use crate::jwt;
use crate::rows;

/// The servers, in the order of the table. Segue's own are added once its layers exist.
pub(super) const NAMES: [&str; 5] = [
    "bare axum",
    "jsonwebtoken HS256",
    "jsonwebtoken RS256",
    "tower-sessions memory, one key read",
    "axum-login memory",
];

/// Serves until the process is killed; says where, and with which requests to ask, in two lines.
pub fn serve(name: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (app, requests) = app(name).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("an address"));
        println!("{}", serde_json::to_string(&requests).expect("text"));
        axum::serve(listener, app).await.expect("serves for ever");
    });
}

async fn app(name: &str) -> (Router, Vec<String>) {
    let bearer = |token: &str| vec![ask(&AUTHORIZATION, &format!("Bearer {token}"))];
    match name {
        "bare axum" => (rows::router(), bearer("none")),
        "jsonwebtoken HS256" => (rows::hand_written_jwt(&jwt::HS256), bearer(&jwt::HS256.token(1))),
        "jsonwebtoken RS256" => (rows::hand_written_jwt(&jwt::RS256), bearer(&jwt::RS256.token(1))),
        "tower-sessions memory, one key read" => logged_in(rows::tower_sessions(true, false)).await,
        "axum-login memory" => logged_in(rows::axum_login(false)).await,
        other => panic!("no server is called {other:?}"),
    }
}

async fn logged_in(app: Router) -> (Router, Vec<String>) {
    let cookie = rows::cookies_from(&app, "/login").await;
    (app, vec![ask(&COOKIE, &cookie)])
}

fn ask(header: &HeaderName, value: &str) -> String {
    format!("GET /me HTTP/1.1\r\nHost: localhost\r\n{header}: {value}\r\n\r\n")
}
