//! Pages of the feed and of the blacklist, made of rows.

use crate::blacklist::BlacklistEntry;
use crate::blacklist::NotBefore;
use crate::store::BlacklistPage;
use crate::store::Change;
use crate::store::ChangePage;
use crate::store::FeedPosition;

/// Where the feed begins and ends, read in the same snapshot as its entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FeedBounds {
    pub(crate) incarnation: u64,
    /// The first entry that is left.
    pub(crate) lowest: Option<u64>,
    /// The last number that was given.
    pub(crate) tail: u64,
}

impl FeedBounds {
    pub(crate) const fn end(&self) -> FeedPosition {
        FeedPosition::new(self.incarnation, self.tail)
    }

    /// Whether everything after this place is still there: not trimmed, not rewound, and of the
    /// same life of the store.
    fn reaches(&self, after: &FeedPosition) -> bool {
        let first_missed = after.sequence().saturating_add(1);
        after.incarnation() == self.incarnation
            && after.sequence() <= self.tail
            && self.lowest.unwrap_or(self.tail.saturating_add(1)) <= first_missed
    }
}

/// The page after `after` from the rows behind it. A row of a kind this version does not know
/// (`None`), or a hole in the numbers, is a gap: whoever skipped it might trust what is revoked.
pub(crate) fn change_page(
    bounds: &FeedBounds,
    after: &FeedPosition,
    rows: Vec<(u64, Option<Change>)>,
) -> ChangePage {
    let gap = || ChangePage { changes: Vec::new(), next: bounds.end(), at_tail: true, gap: true };
    if !bounds.reaches(after) {
        return gap();
    }
    let mut changes = Vec::with_capacity(rows.len());
    let mut sequence = after.sequence();
    for (number, change) in rows {
        let Some(change) = change.filter(|_| number == sequence.saturating_add(1)) else {
            return gap();
        };
        changes.push(change);
        sequence = number;
    }
    let next = FeedPosition::new(bounds.incarnation, sequence);
    ChangePage { changes, at_tail: next == bounds.end(), next, gap: false }
}

/// An entry with its place in the table.
pub(crate) type NumberedEntry = (u64, BlacklistEntry);
/// A not-before instant with its place in the table.
pub(crate) type NumberedNotBefore = (u64, NotBefore);

/// One page of both tables, each read from the same number on and each with at most `limit` rows.
///
/// There is one cursor for two tables: the page ends where the first of them was cut off.
pub(crate) fn blacklist_page(
    mut entries: Vec<NumberedEntry>,
    mut not_before: Vec<NumberedNotBefore>,
    limit: u32,
) -> BlacklistPage {
    let full = |length: usize| u32::try_from(length).is_ok_and(|length| length >= limit);
    let cut_entries = entries.last().filter(|_| full(entries.len())).map(|(number, _)| *number);
    let cut_not_before =
        not_before.last().filter(|_| full(not_before.len())).map(|(number, _)| *number);
    let next = [cut_entries, cut_not_before].into_iter().flatten().min();
    if let Some(end) = next {
        entries.retain(|(number, _)| *number <= end);
        not_before.retain(|(number, _)| *number <= end);
    }
    BlacklistPage {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        not_before: not_before.into_iter().map(|(_, instant)| instant).collect(),
        next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blacklist::BlacklistKey;
    use crate::blacklist::NotBeforeScope;
    use crate::id::SessionKey;
    use crate::time::Timestamp;

    fn change() -> Option<Change> {
        Some(Change::Session(SessionKey::from_bytes([1; 32])))
    }

    /// Trimmed, rewound, another life: each is told; the places at both ends are not gaps.
    #[test]
    fn gaps_are_told() {
        let full = FeedBounds { incarnation: 7, lowest: Some(3), tail: 5 };
        let empty = FeedBounds { lowest: None, ..full };
        let cases = [
            (full, 7, 1, true),
            (full, 7, 2, false),
            (full, 7, 5, false),
            (full, 7, 6, true),
            (full, 8, 4, true),
            (empty, 7, 4, true),
            (empty, 7, 5, false),
            (empty, 7, 6, true),
            (full, 7, u64::MAX, true),
        ];
        for (bounds, incarnation, sequence, gap) in cases {
            let after = FeedPosition::new(incarnation, sequence);
            let rows: Vec<_> = (sequence..5).map(|number| (number + 1, change())).collect();
            let rows = if bounds.lowest.is_some() { rows } else { Vec::new() };
            let page = change_page(&bounds, &after, rows);
            assert_eq!(page.gap, gap, "{bounds:?} {after:?}");
            assert!(page.at_tail && page.next == bounds.end());
        }
    }

    /// A hole in the numbers, or an entry nobody here understands, is a gap and not skipped.
    #[test]
    fn nothing_is_skipped() {
        let bounds = FeedBounds { incarnation: 7, lowest: Some(1), tail: 3 };
        let start = FeedPosition::new(7, 0);
        assert!(change_page(&bounds, &start, vec![(1, change()), (3, change())]).gap);
        assert!(change_page(&bounds, &start, vec![(1, change()), (2, None)]).gap);
        let part = change_page(&bounds, &start, vec![(1, change()), (2, change())]);
        assert!(!part.gap && !part.at_tail && part.next == FeedPosition::new(7, 2));
    }

    /// Following the cursor visits every row of both tables once.
    #[test]
    fn one_cursor_reads_two_tables() {
        let at = Timestamp::from_unix_micros;
        let key = BlacklistKey::from_bytes([1; 32]);
        let entries: Vec<NumberedEntry> =
            [1, 2, 3, 9].map(|n| (n, BlacklistEntry { key, until: at(1) })).into();
        let scope = NotBeforeScope::All;
        let instants: Vec<NumberedNotBefore> = (1..8)
            .map(|n| (n, NotBefore { scope: scope.clone(), at: at(1), until: at(2) }))
            .collect();
        let (mut after, mut seen) = (0, (0, 0));
        for _ in 0..20 {
            let part = |n: &u64| *n > after;
            let page = blacklist_page(
                entries.iter().filter(|(n, _)| part(n)).take(2).copied().collect(),
                instants.iter().filter(|(n, _)| part(n)).take(2).cloned().collect(),
                2,
            );
            seen = (seen.0 + page.entries.len(), seen.1 + page.not_before.len());
            let Some(next) = page.next else { break };
            after = next;
        }
        assert_eq!(seen, (4, 7));
    }
}
