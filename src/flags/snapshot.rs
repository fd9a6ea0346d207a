//! What one request sees of the flags, and what is known of their changes.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;

use crate::error::ConfigError;
use crate::flags::set::FlagSet;

/// The flags of one request: they stay as they are while it is held.
///
/// Taking one is a single atomic load that touches no shared counter. It is meant to be short-lived;
/// hold it over an `.await` after [`detach`](Self::detach), or copy the answers out.
pub struct FlagSnapshot(Guard<Arc<Effective>>);

impl FlagSnapshot {
    pub(super) fn of(effective: Guard<Arc<Effective>>) -> Self {
        Self(effective)
    }

    /// Which change of the flags this is; see [`Flags::epoch`](crate::Flags::epoch).
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Whether the shared flags are expected and have not been read yet. Until then a session
    /// credential gets a 503, never a 401: the emergency stop may be among them, and so may its end.
    #[must_use]
    pub fn shared_pending(&self) -> bool {
        self.0.shared_pending
    }

    /// The same snapshot, fit to be held for long.
    #[must_use]
    pub fn detach(self) -> Self {
        Self(Guard::from_inner(Guard::into_inner(self.0)))
    }
}

impl Deref for FlagSnapshot {
    type Target = FlagSet;

    fn deref(&self) -> &FlagSet {
        &self.0.set
    }
}

impl fmt::Debug for FlagSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlagSnapshot").field(&**self.0).finish()
    }
}

#[derive(Debug)]
pub(super) struct Effective {
    pub(super) set: FlagSet,
    pub(super) epoch: u64,
    pub(super) shared_pending: bool,
}

/// What has become of the flags so far; see [`Flags::subscribe`](crate::Flags::subscribe).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FlagsStatus {
    /// Counts the changes of the effective flags in this process.
    pub epoch: u64,
    /// How many [`FlagsWatcher`](crate::FlagsWatcher)s are at work.
    pub watchers: u32,
    /// How many changes were refused.
    pub refused: u64,
    /// Why the latest change of the file was refused; `None` once a good one has come.
    pub file_error: Option<Arc<ConfigError>>,
}
