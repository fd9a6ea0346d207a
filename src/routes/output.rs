//! Answers and refusals, with the cookies that go with them.

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::header::COOKIE;
use http::request::Parts;

use super::Context;
use crate::error::AuthError;
use crate::flow::TokenPair;
use crate::layer::refusal::refuse;
use crate::verify::Effects;

/// How a pair is handed out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Delivery {
    Cookies,
    Json,
}

impl Context {
    /// The pair, in the body or in cookies.
    pub(super) fn deliver(&self, pair: TokenPair, delivery: Delivery) -> Response {
        match delivery {
            Delivery::Cookies => pair.into_cookies(&self.auth).into_response(),
            Delivery::Json => pair.into_response(),
        }
    }

    /// The refusal; cookies stay.
    pub(super) fn refuse(&self, parts: &Parts, error: impl Into<AuthError>) -> Response {
        let effects = Effects::default();
        refuse(&self.auth, &parts.headers, error.into(), &effects).map(Body::from)
    }

    /// The refusal of a session that came in cookies; they go, if the refusal is final.
    pub(super) fn refuse_cookies(&self, parts: &Parts, error: AuthError) -> Response {
        let dead = error.kind().is_definitive();
        let effects = Effects { clear_access: dead, clear_refresh: dead, ..Effects::default() };
        refuse(&self.auth, &parts.headers, error, &effects).map(Body::from)
    }

    /// Done, and the browser's cookies with it.
    pub(super) fn logged_out(&self, parts: &Parts) -> Response {
        let mut response = done();
        let headers = response.headers_mut();
        if parts.headers.contains_key(COOKIE) {
            self.auth.cookies().clear_both(headers);
        }
        if self.options.clear_site_data {
            let everything = HeaderValue::from_static(r#""cache", "storage""#);
            headers.insert("clear-site-data", everything);
        }
        response
    }
}

/// Done, and nothing to say about it.
pub(super) fn done() -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (StatusCode::NO_CONTENT, headers).into_response()
}
