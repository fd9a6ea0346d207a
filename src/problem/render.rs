//! Turns a problem into a response; the body is the app's to replace, the rest is not.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_TYPE;
use http::header::RETRY_AFTER;
use http::header::WWW_AUTHENTICATE;

use super::document::Problem;
use super::grpc::write_status;
use crate::error::ConfigError;
use crate::error::ConfigFault;

/// In the extensions of a refusal written without knowing the app's renderer. A layer that knows
/// it writes the refusal again.
#[derive(Clone, Debug)]
pub(crate) struct Unstyled(pub(crate) Problem);

type Body = dyn Fn(&Problem) -> (HeaderValue, Bytes) + Send + Sync;

/// Writes refusals. Cloning shares the closure.
///
/// The default body is the problem document as `application/problem+json`. An app that wants
/// pages, other words or another language gives its own; status, `WWW-Authenticate`,
/// `Retry-After` and `Cache-Control: no-store` stay as the reason demands.
///
/// ```
/// use http::HeaderValue;
/// use segue::{AuthErrorKind, Problem, ProblemRenderer};
///
/// let plain = ProblemRenderer::new(|problem: &Problem| {
///     (HeaderValue::from_static("text/plain"), problem.code().into())
/// });
/// let response = plain.response(&Problem::from(AuthErrorKind::StoreUnavailable));
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "2");
/// assert_eq!(response.body(), "store_unavailable");
/// ```
#[derive(Clone, Default)]
pub struct ProblemRenderer {
    body: Option<Arc<Body>>,
    realm: Option<Arc<str>>,
}

impl ProblemRenderer {
    /// Bodies made by `body`: content type and bytes for one problem.
    ///
    /// It runs on the request path, in the middle of refusing what may be a flood: it should be
    /// cheap and must not block.
    #[must_use]
    pub fn new(body: impl Fn(&Problem) -> (HeaderValue, Bytes) + Send + Sync + 'static) -> Self {
        Self { body: Some(Arc::new(body)), realm: None }
    }

    /// Challenges name this realm (RFC 9110, section 11.5). Default: none.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] unless it is printable ASCII without `"` and `\`.
    pub fn with_realm(mut self, realm: &str) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
        if !realm.bytes().all(allowed) {
            let allowed = "printable ASCII without quotes and backslashes";
            return Err(ConfigFault::new("realm", realm, allowed).into());
        }
        self.realm = Some(realm.into());
        Ok(self)
    }

    /// The response for plain HTTP. The refusal itself is in its extensions.
    #[must_use]
    pub fn response(&self, problem: &Problem) -> Response<Bytes> {
        let (kind, body) = match &self.body {
            Some(body) => body(problem),
            None => (
                HeaderValue::from_static("application/problem+json"),
                Bytes::from_static(problem.json().as_bytes()),
            ),
        };
        let mut response = Response::new(body);
        *response.status_mut() = problem.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.write_advice(problem, headers);
        response.extensions_mut().insert(problem.error());
        response
    }

    /// The response for gRPC: the status in the headers, no body.
    pub(crate) fn grpc_response(problem: &Problem) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::OK;
        write_status(problem, response.headers_mut());
        response.extensions_mut().insert(problem.error());
        response
    }

    /// Whether refusals look otherwise than the default.
    pub(crate) fn is_custom(&self) -> bool {
        self.body.is_some() || self.realm.is_some()
    }

    fn write_advice(&self, problem: &Problem, headers: &mut HeaderMap) {
        if let Some(challenge) = problem.challenge(self.realm.as_deref()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = problem.error().retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
    }
}

impl fmt::Debug for ProblemRenderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProblemRenderer")
            .field("custom_body", &self.body.is_some())
            .field("realm", &self.realm)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::AuthError;
    use crate::error::AuthErrorKind;

    /// Every reason is answered with its status, uncached, challenged where it is a 401, with an
    /// instant to return where it is a 429 or 503, and with the reason in the extensions.
    #[test]
    fn every_reason() {
        let renderer = ProblemRenderer::default();
        for kind in AuthErrorKind::ALL {
            let response = renderer.response(&Problem::from(kind));
            let headers = response.headers();
            assert_eq!(response.status(), kind.status(), "{kind:?}");
            assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
            assert_eq!(headers[CACHE_CONTROL], "no-store");
            let status = kind.status().as_u16();
            assert!(status != 401 || headers.contains_key(WWW_AUTHENTICATE), "{kind:?}");
            assert_eq!(headers.contains_key(RETRY_AFTER), matches!(status, 429 | 503));
            assert_eq!(response.extensions().get(), Some(&AuthError::from(kind)));
        }
    }

    /// The span of a refusal reaches the header.
    #[test]
    fn retry_after_is_told() {
        let error = AuthError::from(AuthErrorKind::StoreUnavailable);
        let error = error.with_retry_after(Duration::from_millis(9_001));
        let response = ProblemRenderer::default().response(&Problem::from(error));
        assert_eq!(response.headers()[RETRY_AFTER], "10");
    }

    /// Over gRPC it is a 200 without a body.
    #[test]
    fn grpc() {
        let problem = Problem::from(AuthErrorKind::MissingCredential);
        let response = ProblemRenderer::grpc_response(&problem);
        assert_eq!(response.status(), 200);
        assert!(response.body().is_empty());
        assert_eq!(response.headers()["grpc-status"], "16");
    }

    /// A realm that could end its quotes is refused.
    #[test]
    fn realms() {
        assert!(ProblemRenderer::default().with_realm("a\"b").is_err());
        let renderer = ProblemRenderer::default().with_realm("app").unwrap();
        let response = renderer.response(&Problem::from(AuthErrorKind::MissingCredential));
        assert_eq!(response.headers()[WWW_AUTHENTICATE], r#"Bearer realm="app""#);
    }
}
