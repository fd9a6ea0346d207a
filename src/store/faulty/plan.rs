//! Which calls are to fail and how, and how many there were.

use std::collections::BTreeMap;

use crate::store::faulty::Fault;

/// Of these, the last [`FEED_OPERATIONS`] belong to the feed.
pub(super) const OPERATIONS: [&str; 22] = [
    "insert session",
    "load session",
    "rotate session",
    "count grace answer",
    "revoke session",
    "update session",
    "touch sessions",
    "list sessions",
    "find session",
    "purge sessions",
    "count key usage",
    "register keys",
    "add to blacklist",
    "raise not-before",
    "query blacklist",
    "read blacklist",
    "purge blacklist",
    "connect",
    "tell time",
    "find end of feed",
    "read feed",
    "wait for feed",
];
const FEED_OPERATIONS: usize = 5;

#[derive(Debug, Default)]
pub(super) struct Plan {
    everywhere: Option<Fault>,
    at: BTreeMap<&'static str, (Fault, u32)>,
    calls: BTreeMap<&'static str, u64>,
}

impl Plan {
    pub(super) fn everywhere(&mut self, fault: Fault) {
        self.everywhere = Some(fault);
    }

    pub(super) fn at(&mut self, operation: &str, fault: Fault, times: u32) {
        self.at.insert(known(operation), (fault, times));
    }

    pub(super) fn heal(&mut self) {
        self.everywhere = None;
        self.at.clear();
    }

    /// Counts a call, and says what is to become of it.
    pub(super) fn count(&mut self, operation: &'static str) -> Option<Fault> {
        *self.calls.entry(operation).or_default() += 1;
        let Some((fault, times)) = self.at.get_mut(operation).filter(|(_, times)| *times > 0)
        else {
            return self.everywhere;
        };
        if *times < u32::MAX {
            *times -= 1;
        }
        Some(*fault)
    }

    pub(super) fn calls(&self, operation: &str) -> u64 {
        self.calls.get(known(operation)).copied().unwrap_or_default()
    }

    pub(super) fn total_calls(&self) -> u64 {
        let data = &OPERATIONS[..OPERATIONS.len() - FEED_OPERATIONS];
        data.iter().filter_map(|operation| self.calls.get(operation)).sum()
    }

    pub(super) fn reset_calls(&mut self) {
        self.calls.clear();
    }
}

fn known(operation: &str) -> &'static str {
    let found = OPERATIONS.into_iter().find(|known| *known == operation);
    assert!(found.is_some(), "there is no store operation {operation:?}; there are {OPERATIONS:?}");
    found.unwrap_or_default()
}
