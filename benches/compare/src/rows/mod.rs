//! The rows of the table, in the order in which they are printed.

mod jwt;
mod jwt_authorizer;
mod plain;
pub mod segue;
mod sessions;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header::AUTHORIZATION;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::measure::Row;

pub use jwt::hand_written as hand_written_jwt;
pub use sessions::axum_login;
pub use sessions::tower_sessions;

pub const BARE: &str = "bare axum router";

/// Every row.
pub fn all(runtime: &Runtime) -> Vec<Row> {
    let mut rows = plain::rows();
    rows.extend(jwt::rows());
    rows.extend(jwt_authorizer::rows(runtime));
    rows.extend(sessions::rows(runtime));
    rows.extend(segue::rows(runtime));
    rows
}

/// The handler of every row: it does nothing, so that the difference is the middleware.
pub fn router() -> Router {
    Router::new().route("/me", get(me))
}

async fn me() -> &'static str {
    "ok"
}

/// Asks for `/me` with one header; cloning its value copies no bytes.
pub fn request(header: HeaderName, value: &str) -> impl Fn() -> Request<Body> + use<> {
    let value = HeaderValue::from_str(value).expect("a header value");
    move || {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static("/me");
        request.headers_mut().insert(header.clone(), value.clone());
        request
    }
}

pub fn bearer(token: &str) -> impl Fn() -> Request<Body> + use<> {
    request(AUTHORIZATION, &format!("Bearer {token}"))
}

/// A row over the bare axum 0.8 router.
fn row<S>(name: &'static str, service: S, ask: impl Fn() -> Request<Body> + 'static) -> Row
where
    S: tower::Service<
            Request<Body>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
        > + Clone
        + 'static,
{
    Row::new(name, BARE, service, ask, StatusCode::OK)
}

/// The `Cookie` header that `path` of this app leaves a browser with.
pub async fn cookies_from(app: &Router, path: &'static str) -> String {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(path);
    let answer = app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let cookies = answer.headers().get_all(http::header::SET_COOKIE).iter();
    let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    pairs.map(str::to_owned).collect::<Vec<_>>().join("; ")
}
