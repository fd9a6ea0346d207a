//! Nobody but a verifier makes a principal.

use segue::Principal;
use segue::Scopes;
use segue::UserId;

fn main() {
    let _ = Principal(UserId::from(1));
    let _ = Principal::of_legacy(UserId::from(1), Scopes::none());
}
