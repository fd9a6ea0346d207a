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
/// ```
/// use http::Request;
/// use http::Response;
/// use segue::Auth;
/// use segue::AuthLayer;
/// use segue::MemoryStore;
/// use segue::Principal;
/// use tower::ServiceBuilder;
/// use tower::ServiceExt;
/// use tower::service_fn;
///
/// async fn me(request: Request<()>) -> Result<Response<String>, std::convert::Infallible> {
///     let who = request.extensions().get::<Principal>();
///     Ok(Response::new(who.map_or_else(String::new, |who| who.user_id().to_string())))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = Auth::builder().store(MemoryStore::new()).build()?;
/// let service =
///     ServiceBuilder::new().layer(AuthLayer::dual().with(&auth)).service(service_fn(me));
///
/// let pair = auth.login(7_u64).await?.pair.ok_or("no session")?;
/// let header = format!("Bearer {}", pair.access.expose());
/// let request = Request::builder().header("authorization", header).body(())?;
/// assert_eq!(service.clone().oneshot(request).await?.status(), 200);
///
/// let nobody = Request::new(());
/// assert_eq!(service.oneshot(nobody).await?.status(), 401);
/// # Ok(())
/// # }
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
