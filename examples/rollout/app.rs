//! The app of the rollout: an old JWT login, segue in front, flags that can be turned.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::Query;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use segue::Algorithm;
use segue::Auth;
use segue::AuthError;
use segue::AuthLayer;
use segue::Clock;
use segue::CookiePolicy;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::LegacyGrant;
use segue::MemoryStore;
use segue::Principal;
use segue::RefreshLayer;
use segue::RequestContext;
use segue::SessionPolicy;
use segue::Transport;
use serde::Deserialize;
use serde_json::json;

/// The cookie of the old app.
pub(crate) const OLD_COOKIE: &str = "token";
const SECRET: &str = "the secret of the old app, as long as it takes";
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// The running app; a node of many would look the same.
pub(crate) struct App {
    pub(crate) router: Router,
    auth: Auth,
}

impl App {
    pub(crate) fn assemble(clock: Clock) -> Result<Self, Box<dyn Error>> {
        let verifier = JwtVerifier::builder("old-app")
            .algorithms([Algorithm::HS256])
            .key(JwtKey::secret(SECRET))
            .transport(Transport::bearer().with_cookie(OLD_COOKIE)?)
            .build()?;
        let policy = SessionPolicy {
            access_life: Duration::from_secs(1),
            renew_before: Duration::from_millis(250),
            ..SessionPolicy::default()
        };
        let auth = Auth::builder()
            .store(MemoryStore::new())
            .clock(clock)
            .policy(policy)
            .legacy(verifier)
            .legacy_issuer(WEEK, old_token)
            .cookies(CookiePolicy::default().with_legacy_cookie(OLD_COOKIE)?)
            .build()?;
        let router = Router::new()
            .route("/me", get(me))
            .layer(AuthLayer::dual().with(&auth))
            .layer(RefreshLayer::new().with(&auth))
            .route("/login", post(login))
            .with_state(auth.clone())
            .merge(auth.routes());
        Ok(Self { router, auth })
    }

    /// Turns a flag for all requests from now on.
    pub(crate) fn turn(&self, line: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.auth.flags().pin(line.parse()?)?)
    }
}

async fn me(who: Principal) -> Json<serde_json::Value> {
    Json(json!({ "user": who.user_id(), "via": who.via().label() }))
}

#[derive(Deserialize)]
struct Wish {
    user: u64,
    cookies: bool,
}

/// An app checks a password here.
async fn login(
    State(auth): State<Auth>,
    context: RequestContext,
    Query(wish): Query<Wish>,
) -> Result<Response, AuthError> {
    let login = auth.login(wish.user).context(context).await?;
    Ok(match wish.cookies {
        true => login.into_cookies(&auth).into_response(),
        false => login.into_response(),
    })
}

/// What the old app has always issued, with the two claims that let it die with its session.
fn old_token(grant: &LegacyGrant) -> Result<String, jsonwebtoken::errors::Error> {
    let mut claims = json!({
        "id": grant.user,
        "iat": grant.issued_at.as_unix_seconds(),
        "exp": grant.expires_at.as_unix_seconds(),
        "jti": grant.jti,
    });
    if let Some(session) = grant.session_id {
        claims["sid"] = session.to_string().into();
    }
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key)
}
