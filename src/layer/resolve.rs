//! Where a layer without arguments finds its `Auth`, and what happens when there is none.

use crate::flow::Auth;

/// The given system, or the installed default, or the one that the environment describes.
///
/// # Panics
///
/// With every fault of the configuration in one message. It happens while the app is put
/// together, as with a bad route, never on a request.
#[expect(clippy::panic, reason = "wrong configuration must end the start, not every request")]
pub(crate) fn resolve(given: Option<&Auth>, layer: &'static str) -> Auth {
    match given {
        Some(auth) => auth.clone(),
        None => match Auth::installed_or_from_env() {
            Ok(auth) => auth,
            Err(error) => panic!("{layer} can't be built from the environment: {error}"),
        },
    }
}
