//! The session rows of the memory store and what finds them: user, public id, end, key version.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::time::Duration;

use crate::device::Device;
use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::RevokeReason;
use crate::session::Revoked;
use crate::session::SessionRecord;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::NewSession;
use crate::store::PageAfter;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::SessionPatch;
use crate::store::Touch;
use crate::store::Updated;
use crate::time::Timestamp;

#[derive(Default)]
pub(super) struct SessionTable {
    rows: BTreeMap<SessionKey, SessionRecord>,
    by_user: HashMap<UserId, BTreeSet<(Timestamp, SessionKey)>>,
    by_end: BTreeSet<(Timestamp, SessionKey)>,
    rows_of_key: BTreeMap<KeyVersion, u64>,
    checks: BTreeMap<KeyVersion, [u8; 16]>,
    exchange: Option<KeyVersion>,
}

impl SessionTable {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn load(&self, key: SessionKey) -> Option<SessionRecord> {
        self.rows.get(&key).cloned()
    }

    /// Writes the row, and names the sessions that have to be revoked for it and why.
    pub(super) fn insert(&mut self, new: &NewSession) -> Vec<(SessionKey, RevokeReason)> {
        let record = &new.record;
        let mut out = Vec::new();
        let replaced = new.supersedes.filter(|key| self.rows.contains_key(key));
        out.extend(replaced.map(|key| (key, RevokeReason::Superseded)));
        let others: Vec<_> = self
            .live_of(&record.user, record.created_at, new.idle)
            .filter(|key| Some(*key) != replaced)
            .collect();
        let room = usize::try_from(new.sessions_max.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = others.len().saturating_sub(room);
        out.extend(others.into_iter().take(surplus).map(|key| (key, RevokeReason::Cap)));
        self.by_user
            .entry(record.user.clone())
            .or_default()
            .insert((record.created_at, record.key));
        self.by_end.insert((record.purge_after(), record.key));
        *self.rows_of_key.entry(record.key_version).or_default() += 1;
        self.rows.insert(record.key, record.clone());
        out
    }

    /// Whether as many rows as permitted came from the legacy token of this one.
    pub(super) fn is_crowded(&self, new: &NewSession) -> bool {
        let Some(link) = new.record.exchanged_from else { return false };
        let rows = self.by_user.get(&new.record.user).into_iter().flatten();
        let siblings = rows
            .filter_map(|(_, key)| self.rows.get(key)?.exchanged_from)
            .filter(|other| other.key == link.key)
            .count();
        siblings >= usize::try_from(new.exchanges_max).unwrap_or(usize::MAX)
    }

    /// Oldest first.
    fn live_of(
        &self,
        user: &UserId,
        now: Timestamp,
        idle: Duration,
    ) -> impl Iterator<Item = SessionKey> {
        let rows = self.by_user.get(user).into_iter().flatten();
        rows.filter_map(|(_, key)| self.rows.get(key))
            .filter(move |row| row.refusal(now, idle, None).is_none())
            .map(|row| row.key)
    }

    pub(super) fn rotate(&mut self, rotation: &Rotation) -> Rotated {
        let Some(row) = self.rows.get_mut(&rotation.key) else { return Rotated::Refused(None) };
        let live = row.revoked.is_none()
            && rotation.now < row.expires_at
            && row.last_active_at() > rotation.active_after;
        let forward = row.generation == rotation.expected && rotation.next > rotation.expected;
        if !live || !forward {
            return Rotated::Refused(Some(Box::new(row.clone())));
        }
        let former = std::mem::replace(&mut row.key_version, rotation.key_version);
        row.generation = rotation.next;
        row.rotated_at = Some(rotation.now);
        if row.grace_uses == 0 {
            row.foreign_streak = 0;
        }
        row.grace_uses = 0;
        row.legacy_until = row.legacy_until.max(rotation.legacy_until);
        let done = Rotated::Done(Box::new(row.clone()));
        self.forget_key(former);
        *self.rows_of_key.entry(rotation.key_version).or_default() += 1;
        done
    }

    pub(super) fn count_grace(
        &mut self,
        key: SessionKey,
        generation: u64,
        grace_uses: u32,
        foreign_streak: u32,
    ) -> bool {
        let unchanged = |row: &&mut SessionRecord| {
            row.revoked.is_none() && (row.generation, row.grace_uses) == (generation, grace_uses)
        };
        let Some(row) = self.rows.get_mut(&key).filter(unchanged) else { return false };
        row.grace_uses = grace_uses.saturating_add(1);
        row.foreign_streak = foreign_streak;
        true
    }

    /// The row as it is now, if this call revoked it.
    pub(super) fn revoke(
        &mut self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> Option<SessionRecord> {
        let row = self.rows.get_mut(&key).filter(|row| row.revoked.is_none())?;
        row.revoked = Some(Revoked { at: now, reason });
        row.revision = row.revision.saturating_add(1);
        Some(row.clone())
    }

    pub(super) fn update(
        &mut self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> Updated {
        let Some(row) = self.rows.get_mut(&key).filter(|row| row.revoked.is_none()) else {
            return Updated::Gone;
        };
        if row.revision != revision {
            return Updated::Conflict(Box::new(row.clone()));
        }
        if let Some(scopes) = patch.scopes {
            row.scopes = scopes;
        }
        if let Some(data) = patch.data {
            row.data = data;
        }
        if let Some(device) = patch.device {
            row.device = device;
        }
        let proven = patch.authenticated_at.unwrap_or(row.authenticated_at);
        row.authenticated_at = row.authenticated_at.max(proven);
        row.revision = revision.saturating_add(1);
        Updated::Done(Box::new(row.clone()))
    }

    pub(super) fn touch(&mut self, touch: Touch) {
        let forward =
            |row: &&mut SessionRecord| row.revoked.is_none() && row.last_seen_at < touch.seen_at;
        let Some(row) = self.rows.get_mut(&touch.key).filter(forward) else { return };
        row.last_seen_at = touch.seen_at;
        if let Some(device) = touch.device {
            let fingerprint = row.device.fingerprint.or(device.fingerprint);
            row.device = Device { fingerprint, ..device };
        }
    }

    pub(super) fn list(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Vec<SessionRecord> {
        let beyond = |(created_at, key): &&(Timestamp, SessionKey)| {
            after.is_none_or(|after| (*created_at, key.public_id()) < (after.created_at, after.id))
        };
        let rows = self.by_user.get(user).into_iter().flat_map(|rows| rows.iter().rev());
        rows.filter(beyond)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .filter_map(|(_, key)| self.load(*key))
            .collect()
    }

    pub(super) fn find(&self, user: &UserId, id: SessionId) -> Option<SessionRecord> {
        // A public id is the first half of its key.
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(id.as_bytes());
        self.rows
            .range(SessionKey::from_bytes(bytes)..)
            .take_while(|(key, _)| key.public_id() == id)
            .map(|(_, row)| row)
            .find(|row| row.user == *user)
            .cloned()
    }

    pub(super) fn purge(&mut self, now: Timestamp, limit: u32) -> u64 {
        let mut purged = 0;
        while purged < u64::from(limit) && self.by_end.first().is_some_and(|end| end.0 <= now) {
            let Some((_, key)) = self.by_end.pop_first() else { break };
            if let Some(row) = self.rows.remove(&key) {
                self.forget_row(&row);
            }
            purged += 1;
        }
        purged
    }

    fn forget_row(&mut self, row: &SessionRecord) {
        self.forget_key(row.key_version);
        if let Some(rows) = self.by_user.get_mut(&row.user) {
            rows.remove(&(row.created_at, row.key));
            if rows.is_empty() {
                self.by_user.remove(&row.user);
            }
        }
    }

    fn forget_key(&mut self, version: KeyVersion) {
        if let Some(rows) = self.rows_of_key.get_mut(&version) {
            *rows = rows.saturating_sub(1);
        }
    }

    pub(super) fn key_usage(&self) -> Vec<(KeyVersion, u64)> {
        self.rows_of_key
            .iter()
            .map(|(version, rows)| (*version, *rows))
            .filter(|(_, rows)| *rows > 0)
            .collect()
    }

    pub(super) fn register_keys(&mut self, registration: KeyRegistration) -> KeyRegistry {
        for (version, check) in registration.checks {
            self.checks.entry(version).or_insert(check);
        }
        let exchange = *self.exchange.get_or_insert(registration.exchange);
        KeyRegistry { checks: self.checks.clone().into_iter().collect(), exchange }
    }
}
