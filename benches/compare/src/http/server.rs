//! The servers of the HTTP table, each run in a process of its own by `serve`.

use std::time::Duration;

use axum::Router;
use http::HeaderName;
use http::header::AUTHORIZATION;
use http::header::COOKIE;
use segue::Auth;
use segue::AuthLayer;
use segue::SessionPolicy;
use tokio::net::TcpListener;

use crate::jwt;
use crate::rows;
use crate::rows::segue::logged_in as logged_in_to;
use crate::rows::segue::system;

/// The servers, in the order of the table.
pub(super) const NAMES: [&str; 7] = [
    "bare axum",
    "jsonwebtoken HS256",
    "jsonwebtoken RS256",
    "tower-sessions memory, one key read",
    "axum-login memory",
    "segue dual, sessions",
    "segue dual, legacy HS256",
];

/// Live sessions and blacklisted tokens of segue's servers, and how many of each are asked with.
const SESSIONS: u32 = 100_000;
const BLACKLISTED: u32 = 100_000;
const CLIENTS: u32 = 64;

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
        "segue dual, sessions" => {
            let (app, auth) = segue_dual().await;
            let mut requests = Vec::new();
            for _ in 0..CLIENTS {
                requests.extend(bearer(logged_in_to(&auth, 1).await.access.expose()));
            }
            (app, requests)
        }
        "segue dual, legacy HS256" => {
            let (app, _) = segue_dual().await;
            let tokens = (0..CLIENTS).map(|number| jwt::HS256.token(number));
            (app, tokens.flat_map(|token| bearer(&token)).collect())
        }
        other => panic!("no server is called {other:?}"),
    }
}

async fn logged_in(app: Router) -> (Router, Vec<String>) {
    let cookie = rows::cookies_from(&app, "/login").await;
    (app, vec![ask(&COOKIE, &cookie)])
}

async fn segue_dual() -> (Router, Auth) {
    let auth = system(&[&*jwt::HS256], SessionPolicy::default());
    let end = auth.clock().now().saturating_add(Duration::from_secs(3600));
    for number in 0..BLACKLISTED {
        let jti = format!("revoked {number}");
        auth.blacklist_jti("app", &jti, end).await.expect("the memory store answers");
    }
    auth.ready().await.expect("the memory store answers");
    logged_in_to(&auth, SESSIONS).await;
    (rows::router().layer(AuthLayer::dual().with(&auth)), auth)
}

fn ask(header: &HeaderName, value: &str) -> String {
    format!("GET /me HTTP/1.1\r\nHost: localhost\r\n{header}: {value}\r\n\r\n")
}
