//! The session way: from the text of an access token to a verdict, without I/O on a hit.

use std::sync::atomic::Ordering;

use crate::coherent::CachedSession;
use crate::device::ClientInfo;
use crate::device::Device;
use crate::device::DeviceChange;
use crate::error::AuthErrorKind;
use crate::flags::Fingerprinting;
use crate::flags::FlagSet;
use crate::id::SessionKey;
use crate::time::Moment;
use crate::token::RawAccess;
use crate::token::VerifiedAccess;
use crate::token::decode_access;
use crate::verify::core::Core;
use crate::verify::decision::SessionVerdict;
use crate::verify::devices;
use crate::verify::head::RequestHead;

/// How far the verdict got without the store.
pub(crate) enum SessionStep {
    Done(SessionVerdict),
    /// The row has to be read.
    Load(Box<Unread>),
}

/// A genuine access token whose row has to be read.
pub(crate) struct Unread {
    raw: RawAccess,
    verified: VerifiedAccess,
    /// The state of the keyring that verified it.
    epoch: u64,
    client: Option<ClientInfo>,
}

/// Judges an access token as far as the cache allows.
///
/// `legacy_too`: an expired token alone is refused without any I/O; beside a legacy token its
/// owner must be known.
pub(crate) fn begin(
    core: &Core,
    text: &str,
    head: &RequestHead<'_>,
    flags: &FlagSet,
    moment: Moment,
    legacy_too: bool,
) -> SessionStep {
    let raw = match decode_access(text) {
        Ok(raw) => raw,
        Err(kind) => return refused(kind),
    };
    let cached = core.coherence.with_session(raw.secret_bytes(), moment, |session| {
        let expired = match is_expired(core, session, &raw, moment) {
            Ok(expired) => expired,
            Err(kind) => return Cached::Verdict(SessionVerdict::Refused(kind)),
        };
        if expired && !legacy_too {
            let kind = AuthErrorKind::TokenExpired;
            return Cached::Verdict(SessionVerdict::Expired(kind, None));
        }
        judge_cached(core, session, head, flags, moment, expired)
    });
    match cached {
        Some(Cached::Verdict(verdict)) => return SessionStep::Done(verdict),
        Some(Cached::Idle(key)) => core.coherence.forget_session(key),
        Some(Cached::Unknown) | None => {}
    }
    begin_unread(core, raw, head, flags, moment, legacy_too)
}

/// What a cached row settles.
enum Cached {
    /// It looks idle, but another node may have seen it since: only the store may say so.
    Idle(SessionKey),
    /// Not enough is known here at this moment.
    Unknown,
    Verdict(SessionVerdict),
}

fn begin_unread(
    core: &Core,
    raw: RawAccess,
    head: &RequestHead<'_>,
    flags: &FlagSet,
    moment: Moment,
    legacy_too: bool,
) -> SessionStep {
    let keys = core.keys.load();
    let verified = match raw.verify(&keys) {
        Ok(verified) => verified,
        Err(kind) => return refused(kind),
    };
    if verified.is_expired(moment.now) && !legacy_too {
        return SessionStep::Done(SessionVerdict::Expired(AuthErrorKind::TokenExpired, None));
    }
    let client = devices::client(core, head, flags);
    SessionStep::Load(Box::new(Unread { raw, verified, epoch: keys.epoch(), client }))
}

const fn refused(kind: AuthErrorKind) -> SessionStep {
    SessionStep::Done(SessionVerdict::Refused(kind))
}

/// Whether a genuine token is past its end. The code of a token that this session was used with
/// before is not computed again; the whole token is compared instead.
fn is_expired(
    core: &Core,
    session: &CachedSession,
    raw: &RawAccess,
    moment: Moment,
) -> Result<bool, AuthErrorKind> {
    if session.is_verified(raw.bytes(), core.keys_epoch.load(Ordering::Acquire), moment.now) {
        return Ok(false);
    }
    let keys = core.keys.load();
    let verified = raw.verify(&keys)?;
    session.remember_token(raw.bytes(), verified.expires_at(), keys.epoch());
    Ok(verified.is_expired(moment.now))
}

fn judge_cached(
    core: &Core,
    session: &CachedSession,
    head: &RequestHead<'_>,
    flags: &FlagSet,
    moment: Moment,
    token_expired: bool,
) -> Cached {
    match core.coherence.judge_session(session, moment) {
        Some(AuthErrorKind::SessionExpired) => return Cached::Idle(session.key()),
        Some(AuthErrorKind::StoreUnavailable) => return Cached::Unknown,
        Some(kind) => return Cached::Verdict(SessionVerdict::Refused(kind)),
        None => {}
    }
    match core.users.known(session.user(), moment) {
        None => return Cached::Unknown,
        Some(Err(kind)) => return Cached::Verdict(SessionVerdict::Refused(kind)),
        Some(Ok(())) => {}
    }
    if devices::is_unpinned(core, flags) {
        return Cached::Unknown;
    }
    let compared = flags.device_fingerprinting != Fingerprinting::Off;
    let due = session.last_active_at().saturating_add(core.policy.write_interval) <= moment.now;
    let wanted = compared || (flags.session_tracking && due);
    let device = if wanted { devices::seen(core, head, flags) } else { None };
    Cached::Verdict(accept(core, session, moment, flags, device.as_ref(), token_expired))
}

fn accept(
    core: &Core,
    session: &CachedSession,
    moment: Moment,
    flags: &FlagSet,
    device: Option<&Device>,
    token_expired: bool,
) -> SessionVerdict {
    if let Some(device) = device {
        let change = DeviceChange {
            fingerprint: session.has_other_fingerprint(device),
            network: session.has_other_network(device),
        };
        if let Err(kind) = devices::judge(change, flags, "use") {
            return SessionVerdict::Refused(kind);
        }
    }
    if token_expired {
        // No sign of life: whoever holds no more than this must not keep the session from idling.
        let owner = session.user().clone();
        return SessionVerdict::Expired(AuthErrorKind::TokenExpired, Some(owner));
    }
    if flags.session_tracking {
        core.coherence.note_use(session, moment, device);
    }
    SessionVerdict::Live(session.principal().clone())
}

/// Reads the row and judges it.
pub(crate) async fn finish(
    core: &Core,
    unread: Unread,
    flags: &FlagSet,
    moment: Moment,
) -> SessionVerdict {
    let Unread { raw, mut verified, epoch, client } = unread;
    if let Err(kind) = devices::pin(core, flags).await {
        return SessionVerdict::Unknowable(kind);
    }
    let device = client.map(|client| devices::device_of(core, &client, flags));
    let key = verified.session_key();
    let session = match core.coherence.load_session(*raw.secret_bytes(), key, moment).await {
        Ok(Some(session)) => session,
        Ok(None) => return SessionVerdict::Refused(AuthErrorKind::SessionExpired),
        Err(_) => return SessionVerdict::Unknowable(AuthErrorKind::StoreUnavailable),
    };
    let keys = core.keys.load_full();
    if keys.epoch() != epoch {
        // A key that was taken out while the store was asked is out.
        verified = match raw.verify(&keys) {
            Ok(verified) => verified,
            Err(kind) => return SessionVerdict::Refused(kind),
        };
    }
    session.remember_token(raw.bytes(), verified.expires_at(), keys.epoch());
    match core.coherence.judge_session(&session, moment) {
        Some(AuthErrorKind::SessionExpired) => {
            let owner = session.user().clone();
            return SessionVerdict::Expired(AuthErrorKind::SessionExpired, Some(owner));
        }
        Some(kind @ AuthErrorKind::StoreUnavailable) => return SessionVerdict::Unknowable(kind),
        Some(kind) => return SessionVerdict::Refused(kind),
        None => {}
    }
    match core.users.check(session.user(), moment, flags.legacy_stale_ok).await {
        Ok(()) => {
            let expired = verified.is_expired(moment.now);
            accept(core, &session, moment, flags, device.as_ref(), expired)
        }
        Err(AuthErrorKind::StoreUnavailable) => {
            SessionVerdict::Unknowable(AuthErrorKind::StoreUnavailable)
        }
        Err(kind) => SessionVerdict::Refused(kind),
    }
}
