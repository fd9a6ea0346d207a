//! The change feed: what nodes must hear of, in commit order, without silent gaps.

use std::fmt::Debug;
use std::time::Duration;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::NotBefore;
use crate::id::SessionKey;
use crate::store::StoreResult;
use crate::time::Timestamp;

/// One published change.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A token was put on the blacklist.
    Blacklisted(BlacklistEntry),
    /// A not-before instant was raised.
    NotBefore(NotBefore),
    /// A session's row changed in a way that a cached copy must not survive: revoked, updated.
    Session(SessionKey),
}

/// A place in the feed. Opaque: compared for equality, handed back, never computed with.
///
/// It names the store's incarnation, so that a store which was emptied, restored from a backup or
/// replaced is told apart from one that merely had nothing to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedPosition {
    incarnation: u64,
    sequence: u64,
}

impl FeedPosition {
    /// The place after entry `sequence` of this incarnation.
    #[must_use]
    pub const fn new(incarnation: u64, sequence: u64) -> Self {
        Self { incarnation, sequence }
    }

    /// Which life of the store it belongs to.
    #[must_use]
    pub const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The dense counter of the last entry before this place; 0 before the first.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// Some entries of the feed, and where to go on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it")]
pub struct ChangePage {
    /// The entries after the place asked for, oldest first, none left out.
    pub changes: Vec<Change>,
    /// The place after the last of them.
    pub next: FeedPosition,
    /// Whether that is the end of the feed as of when the store looked.
    pub at_tail: bool,
    /// Whether entries between the place asked for and these are gone (trimmed, rewound, another
    /// incarnation). The reader must forget everything it derived from the feed.
    pub gap: bool,
}

/// The feed of a store.
///
/// # Contract
///
/// Entries come in commit order: when an entry has been returned, no entry with a lower place can
/// appear later. (A database sequence alone does not give that: numbers are drawn before commit.)
/// Entries are kept for at least ten minutes by the `now` of purging calls, or until a bound on
/// their number that the store names; a reader that was away longer is told of the gap.
pub trait ChangeFeed: Debug + Send + Sync + 'static {
    /// The name of the kind of store, for logs and metrics: `"memory"`, `"sqlite"`.
    fn name(&self) -> &'static str;

    /// Whether other processes may share this store, so that a keyring must be given to all of
    /// them and can't be made up on first use.
    fn is_shared(&self) -> bool;

    /// Connects and creates or upgrades the schema; safe to call again, and from several processes
    /// at once.
    fn connect(&self) -> impl Future<Output = StoreResult<()>> + Send;

    /// The store's time.
    fn now(&self) -> impl Future<Output = StoreResult<Timestamp>> + Send;

    /// The end of the feed.
    fn tail(&self) -> impl Future<Output = StoreResult<FeedPosition>> + Send;

    /// At most `limit` entries after `after`.
    fn changes(
        &self,
        after: &FeedPosition,
        limit: u32,
    ) -> impl Future<Output = StoreResult<ChangePage>> + Send;

    /// Returns when there may be something after `after`, and at the latest after `patience`.
    /// Waking for nothing is permitted; sleeping past `patience` is not.
    fn wait(
        &self,
        after: &FeedPosition,
        patience: Duration,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}
