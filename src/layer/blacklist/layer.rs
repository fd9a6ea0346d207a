//! The layer: which tokens it refuses, and which it leaves to others.

use tower_layer::Layer;

use super::service::BlacklistService;
use crate::flow::Auth;
use crate::layer::resolve::resolve;

/// Refuses any revoked token, and leaves every other question to the authentication behind it.
///
/// With it an app that keeps its own authentication gets a logout that works: tokens on the
/// blacklist and tokens issued before a not-before instant end here, with 401 `token_revoked`.
///
/// * No credential, and a token of a format that no configured source knows, passes: it is not
///   this layer's to judge.
/// * It proves nothing: a request that passes is *not* authenticated, and gets no principal.
/// * If the store must be asked and can't be, the answer is 503 with `Retry-After`.
///
/// ```no_run
/// use segue::Auth;
/// use segue::BlacklistLayer;
/// use tower::ServiceBuilder;
///
/// # fn example(auth: &Auth) {
/// let layers = ServiceBuilder::new().layer(BlacklistLayer::new().with(auth));
/// # }
/// ```
///
/// # Panics
///
/// As [`AuthLayer`](crate::AuthLayer) does: when it is applied and the environment is wrong.
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it is applied"]
pub struct BlacklistLayer {
    auth: Option<Auth>,
}

impl BlacklistLayer {
    /// The blacklist of the installed default, or of what the environment describes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this system; the environment is not looked at.
    pub fn with(mut self, auth: &Auth) -> Self {
        self.auth = Some(auth.clone());
        self
    }
}

impl<S> Layer<S> for BlacklistLayer {
    type Service = BlacklistService<S>;

    fn layer(&self, inner: S) -> BlacklistService<S> {
        BlacklistService::new(inner, resolve(self.auth.as_ref(), "BlacklistLayer"))
    }
}
