//! The blacklist of the memory store, in the order of arrival and in the order of ending.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistPage;
use crate::store::BlacklistQuery;
use crate::time::Timestamp;

#[derive(Default)]
pub(super) struct BlacklistTable {
    entries: HashMap<BlacklistKey, Placed<BlacklistEntry>>,
    not_before: HashMap<NotBeforeScope, Placed<NotBefore>>,
    // Numbers are never used twice, so a page goes on where the last one ended whatever happened
    // in between.
    numbers: BTreeMap<u64, Name>,
    ends: BTreeSet<(Timestamp, u64)>,
    last_number: u64,
}

struct Placed<T> {
    value: T,
    number: u64,
}

enum Name {
    Entry(BlacklistKey),
    NotBefore(NotBeforeScope),
}

impl BlacklistTable {
    /// Takes the later `until`. Whether that changed anything.
    pub(super) fn add(&mut self, entry: BlacklistEntry) -> bool {
        if let Some(placed) = self.entries.get_mut(&entry.key) {
            let until = &mut placed.value.until;
            let later = entry.until > *until;
            if later {
                self.ends.remove(&(*until, placed.number));
                self.ends.insert((entry.until, placed.number));
                *until = entry.until;
            }
            return later;
        }
        let number = self.place(Name::Entry(entry.key), entry.until);
        self.entries.insert(entry.key, Placed { value: entry, number });
        true
    }

    /// Takes the maximum of both instants. What is stored now, and whether that changed.
    pub(super) fn raise(&mut self, raise: NotBefore) -> (NotBefore, bool) {
        if let Some(placed) = self.not_before.get_mut(&raise.scope) {
            let stored = &mut placed.value;
            let raised = NotBefore {
                scope: raise.scope,
                at: stored.at.max(raise.at),
                until: stored.until.max(raise.until),
            };
            let changed = *stored != raised;
            if changed {
                self.ends.remove(&(stored.until, placed.number));
                self.ends.insert((raised.until, placed.number));
                *stored = raised.clone();
            }
            return (raised, changed);
        }
        let number = self.place(Name::NotBefore(raise.scope.clone()), raise.until);
        self.not_before.insert(raise.scope.clone(), Placed { value: raise.clone(), number });
        (raise, true)
    }

    pub(super) fn query(&self, query: BlacklistQuery) -> BlacklistAnswer {
        let at = |scope: &NotBeforeScope| self.not_before.get(scope).map(|placed| placed.value.at);
        let user = query.user.and_then(|user| at(&NotBeforeScope::User(user)));
        BlacklistAnswer {
            listed: query.keys.iter().any(|key| self.entries.contains_key(key)),
            not_before: user.max(at(&NotBeforeScope::All)),
        }
    }

    pub(super) fn page(&self, after: Option<u64>, limit: u32) -> BlacklistPage {
        let mut page = BlacklistPage::default();
        let mut rest = self.numbers.range(after.map_or(0, |number| number.saturating_add(1))..);
        let take = usize::try_from(limit).unwrap_or(usize::MAX);
        for (number, name) in rest.by_ref().take(take) {
            page.next = Some(*number);
            match name {
                Name::Entry(key) => {
                    page.entries.extend(self.entries.get(key).map(|placed| placed.value));
                }
                Name::NotBefore(scope) => {
                    let value = self.not_before.get(scope).map(|placed| placed.value.clone());
                    page.not_before.extend(value);
                }
            }
        }
        if rest.next().is_none() {
            page.next = None;
        }
        page
    }

    pub(super) fn purge(&mut self, now: Timestamp, limit: u32) -> u64 {
        let mut purged = 0;
        while purged < u64::from(limit) && self.ends.first().is_some_and(|end| end.0 < now) {
            let Some((_, number)) = self.ends.pop_first() else { break };
            match self.numbers.remove(&number) {
                Some(Name::Entry(key)) => drop(self.entries.remove(&key)),
                Some(Name::NotBefore(scope)) => drop(self.not_before.remove(&scope)),
                None => {}
            }
            purged += 1;
        }
        purged
    }

    fn place(&mut self, name: Name, until: Timestamp) -> u64 {
        self.last_number += 1;
        self.numbers.insert(self.last_number, name);
        self.ends.insert((until, self.last_number));
        self.last_number
    }
}
