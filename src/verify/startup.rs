//! What begins with the first request that needs it: background tasks, and the comparison of this
//! node's keys with those of all others.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::flags::Flags;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::StoreResult;
use crate::verify::core::Core;

/// Starts what runs beside the requests; cheap to call again. Outside a runtime nothing starts,
/// and every answer is read from the store.
pub(crate) fn start(core: &Arc<Core>) {
    let Ok(runtime) = Handle::try_current() else { return };
    core.coherence.start();
    if core.started.swap(true, Ordering::Relaxed) {
        return;
    }
    let watcher = core.flags.watch(Flags::WATCH_INTERVAL_DEFAULT).ok();
    *core.watcher.lock().unwrap_or_else(PoisonError::into_inner) = watcher;
    let weak = Arc::downgrade(core);
    runtime.spawn(async move {
        let Some(core) = weak.upgrade() else { return };
        if let Err(error) = register_keys(&core).await {
            tracing::error!(error = &error as &dyn std::error::Error, "keys can't be registered");
            core.started.store(false, Ordering::Relaxed);
        }
    });
}

/// Tells the store of this node's keys, and compares them with what other nodes told it: the same
/// number with other bytes would refuse everybody's tokens, so such a node does not serve.
pub(crate) async fn register_keys(core: &Core) -> StoreResult<KeyVersion> {
    let keys = core.keys.load_full();
    let (registry, conflict) = compare_keys(core, &keys).await?;
    core.keys_conflict.store(conflict.is_some(), Ordering::Relaxed);
    match conflict {
        Some(error) => Err(error),
        None => Ok(core.registry.get_or_init(|| registry).exchange),
    }
}

/// Puts another keyring to use if the store knows nothing against it.
pub(crate) async fn replace_keys(core: &Core, keys: Keyring) -> StoreResult<()> {
    let (registry, conflict) = compare_keys(core, &keys).await?;
    if let Some(error) = conflict {
        return Err(error);
    }
    let epoch = keys.epoch();
    core.keys.store(Arc::new(keys));
    core.keys_epoch.store(epoch, Ordering::Release);
    core.keys_conflict.store(false, Ordering::Relaxed);
    core.registry.get_or_init(|| registry);
    Ok(())
}

/// What the store knows of keys, and what it knows against these.
///
/// Asked before anything is told: what is told first counts for good, and a node that has one key
/// wrong must not settle what the others are.
async fn compare_keys(
    core: &Core,
    keys: &Keyring,
) -> StoreResult<(KeyRegistry, Option<StoreError>)> {
    let sessions = &core.coherence.stores().sessions;
    let exchange = keys.versions().next().unwrap_or_else(|| keys.current());
    let mut told = KeyRegistration { checks: Vec::new(), exchange };
    let known = sessions.register_keys(told.clone()).await?;
    if let Some(conflict) = conflict(keys, &known) {
        return Ok((known, Some(conflict)));
    }
    told.checks = keys.check_values();
    let known = sessions.register_keys(told).await?;
    let conflict = conflict(keys, &known);
    Ok((known, conflict))
}

fn conflict(keys: &Keyring, registry: &KeyRegistry) -> Option<StoreError> {
    let differs = keys
        .check_values()
        .into_iter()
        .find(|own| registry.checks.iter().any(|known| known.0 == own.0 && known.1 != own.1));
    differs.map(|(version, _)| {
        let advice = format!(
            "key version {version} has other bytes here than where the store first saw it; give \
             every node the same SEGUE_KEYS, and a new key a new number"
        );
        StoreError::new(StoreErrorKind::Misconfigured, "register keys").with_source(advice)
    })
}

/// Whether the pinned version, once known, is on this node: without it nothing can be exchanged.
pub(crate) fn exchange_key_is_missing(core: &Core, registry: &KeyRegistry) -> bool {
    !core.legacy.is_empty() && !core.keys.load().contains(registry.exchange)
}
