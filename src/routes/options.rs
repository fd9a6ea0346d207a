//! What an app may set about the routes.

use std::time::Duration;

/// Settings of [`Auth::routes_with`](crate::Auth::routes_with).
///
/// ```
/// use segue::RouteOptions;
/// use std::time::Duration;
///
/// let options = RouteOptions::default()
///     .with_prefix("/api/v1/auth")
///     .with_fresh_authentication(Duration::from_secs(15 * 60));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RouteOptions {
    pub(super) prefix: String,
    pub(super) fresh: Option<Duration>,
    pub(super) clear_site_data: bool,
}

impl RouteOptions {
    /// Where the routes stand. Default: `/auth`.
    pub fn with_prefix(mut self, path: impl Into<String>) -> Self {
        self.prefix = path.into();
        self
    }

    /// Signing a device out, and all of them, takes an authentication at most this old; otherwise
    /// the answer is 403 `fresh_authentication_required` (ASVS 7.5.2). Default: any age, since a
    /// user who finds a stranger in the list should not be kept from acting. Listing never needs
    /// it.
    pub fn with_fresh_authentication(mut self, span: Duration) -> Self {
        self.fresh = Some(span);
        self
    }

    /// A logout also tells the browser to forget what this origin stored, with `Clear-Site-Data:
    /// "cache", "storage"` (ASVS 14.3.1). Default: not, for it takes everything of the origin,
    /// drafts and settings too, and clearing the cache can take a browser seconds.
    pub fn with_clear_site_data(mut self) -> Self {
        self.clear_site_data = true;
        self
    }
}

impl Default for RouteOptions {
    fn default() -> Self {
        Self { prefix: "/auth".to_owned(), fresh: None, clear_site_data: false }
    }
}
