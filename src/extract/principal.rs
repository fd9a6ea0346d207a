//! [`Principal`] and `Option<Principal>`: taken from where the layer left them.

use axum::extract::FromRequestParts;
use axum::extract::OptionalFromRequestParts;
use http::Extensions;
use http::request::Parts;

use super::rejection::AuthRejection;
use crate::error::AuthErrorKind;
use crate::principal::Anonymous;
use crate::principal::Principal;

/// The layer authenticates, the extractor only hands over: it costs a look into the request's
/// extensions.
///
/// Without an [`AuthLayer`](crate::AuthLayer) around the route, and behind
/// [`AuthLayer::optional`](crate::AuthLayer::optional) for a request of nobody, there is none. The
/// first is the programmer's mistake and answers 500 `layer_missing`, the second 401
/// `missing_credential`.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AuthRejection> {
        principal(&parts.extensions)
    }
}

/// `None` only for a request that [`AuthLayer::optional`](crate::AuthLayer::optional) let through as
/// one of nobody. A route without a layer is still a 500: "nobody is logged in" must never be the
/// answer to a forgotten layer.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = AuthRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, AuthRejection> {
        match parts.extensions.get::<Self>() {
            Some(principal) => Ok(Some(principal.clone())),
            None if parts.extensions.get::<Anonymous>().is_some() => Ok(None),
            None => Err(AuthErrorKind::LayerMissing.into()),
        }
    }
}

/// The principal of a request, or why there is none.
pub(super) fn principal(extensions: &Extensions) -> Result<Principal, AuthRejection> {
    match extensions.get::<Principal>() {
        Some(principal) => Ok(principal.clone()),
        None if extensions.get::<Anonymous>().is_some() => {
            Err(AuthErrorKind::MissingCredential.into())
        }
        None => Err(AuthErrorKind::LayerMissing.into()),
    }
}
