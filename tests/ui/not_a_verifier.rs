//! A secret is no verifier; the message names one.

use segue::Auth;

fn main() {
    let _ = Auth::builder().legacy("secret");
}
