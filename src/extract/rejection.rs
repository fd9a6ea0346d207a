//! How a failed extractor, and an error that a handler returns, become a response.

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::problem::Problem;
use crate::problem::ProblemRenderer;
use crate::problem::Unstyled;

/// Why an extractor of this crate refused a request: a problem document, as the layers write it.
///
/// An app that gave its own [`ProblemRenderer`] sees it used here too, as long as the route stands
/// behind an [`AuthLayer`](crate::AuthLayer).
///
/// ```
/// use axum::response::IntoResponse;
/// use segue::{AuthErrorKind, AuthRejection};
///
/// let response = AuthRejection::from(AuthErrorKind::InsufficientScope).into_response();
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Clone, Debug)]
pub struct AuthRejection(Problem);

impl AuthRejection {
    /// What is said to the client.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<Problem> for AuthRejection {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<AuthError> for AuthRejection {
    fn from(error: AuthError) -> Self {
        Self(error.into())
    }
}

impl From<AuthErrorKind> for AuthRejection {
    fn from(kind: AuthErrorKind) -> Self {
        Self(kind.into())
    }
}

impl IntoResponse for AuthRejection {
    fn into_response(self) -> Response {
        let error = self.0.error();
        if error.kind() == AuthErrorKind::LayerMissing {
            tracing::error!("{error}");
        } else {
            tracing::trace!(target: "axum::rejection", code = error.code(), "{error}");
        }
        let mut response = ProblemRenderer::default().response(&self.0).map(Body::from);
        response.extensions_mut().insert(Unstyled(self.0));
        response
    }
}

/// So that handlers can use `?` on the operations of [`Auth`](crate::Auth).
///
/// ```
/// use segue::{Auth, AuthError, LogoutScope, Principal};
///
/// async fn password_changed(auth: Auth, who: Principal) -> Result<(), AuthError> {
///     auth.logout_all(&who, LogoutScope::Others).await
/// }
/// ```
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        AuthRejection::from(self).into_response()
    }
}

/// For handlers that refuse with words of this crate.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        AuthRejection::from(self).into_response()
    }
}
