//! What most apps have: a `from_fn` of a dozen lines around `jsonwebtoken`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::StatusCode;
use http::header::AUTHORIZATION;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::Validation;

use crate::jwt;
use crate::jwt::Claims;
use crate::jwt::Issuer;
use crate::measure::Row;
use crate::rows;

pub(super) fn rows() -> Vec<Row> {
    [
        ("from_fn + jsonwebtoken HS256", &*jwt::HS256),
        ("from_fn + jsonwebtoken RS256", &*jwt::RS256),
        ("from_fn + jsonwebtoken ES256", &*jwt::ES256),
        ("from_fn + jsonwebtoken EdDSA", &*jwt::EDDSA),
    ]
    .into_iter()
    .map(|(name, issuer)| rows::row(name, hand_written(issuer), rows::bearer(&issuer.token(1))))
    .collect()
}

struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

pub fn hand_written(issuer: &Issuer) -> Router {
    let verifier = Arc::new(Verifier {
        key: issuer.verifying.clone(),
        validation: Validation::new(issuer.algorithm),
    });
    rows::router().layer(from_fn_with_state(verifier, authenticate))
}

async fn authenticate(
    State(verifier): State<Arc<Verifier>>,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let claims = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| {
            jsonwebtoken::decode::<Claims>(token, &verifier.key, &verifier.validation).ok()
        })
        .ok_or(StatusCode::UNAUTHORIZED)?
        .claims;
    request.extensions_mut().insert(claims);
    Ok(next.run(request).await)
}
