//! The layer inside axum and between the layers that apps put around it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use axum::routing::get;
use http::StatusCode;
use segue::AuthLayer;
use segue::Principal;
use segue::RefreshLayer;
use segue::ResponseBody;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::service_fn;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_layer::Layer;

use super::support::Answer;
use super::support::World;
use super::support::send;
use super::support::who;

async fn me(request: Request) -> String {
    match request.extensions().get::<Principal>() {
        Some(who) => who.user_id().to_string(),
        None => "nobody".to_owned(),
    }
}

fn ask(path: &str, token: Option<&str>) -> Request {
    let mut request = Request::builder().uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::empty()).unwrap()
}

async fn check(app: &Router, path: &str, token: &str) -> (u16, String, u16) {
    let good: Answer = send(app, ask(path, Some(token))).await;
    let nobody: Answer = send(app, ask(path, None)).await;
    (good.status, good.text, nobody.status)
}

/// Every place where axum takes a layer: the principal arrives, nobody is refused.
#[tokio::test]
async fn axum_takes_it_everywhere() {
    let world = World::new();
    let token = world.login(7).await.access;
    let layer = AuthLayer::dual().with(&world.auth);
    let routes = || Router::new().route("/me", get(me));
    let table = [
        ("layer", routes().layer(layer.clone()), "/me"),
        ("route_layer", routes().route_layer(layer.clone()), "/me"),
        ("method", Router::new().route("/me", get(me).layer(layer.clone())), "/me"),
        ("nest", Router::new().nest("/api", routes()).layer(layer.clone()), "/api/me"),
        ("inner", Router::new().nest("/api", routes().layer(layer.clone())), "/api/me"),
        ("merge", Router::new().merge(routes().layer(layer)), "/me"),
    ];
    for (place, app, path) in table {
        assert_eq!(check(&app, path, &token).await, (200, "7".to_owned(), 401), "{place}");
    }
}

/// `layer` covers the fallback, `route_layer` does not: documented, and so tested.
#[tokio::test]
async fn unknown_paths() {
    let world = World::new();
    let layer = AuthLayer::dual().with(&world.auth);
    let routes = Router::new().route("/me", get(me));
    let app = routes.clone().layer(layer.clone());
    assert_eq!(send(&app, ask("/nowhere", None)).await.status, 401);
    let app = routes.route_layer(layer);
    assert_eq!(send(&app, ask("/nowhere", None)).await.status, 404);
}

/// Between the layers of tower and tower-http, in both directions.
#[tokio::test]
async fn between_other_layers() {
    let world = World::new();
    let token = world.login(7).await.access;
    let layers = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(10)))
        .layer(RefreshLayer::new().with(&world.auth))
        .layer(CsrfLayer::new())
        .layer(AuthLayer::dual().with(&world.auth))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http());
    let app = Router::new().route("/me", get(me)).layer(layers);
    assert_eq!(check(&app, "/me", &token).await, (200, "7".to_owned(), 401));
}

/// Buffer, load-shed and limits below and above it: errors of the inner service stay what they are.
#[tokio::test]
async fn between_limits() {
    let world = World::new();
    let token = world.login(7).await.access;
    let overloaded = |_: tower::BoxError| async { StatusCode::SERVICE_UNAVAILABLE };
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .buffer(16)
        .load_shed()
        .layer(AuthLayer::dual().with(&world.auth))
        .concurrency_limit(4)
        .timeout(Duration::from_secs(10));
    let app = Router::new().route("/me", get(me)).layer(layers);
    assert_eq!(check(&app, "/me", &token).await, (200, "7".to_owned(), 401));
}

/// CORS outside: a preflight request carries no credential and is answered by CORS alone, and a
/// refusal can be read by the page that caused it.
#[tokio::test]
async fn cors_goes_outside() {
    let world = World::new();
    let layers = ServiceBuilder::new()
        .layer(CorsLayer::permissive())
        .layer(AuthLayer::dual().with(&world.auth));
    let service = layers.service(service_fn(who));
    let preflight = Request::builder()
        .method("OPTIONS")
        .header("origin", "https://a.test")
        .header("access-control-request-method", "POST")
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(&service, preflight).await.status, 200);
    let refused = send(&service, ask("/me", None)).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), "*");
}

/// The layer is a plain value: stored in a struct, cloned, applied twice.
#[tokio::test]
async fn a_plain_value() {
    #[derive(Clone)]
    struct App {
        guard: AuthLayer,
    }
    let world = World::new();
    let token = world.login(7).await.access;
    let app = App { guard: AuthLayer::sessions().with(&world.auth) };
    let twice = app.clone().guard.layer(app.guard.layer(service_fn(who)));
    let request = ask("/me", Some(&token));
    let response = twice.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let _: &ResponseBody<ResponseBody<http_body_util::Full<bytes::Bytes>>> = response.body();
}

/// `.with` never looks at the environment; without it the installed default is taken.
#[tokio::test]
async fn the_installed_default() {
    let world = World::new();
    let token = world.login(7).await.access;
    world.auth.install();
    let service = AuthLayer::dual().layer(service_fn(who));
    assert_eq!(send(&service, ask("/me", Some(&token))).await.status, 200);
    assert_eq!(send(&service, ask("/me", None)).await.status, 401);
}
