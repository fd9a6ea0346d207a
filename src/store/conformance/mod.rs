//! The promises of the store contract as functions that run on any store (feature `conformance`).
//!
//! One public async function for one promise, named after it. A function takes two handles on the
//! same fresh, empty store and panics, naming the store, if the promise is broken. None sleeps or
//! reads a clock: instants are arguments, and waiting is for an event with a generous bound.
//!
//! Whoever writes a store runs all of them with one line:
//!
//! ```
//! use segue::MemoryStore;
//! use segue::store::conformance::Handles;
//!
//! async fn fresh() -> Handles<MemoryStore> {
//!     let store = MemoryStore::new();
//!     Handles::new(store.clone(), store)
//! }
//!
//! segue::conformance_suite!(memory, fresh);
//! # fn main() {}
//! ```
//!
//! That declares a module `memory` with one `#[tokio::test]` a promise, so the crate's
//! dev-dependencies need `tokio` with the features `macros` and `rt-multi-thread`.
//!
//! | module | promises about |
//! |---|---|
//! | [`insertion`] | insert-if-absent, the cap, superseding, what a row can hold |
//! | [`rotation`] | the compare-and-swap on the generation, grace answers |
//! | [`revocation`] | revoked stays revoked, and takes its legacy tokens along |
//! | [`contents`] | updates and signs of life |
//! | [`listing`] | lists, lookup by public id, purging |
//! | [`keys`] | the key registry |
//! | [`blacklist`] | maxima, pages, purging |
//! | [`feed`] | order, gaps, waking, what is published and what is not |
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken promise panics: that is what the suite is for"
)]

pub mod blacklist;
pub mod contents;
pub mod feed;
pub mod insertion;
pub mod keys;
pub mod listing;
pub mod revocation;
pub mod rotation;
mod samples;
mod suite;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::store::Store;
use crate::store::StoreResult;

/// Two handles on one fresh, empty store, as two nodes would hold them.
///
/// Where a clone is a handle that shares nothing but the data (memory), a clone will do. Where
/// handles have connections of their own, the second is opened like the first, on the same file
/// or server.
pub struct Handles<S> {
    pub(crate) first: Arc<S>,
    pub(crate) second: Arc<S>,
    _keep: Option<Box<dyn Any + Send + Sync>>,
}

impl<S: Store> Handles<S> {
    /// The two handles.
    #[must_use]
    pub fn new(first: S, second: S) -> Self {
        Self { first: Arc::new(first), second: Arc::new(second), _keep: None }
    }

    /// Keeps something for as long as the handles, such as the temporary directory of the store.
    #[must_use]
    pub fn keeping(self, guard: impl Any + Send + Sync) -> Self {
        Self { _keep: Some(Box::new(guard)), ..self }
    }

    /// One handle for even numbers, the other for odd ones.
    pub(crate) fn either(&self, number: u64) -> Arc<S> {
        Arc::clone(if number.is_multiple_of(2) { &self.first } else { &self.second })
    }

    fn name(&self) -> &'static str {
        self.first.name()
    }
}

impl<S: fmt::Debug> fmt::Debug for Handles<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entry(&self.first).entry(&self.second).finish()
    }
}

/// Panics with the name of the store unless the promise holds.
macro_rules! promise {
    ($stores:expr, $holds:expr, $($words:tt)+) => {
        assert!($holds, "broken by the {} store: {}", $stores.name(), format_args!($($words)+))
    };
}
use promise;

trait Answered<T> {
    fn answered(self) -> T;
}

impl<T> Answered<T> for StoreResult<T> {
    /// The suite never provokes a fault, so a fault is a broken promise too: under contention a
    /// store retries, within its bound, before it gives up.
    #[track_caller]
    fn answered(self) -> T {
        match self {
            Ok(answer) => answer,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                panic!("the store failed: {error} ({})", cause.as_deref().unwrap_or("no cause"))
            }
        }
    }
}

/// Runs all of them at once; answers in the order of the tasks.
async fn at_once<F>(tasks: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(running.len());
    for task in running {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    answers
}
