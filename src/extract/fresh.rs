//! [`Fresh`]: a principal that proved who it is a short while ago.

use std::ops::Deref;
use std::time::Duration;

use axum::extract::FromRef;
use axum::extract::FromRequestParts;
use http::request::Parts;

use super::principal::principal;
use super::rejection::AuthRejection;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::principal::Principal;

/// A principal whose user proved who they are at most `SECONDS` ago; for what must not be done by
/// whoever finds an unlocked browser: changing the password, deleting the account (ASVS 7.5.1).
///
/// Otherwise the client gets 403 `fresh_authentication_required` and asks for the password again;
/// the login that follows makes a new session. Refreshing never makes a session fresh, and the age
/// is judged by the system's clock, so the app's state must contain the [`Auth`].
///
/// For a legacy token its `iat` counts, and one without `iat` is never fresh.
///
/// ```
/// use segue::{Auth, Fresh};
///
/// async fn delete_account(who: Fresh<300>) -> String {
///     format!("good bye, {}", who.user_id())
/// }
/// # let _: axum::Router<Auth> = axum::Router::new().route("/", axum::routing::delete(delete_account));
/// ```
#[derive(Clone, Debug)]
pub struct Fresh<const SECONDS: u64>(Principal);

impl<const SECONDS: u64> Fresh<SECONDS> {
    /// The principal itself.
    #[must_use]
    pub fn into_principal(self) -> Principal {
        self.0
    }
}

impl<const SECONDS: u64> Deref for Fresh<SECONDS> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl<S, const SECONDS: u64> FromRequestParts<S> for Fresh<SECONDS>
where
    S: Send + Sync,
    Auth: FromRef<S>,
{
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthRejection> {
        let principal = principal(&parts.extensions)?;
        if Auth::from_ref(state).is_fresh(&principal, Duration::from_secs(SECONDS)) {
            return Ok(Self(principal));
        }
        Err(AuthErrorKind::FreshAuthenticationRequired.into())
    }
}
