//! The refresh rule: one pure function of the row, the presented generation and two instants.
//!
//! | case (`g` presented, `G` stored) | decision |
//! |---|---|
//! | `g == G`, session live | rotate to `G + 1`; the window opens now |
//! | `g == G - 1`, inside the window and under the use limit | repeat: the same successor again |
//! | the request arrived before the stored rotation | repeat: it lost a race and waited |
//! | `g < G` otherwise | reuse: revoke |
//! | `g > G` | the store went back in time; rotate to `g + 1`, no alarm |
//! | session revoked or over | refused; nothing changes |
//!
//! Every store applies the same rule: its compare-and-swap covers the first row of this table in
//! one round trip, and whoever loses it comes here with the row as it then is.

use std::time::Duration;

use crate::error::AuthErrorKind;
use crate::session::SessionPolicy;
use crate::session::SessionRecord;
use crate::time::Timestamp;

/// The highest generation: stores keep it in a signed 64-bit integer. A session that gets there
/// is over; wrapping round would bring spent tokens back to life.
pub(crate) const GENERATION_MAX: u64 = i64::MAX as u64;

/// What is to be done with a presented refresh token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RefreshDecision {
    /// Swap the stored generation for `next`, and answer with a new pair.
    Rotate {
        /// The generation to store.
        next: u64,
        /// Why, for logs and metrics.
        cause: RefreshCause,
    },
    /// Answer with the stored generation's refresh token again, and a fresh access token. The
    /// session's expiry is not extended.
    Repeat {
        /// Why, for logs and metrics.
        cause: RefreshCause,
    },
    /// Revoke the session: a spent token came back.
    Reuse {
        /// Why, for logs and metrics.
        cause: ReuseCause,
    },
    /// Answer with this refusal; nothing changes.
    Refuse(AuthErrorKind),
}

/// Why a refresh was answered with tokens.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RefreshCause {
    /// A predecessor inside its window: two tabs, or an answer that got lost.
    ConcurrentRefresh,
    /// It arrived before the rotation that beat it.
    LostRace,
    /// The ordinary case.
    Rotated,
    /// The store had forgotten generations that only this service can have issued.
    StoreBehind,
}

/// Why a refresh counts as reuse.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReuseCause {
    /// Older than the predecessor.
    OlderGeneration,
    /// The predecessor, after its window.
    PredecessorAfterWindow,
    /// The predecessor, answered too often.
    UseLimit,
}

impl RefreshCause {
    /// The label in metrics and events.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ConcurrentRefresh => "concurrent_refresh",
            Self::LostRace => "lost_race",
            Self::Rotated => "rotated",
            Self::StoreBehind => "store_behind",
        }
    }
}

impl ReuseCause {
    /// The label in metrics and events.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OlderGeneration => "older_generation",
            Self::PredecessorAfterWindow => "predecessor_after_window",
            Self::UseLimit => "use_limit",
        }
    }
}

/// Decides what a genuine refresh token of generation `presented` gets.
///
/// `arrival` is when the request reached this node, `now` when the row was read; a request that
/// waited behind the one that rotated arrived before the rotation. `not_before` is the later of
/// the user's and the global instant.
///
/// Genuine means: its MAC was verified. So a generation ahead of the row can only be one that this
/// service issued and the store forgot.
#[must_use]
pub fn decide_refresh(
    row: &SessionRecord,
    presented: u64,
    arrival: Timestamp,
    now: Timestamp,
    policy: &SessionPolicy,
    not_before: Option<Timestamp>,
) -> RefreshDecision {
    if let Some(kind) = row.refusal(now, policy.idle, not_before) {
        return RefreshDecision::Refuse(kind);
    }
    if presented >= row.generation {
        return rotate(row.generation, presented);
    }
    let rotated_at = row.rotated_at.unwrap_or(row.created_at);
    if arrival < rotated_at {
        return RefreshDecision::Repeat { cause: RefreshCause::LostRace };
    }
    match reuse(row, presented, now.since(rotated_at), policy) {
        Some(cause) => RefreshDecision::Reuse { cause },
        None => RefreshDecision::Repeat { cause: RefreshCause::ConcurrentRefresh },
    }
}

const fn rotate(stored: u64, presented: u64) -> RefreshDecision {
    if presented >= GENERATION_MAX {
        return RefreshDecision::Refuse(AuthErrorKind::SessionExpired);
    }
    let cause = if presented == stored { RefreshCause::Rotated } else { RefreshCause::StoreBehind };
    RefreshDecision::Rotate { next: presented + 1, cause }
}

fn reuse(
    row: &SessionRecord,
    presented: u64,
    since_rotation: Duration,
    policy: &SessionPolicy,
) -> Option<ReuseCause> {
    if presented + 1 < row.generation {
        Some(ReuseCause::OlderGeneration)
    } else if since_rotation >= policy.grace_window {
        Some(ReuseCause::PredecessorAfterWindow)
    } else if row.grace_uses >= policy.grace_uses_max {
        Some(ReuseCause::UseLimit)
    } else {
        None
    }
}
