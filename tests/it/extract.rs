//! The extractors: what handlers get, and what clients get instead.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::routing::get;
use axum::routing::post;
use http::HeaderValue;
use http::StatusCode;
use segue::Auth;
use segue::AuthError;
use segue::AuthErrorKind;
use segue::AuthLayer;
use segue::AuthRejection;
use segue::CurrentSession;
use segue::Fresh;
use segue::InCookies;
use segue::LogoutScope;
use segue::Principal;
use segue::Problem;
use segue::ProblemRenderer;
use segue::RequestContext;
use segue::RouteOptions;
use segue::SameOrigin;
use segue::Scope;
use segue::Scoped;
use segue::SessionData;

use crate::forge;
use crate::routes::harness::ACCESS;
use crate::routes::harness::Answer;
use crate::routes::harness::Browser;
use crate::routes::harness::Call;
use crate::routes::harness::LEGACY;
use crate::routes::harness::Tokens;
use crate::routes::harness::World;
use crate::routes::harness::world_with;

struct Admin;

impl Scope for Admin {
    const SCOPE: &'static str = "admin";
}

struct NoScope;

impl Scope for NoScope {
    const SCOPE: &'static str = "two words\"";
}

async fn maybe(who: Option<Principal>) -> String {
    who.map_or_else(|| "nobody".to_owned(), |who| who.user_id().to_string())
}

async fn session(session: CurrentSession) -> String {
    assert_eq!(session.principal().session_id(), Some(session.id()));
    let lived = session.expires_at().since(session.created_at()).as_secs() / 86_400;
    let tenant = session.data().get("tenant").and_then(|tenant| tenant.as_str());
    format!("{} {lived}d {} {}", session.user_id(), tenant.unwrap_or("-"), session.scopes())
}

async fn login(
    State(auth): State<Auth>,
    context: RequestContext,
) -> Result<segue::Login, AuthError> {
    auth.login(42_u64).context(context).await
}

async fn login_browser(
    State(auth): State<Auth>,
    _: SameOrigin,
    context: RequestContext,
) -> Result<(InCookies, Redirect), AuthError> {
    let login = auth.login(42_u64).context(context).await?;
    Ok((login.into_cookies(&auth), Redirect::to("/")))
}

fn app(auth: &Auth) -> Router {
    let guarded = Router::new()
        .route("/who", get(async |who: Principal| who.user_id().to_string()))
        .route("/session", get(session))
        .route("/admin", get(async |who: Scoped<Admin>| who.user_id().to_string()))
        .route("/no-scope", get(async |_: Scoped<NoScope>| ()))
        .route("/fresh", get(async |who: Fresh<60>| who.into_principal().user_id().to_string()))
        .route_layer(AuthLayer::dual().with(auth));
    let optional = Router::new()
        .route("/maybe", get(maybe))
        .route("/must", get(async |_: Principal| ()))
        .route_layer(AuthLayer::dual().with(auth).optional());
    Router::new()
        .route("/bare/who", get(async |_: Principal| ()))
        .route("/bare/maybe", get(maybe))
        .route("/bare/session", get(session))
        .route("/bare/admin", get(async |_: Scoped<Admin>| ()))
        .route("/bare/fresh", get(async |_: Fresh<60>| ()))
        .route("/login", post(login))
        .route("/login-browser", post(login_browser))
        .merge(guarded)
        .merge(optional)
        .with_state(auth.clone())
}

fn world() -> World {
    let mut world = world_with(|builder| builder, RouteOptions::default());
    world.app = app(&world.auth);
    world
}

async fn ask(world: &World, uri: &str, token: &str) -> (u16, String) {
    let answer = world.send(Call::get(uri).bearer(token)).await;
    let code = answer.code().to_owned();
    (answer.status, code)
}

/// Without a layer around the route every extractor is a 500 that says what is missing; above all
/// `Option<Principal>`, which would otherwise let everybody in as nobody.
#[tokio::test]
async fn a_missing_layer_is_a_500() {
    let world = world();
    let tokens = world.login(42).await;
    for route in ["who", "maybe", "session", "admin", "fresh"] {
        let uri = format!("/bare/{route}");
        let answer = world.send(Call::get(&uri).bearer(&tokens.access)).await;
        assert_eq!(answer.refusal(), (500, "layer_missing"), "{route}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(".layer(AuthLayer::dual())"), "{detail}");
    }
}

/// Behind an optional layer nobody is `None` to those who ask, and a 401 to those who must know.
#[tokio::test]
async fn nobody_is_told_from_a_missing_layer() {
    let world = world();
    assert_eq!(world.send(Call::get("/maybe")).await.status, 200);
    assert_eq!(world.send(Call::get("/must")).await.refusal(), (401, "missing_credential"));
    let tokens = world.login(42).await;
    assert_eq!(ask(&world, "/maybe", &tokens.access).await.0, 200);
    assert_eq!(ask(&world, "/maybe", "sga_bad").await, (401, "invalid_token".to_owned()));
}

/// A session is a session; a legacy token is told to become one.
#[tokio::test]
async fn current_session_needs_a_session() {
    let world = world();
    let data = SessionData::new(serde_json::json!({"tenant": "north"})).unwrap();
    let login = world.auth.login(42_u64).data(data).scopes("a b".parse().unwrap()).await.unwrap();
    let token = login.pair.as_ref().unwrap().access.expose().to_owned();
    let text = body_of(&world, Call::get("/session").bearer(&token)).await;
    assert_eq!(text, "42 90d north a b");
    let legacy = forge::with_claims(forge::CLAIMS);
    assert_eq!(ask(&world, "/session", &legacy).await, (403, "session_required".to_owned()));
}

/// The scope must be on the session; nothing, other scopes and a legacy token do not permit it,
/// and the challenge names it.
#[tokio::test]
async fn scopes_are_demanded() {
    let world = world();
    let mut tokens = vec![forge::with_claims(
        r#"{"sub":"3","scope":"admin","iat":1799999940,"exp":1800003600}"#,
    )];
    for (scopes, good) in
        [("admin", true), ("a admin z", true), ("", false), ("administrator", false)]
    {
        let login = world.auth.login(3_u64).scopes(scopes.parse().unwrap()).await.unwrap();
        let token = login.pair.unwrap().access.expose().to_owned();
        if good {
            assert_eq!(ask(&world, "/admin", &token).await.0, 200, "{scopes}");
            assert_eq!(ask(&world, "/no-scope", &token).await.0, 403);
        } else {
            tokens.push(token);
        }
    }
    for token in tokens {
        let answer = world.send(Call::get("/admin").bearer(&token)).await;
        assert_eq!(answer.refusal(), (403, "insufficient_scope"));
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.ends_with(r#"scope="admin""#), "{challenge}");
    }
}

/// Only a login makes fresh: not time, not a refresh, and not "sign out other devices", which moves
/// the session's instant of authentication.
#[tokio::test]
async fn freshness_is_not_renewed() {
    let world = world();
    let stale = (403, "fresh_authentication_required".to_owned());
    let tokens = world.login(42).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(ask(&world, "/fresh", &tokens.access).await.0, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&world, "/fresh", &tokens.access).await, stale);
    let pair = world.auth.refresh(&tokens.refresh, &RequestContext::default()).await.unwrap();
    assert_eq!(ask(&world, "/fresh", pair.access.expose()).await, stale);

    let who = principal(&world, pair.access.expose()).await;
    world.auth.logout_all(&who, LogoutScope::Others).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&world, "/who", pair.access.expose()).await.0, 200);
    assert_eq!(ask(&world, "/fresh", pair.access.expose()).await, stale);
}

/// A legacy token is as fresh as its `iat`.
#[tokio::test]
async fn legacy_freshness_is_by_issue() {
    let world = world();
    let legacy = forge::with_claims(forge::CLAIMS);
    assert_eq!(ask(&world, "/fresh", &legacy).await.0, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&world, "/fresh", &legacy).await.0, 403);
}

/// Requirement 4: a login replaces the session that the request brought along.
#[tokio::test]
async fn the_context_replaces_the_old_session() {
    let world = world();
    let first = world.login(42).await;
    let answer = world.send(Call::post("/login").bearer(&first.access)).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let second = Tokens::from(&answer.body);
    assert_eq!(ask(&world, "/who", &first.access).await.1, "session_revoked");
    assert_eq!(ask(&world, "/who", &second.access).await.0, 200);
}

/// A browser's login answers as the app likes, with cookies, and only to its own pages.
#[tokio::test]
async fn cookies_ride_on_any_answer() {
    let world = world();
    let answer = world.send(Call::post("/login-browser")).await;
    assert_eq!(answer.refusal(), (403, "cross_origin"));
    let mut browser = Browser::default();
    let answer = world.browse(&mut browser, Call::post("/login-browser")).await;
    assert_eq!((answer.status, &answer.headers["location"]), (303, &HeaderValue::from_static("/")));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(browser.holds(ACCESS) && browser.holds(LEGACY));
    assert_eq!(world.browse(&mut browser, Call::get("/who")).await.status, 200);
}

/// A browser whom the rollout does not reach gets the old cookie, and nothing else.
#[tokio::test]
async fn a_browser_before_its_turn() {
    let world = world();
    world.flags("REFRESH_TOKEN_SYSTEM=0%");
    let mut browser = Browser::default();
    let answer = world.browse(&mut browser, Call::post("/login-browser")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(browser.0.keys().collect::<Vec<_>>(), [LEGACY]);
    assert_eq!(world.browse(&mut browser, Call::get("/who")).await.status, 200);
    let body = world.auth.login(42_u64).await.unwrap().into_cookies(&world.auth).into_response();
    assert!(body.headers().contains_key("set-cookie"));
}

/// The app's own renderer and realm reach what extractors refuse, too, and a handler's `?`.
#[tokio::test]
async fn refusals_are_written_as_the_app_writes_them() {
    let words = |problem: &Problem| {
        let text = format!("<p>{}</p>", problem.title());
        (HeaderValue::from_static("text/html"), text.into())
    };
    let renderer = ProblemRenderer::new(words).with_realm("shop").unwrap();
    let mut world = world_with(|builder| builder.problems(renderer), RouteOptions::default());
    let failing = async |_: Principal| Err::<(), _>(AuthError::from(AuthErrorKind::NotFound));
    world.app = app(&world.auth).merge(
        Router::new()
            .route("/failing", get(failing))
            .route("/teapot", get(async || StatusCode::IM_A_TEAPOT))
            .layer(AuthLayer::dual().with(&world.auth)),
    );
    let tokens = world.login(42).await;
    let bearer = |uri: &str| Call::get(uri).bearer(&tokens.access);
    let answer = world.send(bearer("/admin")).await;
    assert_eq!(
        (answer.status, answer.headers["content-type"].to_str().unwrap()),
        (403, "text/html")
    );
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with(r#"Bearer realm="shop""#), "{challenge}");
    assert!(challenge.ends_with(r#"scope="admin""#), "{challenge}");
    assert_eq!(body_of(&world, bearer("/failing")).await, "<p>Not found</p>");
    assert_eq!(world.send(bearer("/teapot")).await.status, 418);
}

/// A rejection says what it will say, and prints no secret.
#[test]
fn rejections_can_be_looked_at() {
    let rejection = AuthRejection::from(Problem::insufficient_scope("admin"));
    assert_eq!(rejection.problem().required_scope(), Some("admin"));
    let response = rejection.into_response();
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(error.kind(), AuthErrorKind::InsufficientScope);
}

async fn principal(world: &World, token: &str) -> Principal {
    let request = http::Request::get("/").header("authorization", format!("Bearer {token}"));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    world.auth.authenticate(&parts).await.unwrap()
}

async fn body_of(world: &World, call: Call) -> String {
    let Answer { text, .. } = world.send(call).await;
    text
}
