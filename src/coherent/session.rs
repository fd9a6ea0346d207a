//! A session in memory: the row, as small as it can be, and the principal made from it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::coherent::memo::TOKEN_LENGTH_BYTES;
use crate::coherent::memo::TokenMemo;
use crate::device::Device;
use crate::device::Fingerprint;
use crate::error::AuthErrorKind;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::principal::Principal;
use crate::principal::SessionFacts;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::time::Monotonic;
use crate::time::Timestamp;

/// What the cache keeps of a row.
///
/// A million of them shall fit into 320 MiB together with the table, so every byte was looked at,
/// and a test pins the size. What changes under it (the last sign of life, the token, the memo of
/// the blacklist) changes once a minute, not once a request: threads share its cache lines freely.
pub(super) struct Row {
    pub(super) secret: [u8; 16],
    pub(super) key: SessionKey,
    user: UserId,
    scopes: Scopes,
    data: SessionData,
    created_at: Timestamp,
    expires_at: Timestamp,
    authenticated_at: Timestamp,
    /// When the store was asked, before the answer was on its way.
    pub(super) asked_at: Monotonic,
    last_active_at: AtomicI64,
    token: TokenMemo,
    /// The first half of the fingerprint, 0 without one: enough to tell devices apart.
    fingerprint: u64,
    /// An address of version 4, or the first 56 bits of one of version 6.
    network: [u8; 7],
    marks: u8,
    /// The stamp of the key before the store was asked.
    pub(super) stamp: u32,
    /// The blacklist's epoch at which no not-before instant killed the session.
    judged_epoch: AtomicU32,
}

/// The network's version.
const VERSION_4: u8 = 1;
const VERSION_6: u8 = 2;
/// The session is revoked.
const REVOKED: u8 = 4;
/// Not-before instants were asked of the store together with the row.
const CHECKED: u8 = 8;

/// What is known beside the record when a row is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// When the store was asked.
    pub(super) asked_at: Monotonic,
    /// The stamp of the key before that.
    pub(super) stamp: u32,
    /// Whether the session is known to be revoked although the store has forgotten it.
    pub(super) revoked: bool,
    /// Whether not-before instants were asked of the store with it.
    pub(super) checked: bool,
}

impl Row {
    pub(super) fn new(secret: [u8; 16], record: &SessionRecord, reading: Reading) -> Self {
        let (network, version) = network_of(record.device.address);
        let mark = |is: bool, mark: u8| if is { mark } else { 0 };
        Self {
            secret,
            key: record.key,
            user: record.user.clone(),
            scopes: record.scopes.clone(),
            data: record.data.clone(),
            created_at: record.created_at,
            expires_at: record.expires_at,
            authenticated_at: record.authenticated_at,
            asked_at: reading.asked_at,
            last_active_at: AtomicI64::new(record.last_active_at().as_unix_micros()),
            token: TokenMemo::default(),
            fingerprint: record.device.fingerprint.as_ref().map_or(0, half),
            network,
            marks: version
                | mark(reading.revoked || record.revoked.is_some(), REVOKED)
                | mark(reading.checked, CHECKED),
            stamp: reading.stamp,
            judged_epoch: AtomicU32::new(0),
        }
    }

    /// Takes over what an earlier copy of the same row learnt.
    pub(super) fn inherit(&mut self, earlier: &Self) {
        self.token = earlier.token.copy();
        let active = earlier.last_active_at.load(Ordering::Relaxed);
        self.last_active_at.fetch_max(active, Ordering::Relaxed);
    }

    pub(super) const fn is_checked(&self) -> bool {
        self.marks & CHECKED != 0
    }
}

/// A session in memory: what a request needs to know of it.
///
/// Cloning is two reference counts. The principal is this copy's own: the threads that serve one
/// hot session clone different counters, and share only what nobody writes.
#[derive(Clone)]
pub(crate) struct CachedSession {
    principal: Principal,
    row: Arc<Row>,
}

impl CachedSession {
    /// Makes the principal that requests with this session get.
    pub(super) fn new(row: Arc<Row>) -> Self {
        let facts = SessionFacts {
            key: row.key,
            created_at: row.created_at,
            expires_at: row.expires_at,
            data: row.data.clone(),
        };
        let (user, scopes) = (row.user.clone(), row.scopes.clone());
        Self { principal: Principal::of_session(user, scopes, row.authenticated_at, facts), row }
    }

    pub(super) const fn row(&self) -> &Arc<Row> {
        &self.row
    }

    /// Who makes a request with this session. Whether it may is for the caller to find out first.
    pub(crate) const fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(crate) fn key(&self) -> SessionKey {
        self.row.key
    }

    pub(crate) fn user(&self) -> &UserId {
        &self.row.user
    }

    /// The latest sign of life known here; another node may know a later one.
    pub(crate) fn last_active_at(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.row.last_active_at.load(Ordering::Relaxed))
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.row.marks & REVOKED != 0
    }

    /// Why the session can't be used at `now`, if it can't; by the same rule as
    /// [`SessionRecord::refusal`].
    ///
    /// "Expired" for idleness has to be confirmed by the store before anybody is told: the session
    /// may have been used on another node since. See [`is_idle`](Self::is_idle).
    pub(crate) fn refusal(
        &self,
        now: Timestamp,
        idle: Duration,
        not_before: Option<Timestamp>,
    ) -> Option<AuthErrorKind> {
        if self.is_revoked() || self.is_dead_by(not_before) {
            Some(AuthErrorKind::SessionRevoked)
        } else if now >= self.row.expires_at || self.is_idle(now, idle) {
            Some(AuthErrorKind::SessionExpired)
        } else {
            None
        }
    }

    /// Whether no sign of life is known here since `idle` ago.
    pub(crate) fn is_idle(&self, now: Timestamp, idle: Duration) -> bool {
        now >= self.last_active_at().saturating_add(idle)
    }

    /// Whether a not-before instant kills the session; equality means dead.
    pub(super) fn is_dead_by(&self, not_before: Option<Timestamp>) -> bool {
        not_before.is_some_and(|at| self.row.authenticated_at <= at)
    }

    /// Whether exactly this token was verified for the session before, under this state of the
    /// keyring, and has not come to its end. If not, it has to be verified; it may still be good.
    pub(crate) fn is_verified(
        &self,
        token: &[u8; TOKEN_LENGTH_BYTES],
        keyring_epoch: u64,
        now: Timestamp,
    ) -> bool {
        self.row.token.recognises(token, &self.row.secret, keyring_epoch, now)
    }

    /// Keeps a token that was verified just now, so that it need not be verified again.
    pub(crate) fn remember_token(
        &self,
        token: &[u8; TOKEN_LENGTH_BYTES],
        expires_at: Timestamp,
        keyring_epoch: u64,
    ) {
        self.row.token.remember(token, &self.row.secret, expires_at, keyring_epoch);
    }

    /// Whether the session was opened by a device with another fingerprint. Not if one of the two
    /// is unknown.
    pub(crate) fn has_other_fingerprint(&self, seen: &Device) -> bool {
        let known = self.row.fingerprint;
        seen.fingerprint.as_ref().is_some_and(|seen| known != 0 && known != half(seen))
    }

    /// Whether the session was opened from another network: another address of version 4, another
    /// /56 of version 6. Not if one of the two is unknown.
    pub(crate) fn has_other_network(&self, seen: &Device) -> bool {
        let known = (self.row.network, self.row.marks & (VERSION_4 | VERSION_6));
        let seen = network_of(seen.address);
        known.1 != 0 && seen.1 != 0 && known != seen
    }

    /// Whether not-before instants were asked of the store with the row, no longer than `span` ago.
    pub(super) fn was_checked_within(&self, at: Monotonic, span: Duration) -> bool {
        self.row.is_checked() && at <= self.row.asked_at.saturating_add(span)
    }

    /// Whether the last sign of life is at least `interval` old.
    pub(super) fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        now >= self.last_active_at().saturating_add(interval)
    }

    /// Raises the last sign of life if it is at least `interval` old. Whether this call did.
    pub(super) fn raise_activity(&self, now: Timestamp, interval: Duration) -> bool {
        let place = &self.row.last_active_at;
        let known = place.load(Ordering::Relaxed);
        now >= Timestamp::from_unix_micros(known).saturating_add(interval)
            && place
                .compare_exchange(known, now.as_unix_micros(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether not-before instants were found harmless at this epoch of the blacklist.
    pub(super) fn is_judged(&self, epoch: u64) -> bool {
        self.row.judged_epoch.load(Ordering::Relaxed) == low_half(epoch)
    }

    pub(super) fn note_judged(&self, epoch: u64) {
        self.row.judged_epoch.store(low_half(epoch), Ordering::Relaxed);
    }
}

impl fmt::Debug for CachedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedSession")
            .field("key", &self.row.key)
            .field("user", &self.row.user)
            .field("revoked", &self.is_revoked())
            .finish_non_exhaustive()
    }
}

fn half(fingerprint: &Fingerprint) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *fingerprint.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Epochs are counted one by one from 1, so their low half tells neighbours apart.
fn low_half(epoch: u64) -> u32 {
    u32::try_from(epoch & u64::from(u32::MAX)).unwrap_or(0)
}

fn network_of(address: Option<IpAddr>) -> ([u8; 7], u8) {
    match address.map(|address| address.to_canonical()) {
        None => ([0; 7], 0),
        Some(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            ([a, b, c, d, 0, 0, 0], VERSION_4)
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, e, f, g, ..] = address.octets();
            ([a, b, c, d, e, f, g], VERSION_6)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row and the two counts before it fill an allocation of 240 bytes, bookkeeping included.
    #[test]
    fn the_size_is_pinned() {
        assert_eq!(size_of::<Row>(), 216);
    }
}
