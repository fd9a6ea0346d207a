//! The device of a request, and what a change of it means: an event, or a refusal that keeps the
//! session.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::RwLock;

use foldhash::fast::RandomState;

use crate::device::ClientInfo;
use crate::device::Device;
use crate::device::DeviceChange;
use crate::device::peer;
use crate::error::AuthErrorKind;
use crate::flags::Fingerprinting;
use crate::flags::FlagSet;
use crate::keys::KeyVersion;
use crate::keys::Keyring;
use crate::trace::count;
use crate::verify::core::Core;
use crate::verify::head::RequestHead;
use crate::verify::startup;

/// What a request tells of its client, or `None` where devices are neither recorded nor compared.
pub(crate) fn client(core: &Core, head: &RequestHead<'_>, flags: &FlagSet) -> Option<ClientInfo> {
    let compared = flags.device_fingerprinting != Fingerprinting::Off;
    (compared || flags.session_tracking)
        .then(|| core.devices.client(head.headers, peer(head.extensions)))
}

/// The device of a request, or `None` where devices are neither recorded nor compared.
pub(crate) fn seen(core: &Core, head: &RequestHead<'_>, flags: &FlagSet) -> Option<Device> {
    client(core, head, flags).map(|client| device_of(core, &client, flags))
}

/// Whether fingerprints can't be made yet, because the store has not told which key they hang on.
pub(crate) fn is_unpinned(core: &Core, flags: &FlagSet) -> bool {
    flags.device_fingerprinting != Fingerprinting::Off && core.registry.get().is_none()
}

/// Asks the store which key fingerprints hang on. Where they are enforced, nobody is let in without
/// having been compared.
pub(crate) async fn pin(core: &Core, flags: &FlagSet) -> Result<(), AuthErrorKind> {
    if !is_unpinned(core, flags) || startup::register_keys(core).await.is_ok() {
        return Ok(());
    }
    match flags.device_fingerprinting {
        Fingerprinting::Enforce => Err(AuthErrorKind::StoreUnavailable),
        _ => Ok(()),
    }
}

/// The device of a client.
pub(crate) fn device_of(core: &Core, client: &ClientInfo, flags: &FlagSet) -> Device {
    let compared = flags.device_fingerprinting != Fingerprinting::Off;
    let keys = core.keys.load();
    let pinned = core.pinned_version().filter(|_| compared);
    let mut device = core.device_memo.device(client, pinned.map(|key| (&**keys, key)));
    if flags.session_tracking {
        device.address = client.address();
        return device;
    }
    Device { fingerprint: device.fingerprint, ..Device::default() }
}

/// Devices by the headers they were read from: taking a user agent apart costs as much as a
/// hundred cached requests, and a browser sends the same one every time.
#[derive(Debug, Default)]
pub(crate) struct DeviceMemo {
    seed: RandomState,
    known: RwLock<HashMap<(u64, Option<u64>), Device>>,
}

impl DeviceMemo {
    /// How many are kept; beyond it all are forgotten.
    const DEVICES_MAX: usize = 4096;

    /// The device without its address.
    fn device(
        &self,
        client: &ClientInfo,
        fingerprinting: Option<(&Keyring, KeyVersion)>,
    ) -> Device {
        let epoch = fingerprinting.map(|(keys, _)| keys.epoch());
        let name = (client.headers_hash(&self.seed), epoch);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(device) = known {
            return device;
        }
        let device = Device { address: None, ..client.device(fingerprinting) };
        let mut table = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= Self::DEVICES_MAX {
            table.clear();
        }
        table.insert(name, device.clone());
        device
    }
}

/// What another device than the one a session was opened on means; `at` says where it was seen,
/// for the metric. Another network alone never refuses.
pub(crate) fn judge(
    change: DeviceChange,
    flags: &FlagSet,
    at: &'static str,
) -> Result<(), AuthErrorKind> {
    if flags.device_fingerprinting == Fingerprinting::Off || !change.any() {
        return Ok(());
    }
    let kind = if change.fingerprint { "fingerprint" } else { "network" };
    count!("segue_device_changes_total", "kind" => kind, "at" => at);
    tracing::info!(kind, at, "a session is used from another device");
    if change.fingerprint && flags.device_fingerprinting == Fingerprinting::Enforce {
        return Err(AuthErrorKind::DeviceMismatch);
    }
    Ok(())
}
