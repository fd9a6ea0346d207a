//! The feed of the memory store: a bounded ring of changes under a dense counter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::store::Change;
use crate::store::ChangePage;
use crate::store::FeedPosition;
use crate::time::Timestamp;

/// Changes are kept at least so long, unless there are more than [`CHANGES_MAX`].
const RETENTION: Duration = Duration::from_secs(10 * 60);
/// How often a purge remembers where the feed ended.
const MARK_INTERVAL: Duration = Duration::from_secs(60);
/// The most changes that are kept. A reader further behind is told of the gap.
const CHANGES_MAX: usize = 65_536;

#[derive(Default)]
pub(super) struct ChangeRing {
    changes: VecDeque<Change>,
    // How many came before the first one kept.
    dropped: u64,
    // Where the feed ended at past purges: what lies before a mark is as old as the mark.
    marks: VecDeque<(Timestamp, u64)>,
}

impl ChangeRing {
    /// The number of the last change; 0 before the first.
    pub(super) fn tail(&self) -> u64 {
        self.dropped.saturating_add(count(self.changes.len()))
    }

    pub(super) fn publish(&mut self, change: Change) {
        if self.changes.len() == CHANGES_MAX {
            self.changes.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.changes.push_back(change);
    }

    pub(super) fn page(&self, incarnation: u64, after: &FeedPosition, limit: u32) -> ChangePage {
        let tail = self.tail();
        let place = |sequence| FeedPosition::new(incarnation, sequence);
        let known = self.dropped..=tail;
        if after.incarnation() != incarnation || !known.contains(&after.sequence()) {
            // Whoever missed something has to start over, and does so from the end.
            return ChangePage { changes: Vec::new(), next: place(tail), at_tail: true, gap: true };
        }
        let skip = usize::try_from(after.sequence() - self.dropped).unwrap_or(usize::MAX);
        let take = usize::try_from(limit).unwrap_or(usize::MAX);
        let changes: Vec<Change> = self.changes.iter().skip(skip).take(take).cloned().collect();
        let next = after.sequence().saturating_add(count(changes.len()));
        ChangePage { changes, next: place(next), at_tail: next == tail, gap: false }
    }

    /// Drops what was published at least [`RETENTION`] before `now`, as far as purges have seen.
    pub(super) fn purge(&mut self, now: Timestamp) {
        // A clock that was set back would otherwise stop the marks until it has caught up.
        while self.marks.back().is_some_and(|(at, _)| *at > now) {
            self.marks.pop_back();
        }
        let old = now.saturating_sub(RETENTION);
        while let Some((_, sequence)) = self.marks.pop_front_if(|(at, _)| *at <= old) {
            self.drop_until(sequence);
        }
        let due = |(at, _): &(Timestamp, u64)| now >= at.saturating_add(MARK_INTERVAL);
        if self.marks.back().is_none_or(due) {
            self.marks.push_back((now, self.tail()));
        }
    }

    fn drop_until(&mut self, sequence: u64) {
        while self.dropped < sequence && self.changes.pop_front().is_some() {
            self.dropped += 1;
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SessionKey;

    fn ring_of(changes: usize) -> ChangeRing {
        let mut ring = ChangeRing::default();
        for _ in 0..changes {
            ring.publish(Change::Session(SessionKey::from_bytes([1; 32])));
        }
        ring
    }

    /// The ring is bounded, and whoever fell out of it is told.
    #[test]
    fn the_ring_is_bounded() {
        let ring = ring_of(CHANGES_MAX + 2);
        assert_eq!(ring.changes.len(), CHANGES_MAX);
        assert!(ring.page(7, &FeedPosition::new(7, 1), 1).gap);
        let page = ring.page(7, &FeedPosition::new(7, 2), 1);
        assert!(!page.gap && !page.at_tail && page.changes.len() == 1);
    }

    /// A change stays ten minutes after the first purge that saw it, and no purge without.
    #[test]
    fn changes_are_kept_ten_minutes() {
        let at = Timestamp::from_unix_seconds;
        let mut ring = ring_of(2);
        ring.purge(at(0));
        ring.publish(Change::Session(SessionKey::from_bytes([2; 32])));
        ring.purge(at(599));
        assert!(!ring.page(7, &FeedPosition::new(7, 0), 9).gap);
        ring.purge(at(600));
        assert!(ring.page(7, &FeedPosition::new(7, 1), 9).gap);
        assert_eq!(ring.page(7, &FeedPosition::new(7, 2), 9).changes.len(), 1);
    }

    /// A clock that was far ahead does not keep old changes forever once it is right again.
    #[test]
    fn a_clock_set_back_does_not_stop_purging() {
        let at = Timestamp::from_unix_seconds;
        let mut ring = ring_of(1);
        ring.purge(at(1_000_000));
        ring.purge(at(0));
        ring.purge(at(600));
        assert_eq!(ring.changes.len(), 0);
    }
}
