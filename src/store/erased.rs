//! The erased handles that everything else holds: cloneable, without type parameters, every call
//! bounded in time and measured.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::time::timeout;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::NotBefore;
use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistPage;
use crate::store::BlacklistQuery;
use crate::store::BlacklistStore;
use crate::store::ChangeFeed;
use crate::store::ChangePage;
use crate::store::FeedPosition;
use crate::store::Inserted;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::NewSession;
use crate::store::PageAfter;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::SessionPatch;
use crate::store::SessionStore;
use crate::store::StoreResult;
use crate::store::Touch;
use crate::store::Updated;
use crate::time::Timestamp;
use crate::trace::count;
use crate::trace::observe;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Connecting and creating a schema may take longer than a request may wait.
const CONNECT_SECONDS_MAX: u64 = 30;

/// Declares the object-safe twin of a store trait, its blanket implementation, and the handle.
macro_rules! erase {
    (
        $(#[$attribute:meta])*
        $handle:ident = $twin:ident of $store:ident {
            $($operation:literal fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*
        }
    ) => {
        trait $twin: fmt::Debug + Send + Sync + 'static {
            fn store_name(&self) -> &'static str;
            $(fn $name<'a>(&'a self, $($argument: $type),*) -> BoxFuture<'a, StoreResult<$output>>;)*
        }

        impl<S: $store> $twin for S {
            fn store_name(&self) -> &'static str {
                ChangeFeed::name(self)
            }
            $(fn $name<'a>(&'a self, $($argument: $type),*) -> BoxFuture<'a, StoreResult<$output>> {
                Box::pin(<S as $store>::$name(self, $($argument),*))
            })*
        }

        $(#[$attribute])*
        #[derive(Clone)]
        pub(crate) struct $handle {
            store: Arc<dyn $twin>,
            patience: Duration,
        }

        impl $handle {
            pub(crate) fn new(store: Arc<impl $store>, patience: Duration) -> Self {
                Self { store, patience }
            }

            pub(crate) fn with_patience(&self, patience: Duration) -> Self {
                Self { patience, ..self.clone() }
            }

            $(#[allow(clippy::needless_lifetimes, reason = "some arguments are references")]
            pub(crate) async fn $name<'a>(&'a self, $($argument: $type),*) -> StoreResult<$output> {
                let call = self.store.$name($($argument),*);
                bounded(self.store.store_name(), $operation, self.patience, call).await
            })*
        }

        impl fmt::Debug for $handle {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($handle), "({})"), self.store.store_name())
            }
        }
    };
}

erase! {
    /// The session store.
    Sessions = ErasedSessions of SessionStore {
        "insert session" fn insert(new: NewSession) -> Inserted;
        "load session" fn load(key: SessionKey) -> Option<SessionRecord>;
        "rotate session" fn rotate(rotation: Rotation) -> Rotated;
        "count grace answer" fn count_grace(key: SessionKey, generation: u64, grace_uses: u32, foreign_streak: u32) -> bool;
        "revoke session" fn revoke(key: SessionKey, reason: RevokeReason, now: Timestamp) -> Option<SessionRecord>;
        "update session" fn update(key: SessionKey, revision: u64, patch: SessionPatch) -> Updated;
        "touch sessions" fn touch(touches: Vec<Touch>) -> ();
        "list sessions" fn list(user: &'a UserId, after: Option<PageAfter>, limit: u32) -> Vec<SessionRecord>;
        "find session" fn find(user: &'a UserId, id: SessionId) -> Option<SessionRecord>;
        "purge sessions" fn purge_sessions(now: Timestamp, limit: u32) -> u64;
        "count key usage" fn key_usage() -> Vec<(KeyVersion, u64)>;
        "register keys" fn register_keys(registration: KeyRegistration) -> KeyRegistry;
    }
}

erase! {
    /// The blacklist store.
    Blacklist = ErasedBlacklist of BlacklistStore {
        "add to blacklist" fn add_to_blacklist(entries: Vec<BlacklistEntry>) -> ();
        "raise not-before" fn raise_not_before(not_before: NotBefore) -> Timestamp;
        "query blacklist" fn query_blacklist(query: BlacklistQuery) -> BlacklistAnswer;
        "read blacklist" fn blacklist_page(after: Option<u64>, limit: u32) -> BlacklistPage;
        "purge blacklist" fn purge_blacklist(now: Timestamp, limit: u32) -> u64;
    }
}

trait ErasedFeed: fmt::Debug + Send + Sync + 'static {
    fn store_name(&self) -> &'static str;
    fn shared(&self) -> bool;
    fn connect(&self) -> BoxFuture<'_, StoreResult<()>>;
    fn now(&self) -> BoxFuture<'_, StoreResult<Timestamp>>;
    fn tail(&self) -> BoxFuture<'_, StoreResult<FeedPosition>>;
    fn changes<'a>(
        &'a self,
        after: &'a FeedPosition,
        limit: u32,
    ) -> BoxFuture<'a, StoreResult<ChangePage>>;
    fn wait<'a>(
        &'a self,
        after: &'a FeedPosition,
        patience: Duration,
    ) -> BoxFuture<'a, StoreResult<()>>;
}

impl<S: ChangeFeed> ErasedFeed for S {
    fn store_name(&self) -> &'static str {
        ChangeFeed::name(self)
    }

    fn shared(&self) -> bool {
        self.is_shared()
    }

    fn connect(&self) -> BoxFuture<'_, StoreResult<()>> {
        Box::pin(ChangeFeed::connect(self))
    }

    fn now(&self) -> BoxFuture<'_, StoreResult<Timestamp>> {
        Box::pin(ChangeFeed::now(self))
    }

    fn tail(&self) -> BoxFuture<'_, StoreResult<FeedPosition>> {
        Box::pin(ChangeFeed::tail(self))
    }

    fn changes<'a>(
        &'a self,
        after: &'a FeedPosition,
        limit: u32,
    ) -> BoxFuture<'a, StoreResult<ChangePage>> {
        Box::pin(ChangeFeed::changes(self, after, limit))
    }

    fn wait<'a>(
        &'a self,
        after: &'a FeedPosition,
        patience: Duration,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(ChangeFeed::wait(self, after, patience))
    }
}

/// The change feed of a store.
#[derive(Clone)]
pub(crate) struct Feed {
    store: Arc<dyn ErasedFeed>,
    patience: Duration,
}

impl Feed {
    pub(crate) fn new(store: Arc<impl ChangeFeed>, patience: Duration) -> Self {
        Self { store, patience }
    }

    pub(crate) fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.store.store_name()
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.store.shared()
    }

    pub(crate) async fn connect(&self) -> StoreResult<()> {
        let patience = Duration::from_secs(CONNECT_SECONDS_MAX);
        bounded(self.name(), "connect", patience, self.store.connect()).await
    }

    pub(crate) async fn now(&self) -> StoreResult<Timestamp> {
        bounded(self.name(), "tell time", self.patience, self.store.now()).await
    }

    pub(crate) async fn tail(&self) -> StoreResult<FeedPosition> {
        bounded(self.name(), "find end of feed", self.patience, self.store.tail()).await
    }

    pub(crate) async fn changes(
        &self,
        after: &FeedPosition,
        limit: u32,
    ) -> StoreResult<ChangePage> {
        let call = self.store.changes(after, limit);
        bounded(self.name(), "read feed", self.patience, call).await
    }

    /// Bounded by its own `patience`, and by the patience of any call on top of it.
    pub(crate) async fn wait(&self, after: &FeedPosition, patience: Duration) -> StoreResult<()> {
        let call = self.store.wait(after, patience);
        match timeout(patience + self.patience, call).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::new(StoreErrorKind::Timeout, "wait for feed")),
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feed({})", self.name())
    }
}

async fn bounded<T>(
    store: &'static str,
    operation: &'static str,
    patience: Duration,
    call: BoxFuture<'_, StoreResult<T>>,
) -> StoreResult<T> {
    let started = Instant::now();
    let result = match timeout(patience, call).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::new(StoreErrorKind::Timeout, operation)),
    };
    observe!("segue_store_seconds", started.elapsed().as_secs_f64(), "store" => store, "operation" => operation);
    if let Err(error) = &result {
        count!("segue_store_errors_total", "store" => store, "operation" => operation, "kind" => error.kind().label());
        tracing::warn!(
            store,
            operation,
            error = error as &dyn std::error::Error,
            "store call failed"
        );
    }
    result
}
