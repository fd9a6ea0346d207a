//! Session middleware over its own memory store, with one user logged in.

use std::convert::Infallible;

use axum::Router;
use axum::routing::get;
use axum_login::AuthManagerLayerBuilder;
use axum_login::AuthSession;
use axum_login::AuthUser;
use axum_login::AuthnBackend;
use axum_login::login_required;
use axum_session::SessionConfig;
use axum_session::SessionNullPool;
use axum_session::SessionStore;
use http::header::COOKIE;
use tokio::runtime::Runtime;

use crate::measure::Row;
use crate::rows;

pub(super) fn rows(runtime: &Runtime) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, app: Router, login: &'static str| {
        let cookie = runtime.block_on(rows::cookies_from(&app, login));
        assert!(!cookie.is_empty(), "{name} sets a cookie at login");
        rows.push(rows::row(name, app, rows::request(COOKIE, &cookie)));
    };
    add("tower-sessions memory, untouched", tower_sessions(false, false), "/login");
    add("tower-sessions memory, one key read", tower_sessions(true, false), "/login");
    add("tower-sessions memory, always_save", tower_sessions(true, true), "/login");
    add("axum-login memory", axum_login(false), "/login");
    add("axum-login memory, login_required!", axum_login(true), "/login");
    add("axum_session memory", runtime.block_on(axum_session()), "/me");
    rows
}

pub fn tower_sessions(read: bool, always_save: bool) -> Router {
    use tower_sessions::MemoryStore;
    use tower_sessions::Session;
    use tower_sessions::SessionManagerLayer;

    let login = async |session: Session| {
        session.insert("user", 42_u64).await.expect("the memory store answers");
    };
    let read_one = async |session: Session| {
        session.get::<u64>("user").await.expect("the memory store answers").expect("logged in");
        "ok"
    };
    let app = if read { Router::new().route("/me", get(read_one)) } else { rows::router() };
    let layer = SessionManagerLayer::new(MemoryStore::default()).with_always_save(always_save);
    app.route("/login", get(login)).layer(layer)
}

pub fn axum_login(required: bool) -> Router {
    use tower_sessions_014::MemoryStore;
    use tower_sessions_014::SessionManagerLayer;

    let login = async |mut session: AuthSession<Backend>| {
        session.login(&User(42)).await.expect("the memory store answers");
    };
    let guarded = rows::router();
    let guarded = if required { guarded.route_layer(login_required!(Backend)) } else { guarded };
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let layer = AuthManagerLayerBuilder::new(Backend, sessions).build();
    guarded.route("/login", get(login)).layer(layer)
}

async fn axum_session() -> Router {
    let config = SessionConfig::default();
    let store = SessionStore::<SessionNullPool>::new(None, config).await.expect("a memory store");
    let read_one = async |session: axum_session::Session<SessionNullPool>| {
        let user: u64 = session.get("user").unwrap_or(0);
        if user == 0 {
            session.set("user", 42_u64);
        }
        "ok"
    };
    Router::new().route("/me", get(read_one)).layer(axum_session::SessionLayer::new(store))
}

/// The cheapest backend there can be: it knows one user and asks nobody.
#[derive(Clone)]
struct Backend;

#[derive(Clone, Debug)]
struct User(u64);

impl AuthUser for User {
    type Id = u64;

    fn id(&self) -> u64 {
        self.0
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"the hash of a password"
    }
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
        Ok(Some(User(42)))
    }

    async fn get_user(&self, id: &u64) -> Result<Option<User>, Infallible> {
        Ok(Some(User(*id)))
    }
}
