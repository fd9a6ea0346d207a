//! Assembling in code: what is required, what has a default, and every fault at once.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::coherent::Coherence;
use crate::coherent::CoherenceConfig;
use crate::coherent::ReadMode;
use crate::coherent::Stores;
use crate::cookies::CookiePolicy;
use crate::device::DevicePolicy;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::flags::FlagSet;
use crate::flags::Flags;
use crate::flags::RolloutMode;
use crate::flow::Auth;
use crate::flow::LegacyGrant;
use crate::flow::issue::LegacyIssuer;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::problem::ProblemRenderer;
use crate::session::SessionPolicy;
use crate::store::Blacklist;
use crate::store::BlacklistStore;
use crate::store::Feed;
use crate::store::Sessions;
use crate::store::Store;
use crate::time::Clock;
use crate::verify::Core;
use crate::verify::IntoUserStatus;
use crate::verify::LegacySources;
use crate::verify::LegacyVerifier;
use crate::verify::LiftRules;
use crate::verify::OriginRule;
use crate::verify::Users;
use crate::verify::devices::DeviceMemo;
use crate::verify::legacy_way;

/// Assembles an [`Auth`]. Only the store is required; a store that outlives the process also wants
/// keys.
///
/// ```
/// use segue::{Auth, Flags, FlagSet, KeyVersion, Keyring, MemoryStore, SessionPolicy, UserId};
/// use std::time::Duration;
///
/// let auth = Auth::builder()
///     .store(MemoryStore::new())
///     .keys(Keyring::generate(KeyVersion::FIRST)?)
///     .flags(Flags::fixed(FlagSet::default()))
///     .policy(SessionPolicy { idle: Duration::from_secs(3600), ..SessionPolicy::default() })
///     .users(|id: UserId| async move { id.as_str() != "banned" })
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[must_use = "nothing is assembled until `build` is called"]
pub struct AuthBuilder {
    sessions: Option<(Sessions, Feed)>,
    blacklist: Option<(Blacklist, Option<Feed>)>,
    keys: Option<Keyring>,
    flags: Option<Flags>,
    legacy: Vec<Arc<dyn LegacyVerifier>>,
    users: Users,
    policy: SessionPolicy,
    cookies: CookiePolicy,
    problems: ProblemRenderer,
    devices: DevicePolicy,
    origins: Vec<String>,
    issuer: Option<LegacyIssuer>,
    clock: Clock,
    patience: Option<Duration>,
    mode: Option<ReadMode>,
    staleness: Option<Duration>,
    sessions_cached: Option<usize>,
}

impl AuthBuilder {
    /// How long a store call may take. Default 1 second.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// Where sessions and the blacklist are kept.
    pub fn store(mut self, store: impl Store) -> Self {
        let store = Arc::new(store);
        let feed = Feed::new(Arc::clone(&store), Self::PATIENCE);
        self.sessions = Some((Sessions::new(Arc::clone(&store), Self::PATIENCE), feed));
        if self.blacklist.as_ref().is_none_or(|(_, feed)| feed.is_none()) {
            self.blacklist = Some((Blacklist::new(store, Self::PATIENCE), None));
        }
        self
    }

    /// Keeps the blacklist in another store than the sessions.
    pub fn blacklist_store(mut self, store: impl BlacklistStore) -> Self {
        let store = Arc::new(store);
        let feed = Feed::new(Arc::clone(&store), Self::PATIENCE);
        self.blacklist = Some((Blacklist::new(store, Self::PATIENCE), Some(feed)));
        self
    }

    /// The master keys. Required unless the store is in memory, where keys that end with the
    /// process lose nothing.
    pub fn keys(mut self, keys: Keyring) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The flags. Default: what unset variables mean, whatever the environment says;
    /// [`Flags::from_env`] reads it.
    pub fn flags(mut self, flags: Flags) -> Self {
        self.flags = Some(flags);
        self
    }

    /// A legacy verifier; repeatable, asked in the order given.
    pub fn legacy(mut self, verifier: impl LegacyVerifier) -> Self {
        self.legacy.push(Arc::new(verifier));
        self
    }

    /// Asks the app whether a user still exists: at login, refresh and exchange always, on other
    /// requests at most once a minute for a user. The safety net behind
    /// [`Auth::disable_user`].
    ///
    /// It may return a `bool`, a [`UserStatus`](crate::UserStatus), or a `Result` of either. An
    /// error or no answer within a second is no verdict: see [`IntoUserStatus`].
    pub fn users<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(UserId) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoUserStatus,
    {
        self.users = Users::asking(hook);
        self
    }

    /// Lifetimes and limits.
    pub fn policy(mut self, policy: SessionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How tokens are kept in browsers.
    pub fn cookies(mut self, cookies: CookiePolicy) -> Self {
        self.cookies = cookies;
        self
    }

    /// How refusals are written. Default: RFC 9457 problem documents.
    pub fn problems(mut self, problems: ProblemRenderer) -> Self {
        self.problems = problems;
        self
    }

    /// Which proxies are believed about the client's address. Default: none.
    pub fn devices(mut self, devices: DevicePolicy) -> Self {
        self.devices = devices;
        self
    }

    /// Another origin that may use this app's cookies on unsafe methods, such as
    /// `https://app.example.com`; repeatable.
    pub fn trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Dual issue: as long as legacy tokens are accepted, login and refresh also hand out what
    /// clients of the old system expect. `issue` makes it from a [`LegacyGrant`]; `lifetime` is
    /// how long such tokens live. Without it, switching `REFRESH_TOKEN_SYSTEM` back to `false`
    /// asks people to log in again, and [`Auth::login`] answers `refresh_off` to users whom the
    /// rollout does not reach.
    ///
    /// A failing issuer is logged and hands out none; a login that begins a session goes on.
    pub fn legacy_issuer<F, E>(mut self, lifetime: Duration, issue: F) -> Self
    where
        F: Fn(&LegacyGrant) -> Result<String, E> + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.issuer = Some(LegacyIssuer::new(lifetime, issue));
        self
    }

    /// How long a store call may take before it counts as failed. Default 1 second.
    pub fn store_timeout(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// How late a revocation made elsewhere may be noticed. Default 1 second.
    pub fn staleness_max(mut self, bound: Duration) -> Self {
        self.staleness = Some(bound);
        self
    }

    /// Reads the store on every request: nothing is ever stale, and every request costs a call.
    pub fn read_through(mut self) -> Self {
        self.mode = Some(ReadMode::ReadThrough);
        self
    }

    /// With the store down, cached sessions go on for so long; revocations may then be late by as
    /// much. Default: not at all.
    pub fn stale_ok(mut self, span: Duration) -> Self {
        self.mode = Some(ReadMode::StaleOk(span));
        self
    }

    /// How many sessions are kept in memory, at about 360 bytes each. Default 100,000.
    pub fn sessions_cached_max(mut self, sessions: usize) -> Self {
        self.sessions_cached = Some(sessions);
        self
    }

    /// The clock. Only tests need another than the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Assembles. Connects to nothing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault found.
    pub fn build(self) -> Result<Auth, ConfigError> {
        let mut faults = self.policy.faults();
        faults.extend(legacy_way::faults(&self.legacy));
        let origin = OriginRule::new(self.origins.iter().map(String::as_str));
        let origin = take(origin, &mut faults);
        let stores = self.stores(&mut faults);
        let keys = self.keyring(stores.as_ref(), &mut faults);
        ConfigError::check(faults)?;
        let (Some(origin), Some(stores), Some(keys)) = (origin, stores, keys) else {
            return Err(ConfigFault::advise("Auth", "incomplete").into());
        };
        let transports = self.legacy.iter().map(|source| source.transport());
        let lift = LiftRules::new(&self.cookies, transports);
        let core = Core {
            coherence: Coherence::new(stores, self.clock.clone(), self.coherence()),
            keys_epoch: AtomicU64::new(keys.epoch()),
            keys: ArcSwap::from_pointee(keys),
            flags: self.flags.unwrap_or_else(|| Flags::fixed(FlagSet::default())),
            policy: self.policy,
            legacy: LegacySources::new(self.legacy),
            users: self.users,
            lift,
            origin,
            devices: self.devices,
            device_memo: DeviceMemo::default(),
            clock: self.clock,
            registry: OnceLock::new(),
            keys_conflict: AtomicBool::new(false),
            started: AtomicBool::new(false),
            watcher: Mutex::default(),
        };
        core.flags.log_effective();
        if self.issuer.is_none() && core.flags.snapshot().refresh_tokens != RolloutMode::On {
            tracing::warn!(
                "REFRESH_TOKEN_SYSTEM keeps sessions from some users, and without a legacy issuer \
                 their logins are refused; see `AuthBuilder::legacy_issuer`"
            );
        }
        if core.legacy.is_empty() {
            tracing::info!("no legacy verifier is configured; only sessions are accepted");
        }
        Ok(Auth::assemble(core, self.cookies, self.problems, self.issuer))
    }

    fn stores(&self, faults: &mut Vec<ConfigFault>) -> Option<Stores> {
        let patience = self.patience.unwrap_or(Self::PATIENCE);
        let (Some((sessions, feed)), Some((blacklist, other))) = (&self.sessions, &self.blacklist)
        else {
            faults.push(ConfigFault::advise("store", "none was given; call `.store(..)`"));
            return None;
        };
        Some(Stores {
            sessions: sessions.with_patience(patience),
            blacklist: blacklist.with_patience(patience),
            session_feed: feed.with_patience(patience),
            blacklist_feed: other.as_ref().map(|feed| feed.with_patience(patience)),
        })
    }

    /// The keys; made up only where they need not outlive the process.
    fn keyring(&self, stores: Option<&Stores>, faults: &mut Vec<ConfigFault>) -> Option<Keyring> {
        if let Some(keys) = &self.keys {
            return Some(keys.clone());
        }
        if stores?.session_feed.name() != "memory" {
            faults.push(ConfigFault::advise(
                "keys",
                "none were given, and this store outlives the process; call \
                 `.keys(Keyring::from_env()?)` or `.keys(Keyring::open_or_create(path)?)`",
            ));
            return None;
        }
        let keys = Keyring::generate(KeyVersion::FIRST);
        keys.map_err(|error| faults.push(ConfigFault::advise("keys", error.to_string()))).ok()
    }

    fn coherence(&self) -> CoherenceConfig {
        let mut config = CoherenceConfig {
            idle: self.policy.idle,
            write_interval: self.policy.write_interval,
            mode: self.mode.unwrap_or(ReadMode::Coherent),
            ..CoherenceConfig::default()
        };
        config.staleness_max = self.staleness.unwrap_or(config.staleness_max);
        config.sessions_max = self.sessions_cached.unwrap_or(config.sessions_max);
        config
    }
}

fn take<T>(result: Result<T, ConfigError>, faults: &mut Vec<ConfigFault>) -> Option<T> {
    result.map_err(|error| faults.extend(error.into_faults())).ok()
}

impl fmt::Debug for AuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}
