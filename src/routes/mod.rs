//! The routes every app needs beside its login: refresh, logout, devices, exchange (feature `axum`).
//!
//! | route | what it does | who may |
//! |---|---|---|
//! | `POST /auth/refresh` | the next pair, by body or by cookie | whoever holds a refresh token |
//! | `POST /auth/logout` | ends every credential the request carries | anybody |
//! | `POST /auth/logout-all` | ends everything of the user, or all but this session | a principal |
//! | `GET /auth/sessions` | the user's devices | a principal |
//! | `DELETE /auth/sessions/{id}` | signs one of them out | a principal |
//! | `POST /auth/exchange` | a legacy token in, a session out | whoever holds a legacy token |
//!
//! Tokens travel in bodies, in `Authorization` and in cookies, never in URLs. What came in a cookie
//! is answered with cookies, without a token in the body. A request that spends or sets cookies needs
//! evidence of the same origin. Bodies are JSON of at most 8 KiB, and every refusal is a problem
//! document; members that are not known are ignored (RFC 6749, section 3.2).
//!
//! | file | what it is for |
//! |---|---|
//! | `options.rs` | [`RouteOptions`] |
//! | `input.rs` | bodies and parameters, bounded and strict |
//! | `output.rs` | answers and refusals, with the cookies that go with them |
//! | `refresh.rs`, `logout.rs`, `sessions.rs`, `exchange.rs` | the routes |

mod exchange;
mod input;
mod logout;
mod options;
mod output;
mod refresh;
mod sessions;

use axum::Router;
use axum::routing::delete;
use axum::routing::get;
use axum::routing::post;

pub use self::options::RouteOptions;
use crate::flow::Auth;
use crate::layer::AuthLayer;

/// What every handler needs.
#[derive(Clone, Debug)]
struct Context {
    auth: Auth,
    options: RouteOptions,
}

impl Auth {
    /// The routes under `/auth`: refresh, logout, logout-all, sessions, exchange.
    ///
    /// Merge them *outside* the app's own [`AuthLayer`]: refresh, logout and exchange are for
    /// clients whose access token is no longer good. The others are guarded here.
    ///
    /// ```
    /// use axum::Router;
    /// use axum::routing::get;
    /// use segue::{Auth, AuthLayer, MemoryStore, Principal};
    ///
    /// # fn main() -> Result<(), segue::ConfigError> {
    /// let auth = Auth::builder().store(MemoryStore::new()).build()?;
    /// let app: Router = Router::new()
    ///     .route("/me", get(async |who: Principal| who.user_id().to_string()))
    ///     .layer(AuthLayer::dual().with(&auth))
    ///     .merge(auth.routes());
    /// # Ok(()) }
    /// ```
    ///
    /// | route | body | answer |
    /// |---|---|---|
    /// | `POST /auth/refresh` | `{"refresh_token"}` | 200 with the pair as JSON |
    /// | `POST /auth/refresh` | none, but the refresh cookie | 200 with new cookies |
    /// | `POST /auth/logout` | none, or `{"refresh_token"}` | 204; also twice, and for tokens that are expired or unknown |
    /// | `POST /auth/logout-all` | none, or `{"keep_current": true}` | 204 |
    /// | `GET /auth/sessions` | | 200 `{"sessions": […], "next"}`; `?after=` takes `next` |
    /// | `DELETE /auth/sessions/{id}` | | 204, or 404 for an id that is unknown or somebody else's |
    /// | `POST /auth/exchange` | `{"token", "delivery"}`, or the token in `Authorization` or its cookie | 200 with the pair as JSON, or as cookies under `"delivery": "cookies"` |
    ///
    /// A 503 means that nothing was decided: cookies stay, and a logout that did not happen does not
    /// look as if it had.
    pub fn routes(&self) -> Router {
        self.routes_with(RouteOptions::default())
    }

    /// The same with other settings.
    ///
    /// # Panics
    ///
    /// As [`Router::nest`] does, for a prefix that is no path.
    pub fn routes_with(&self, options: RouteOptions) -> Router {
        let prefix = options.prefix.clone();
        let guarded = Router::new()
            .route("/logout-all", post(logout::everywhere))
            .route("/sessions", get(sessions::list))
            .route("/sessions/{id}", delete(sessions::sign_out))
            .route_layer(AuthLayer::dual().with(self));
        let open = Router::new()
            .route("/refresh", post(refresh::refresh))
            .route("/logout", post(logout::logout))
            .route("/exchange", post(exchange::exchange));
        let routes = guarded.merge(open).with_state(Context { auth: self.clone(), options });
        Router::new().nest(&prefix, routes)
    }
}
