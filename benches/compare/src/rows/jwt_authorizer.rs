//! jwt-authorizer 0.15, on the axum 0.7 that it is built for, over its own bare row.

use std::convert::Infallible;

use axum_07::Router;
use axum_07::body::Body;
use axum_07::response::Response;
use axum_07::routing::get;
use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header::AUTHORIZATION;
use jwt_authorizer::IntoLayer;
use jwt_authorizer::JwtAuthorizer;
use jwt_authorizer::RegisteredClaims;
use tokio::runtime::Runtime;
use tower::Service;

use crate::jwt;
use crate::measure::Row;

const BARE_07: &str = "bare axum 0.7 router";

pub(super) fn rows(runtime: &Runtime) -> Vec<Row> {
    let build = async |builder: JwtAuthorizer<RegisteredClaims>| {
        let authorizer = builder.build().await.expect("an authorizer");
        router().layer(authorizer.into_layer())
    };
    let hs256 = runtime.block_on(build(JwtAuthorizer::from_secret(jwt::SECRET)));
    let rs256 = runtime.block_on(build(JwtAuthorizer::from_rsa_pem_text(&jwt::RS256.public)));
    vec![
        row(BARE_07, router(), &jwt::HS256.token(1)),
        row("jwt-authorizer HS256", hs256, &jwt::HS256.token(1)),
        row("jwt-authorizer RS256", rs256, &jwt::RS256.token(1)),
    ]
}

fn router() -> Router {
    Router::new().route("/me", get(async || "ok"))
}

fn row<S>(name: &'static str, service: S, token: &str) -> Row
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + 'static,
{
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header value");
    let ask = move || {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static("/me");
        request.headers_mut().insert(AUTHORIZATION, value.clone());
        request
    };
    Row::new(name, BARE_07, service, ask, StatusCode::OK)
}
