//! How far memory is as good as the store: "complete as of t".

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::time::Monotonic;

/// Never complete yet; far enough from the edge that no bound can bring it back.
const NEVER: i64 = i64::MIN / 2;

/// The local instant at which a question was *sent* whose answer reached the end of the feed.
///
/// Not the instant of the answer, which may have been delayed by anything, and not that of the
/// last entry, which proves nothing about a feed that stalls. On a cache line of its own: every
/// request reads it, and nothing that is written per request may lie beside it.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Trust(AtomicI64);

impl Trust {
    pub(super) const fn new() -> Self {
        Self(AtomicI64::new(NEVER))
    }

    /// Everything up to `sent` has been applied here. To be called after it has.
    pub(super) fn extend(&self, sent: Monotonic) {
        self.0.fetch_max(sent.as_micros(), Ordering::Release);
    }

    /// Whether that is recent enough at this instant.
    pub(super) fn holds(&self, at: Monotonic, bound: Duration) -> bool {
        at <= self.complete_as_of().saturating_add(bound)
    }

    pub(super) fn complete_as_of(&self) -> Monotonic {
        Monotonic::from_micros(self.0.load(Ordering::Acquire))
    }

    /// How long ago that was, for the metric.
    pub(super) fn lag(&self, at: Monotonic) -> Duration {
        at.since(self.complete_as_of().max(Monotonic::START))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Monotonic {
        Monotonic::START.saturating_add(Duration::from_secs(seconds))
    }

    /// Nothing is trusted at first; then up to the bound after the question was sent, not longer.
    #[test]
    fn trust_ends_with_the_bound() {
        let trust = Trust::new();
        assert!(!trust.holds(at(0), BOUND));
        trust.extend(at(10));
        assert!(trust.holds(at(11), BOUND));
        assert!(!trust.holds(at(11).saturating_add(Duration::from_micros(1)), BOUND));
    }

    /// An answer that comes late to an older question takes nothing back.
    #[test]
    fn late_answers_take_nothing_back() {
        let trust = Trust::new();
        trust.extend(at(10));
        trust.extend(at(5));
        assert!(trust.holds(at(11), BOUND));
    }
}
