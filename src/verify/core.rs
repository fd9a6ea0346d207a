//! What every decision needs: keys, flags, caches and rules, assembled once and shared.

use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;

use crate::coherent::Coherence;
use crate::device::DevicePolicy;
use crate::error::AuthErrorKind;
use crate::flags::Flags;
use crate::flags::FlagsWatcher;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::session::SessionPolicy;
use crate::store::BlacklistQuery;
use crate::store::KeyRegistry;
use crate::time::Clock;
use crate::time::Moment;
use crate::time::Timestamp;
use crate::verify::credentials::LiftRules;
use crate::verify::devices::DeviceMemo;
use crate::verify::legacy_way::LegacySources;
use crate::verify::origin::OriginRule;
use crate::verify::users::Users;

/// The shared parts. `flow` adds issuing to it; `layer` only asks it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) keys: ArcSwap<Keyring>,
    /// The epoch of `keys`, for requests that need nothing else of them.
    pub(crate) keys_epoch: AtomicU64,
    pub(crate) flags: Flags,
    pub(crate) policy: SessionPolicy,
    pub(crate) coherence: Coherence,
    pub(crate) legacy: LegacySources,
    pub(crate) users: Users,
    pub(crate) lift: LiftRules,
    pub(crate) origin: OriginRule,
    pub(crate) devices: DevicePolicy,
    pub(crate) device_memo: DeviceMemo,
    /// What the store knows of keys, once it has been asked.
    pub(crate) registry: OnceLock<KeyRegistry>,
    /// A key version here has other bytes than on other nodes: nothing can be judged.
    pub(crate) keys_conflict: AtomicBool,
    pub(crate) started: AtomicBool,
    pub(crate) watcher: Mutex<Option<FlagsWatcher>>,
}

impl Core {
    /// The later of the user's and the global not-before: from the replica, or from the store.
    pub(crate) async fn not_before(
        &self,
        user: &UserId,
        moment: Moment,
    ) -> Result<Option<Timestamp>, AuthErrorKind> {
        if let Some(not_before) = self.coherence.not_before(user, moment) {
            return Ok(not_before);
        }
        let query = BlacklistQuery { keys: Vec::new(), user: Some(user.clone()) };
        match self.coherence.query_blacklist(query, moment, std::time::Duration::ZERO).await {
            Ok(answer) => Ok(answer.not_before),
            Err(_) => Err(AuthErrorKind::StoreUnavailable),
        }
    }

    /// The same as the store itself knows it: for what is minted now and lives for weeks. A node
    /// that hears a second late of a revocation must not hand out a token that is younger than it.
    pub(crate) async fn stored_not_before(
        &self,
        user: &UserId,
    ) -> Result<Option<Timestamp>, AuthErrorKind> {
        let query = BlacklistQuery { keys: Vec::new(), user: Some(user.clone()) };
        match self.coherence.query_store(query).await {
            Ok(answer) => Ok(answer.not_before),
            Err(_) => Err(AuthErrorKind::StoreUnavailable),
        }
    }

    /// Whether this node's keys are those of all others, as far as is known. If not, it can tell
    /// nobody's good token from a forged one.
    pub(crate) fn check_keys(&self) -> Result<(), AuthErrorKind> {
        if self.keys_conflict.load(Ordering::Relaxed) {
            return Err(AuthErrorKind::StoreUnavailable);
        }
        Ok(())
    }

    /// The key version that exchange and fingerprints hang on; it does not follow rotation.
    pub(crate) fn pinned_version(&self) -> Option<KeyVersion> {
        self.registry.get().map(|registry| registry.exchange)
    }
}
