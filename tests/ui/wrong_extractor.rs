//! What is no extractor is reported at the handler.

use axum::Router;
use axum::routing::get;
use segue::SessionRecord;

#[axum::debug_handler]
async fn session(_: SessionRecord) {}

fn main() {
    let _: Router = Router::new().route("/", get(session));
}
