//! The shortest program: one line of segue, everything else from the environment.
//!
//! ```sh
//! JWT_SECRET=the-secret-of-the-old-app-32-bytes-or-more cargo run --example quickstart
//!
//! curl -i localhost:3000/me
//! # 401 {"code":"missing_credential",…}
//! curl -i localhost:3000/me -H "authorization: Bearer $TOKEN_OF_THE_OLD_APP"
//! # 200 42 by legacy_jwt
//! curl -X POST localhost:3000/login/42
//! # {"access_token":"sga_…","refresh_token":"sgr_…",…}
//! curl localhost:3000/me -H "authorization: Bearer $ACCESS"
//! # 42 by session
//! ```
//!
//! Sessions are kept in `segue.db`, the keys in `segue.db.keys` beside it; both are made on first
//! run. Without `JWT_SECRET` there are sessions only.

use std::error::Error;

use axum::Router;
use axum::extract::Path;
use axum::extract::State;
use axum::routing::get;
use axum::routing::post;
use segue::Auth;
use segue::AuthError;
use segue::AuthLayer;
use segue::ConfigError;
use segue::Login;
use segue::Principal;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app()?).await?)
}

pub(crate) fn app() -> Result<Router, ConfigError> {
    // What `AuthLayer::dual()` uses as well; asked for here so that login can use it.
    let auth = Auth::installed_or_from_env()?;
    let app = Router::new()
        .route("/me", get(me))
        .layer(AuthLayer::dual())
        .route("/login/{user}", post(login))
        .with_state(auth.clone());
    Ok(app.merge(auth.routes()))
}

async fn me(who: Principal) -> String {
    format!("{} by {}", who.user_id(), who.via())
}

/// An app checks a password here.
async fn login(State(auth): State<Auth>, Path(user): Path<u64>) -> Result<Login, AuthError> {
    auth.login(user).await
}
