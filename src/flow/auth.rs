//! [`Auth`]: the assembled system.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::request::Parts;

use crate::cookies::CookiePolicy;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::error::ConfigError;
use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::flags::Flags;
use crate::flow::AuthBuilder;
use crate::flow::issue::LegacyIssuer;
use crate::flow::memo::Memo;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::principal::Principal;
use crate::problem::ProblemRenderer;
use crate::store::StoreResult;
use crate::time::Clock;
use crate::verify::Authentication;
use crate::verify::BlacklistCheck;
use crate::verify::Core;
use crate::verify::RequestHead;
use crate::verify::Ways;
use crate::verify::authenticate;
use crate::verify::check_blacklist;
use crate::verify::startup;

/// The assembled system: stores, keys, flags, legacy verifiers. Cheap to clone, no type parameters.
///
/// Everything works without any framework: [`login`](Self::login), [`refresh`](Self::refresh),
/// [`exchange`](Self::exchange), revocation and [`authenticate`](Self::authenticate) are plain
/// methods. The layers and routes only call them.
///
/// Assembling connects to nothing and needs no runtime; what runs in the background starts with
/// the first request, or with [`ready`](Self::ready), and ends when the last clone is dropped.
///
/// ```
/// use segue::{Auth, MemoryStore};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let auth = Auth::builder().store(MemoryStore::new()).build()?;
/// auth.ready().await?;
/// let login = auth.login(42_u64).await?;
/// let pair = login.pair.expect("the rollout reaches everybody");
/// let next = auth.refresh(pair.refresh.expose(), &Default::default()).await?;
/// assert_ne!(next.refresh.expose(), pair.refresh.expose());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    cookies: CookiePolicy,
    problems: ProblemRenderer,
    issuer: Option<LegacyIssuer>,
    memo: Memo,
}

/// The default of this process: installed, or built from the environment once.
static DEFAULT: Mutex<Option<Auth>> = Mutex::new(None);

impl Auth {
    /// Begins assembling.
    pub fn builder() -> AuthBuilder {
        AuthBuilder::default()
    }

    pub(super) fn assemble(
        core: Core,
        cookies: CookiePolicy,
        problems: ProblemRenderer,
        issuer: Option<LegacyIssuer>,
    ) -> Self {
        let core = Arc::new(core);
        Self(Arc::new(Inner { core, cookies, problems, issuer, memo: Memo::default() }))
    }

    /// Makes this the system that layers without `.with(..)` use. The last installation counts for
    /// layers applied after it.
    pub fn install(&self) {
        *DEFAULT.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
    }

    /// The installed system, or one built from the environment, once per process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of the environment.
    pub fn installed_or_from_env() -> Result<Self, ConfigError> {
        let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(auth) = &*default {
            return Ok(auth.clone());
        }
        let auth = Self::from_env()?;
        *default = Some(auth.clone());
        Ok(auth)
    }

    /// Connects, creates or upgrades the schema, compares keys, loads the blacklist. Call it
    /// before serving, so that a wrong set-up fails at start and the first request is fast.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: unreachable, read-only, corrupt, of a newer schema; or `Misconfigured`,
    /// when a key version has other bytes than on other nodes, or the pinned exchange key is gone.
    pub async fn ready(&self) -> StoreResult<()> {
        let core = self.core();
        core.coherence.ready().await?;
        self.register_keys().await?;
        if let Some(registry) = core.registry.get()
            && startup::exchange_key_is_missing(core, registry)
        {
            let advice = format!(
                "legacy tokens are exchanged under key version {}, which is not in the keyring; \
                 keep it until the cut-over",
                registry.exchange
            );
            let error = StoreError::new(StoreErrorKind::Misconfigured, "check keys");
            return Err(error.with_source(advice));
        }
        startup::start(core);
        Ok(())
    }

    /// Who makes this request, judged exactly as `AuthLayer::dual()` does: for programs without
    /// layers.
    ///
    /// # Errors
    ///
    /// The refusal the layer would answer with.
    pub async fn authenticate(&self, parts: &Parts) -> Result<Principal, AuthError> {
        match self.judge(&RequestHead::of_parts(parts), Ways::Dual) {
            Authentication::Ready(outcome) => outcome.verdict,
            Authentication::Pending(outcome) => outcome.await.verdict,
        }
    }

    /// Writes pending signs of life; for a clean shutdown.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they could not be written: last-seen is then older than it should be.
    pub async fn flush(&self) -> StoreResult<()> {
        self.core().coherence.flush().await
    }

    /// The live flags.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        &self.core().flags
    }

    /// The clock everything is judged by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.core().clock
    }

    /// Puts another keyring to use, without a restart: new tokens are made under its current
    /// version, and tokens of versions that are no longer in it are refused at once.
    ///
    /// # Errors
    ///
    /// `Misconfigured` when a version has other bytes than the store knows; the old ring stays.
    pub async fn replace_keys(&self, keys: Keyring) -> StoreResult<()> {
        startup::replace_keys(self.core(), keys).await
    }

    /// How refusals are written.
    #[must_use]
    pub fn problems(&self) -> &ProblemRenderer {
        &self.0.problems
    }

    /// How tokens are kept in browsers.
    #[must_use]
    pub fn cookies(&self) -> &CookiePolicy {
        &self.0.cookies
    }

    pub(crate) fn judge(&self, head: &RequestHead<'_>, ways: Ways) -> Authentication {
        authenticate(self.core(), head, ways)
    }

    /// Whether a request carries a revoked token, in front of somebody else's authentication.
    pub(crate) fn check_blacklist(&self, head: &RequestHead<'_>) -> BlacklistCheck {
        check_blacklist(self.core(), head)
    }

    /// Cookie credentials on unsafe methods need evidence of the same origin.
    pub(crate) fn check_origin(&self, head: &RequestHead<'_>) -> Result<(), AuthErrorKind> {
        self.core().origin.check(head.method, head.uri, head.headers)
    }

    pub(crate) async fn register_keys(&self) -> StoreResult<KeyVersion> {
        startup::register_keys(self.core()).await
    }

    pub(crate) fn start(&self) {
        startup::start(self.core());
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    pub(crate) fn issuer(&self) -> Option<&LegacyIssuer> {
        self.0.issuer.as_ref()
    }

    pub(crate) fn memo(&self) -> &Memo {
        &self.0.memo
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = self.core();
        f.debug_struct("Auth")
            .field("keys", &core.keys.load())
            .field("legacy", &core.legacy.names())
            .field("store", &core.coherence.stores().session_feed.name())
            .finish_non_exhaustive()
    }
}
