//! The proof that `RefreshLayer` leaves for the layer below: this request's session is live.

use crate::principal::Principal;

/// Put into the request's extensions by the renewal; nobody outside can make one.
#[derive(Clone, Debug)]
pub(crate) struct Renewed(pub(crate) Principal);
