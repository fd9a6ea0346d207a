//! The layer: which credentials it accepts, and from where it takes the system that judges them.

use tower_layer::Layer;

use super::gate::Gate;
use super::service::AuthService;
use crate::flow::Auth;
use crate::layer::resolve::resolve;
use crate::verify::head::Ways;

/// Lets a request through with its [`Principal`], or refuses it.
///
/// | request | answer |
/// |---|---|
/// | a good credential | passed on, with a [`Principal`] in its extensions |
/// | none | 401, or passed on as [`Anonymous`] under [`AuthLayer::optional`] |
/// | a bad one | 401 |
/// | more than one, or one that can't be read | 400 |
/// | a cookie from another origin, on anything but a read | 403 |
/// | the store can't be asked | 503 with `Retry-After`; nothing is taken from the client |
///
/// A refusal is a problem document; its [`AuthError`] is in the extensions of the response. For
/// gRPC it is a `grpc-status`.
///
/// The layer has no type parameters and can be cloned and stored. It builds nothing before it is
/// applied to a service: then, without [`AuthLayer::with`], it takes the installed default
/// (`Auth::install`), or builds one from the environment, once per process.
///
/// It needs of the inner service that it can be cloned, nothing else: it works with any request
/// and response body, and inside axum, tonic and plain hyper alike.
///
/// ```no_run
/// use axum::Router;
/// use axum::routing::get;
/// use segue::AuthLayer;
/// use segue::Principal;
///
/// # #[cfg(feature = "axum")]
/// async fn me(who: Principal) -> String {
///     who.user_id().to_string()
/// }
///
/// # #[cfg(feature = "axum")]
/// let app: Router = Router::new().route("/me", get(me)).layer(AuthLayer::dual());
/// ```
///
/// # Panics
///
/// When it is applied without [`AuthLayer::with`] and the environment's configuration is wrong:
/// at start-up, with every fault in one message. `Auth::from_env` is the way without a panic.
///
/// [`Anonymous`]: crate::Anonymous
/// [`AuthError`]: crate::AuthError
/// [`Principal`]: crate::Principal
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied"]
pub struct AuthLayer {
    ways: Ways,
    optional: bool,
    auth: Option<Auth>,
}

impl AuthLayer {
    /// Sessions, and beside them the legacy tokens as long as the flags allow them.
    pub fn dual() -> Self {
        Self { ways: Ways::Dual, optional: false, auth: None }
    }

    /// Sessions only, for routes that legacy clients have left.
    pub fn sessions() -> Self {
        Self { ways: Ways::Sessions, ..Self::dual() }
    }

    /// Legacy tokens only, with blacklist, not-before and cut-over, for routes that stay behind.
    pub fn legacy() -> Self {
        Self { ways: Ways::Legacy, ..Self::dual() }
    }

    /// Uses this system; the environment is not looked at.
    pub fn with(mut self, auth: &Auth) -> Self {
        self.auth = Some(auth.clone());
        self
    }

    /// Lets requests without a credential through, marked as [`Anonymous`](crate::Anonymous).
    ///
    /// Never those with a bad one: a client that believes it is logged in must learn that it is
    /// not. One exception: a session *cookie* that has expired or was revoked counts as absent and
    /// is cleared, since a browser can't help sending it.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        let auth = resolve(self.auth.as_ref(), "AuthLayer");
        AuthService::new(inner, Gate { auth, ways: self.ways, optional: self.optional })
    }
}
