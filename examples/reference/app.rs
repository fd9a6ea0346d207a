//! Assembling, and the routes: what an app copies.

use std::error::Error;

use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::FromRef;
use axum::extract::Path;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::SET_COOKIE;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use segue::Auth;
use segue::AuthBuilder;
use segue::AuthError;
use segue::AuthErrorKind;
use segue::AuthLayer;
use segue::LegacyGrant;
use segue::Principal;
use segue::RefreshLayer;
use segue::RequestContext;
use segue::Scope;
use segue::Scoped;
use segue::Timestamp;
use segue::UserId;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::old_app;
use super::old_app::OldApp;
use super::page;
use super::settings::Settings;
use super::users::User;
use super::users::Users;

/// Everything that requests need.
#[derive(Clone, FromRef)]
pub(crate) struct Reference {
    pub(crate) auth: Auth,
    pub(crate) old_app: OldApp,
    users: Users,
}

impl Reference {
    /// Puts the app together and connects, so that what is wrong shows now.
    pub(crate) async fn assemble(
        settings: &Settings,
        builder: AuthBuilder,
    ) -> Result<Self, Box<dyn Error>> {
        let old_app = OldApp::new(&settings.old);
        let users = Users::open(&settings.users_file).await.map_err(|error| {
            format!("users can't be kept in {}: {error}", settings.users_file.display())
        })?;
        let (asked, issuer) = (users.clone(), old_app.clone());
        let auth = builder
            .users(move |id: UserId| {
                let users = asked.clone();
                async move { users.exists(&id).await }
            })
            .legacy_issuer(old_app::LIFE, move |grant: &LegacyGrant| issuer.token_beside(grant))
            .build()?;
        auth.ready().await?;
        Ok(Self { auth, old_app, users })
    }
}

/// The app.
pub(crate) fn router(reference: Reference) -> Router {
    let auth = reference.auth.clone();
    let guarded = Router::new()
        .route("/me", get(me))
        .route("/admin/users/{id}/sign-out", post(sign_user_out))
        .route_layer(AuthLayer::dual().with(&auth));
    let open = Router::new()
        .route("/login", post(login))
        .route("/legacy/login", post(legacy_login))
        .layer(DefaultBodyLimit::max(8 * 1024));
    Router::new()
        .merge(guarded)
        .merge(open)
        .with_state(reference)
        .merge(auth.routes())
        // Renews a browser's session on the way through, wherever the browser is.
        .layer(RefreshLayer::new().with(&auth))
        .layer(from_fn_with_state(auth, announce_renewal))
        .route("/", get(page::page))
        .route("/health", get(async || "ok"))
}

async fn me(who: Principal) -> Json<Value> {
    Json(json!({
        "user_id": who.user_id(),
        "via": who.via().label(),
        "session_id": who.session_id(),
        "scopes": who.scopes(),
    }))
}

struct Admin;

impl Scope for Admin {
    const SCOPE: &'static str = "admin";
}

/// Signs a user out everywhere: only for sessions with the scope `admin`.
async fn sign_user_out(
    _: Scoped<Admin>,
    State(auth): State<Auth>,
    Path(id): Path<String>,
) -> Result<StatusCode, AuthError> {
    let id = UserId::new(id).map_err(|_| AuthErrorKind::NotFound)?;
    auth.revoke_user(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    #[serde(default)]
    delivery: Delivery,
}

/// Where the tokens go: `"delivery": "cookies"` is for browsers.
#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Delivery {
    Cookies,
    #[default]
    Json,
}

async fn login(
    State(app): State<Reference>,
    context: RequestContext,
    parts: Parts,
    credentials: Result<Json<Credentials>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(credentials) = credentials?;
    if credentials.delivery == Delivery::Cookies {
        app.auth.same_origin(&parts)?;
    }
    // Before the password is checked: "log out everywhere" in between must not be outlived.
    let (user, began) = check(&app, &credentials).await?;
    let login = app.auth.login(user.id).scopes(user.scopes).context(context);
    let login = login.authenticated_at(began).await?;
    Ok(match credentials.delivery {
        Delivery::Cookies => login.into_cookies(&app.auth).into_response(),
        Delivery::Json => login.into_response(),
    })
}

/// What the old app's login did and does.
async fn legacy_login(
    State(app): State<Reference>,
    credentials: Result<Json<Credentials>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(credentials) = credentials?;
    let (user, began) = check(&app, &credentials).await?;
    let token = app.old_app.token(&user.id, began).map_err(|_| Refusal::Failed)?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "token": token }))).into_response())
}

async fn check(app: &Reference, credentials: &Credentials) -> Result<(User, Timestamp), Refusal> {
    let began = app.auth.clock().now();
    let user = app.users.check(&credentials.username, credentials.password.clone()).await;
    let user = user.map_err(|error| {
        tracing::error!(error = &*error as &dyn Error, "a password can't be checked");
        Refusal::Failed
    })?;
    Ok((user.ok_or(Refusal::WrongCredentials)?, began))
}

/// Why a login failed.
enum Refusal {
    Auth(AuthError),
    Failed,
    Input(StatusCode),
    WrongCredentials,
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::Input(rejection.status())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::Auth(error) => return error.into_response(),
            Self::Failed => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again shortly."),
            Self::Input(status) => (
                status,
                "invalid_input",
                r#"Send {"username": …, "password": …} as application/json."#,
            ),
            Self::WrongCredentials => {
                (StatusCode::UNAUTHORIZED, "wrong_credentials", "User name or password is wrong.")
            }
        };
        let problem = json!({
            "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(),
            "detail": detail, "code": code,
        });
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        (status, headers, problem.to_string()).into_response()
    }
}

/// Tells the page that its cookies were renewed, which it can't see itself.
async fn announce_renewal(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let name = auth.cookies().access_name().as_bytes();
    let mut cookies = response.headers().get_all(SET_COOKIE).iter();
    let renewed = cookies.any(|cookie| {
        let value = cookie.as_bytes().strip_prefix(name);
        value.is_some_and(|value| value.starts_with(b"=sga_"))
    });
    if renewed {
        let headers = response.headers_mut();
        headers.insert("session-renewed", HeaderValue::from_static("true"));
    }
    response
}
