//! Logins and token pairs as responses: JSON for API clients, cookies for browsers, never both.

use axum::Json;
use axum::response::IntoResponse;
use axum::response::IntoResponseParts;
use axum::response::Response;
use axum::response::ResponseParts;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde_json::Value;

use crate::flow::Auth;
use crate::flow::Login;
use crate::flow::TokenPair;

/// The tokens in the body, for an API client: `access_token`, `refresh_token`, `token_type`,
/// `expires_in` (seconds), `session_id`, and `legacy_token` while dual issue is on; never cached.
impl IntoResponse for TokenPair {
    fn into_response(self) -> Response {
        uncached(self.to_json())
    }
}

/// As [`TokenPair`]; only `legacy_token` for a user whom the rollout does not reach.
impl IntoResponse for Login {
    fn into_response(self) -> Response {
        uncached(self.to_json())
    }
}

fn uncached(body: Value) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

/// Tokens on their way to a browser: in `HttpOnly` cookies, where no script can read them.
///
/// As a response it is `{"expires_in": …, "session_id": …}`, without any token. To answer with
/// something else, put it in front: `(login.into_cookies(&auth), Redirect::to("/"))`.
///
/// While dual issue is on, the legacy token goes into the cookie of
/// [`CookiePolicy::with_legacy_cookie`](crate::CookiePolicy::with_legacy_cookie); without that
/// setting it goes nowhere, and the app that wants it hands it out itself
/// ([`Login::legacy_token`]).
#[derive(Clone, Debug)]
#[must_use = "it is a response"]
pub struct InCookies {
    headers: HeaderMap,
    body: Value,
}

impl TokenPair {
    /// The pair for a browser.
    pub fn into_cookies(self, auth: &Auth) -> InCookies {
        let mut headers = HeaderMap::new();
        auth.set_cookies(&self, &mut headers);
        let body = serde_json::json!({
            "expires_in": self.expires_in.as_secs(),
            "session_id": self.session_id,
        });
        InCookies { headers, body }
    }
}

impl Login {
    /// The login for a browser. For a user whom the rollout does not reach there is only the
    /// legacy cookie, and `session_id` is `null`.
    pub fn into_cookies(self, auth: &Auth) -> InCookies {
        let mut headers = HeaderMap::new();
        if self.pair.is_none() {
            auth.set_legacy_cookie(&self, &mut headers);
        }
        match self.pair {
            Some(pair) => pair.into_cookies(auth),
            None => InCookies {
                headers,
                body: serde_json::json!({ "expires_in": null, "session_id": null }),
            },
        }
    }
}

impl IntoResponseParts for InCookies {
    type Error = std::convert::Infallible;

    fn into_response_parts(
        self,
        mut response: ResponseParts,
    ) -> Result<ResponseParts, Self::Error> {
        merge(self.headers, response.headers_mut());
        Ok(response)
    }
}

impl IntoResponse for InCookies {
    fn into_response(self) -> Response {
        let mut response = uncached(self.body);
        merge(self.headers, response.headers_mut());
        response
    }
}

/// Appends cookies, replaces everything else.
fn merge(from: HeaderMap, into: &mut HeaderMap) {
    let mut last = None;
    for (name, value) in from {
        let Some(name) = name.or_else(|| last.clone()) else { continue };
        if name == http::header::SET_COOKIE {
            into.append(name.clone(), value);
        } else {
            into.insert(name.clone(), value);
        }
        last = Some(name);
    }
}
