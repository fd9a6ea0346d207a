//! `GET /auth/sessions` and `DELETE /auth/sessions/{id}`: the user's devices.

use axum::Json;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use serde::Serialize;

use super::Context;
use super::input::read_cursor;
use super::input::write_cursor;
use super::output::done;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::ListedSession;
use crate::id::SessionId;
use crate::principal::Principal;
use crate::session::RevokeReason;

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    session: ListedSession,
    current: bool,
}

#[derive(Serialize)]
struct Page {
    sessions: Vec<Listed>,
    next: Option<String>,
}

/// The user's live sessions, newest first, the one that asks marked.
pub(super) async fn list(
    State(context): State<Context>,
    who: Principal,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    match page(&context, &who, query.as_deref()).await {
        Ok(page) => ([(CACHE_CONTROL, "no-store")], Json(page)).into_response(),
        Err(error) => context.refuse(&parts, error),
    }
}

async fn page(context: &Context, who: &Principal, query: Option<&str>) -> Result<Page, AuthError> {
    let pairs = query.unwrap_or_default().split('&');
    let after = pairs.filter_map(|pair| pair.strip_prefix("after=")).next();
    let after = after.map(read_cursor).transpose()?;
    let page = context.auth.sessions(who.user_id(), after).await?;
    let current = who.session_id();
    let listed = |session: ListedSession| Listed { current: Some(session.id) == current, session };
    Ok(Page {
        sessions: page.sessions.into_iter().map(listed).collect(),
        next: page.next.map(write_cursor),
    })
}

/// Signs a device out; one that is signed out already stays so, without an error.
pub(super) async fn sign_out(
    State(context): State<Context>,
    who: Principal,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    // What is no id names no session, whoever asks.
    let Ok(id) = id.parse::<SessionId>() else {
        return context.refuse(&parts, AuthErrorKind::NotFound);
    };
    if let Err(error) = context.require_fresh(&who) {
        return context.refuse(&parts, error);
    }
    let reason = RevokeReason::DeviceList;
    match context.auth.revoke_session(who.user_id(), id, reason).await {
        Ok(()) if who.session_id() == Some(id) => context.logged_out(&parts),
        Ok(()) => done(),
        Err(error) => context.refuse(&parts, error),
    }
}
