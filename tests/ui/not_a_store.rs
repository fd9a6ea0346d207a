//! What is no store is reported with the stores there are.

use segue::Auth;

fn main() {
    let _ = Auth::builder().store("app.db");
}
