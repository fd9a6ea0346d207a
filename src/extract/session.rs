//! [`CurrentSession`]: the session that makes the request, for handlers that need one.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::principal::principal;
use super::rejection::AuthRejection;
use crate::error::AuthErrorKind;
use crate::id::SessionId;
use crate::id::UserId;
use crate::principal::Principal;
use crate::principal::SessionFacts;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::time::Timestamp;

/// The session that makes the request.
///
/// A legacy token is a good credential, but no session: it is refused with 403 `session_required`,
/// which tells the client to trade it (`POST /auth/exchange`) or to log in. Where both ways are
/// welcome, take a [`Principal`] and ask it for its
/// [`session_id`](Principal::session_id).
///
/// Everything here is of the moment the request was authenticated, at most the staleness bound
/// old; reading it costs no store call.
///
/// ```
/// use segue::CurrentSession;
///
/// async fn tenant(session: CurrentSession) -> String {
///     let tenant = session.data().get("tenant").and_then(|tenant| tenant.as_str());
///     tenant.unwrap_or("none").to_owned()
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(tenant));
/// ```
#[derive(Clone, Debug)]
pub struct CurrentSession {
    principal: Principal,
    facts: SessionFacts,
}

impl CurrentSession {
    /// Its public id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.facts.key.public_id()
    }

    /// Whose session it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        self.principal.user_id()
    }

    /// When it began.
    #[must_use]
    pub const fn created_at(&self) -> Timestamp {
        self.facts.created_at
    }

    /// When it ends at the latest; refreshing never moves it.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.facts.expires_at
    }

    /// When the user last proved who they are.
    #[must_use]
    pub fn authenticated_at(&self) -> Timestamp {
        self.principal.authenticated_at().unwrap_or(Timestamp::EPOCH)
    }

    /// What it permits.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.principal.scopes()
    }

    /// The application's data; [`Auth::update_data`](crate::Auth::update_data) changes it.
    #[must_use]
    pub const fn data(&self) -> &SessionData {
        &self.facts.data
    }

    /// The principal, for what takes one.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AuthRejection> {
        let principal = principal(&parts.extensions)?;
        match principal.session_facts().cloned() {
            Some(facts) => Ok(Self { principal, facts }),
            None => Err(AuthErrorKind::SessionRequired.into()),
        }
    }
}
