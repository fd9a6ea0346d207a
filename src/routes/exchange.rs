//! `POST /auth/exchange`: a legacy token in, a session out.

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
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
    token: Option<SecretText>,
    delivery: Option<Delivery>,
}

/// The token stands in the body, in `Authorization`, or in the cookie of the old system.
///
/// `delivery` says how the pair is handed out. Unset it is handed out the way the token came; a
/// token from a cookie is never answered with tokens in the body, or any script on the page
/// could turn what it can't read into what it can.
pub(super) async fn exchange(State(context): State<Context>, request: Request) -> Response {
    let (parts, input) = match input::read::<Input>(request).await {
        Ok(read) => read,
        Err((parts, kind)) => return context.refuse(&parts, kind),
    };
    match trade(&context, &parts, &input).await {
        Ok((pair, delivery)) => context.deliver(pair, delivery),
        Err(error) => context.refuse(&parts, error),
    }
}

async fn trade(
    context: &Context,
    parts: &Parts,
    input: &Input,
) -> Result<(TokenPair, Delivery), AuthError> {
    let auth = &context.auth;
    let head = RequestHead::of_parts(parts);
    let presented = lift(head.headers, head.uri, &auth.core().lift)?;
    let sources = auth.core().legacy.all();
    let recognised = |(source, text): &(usize, &str)| {
        sources.get(*source).is_some_and(|source| source.recognises(text))
    };
    let (token, from_cookie) = match &input.token {
        Some(token) => (token.expose(), false),
        None => {
            let found = presented.legacy().find(recognised);
            let (source, text) = found.ok_or(AuthErrorKind::MissingCredential)?;
            (text, presented.cookie_sources().contains(source))
        }
    };
    let delivery = match (input.delivery, from_cookie) {
        (Some(Delivery::Json), true) => return Err(AuthErrorKind::InvalidInput.into()),
        (Some(chosen), _) => chosen,
        (None, true) => Delivery::Cookies,
        (None, false) => Delivery::Json,
    };
    if delivery == Delivery::Cookies {
        auth.check_origin(&head)?;
    }
    let key = idempotency_key(head.headers)?;
    let pair = auth.exchange(token, key, &auth.context_of(&head)).await?;
    Ok((pair, delivery))
}

/// Sent once, in visible ASCII; how long it may be is the exchange's to say.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, AuthErrorKind> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    match value.to_str() {
        Ok(key) if values.next().is_none() && !key.is_empty() => Ok(Some(key)),
        _ => Err(AuthErrorKind::InvalidInput),
    }
}
