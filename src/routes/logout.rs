//! `POST /auth/logout` and `POST /auth/logout-all`.

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;

use super::Context;
use super::input;
use super::output::done;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::LogoutScope;
use crate::principal::Principal;
use crate::secret::SecretText;
use crate::verify::RequestHead;
use crate::verify::lift;

#[derive(Default, Deserialize)]
struct Logout {
    refresh_token: Option<SecretText>,
}

/// Ends every credential the request carries. Unknown, expired and revoked ones are no error: what
/// the client wants is already so (RFC 7009, section 2.2).
pub(super) async fn logout(State(context): State<Context>, request: Request) -> Response {
    let (parts, input) = match input::read::<Logout>(request).await {
        Ok(read) => read,
        Err((parts, kind)) => return context.refuse(&parts, kind),
    };
    match end(&context, &parts, input.refresh_token.as_ref()).await {
        Ok(()) => context.logged_out(&parts),
        Err(kind) => context.refuse(&parts, kind),
    }
}

async fn end(
    context: &Context,
    parts: &Parts,
    token: Option<&SecretText>,
) -> Result<(), AuthErrorKind> {
    let auth = &context.auth;
    let head = RequestHead::of_parts(parts);
    if lift(head.headers, head.uri, &auth.core().lift)?.any_cookie() {
        auth.check_origin(&head)?;
    }
    auth.logout_head(&head, token.map(SecretText::expose)).await
}

#[derive(Default, Deserialize)]
struct Everywhere {
    keep_current: Option<bool>,
}

pub(super) async fn everywhere(
    State(context): State<Context>,
    who: Principal,
    request: Request,
) -> Response {
    let (parts, input) = match input::read::<Everywhere>(request).await {
        Ok(read) => read,
        Err((parts, kind)) => return context.refuse(&parts, kind),
    };
    if let Err(error) = context.require_fresh(&who) {
        return context.refuse(&parts, error);
    }
    let kept = input.keep_current == Some(true) && who.session_id().is_some();
    let scope = if kept { LogoutScope::Others } else { LogoutScope::Everywhere };
    match context.auth.logout_all(&who, scope).await {
        Ok(()) if kept => done(),
        Ok(()) => context.logged_out(&parts),
        Err(error) => context.refuse(&parts, error),
    }
}

impl Context {
    /// Whether the user proved who they are recently enough for these routes.
    pub(super) fn require_fresh(&self, who: &Principal) -> Result<(), AuthError> {
        match self.options.fresh {
            Some(span) if !self.auth.is_fresh(who, span) => {
                Err(AuthErrorKind::FreshAuthenticationRequired.into())
            }
            _ => Ok(()),
        }
    }
}
