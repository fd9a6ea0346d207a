//! Looks at the flags file now and then, and tells whoever waits for a change.

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::flags::file::FlagsFile;
use crate::flags::file::Look;
use crate::flags::live::Flags;
use crate::flags::snapshot::FlagsStatus;

/// How long a changed file must stay the same before it is taken over: an editor that empties a
/// file and then fills it must not switch every flag off and on.
const SETTLE_TIME: Duration = Duration::from_millis(50);
const SETTLE_LOOKS_MAX: u32 = 20;

/// Watches the flags file until it is dropped; made by [`Flags::watch`].
#[must_use = "the file is watched until this is dropped"]
#[derive(Debug)]
pub struct FlagsWatcher(Option<JoinHandle<()>>);

impl Drop for FlagsWatcher {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Waits for changes of the flags; made by [`Flags::subscribe`].
pub struct FlagsSubscription(watch::Receiver<FlagsStatus>);

impl FlagsSubscription {
    /// Waits until the flags, or what is known of them, are others than at the last call, and says
    /// how things stand then. Several changes in between are one. `None` once the flags are gone.
    ///
    /// Cancelling it loses nothing.
    pub async fn changed(&mut self) -> Option<FlagsStatus> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}

impl fmt::Debug for FlagsSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlagsSubscription").field(&*self.0.borrow()).finish()
    }
}

impl Flags {
    /// How often the file is looked at unless the caller says otherwise.
    pub const WATCH_INTERVAL_DEFAULT: Duration = Duration::from_secs(1);
    /// The shortest interval; a shorter one counts as this.
    pub const WATCH_INTERVAL_MIN: Duration = Duration::from_millis(10);

    /// Looks at the flags file every `interval` until the watcher is dropped, and takes over what
    /// has changed once it has stayed the same for 50 ms. Without a file there is nothing to watch.
    ///
    /// Looking means reading it: it is a few lines long, and neither its time nor its length tells
    /// of a swapped symlink. It is polled and not subscribed to, because notices of changes get lost
    /// with network mounts and renamed directories. Editors that write a new file and rename it,
    /// and Kubernetes volumes that swap a symlink, are followed. A file that is gone or wrong
    /// leaves the last good flags and is reported once.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] outside a Tokio runtime.
    pub fn watch(&self, interval: Duration) -> Result<FlagsWatcher, ConfigError> {
        let Some(file) = self.file().cloned() else { return Ok(FlagsWatcher(None)) };
        let runtime = Handle::try_current()
            .map_err(|_| ConfigFault::advise("Flags::watch", "call it inside a Tokio runtime"))?;
        let interval = interval.max(Self::WATCH_INTERVAL_MIN);
        let watching = Watching::begin(self.clone());
        Ok(FlagsWatcher(Some(runtime.spawn(watching.run(file, interval)))))
    }

    /// Tells of every change from now on, also of refused ones. It is for tests, logs and an
    /// administration; the request path takes snapshots.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), segue::ConfigError> {
    /// let flags = segue::Flags::default();
    /// let mut changes = flags.subscribe();
    /// flags.pin("LEGACY_JWT=false".parse()?)?;
    /// assert_eq!(changes.changed().await.map(|status| status.epoch), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> FlagsSubscription {
        FlagsSubscription(self.status_sender().subscribe())
    }
}

/// Counts a watcher in the status, until the task is over in whatever way.
struct Watching(Flags);

impl Watching {
    fn begin(flags: Flags) -> Self {
        flags.status_sender().send_modify(|status| status.watchers += 1);
        Self(flags)
    }

    async fn run(self, file: FlagsFile, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            self.look(&file).await;
        }
    }

    async fn look(&self, file: &FlagsFile) {
        let Some((_, mut look)) = self.read(file).await else { return };
        if self.0.has_seen(&look) {
            return;
        }
        for _ in 0..SETTLE_LOOKS_MAX {
            tokio::time::sleep(SETTLE_TIME).await;
            let Some((begun, again)) = self.read(file).await else { return };
            if again == look {
                // Logged, counted and announced there.
                let _ = self.0.take_look(file, &again, begun);
                return;
            }
            look = again;
        }
    }

    /// Reads the file where it may block: on a network mount that hangs, a read can take minutes.
    async fn read(&self, file: &FlagsFile) -> Option<(u64, Look)> {
        let begun = self.0.begin_look();
        let file = file.clone();
        let look = tokio::task::spawn_blocking(move || file.look()).await.ok()?;
        Some((begun, look))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.status_sender().send_modify(|status| status.watchers -= 1);
    }
}
