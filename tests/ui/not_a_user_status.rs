//! A hook that answers something else is reported with what it may answer.

use segue::Auth;
use segue::UserId;

fn main() {
    let _ = Auth::builder().users(|_: UserId| async { 42 });
}
