//! What a login needs of the request it answers: its context, and evidence of its origin.

use std::convert::Infallible;

use axum::extract::FromRef;
use axum::extract::FromRequestParts;
use http::request::Parts;

use super::rejection::AuthRejection;
use crate::flow::Auth;
use crate::flow::RequestContext;

/// For a login handler, in an app whose state contains the [`Auth`]; elsewhere call
/// [`Auth::context`].
///
/// ```
/// use axum::Json;
/// use axum::extract::State;
/// use segue::{Auth, AuthError, Login, RequestContext};
///
/// async fn login(
///     State(auth): State<Auth>,
///     context: RequestContext,
///     Json(user): Json<u64>, // an app checks a password here
/// ) -> Result<Login, AuthError> {
///     auth.login(user).context(context).await
/// }
/// # let _: axum::Router<Auth> = axum::Router::new().route("/", axum::routing::post(login));
/// ```
impl<S> FromRequestParts<S> for RequestContext
where
    S: Send + Sync,
    Auth: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Auth::from_ref(state).context(parts))
    }
}

/// Evidence that a browser's request comes from this site: for handlers that answer with cookies.
///
/// The layers ask for it wherever a cookie authenticates. A login has no cookie yet, but hands
/// some out, and must not do so for another site's form: it would log the visitor in as somebody
/// else. Anything but `GET`, `HEAD` and `OPTIONS` without the evidence is 403 `cross_origin`; a
/// client that is no browser takes its tokens as JSON, and needs none.
///
/// ```
/// use axum::extract::State;
/// use segue::{Auth, AuthError, InCookies, SameOrigin};
///
/// async fn login(State(auth): State<Auth>, _: SameOrigin) -> Result<InCookies, AuthError> {
///     Ok(auth.login(42_u64).await?.into_cookies(&auth))
/// }
/// # let _: axum::Router<Auth> = axum::Router::new().route("/", axum::routing::post(login));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin(());

impl<S> FromRequestParts<S> for SameOrigin
where
    S: Send + Sync,
    Auth: FromRef<S>,
{
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthRejection> {
        Auth::from_ref(state).same_origin(parts)?;
        Ok(Self(()))
    }
}
