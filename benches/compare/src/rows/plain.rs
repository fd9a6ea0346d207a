//! No authentication, or next to none: what the others are measured against.

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::Response;
use tower::Layer;
use tower_http::validate_request::ValidateRequestHeaderLayer;

use crate::measure::Row;
use crate::rows;

const FIXED: &str = "dGhlIG9uZSB0b2tlbiB0aGF0IGlzIGV2ZXIgYWxsb3dlZA";

pub(super) fn rows() -> Vec<Row> {
    let ask = || rows::bearer(FIXED);
    #[expect(deprecated, reason = "the row is about what people use")]
    let check = ValidateRequestHeaderLayer::bearer(FIXED);
    let outside = check.layer(rows::router());
    let inside: Router = rows::router().layer(check);
    vec![
        rows::row(rows::BARE, rows::router(), ask()),
        rows::row("tower-http bearer check, outside the router", outside, ask()),
        rows::row("tower-http bearer check, Router::layer", inside, ask()),
        rows::row("empty from_fn", rows::router().layer(from_fn(pass)), ask()),
    ]
}

async fn pass(request: Request, next: Next) -> Response {
    next.run(request).await
}
