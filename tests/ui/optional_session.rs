//! An optional session is no extractor: "no session" has more than one meaning.

use axum::Router;
use axum::routing::get;
use segue::CurrentSession;

#[axum::debug_handler]
async fn session(_: Option<CurrentSession>) {}

fn main() {
    let _: Router = Router::new().route("/", get(session));
}
