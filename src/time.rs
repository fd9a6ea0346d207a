//! Instants and the clock they come from; everything below the edge takes `now` as an argument.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use serde::Serialize;
use serde::Serializer;

/// An instant of store time, in microseconds since the Unix epoch.
///
/// Microseconds, because two rotations within one second or one millisecond must still be told
/// apart. Arithmetic saturates: a deadline can be too far away, never wrap into the past.
///
/// ```
/// use segue::Timestamp;
/// use std::time::Duration;
///
/// let login = Timestamp::from_unix_seconds(1_800_000_000);
/// let end = login.saturating_add(Duration::from_secs(600));
/// assert!(end > login);
/// assert_eq!(end.since(login), Duration::from_secs(600));
/// assert_eq!(login.to_string(), "2027-01-15T08:00:00Z");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch: the earliest instant that means anything here.
    pub const EPOCH: Self = Self(0);
    /// Later than every instant that can be reached.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant so many microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant so many seconds after the Unix epoch; saturates far outside any calendar.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This instant and so much later, or [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// This instant and so much earlier; never before the representable past.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// How long after `earlier` this instant is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let gap = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_micros(u64::try_from(gap).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// In 64 bits throughout: a request asks for several deadlines, and `Duration::as_micros` counts in
/// 128.
fn micros(span: Duration) -> i64 {
    let whole = i64::try_from(span.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    whole.saturating_add(i64::from(span.subsec_micros()))
}

/// An instant of this process's own clock, which never goes back and means nothing elsewhere.
///
/// Trust in cached answers is measured with it, so that no correction of store time can extend it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Monotonic(i64);

impl Monotonic {
    /// The instant at which this process's clock began.
    pub const START: Self = Self(0);

    /// How long after `earlier` this instant is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This instant and so much later.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    pub(crate) const fn as_micros(self) -> i64 {
        self.0
    }

    pub(crate) const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
}

/// One reading of the clock: taken once for a request and passed down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Moment {
    /// Store time.
    pub now: Timestamp,
    /// This process's own clock at the same instant.
    pub monotonic: Monotonic,
}

/// Where the edge takes its [`Moment`] from. Cloning shares the clock.
///
/// The production clock is the monotonic clock plus an offset learnt from the store's replies, so
/// that a node whose wall clock is wrong by minutes, or is stepped, still judges deadlines as the
/// other nodes do.
///
/// ```
/// let clock = segue::Clock::system();
/// let first = clock.read();
/// assert!(clock.read().monotonic >= first.monotonic);
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System {
        start: Instant,
        // Store time at `start`, in microseconds.
        origin: AtomicI64,
    },
    #[cfg(feature = "test-util")]
    Manual { now: AtomicI64, elapsed: AtomicI64 },
}

impl Clock {
    /// The machine's clock. Until a store has told its time, the machine's wall clock counts.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Source::System {
            start: Instant::now(),
            origin: AtomicI64::new(wall_clock().as_unix_micros()),
        }))
    }

    /// Reads the clock.
    #[must_use]
    pub fn read(&self) -> Moment {
        match &*self.0 {
            Source::System { start, origin } => {
                let elapsed = micros(start.elapsed());
                Moment {
                    now: Timestamp(origin.load(Ordering::Relaxed).saturating_add(elapsed)),
                    monotonic: Monotonic(elapsed),
                }
            }
            #[cfg(feature = "test-util")]
            Source::Manual { now, elapsed } => Moment {
                now: Timestamp(now.load(Ordering::SeqCst)),
                monotonic: Monotonic(elapsed.load(Ordering::SeqCst)),
            },
        }
    }

    /// Store time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.read().now
    }

    /// Takes over what a store said its time was, in reply to a question sent at `sent`.
    ///
    /// The reply is placed in the middle of the round trip. A manual clock ignores it.
    pub fn learn(&self, store_now: Timestamp, sent: Monotonic) {
        #[cfg_attr(
            not(feature = "test-util"),
            expect(irrefutable_let_patterns, reason = "one source without test-util")
        )]
        if let Source::System { start, origin } = &*self.0 {
            let received = micros(start.elapsed());
            let middle = sent.0.saturating_add(received.saturating_sub(sent.0) / 2);
            origin.store(store_now.0.saturating_sub(middle), Ordering::Relaxed);
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// The machine's wall clock: the store time of embedded stores, and the first guess elsewhere.
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, micros))
}

/// A clock that only moves when a test says so (feature `test-util`).
///
/// ```
/// use segue::ManualClock;
/// use segue::Timestamp;
/// use std::time::Duration;
///
/// let hand = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
/// let clock = hand.clock();
/// hand.advance(Duration::from_secs(30));
/// assert_eq!(clock.now(), Timestamp::from_unix_seconds(1_800_000_030));
/// ```
#[cfg(feature = "test-util")]
#[derive(Clone, Debug)]
pub struct ManualClock(Clock);

#[cfg(feature = "test-util")]
impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Clock(Arc::new(Source::Manual {
            now: AtomicI64::new(now.0),
            elapsed: AtomicI64::new(0),
        })))
    }

    /// The clock to hand to the system under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.clone()
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.shift(micros(span), micros(span));
    }

    /// Steps store time without time passing, as a wrong NTP server would.
    pub fn step_to(&self, instant: Timestamp) {
        let shift = instant.0.saturating_sub(self.now().0);
        self.shift(shift, 0);
    }

    fn shift(&self, by: i64, passed: i64) {
        if let Source::Manual { now, elapsed } = &*self.0.0 {
            now.fetch_add(by, Ordering::SeqCst);
            elapsed.fetch_add(passed, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deadlines saturate instead of wrapping into the past.
    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_unix_micros(-1).as_unix_seconds(), -1);
    }

    /// A store's reply moves the clock to the store's time, measured from the middle of the trip.
    #[test]
    fn the_clock_follows_the_store() {
        let clock = Clock::system();
        let sent = clock.read().monotonic;
        let told = Timestamp::from_unix_seconds(2_000_000_000);
        clock.learn(told, sent);
        assert!(clock.now().since(told) < Duration::from_secs(5));
        assert!(clock.now() >= told);
    }
}
