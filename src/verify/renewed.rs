//! What `RefreshLayer` leaves for the layer below: this request's session is live, or can't be known.

use std::sync::Arc;

use crate::error::AuthErrorKind;
use crate::principal::Principal;
use crate::verify::core::Core;

/// Put into the request's extensions by the renewal; nobody outside can make one.
#[derive(Clone, Debug)]
pub(crate) struct Renewed {
    by: Arc<Core>,
    found: Found,
}

/// What the renewal found out.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// The refresh token was accepted.
    Live(Principal),
    /// The store could not be asked about it: an access token that has merely expired is no reason
    /// to send its owner to the login page.
    Unknown(AuthErrorKind),
}

impl Renewed {
    pub(crate) fn new(by: &Arc<Core>, found: Found) -> Self {
        Self { by: Arc::clone(by), found }
    }

    /// What was found, if this very system looked. Another one in the same process may stand above
    /// it, whose users are other people with the same ids.
    pub(crate) fn found(&self, asking: &Core) -> Option<&Found> {
        std::ptr::eq(&raw const *self.by, asking).then_some(&self.found)
    }
}
