//! [`Scoped`]: a principal that is known to hold a scope.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::principal::principal;
use super::rejection::AuthRejection;
use crate::principal::Principal;
use crate::problem::Problem;

/// Names a scope, so that a handler can demand it in its signature.
///
/// ```
/// use segue::{Scope, Scoped};
///
/// struct Admin;
///
/// impl Scope for Admin {
///     const SCOPE: &'static str = "admin";
/// }
///
/// async fn statistics(who: Scoped<Admin>) -> String {
///     format!("for {}", who.user_id())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(statistics));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a scope",
    label = "`Scope` is not implemented for `{Self}`",
    note = "write `impl segue::Scope for {Self} {{ const SCOPE: &'static str = \"orders:read\"; }}`"
)]
pub trait Scope {
    /// The scope as it stands in [`Scopes`](crate::Scopes). Compared exactly; a text that is no scope
    /// is held by nobody.
    const SCOPE: &'static str;
}

/// A principal that holds the scope `S`; it can be used like a [`Principal`].
///
/// Whoever lacks it gets 403 `insufficient_scope`, with the scope named in `WWW-Authenticate` (RFC
/// 6750, section 3). Legacy tokens hold no scopes, and neither does a session that was given
/// none: absence of scopes is not a right to everything.
// The bound stands on the struct, so that a type that names no scope is reported as just that, and
// not as a handler that is no handler.
pub struct Scoped<S: Scope> {
    principal: Principal,
    scope: PhantomData<fn() -> S>,
}

impl<S: Scope> Scoped<S> {
    /// The principal itself.
    #[must_use]
    pub fn into_principal(self) -> Principal {
        self.principal
    }
}

impl<S: Scope> Deref for Scoped<S> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S: Scope, T: Send + Sync> FromRequestParts<T> for Scoped<S> {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &T) -> Result<Self, AuthRejection> {
        let principal = principal(&parts.extensions)?;
        if principal.scopes().contains(S::SCOPE) {
            return Ok(Self { principal, scope: PhantomData });
        }
        Err(Problem::insufficient_scope(S::SCOPE).into())
    }
}

impl<S: Scope> Clone for Scoped<S> {
    fn clone(&self) -> Self {
        Self { principal: self.principal.clone(), scope: PhantomData }
    }
}

impl<S: Scope> fmt::Debug for Scoped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scoped").field(&S::SCOPE).field(&self.principal).finish()
    }
}
