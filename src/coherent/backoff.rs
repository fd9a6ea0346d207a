//! How long to wait before trying again: doubling, bounded, and not in step with other nodes.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// The waits after consecutive failures.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Between half and the whole of 50 ms, 100 ms, 200 ms, and so on up to 2 s.
    pub(super) fn failed(&mut self) -> Duration {
        let span = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        jittered(span / 2, span)
    }
}

/// Some span between the two.
pub(super) fn jittered(shortest: Duration, longest: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without entropy all nodes are in step, which is no worse than having no jitter.
    let share = getrandom::fill(&mut bytes).map_or(0, |()| u32::from_le_bytes(bytes));
    let room = longest.saturating_sub(shortest);
    shortest + room.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits grow, stay within their bounds, and start over after a success.
    #[test]
    fn waits_are_bounded() {
        let mut backoff = Backoff::default();
        assert!(backoff.failed() <= FIRST);
        for _ in 0..100 {
            let wait = backoff.failed();
            assert!(wait >= FIRST / 2 && wait <= LONGEST);
        }
        assert!(backoff.failed() >= LONGEST / 2);
        backoff.succeeded();
        assert!(backoff.failed() <= FIRST);
    }

    /// Jitter stays between its ends, also when they meet.
    #[test]
    fn jitter_stays_within() {
        for _ in 0..100 {
            let span = jittered(FIRST, LONGEST);
            assert!(span >= FIRST && span <= LONGEST);
        }
        assert_eq!(jittered(FIRST, FIRST), FIRST);
    }
}
