//! An extractor that needs the system says that the state lacks it.

use axum::Router;
use axum::routing::post;
use segue::RequestContext;

#[axum::debug_handler]
async fn login(_: RequestContext) {}

fn main() {
    let _: Router = Router::new().route("/", post(login));
}
