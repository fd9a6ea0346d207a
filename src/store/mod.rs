//! The contract of a store: what must be atomic, what may be late, and what may never be lost.
//!
//! A backend implements three traits, each with the few operations that only a backend can get
//! right; everything else is built on them.
//!
//! | trait | holds | may be late | may never |
//! |---|---|---|---|
//! | [`SessionStore`] | one row per login | `touch` | rotate twice for one generation, revive a revoked row |
//! | [`BlacklistStore`] | killed tokens, not-before instants | purging | lose an entry before its `until` |
//! | [`ChangeFeed`] | what other nodes must hear of | delivery | skip an entry without saying so |
//!
//! # Contract
//!
//! * `now` is an argument. A store never reads a clock to judge a row; [`ChangeFeed::now`] tells
//!   its time so that nodes can agree on one.
//! * Every method is all or nothing, also when the process dies in the middle of it.
//! * A change of a row, other than generation, grace counters and last-seen, is written together
//!   with its feed entry, and the call returns only when both are safe.
//! * Nothing is cached inside a store: a load after a returned revocation sees it, from any
//!   process.
//! * A fault is a [`StoreError`](crate::StoreError), never "not found".
//!
//! # A store of your own
//!
//! 1. Read the contracts of the three traits: each method says what it does *in one step*, and
//!    each condition in such a sentence belongs into the same transaction, statement or script.
//! 2. Keep every field of [`SessionRecord`](crate::SessionRecord) exactly. Instants are signed
//!    64-bit microseconds, counters fit a signed 64-bit integer, and everything that is bytes is
//!    compared as bytes: no case folding, no collation. Index rows by key, by (user, creation, id),
//!    by `purge_after` and by key version; blacklist entries by key and by `until`.
//! 3. Judge no row by the backend's clock: `now` is an argument.
//! 4. Retry serialisation conflicts and locks, within a bound, before you answer with an error.
//!    Callers give a call about a second, and drop it then: a dropped call is done or not done.
//! 5. Run the conformance suite (feature `conformance`), one line for one test a promise:
//!
//! ```
//! # use segue::MemoryStore as MyStore;
//! # #[cfg(feature = "conformance")]
//! # mod suite {
//! # use super::MyStore;
//! use segue::store::conformance::Handles;
//!
//! async fn fresh() -> Handles<MyStore> {
//!     let store = MyStore::new();
//!     Handles::new(store.clone(), store)
//! }
//!
//! segue::conformance_suite!(my_store, fresh);
//! # }
//! # fn main() {}
//! ```
//!
//! The reference behaviour is [`MemoryStore`]. The example `custom_store` is the whole contract on
//! plain tables, to start from. For tests of what is built on a store, the feature `test-util` has
//! `FaultyStore`, which fails, hangs and delays calls on demand.

#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod contract;
mod erased;
#[cfg(feature = "test-util")]
mod faulty;
mod feed;
mod memory;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use contract::BlacklistAnswer;
pub use contract::BlacklistPage;
pub use contract::BlacklistQuery;
pub use contract::BlacklistStore;
pub use contract::Inserted;
pub use contract::KeyRegistration;
pub use contract::KeyRegistry;
pub use contract::NewSession;
pub use contract::PageAfter;
pub use contract::Rotated;
pub use contract::Rotation;
pub use contract::SessionPatch;
pub use contract::SessionStore;
pub use contract::Store;
pub use contract::Touch;
pub use contract::Updated;
pub(crate) use erased::Blacklist;
pub(crate) use erased::Feed;
pub(crate) use erased::Sessions;
#[cfg(feature = "test-util")]
pub use faulty::Fault;
#[cfg(feature = "test-util")]
pub use faulty::FaultyStore;
pub use feed::Change;
pub use feed::ChangeFeed;
pub use feed::ChangePage;
pub use feed::FeedPosition;
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sql::MigrationState;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sql::MigrationStatus;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sql::MigrationStep;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::SqliteStore;

/// What every operation of a store returns.
pub type StoreResult<T> = Result<T, crate::error::StoreError>;
