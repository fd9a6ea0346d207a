//! A type that names no scope is reported as just that.

use axum::Router;
use axum::routing::get;
use segue::Scoped;

struct Admin;

async fn statistics(_: Scoped<Admin>) {}

fn main() {
    let _: Router = Router::new().route("/", get(statistics));
}
