//! What the coherent cache may be told: its bounds and its mode.

use std::time::Duration;

use crate::session::SessionPolicy;
use crate::store::Blacklist;
use crate::store::Feed;
use crate::store::Sessions;

/// The stores behind the cache.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) sessions: Sessions,
    pub(crate) blacklist: Blacklist,
    pub(crate) session_feed: Feed,
    /// `None`: the blacklist is in the same store as the sessions.
    pub(crate) blacklist_feed: Option<Feed>,
}

/// When an answer from memory counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ReadMode {
    /// While the feed was heard to its end within the staleness bound.
    Coherent,
    /// Never: every request reads the store.
    ReadThrough,
    /// Also for so long after the feed was last heard to its end: sessions outlive an outage of
    /// the store, and revocations may be late by as much.
    StaleOk(Duration),
}

/// Bounds, with their defaults.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CoherenceConfig {
    /// How late a revocation on another node may be noticed here. Default 1 s.
    pub(crate) staleness_max: Duration,
    /// A cached row is read again after so long, whatever the feed says. Default 60 s.
    pub(crate) reload_after: Duration,
    /// Sessions kept in memory, at about 300 bytes each. Default 100,000.
    pub(crate) sessions_max: usize,
    /// Blacklist entries kept in memory, at 24 to 48 bytes each. Beyond it absence is asked of the
    /// store. Default 4 million.
    pub(crate) blacklist_max: usize,
    /// A session unused for so long is over.
    pub(crate) idle: Duration,
    /// Last-seen is written at most once per session in this time.
    pub(crate) write_interval: Duration,
    /// How long signs of life are collected before they are written. Default 1 s.
    pub(crate) flush_after: Duration,
    /// How often dead rows are purged. Default 10 min.
    pub(crate) sweep_interval: Duration,
    pub(crate) mode: ReadMode,
}

impl CoherenceConfig {
    /// The follower asks this often within the bound, so that one slow answer breaks no trust.
    const POLLS_PER_BOUND: u32 = 3;

    /// How long memory is trusted after the feed was heard to its end.
    pub(super) fn trust(&self) -> Duration {
        match self.mode {
            ReadMode::Coherent => self.staleness_max,
            ReadMode::ReadThrough => Duration::ZERO,
            ReadMode::StaleOk(span) => span.max(self.staleness_max),
        }
    }

    pub(super) const fn is_cached(&self) -> bool {
        !matches!(self.mode, ReadMode::ReadThrough)
    }

    /// How long the follower waits for news before it asks for them.
    pub(super) fn patience(&self) -> Duration {
        self.staleness_max / Self::POLLS_PER_BOUND
    }
}

impl Default for CoherenceConfig {
    fn default() -> Self {
        let policy = SessionPolicy::default();
        Self {
            staleness_max: Duration::from_secs(1),
            reload_after: Duration::from_secs(60),
            sessions_max: 100_000,
            blacklist_max: 4_000_000,
            idle: policy.idle,
            write_interval: policy.write_interval,
            flush_after: Duration::from_secs(1),
            sweep_interval: Duration::from_secs(600),
            mode: ReadMode::Coherent,
        }
    }
}
