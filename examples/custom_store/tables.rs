//! The tables, and what happens to them in one step.

use segue::BlacklistEntry;
use segue::Device;
use segue::NotBefore;
use segue::RevokeReason;
use segue::Revoked;
use segue::SessionKey;
use segue::SessionRecord;
use segue::Timestamp;
use segue::store::BlacklistPage;
use segue::store::Change;
use segue::store::Inserted;
use segue::store::KeyRegistry;
use segue::store::NewSession;
use segue::store::Rotated;
use segue::store::Rotation;
use segue::store::SessionPatch;
use segue::store::Touch;
use segue::store::Updated;

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) sessions: Vec<SessionRecord>,
    // Numbered in the order of arrival, so that pages go on where the last one ended.
    pub(crate) entries: Vec<(u64, BlacklistEntry)>,
    pub(crate) not_before: Vec<(u64, NotBefore)>,
    pub(crate) last_number: u64,
    pub(crate) keys: Option<KeyRegistry>,
    // A real store trims what is older than ten minutes, and answers `gap` to whoever is behind.
    pub(crate) feed: Vec<Change>,
}

impl Tables {
    pub(crate) fn row(&mut self, key: SessionKey) -> Option<&mut SessionRecord> {
        self.sessions.iter_mut().find(|row| row.key == key)
    }

    pub(crate) fn unrevoked(&mut self, key: SessionKey) -> Option<&mut SessionRecord> {
        self.row(key).filter(|row| row.revoked.is_none())
    }

    /// The later end counts, and what changes nothing is not published.
    pub(crate) fn blacklist(&mut self, new: BlacklistEntry) {
        match self.entries.iter_mut().find(|(_, entry)| entry.key == new.key) {
            Some((_, entry)) if entry.until >= new.until => return,
            Some((_, entry)) => entry.until = new.until,
            None => {
                self.last_number += 1;
                self.entries.push((self.last_number, new));
            }
        }
        self.feed.push(Change::Blacklisted(new));
    }

    /// The row, its legacy tokens and the feed, in one step. `None` if it was revoked before, so
    /// that the first instant and reason stay.
    pub(crate) fn end(&mut self, key: SessionKey, revoked: Revoked) -> Option<SessionRecord> {
        let row = self.unrevoked(key)?;
        row.revoked = Some(revoked);
        row.revision += 1;
        let row = row.clone();
        row.legacy_entries().into_iter().for_each(|entry| self.blacklist(entry));
        self.feed.push(Change::Session(key));
        Some(row)
    }

    pub(crate) fn is_crowded(&self, new: &NewSession) -> bool {
        let Some(link) = new.record.exchanged_from else { return false };
        let siblings = self.sessions.iter().filter_map(|row| row.exchanged_from);
        siblings.filter(|other| other.key == link.key).count() >= new.exchanges_max as usize
    }

    pub(crate) fn insert(&mut self, new: NewSession) -> Inserted {
        if let Some(row) = self.row(new.record.key) {
            return Inserted::Exists(Box::new(row.clone()));
        }
        if self.is_crowded(&new) {
            return Inserted::Crowded;
        }
        let at = new.record.created_at;
        let superseded = Revoked { at, reason: RevokeReason::Superseded };
        let replaced = new.supersedes.and_then(|key| self.end(key, superseded));
        let mut revoked: Vec<SessionRecord> = replaced.into_iter().collect();
        // Only what is live counts, the oldest go first, and never the new one.
        let live = |row: &&SessionRecord| {
            row.user == new.record.user && row.refusal(at, new.idle, None).is_none()
        };
        let place = |row: &SessionRecord| (row.created_at, row.key);
        let mut live: Vec<_> = self.sessions.iter().filter(live).map(place).collect();
        live.sort_unstable();
        let surplus = (live.len() + 1).saturating_sub(new.sessions_max.max(1) as usize);
        for (_, key) in live.into_iter().take(surplus) {
            revoked.extend(self.end(key, Revoked { at, reason: RevokeReason::Cap }));
        }
        self.sessions.push(new.record);
        Inserted::Created { revoked }
    }

    /// The compare-and-swap that everything hangs on: all its conditions and the write, in one.
    pub(crate) fn rotate(&mut self, rotation: &Rotation) -> Rotated {
        let Some(row) = self.row(rotation.key) else { return Rotated::Refused(None) };
        let fits = row.revoked.is_none()
            && rotation.now < row.expires_at
            && row.last_active_at() > rotation.active_after
            && row.generation == rotation.expected;
        if !fits {
            return Rotated::Refused(Some(Box::new(row.clone())));
        }
        if row.grace_uses == 0 {
            row.foreign_streak = 0;
        }
        row.grace_uses = 0;
        row.generation = rotation.next;
        row.key_version = rotation.key_version;
        row.rotated_at = Some(rotation.now);
        row.legacy_until = row.legacy_until.max(rotation.legacy_until);
        Rotated::Done(Box::new(row.clone()))
    }

    pub(crate) fn update(
        &mut self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> Updated {
        let Some(row) = self.unrevoked(key) else { return Updated::Gone };
        if row.revision != revision {
            return Updated::Conflict(Box::new(row.clone()));
        }
        row.scopes = patch.scopes.unwrap_or_else(|| row.scopes.clone());
        row.data = patch.data.unwrap_or_else(|| row.data.clone());
        row.device = patch.device.unwrap_or_else(|| row.device.clone());
        row.authenticated_at =
            patch.authenticated_at.max(Some(row.authenticated_at)).unwrap_or_default();
        row.revision += 1;
        let row = Box::new(row.clone());
        self.feed.push(Change::Session(key));
        Updated::Done(row)
    }

    /// Never a revoked row, never a new one, and never backwards.
    pub(crate) fn touch(&mut self, touch: Touch) {
        let forward = |row: &&mut SessionRecord| row.last_seen_at < touch.seen_at;
        if let Some(row) = self.unrevoked(touch.key).filter(forward) {
            row.last_seen_at = touch.seen_at;
            if let Some(device) = touch.device {
                let fingerprint = row.device.fingerprint.or(device.fingerprint);
                row.device = Device { fingerprint, ..device };
            }
        }
    }

    /// Both instants take the maximum.
    pub(crate) fn raise(&mut self, new: NotBefore) -> Timestamp {
        let stored = match self.not_before.iter_mut().find(|(_, old)| old.scope == new.scope) {
            Some((_, old)) if old.at >= new.at && old.until >= new.until => return old.at,
            Some((_, old)) => {
                old.at = old.at.max(new.at);
                old.until = old.until.max(new.until);
                old.clone()
            }
            None => {
                self.last_number += 1;
                self.not_before.push((self.last_number, new.clone()));
                new
            }
        };
        self.feed.push(Change::NotBefore(stored.clone()));
        stored.at
    }

    pub(crate) fn blacklist_page(&self, start: u64, limit: usize) -> BlacklistPage {
        let numbers = self.not_before.iter().map(|(number, _)| *number);
        let mut numbers: Vec<u64> =
            numbers.chain(self.entries.iter().map(|(number, _)| *number)).collect();
        numbers.retain(|number| *number > start);
        numbers.sort_unstable();
        let more = numbers.len() > limit;
        numbers.truncate(limit);
        let last = numbers.last().copied().unwrap_or(start);
        let entries = self.entries.iter().filter(|(n, _)| (start + 1..=last).contains(n));
        let instants = self.not_before.iter().filter(|(n, _)| (start + 1..=last).contains(n));
        BlacklistPage {
            entries: entries.map(|(_, entry)| *entry).collect(),
            not_before: instants.map(|(_, instant)| instant.clone()).collect(),
            next: more.then_some(last),
        }
    }
}
