//! `POST /auth/refresh`: the next pair.

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;

use super::Context;
use super::input;
use super::output::Delivery;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::TokenPair;
use crate::secret::SecretText;
use crate::verify::RequestHead;
use crate::verify::lift;

#[derive(Default, Deserialize)]
struct Input {
    refresh_token: Option<SecretText>,
}

/// A token in the body decides alone; the cookie is then neither used nor touched.
pub(super) async fn refresh(State(context): State<Context>, request: Request) -> Response {
    let (parts, input) = match input::read::<Input>(request).await {
        Ok(read) => read,
        Err((parts, kind)) => return context.refuse(&parts, kind),
    };
    match input.refresh_token {
        Some(token) => {
            let known = context.auth.context(&parts);
            match context.auth.refresh(token.expose(), &known).await {
                Ok(pair) => context.deliver(pair, Delivery::Json),
                Err(error) => context.refuse(&parts, error),
            }
        }
        None => match by_cookie(&context, &parts).await {
            Ok(pair) => context.deliver(pair, Delivery::Cookies),
            Err(error) => context.refuse_cookies(&parts, error),
        },
    }
}

async fn by_cookie(context: &Context, parts: &Parts) -> Result<TokenPair, AuthError> {
    let auth = &context.auth;
    let head = RequestHead::of_parts(parts);
    let presented = lift(head.headers, head.uri, &auth.core().lift)?;
    let token = presented.refresh_cookie.ok_or(AuthErrorKind::MissingCredential)?;
    auth.check_origin(&head)?;
    auth.refresh(token, &auth.context_of(&head)).await
}
