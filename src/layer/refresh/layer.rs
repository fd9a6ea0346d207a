//! The layer: where it stands, and what it promises.

use tower_layer::Layer;

use super::service::RefreshService;
use crate::flow::Auth;
use crate::layer::resolve::resolve;

/// Renews a browser's session while a request is served: new cookies ride on the response.
///
/// It acts only on a request with a genuine refresh cookie whose access cookie is absent, expired
/// or near its end, and without a bearer token (an API client refreshes for itself). It
/// authenticates by the refresh token *without* rotating it, so that the layer below accepts the
/// request, and rotates when the head of the inner response is ready: a slow handler never holds
/// a successor that nobody has, and a request that is given up rotates nothing.
///
/// * Concurrent requests of one page load get the same successor (the grace window).
/// * Nothing is rotated where the app sets or clears the cookies itself (login, logout), where the
///   request was refused, and where the inner service failed.
/// * If the store can't be asked, the response goes out untouched and the browser keeps what it
///   has.
/// * A response with new cookies is `Cache-Control: no-store`.
///
/// It refuses nothing and lets nobody in: it belongs *outside* an [`AuthLayer`], which decides.
/// Inside of one it has no effect: a browser whose access cookie has expired then gets 401.
///
/// ```no_run
/// use segue::AuthLayer;
/// use segue::RefreshLayer;
/// use tower::ServiceBuilder;
///
/// let layers = ServiceBuilder::new().layer(RefreshLayer::new()).layer(AuthLayer::dual());
/// ```
///
/// On an axum router the last `.layer(..)` is the outermost, so the order is the other one:
/// `.layer(AuthLayer::dual()).layer(RefreshLayer::new())`.
///
/// # Panics
///
/// As [`AuthLayer`] does: when it is applied and the environment is wrong.
///
/// [`AuthLayer`]: crate::AuthLayer
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it is applied"]
pub struct RefreshLayer {
    auth: Option<Auth>,
}

impl RefreshLayer {
    /// Renewal by the installed default, or by what the environment describes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this system; the environment is not looked at.
    pub fn with(mut self, auth: &Auth) -> Self {
        self.auth = Some(auth.clone());
        self
    }
}

impl<S> Layer<S> for RefreshLayer {
    type Service = RefreshService<S>;

    fn layer(&self, inner: S) -> RefreshService<S> {
        RefreshService::new(inner, resolve(self.auth.as_ref(), "RefreshLayer"))
    }
}
