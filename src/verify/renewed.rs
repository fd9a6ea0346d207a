//! What `RefreshLayer` leaves for the layer below: this request's session is live, or can't be known.

use crate::error::AuthErrorKind;
use crate::principal::Principal;

/// Put into the request's extensions by the renewal; nobody outside can make one.
#[derive(Clone, Debug)]
pub(crate) enum Renewed {
    /// The refresh token was accepted.
    Live(Principal),
    /// The store could not be asked about it: an access token that has merely expired is no reason
    /// to send its owner to the login page.
    Unknown(AuthErrorKind),
}
