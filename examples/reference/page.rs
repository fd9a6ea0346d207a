//! The page: one file, which may run and load nothing but itself.

use std::sync::LazyLock;

use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::REFERRER_POLICY;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;
use data_encoding::BASE64;
use sha2::Digest;
use sha2::Sha256;

const PAGE: &str = include_str!("page.html");

/// Only the script and the style that stand in the page, by their hashes.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (script, style) = (hash_of("script"), hash_of("style"));
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
});

pub(crate) async fn page() -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (CACHE_CONTROL, "no-cache"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(PAGE)).into_response()
}

fn hash_of(element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let inside = PAGE.split_once(&*open).and_then(|(_, rest)| rest.split_once(&*close));
    BASE64.encode(&Sha256::digest(inside.map_or("", |(inside, _)| inside)))
}
