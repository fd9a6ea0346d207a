//! The device of a request, and what a change of it means: an event, or a refusal that keeps the
//! session.

use crate::device::Device;
use crate::device::DeviceChange;
use crate::device::peer;
use crate::error::AuthErrorKind;
use crate::flags::Fingerprinting;
use crate::flags::FlagSet;
use crate::trace::count;
use crate::verify::core::Core;
use crate::verify::head::RequestHead;

/// The device of a request, or `None` where devices are neither recorded nor compared.
pub(crate) fn seen(core: &Core, head: &RequestHead<'_>, flags: &FlagSet) -> Option<Device> {
    let compared = flags.device_fingerprinting != Fingerprinting::Off;
    if !compared && !flags.session_tracking {
        return None;
    }
    let client = core.devices.client(head.headers, peer(head.extensions));
    let keys = core.keys.load();
    let fingerprinting = core.pinned_version().filter(|_| compared).map(|key| (&**keys, key));
    let device = client.device(fingerprinting);
    if flags.session_tracking {
        return Some(device);
    }
    Some(Device { fingerprint: device.fingerprint, ..Device::default() })
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
