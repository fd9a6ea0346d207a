//! The live flags: the sources put together, every change checked as a whole and announced.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::error::ConfigError;
use crate::flags::file::FlagsFile;
use crate::flags::file::Look;
use crate::flags::overrides::FlagOverrides;
use crate::flags::parse;
use crate::flags::set::FlagSet;
use crate::flags::snapshot::Effective;
use crate::flags::snapshot::FlagSnapshot;
use crate::flags::snapshot::FlagsStatus;
use crate::trace::count;
use crate::trace::gauge;

/// The live flags of a process: cheap to clone, every clone the same flags.
///
/// Later sources win: defaults, environment, the file that `SEGUE_FLAGS_FILE` names, the shared
/// store, the local pin. Every change is checked as a whole before it counts: one that can't be
/// read, or that would leave a set accepting nothing, is refused and reported, and the flags stay
/// as they were. A request takes one [`snapshot`](Self::snapshot) and decides everything with it.
///
/// ```
/// use segue::{Flags, RolloutMode};
///
/// let flags = Flags::from_lookup(&|name| (name == "LEGACY_JWT").then(|| "false".to_owned()))?;
/// let before = flags.snapshot();
/// flags.pin("REFRESH_TOKEN_SYSTEM=drain".parse()?)?;
/// assert_eq!(before.refresh_tokens, RolloutMode::On);
/// assert_eq!(flags.snapshot().refresh_tokens, RolloutMode::Drain);
/// assert!(flags.pin("REFRESH_TOKEN_SYSTEM=false".parse()?).is_err());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Flags(Arc<Inner>);

struct Inner {
    effective: ArcSwap<Effective>,
    sources: Mutex<Sources>,
    status: watch::Sender<FlagsStatus>,
    file: Option<FlagsFile>,
}

#[derive(Clone, Default)]
struct Sources {
    base: FlagSet,
    salt: Option<String>,
    environment: FlagOverrides,
    file: FlagOverrides,
    shared: FlagOverrides,
    shared_pending: bool,
    pin: FlagOverrides,
    last_look: Option<Look>,
    looks_begun: u64,
    look_taken: u64,
}

impl Sources {
    fn compose(&self) -> FlagSet {
        let mut set = self.base.clone();
        if let Some(salt) = &self.salt {
            set = set.with_rollout_salt(salt);
        }
        for source in [&self.environment, &self.file, &self.shared, &self.pin] {
            source.apply_to(&mut set);
        }
        set
    }
}

impl Flags {
    /// The flags of this process's environment and of the file it names.
    ///
    /// # Errors
    ///
    /// As [`from_lookup`](Self::from_lookup).
    pub fn from_env() -> Result<Self, ConfigError> {
        // Text that is not Unicode becomes a value that no flag allows, and so a named fault.
        Self::from_lookup(&|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// The flags that `lookup` tells in the place of the environment, and of the file that
    /// `SEGUE_FLAGS_FILE` names. Reads that file, blocking; works outside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of both at once: wrong values, a file that can't be read,
    /// or a set that accepts nothing.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut sources = Sources {
            salt: parse::salt(lookup, &mut faults),
            environment: parse::environment(lookup, &mut faults),
            ..Sources::default()
        };
        let file = FlagsFile::from_lookup(lookup);
        if let Some(file) = &file {
            let look = file.look();
            match file.parse(&look) {
                Ok(flags) => sources.file = flags,
                Err(error) => faults.extend(error.into_faults()),
            }
            sources.last_look = Some(look);
        }
        ConfigError::check(faults)?;
        sources.compose().check()?;
        Ok(Self::assemble(sources, file))
    }

    /// These flags, whatever the environment says; a pin and shared flags still go over them.
    ///
    /// The set is taken as it is: [`FlagSet::check`] says whether it accepts anything.
    #[must_use]
    pub fn fixed(set: FlagSet) -> Self {
        Self::assemble(Sources { base: set, ..Sources::default() }, None)
    }

    fn assemble(sources: Sources, file: Option<FlagsFile>) -> Self {
        let set = sources.compose();
        let effective = Effective { set, epoch: 0, shared_pending: sources.shared_pending };
        Self(Arc::new(Inner {
            effective: ArcSwap::from_pointee(effective),
            sources: Mutex::new(sources),
            status: watch::Sender::new(FlagsStatus::default()),
            file,
        }))
    }

    /// Sets the rollout salt in code; `SEGUE_ROLLOUT_SALT` goes over it.
    #[must_use]
    pub fn with_rollout_salt(self, salt: &str) -> Self {
        {
            let mut sources = self.sources();
            sources.base = sources.base.clone().with_rollout_salt(salt);
            self.publish(&sources);
        }
        self
    }

    /// The flags as they are now. Take one for a request and decide everything with it.
    #[must_use]
    pub fn snapshot(&self) -> FlagSnapshot {
        FlagSnapshot::of(self.0.effective.load())
    }

    /// Counts the changes of the effective flags in this process, so that what was derived from
    /// them can be told to be out of date.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.snapshot().epoch()
    }

    /// Puts flags over all other sources, for this process only, until [`unpin`](Self::unpin). A
    /// second pin replaces the first.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] where the set would accept nothing; the flags stay as they were.
    pub fn pin(&self, flags: FlagOverrides) -> Result<(), ConfigError> {
        self.change(|sources| sources.pin = flags).map(drop)
    }

    /// Takes the pin away.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] where the set without the pin would accept nothing; the pin stays.
    pub fn unpin(&self) -> Result<(), ConfigError> {
        self.pin(FlagOverrides::default())
    }

    /// Says that shared flags are in use, to be told by [`set_shared`](Self::set_shared); until
    /// then snapshots are [pending](FlagSnapshot::shared_pending).
    pub fn expect_shared(&self) {
        let mut sources = self.sources();
        sources.shared_pending = true;
        self.publish(&sources);
    }

    /// Takes over the flags that the shared store holds; `None` where it holds none.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] where the set would accept nothing; the flags stay as they were, pending
    /// ones pending.
    pub fn set_shared(&self, flags: Option<FlagOverrides>) -> Result<(), ConfigError> {
        let change = self.change(|sources| {
            sources.shared = flags.unwrap_or_default();
            sources.shared_pending = false;
        });
        change.map(drop)
    }

    /// Reads the flags file again, at once and blocking; says whether the flags changed. Without a
    /// file there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] where the file is gone, has a fault, or would make a set that accepts
    /// nothing; the last good flags stay, and the error is logged and counted too.
    pub fn reload_file(&self) -> Result<bool, ConfigError> {
        let Some(file) = &self.0.file else { return Ok(false) };
        let begun = self.begin_look();
        self.take_look(file, &file.look(), begun)
    }

    /// What has become of the flags so far.
    #[must_use]
    pub fn status(&self) -> FlagsStatus {
        self.0.status.borrow().clone()
    }

    /// Writes the effective flags to the log, once at start, with a warning for what an operator
    /// should not leave like this: legacy tokens without an end, and flags under which nobody can
    /// log in.
    pub fn log_effective(&self) {
        let set = self.snapshot();
        let line = one_line(&set);
        tracing::info!(flags = line, rollout_salt = set.rollout_salt(), "effective flags");
        if set.legacy_jwt && set.legacy_until.is_none() {
            tracing::warn!(
                "legacy tokens are accepted without an end; set LEGACY_JWT_UNTIL to the cut-over"
            );
        }
        if !set.issues_sessions() && !set.legacy_jwt {
            tracing::warn!("no sessions are issued and LEGACY_JWT is false: nobody can log in");
        }
        measure(&set);
    }

    /// Numbers a look at the file before it is taken, so that a slow one can't undo a later one.
    pub(super) fn begin_look(&self) -> u64 {
        let mut sources = self.sources();
        sources.looks_begun += 1;
        sources.looks_begun
    }

    pub(super) fn take_look(
        &self,
        file: &FlagsFile,
        look: &Look,
        begun: u64,
    ) -> Result<bool, ConfigError> {
        {
            let mut sources = self.sources();
            if begun < sources.look_taken {
                return Ok(false);
            }
            sources.look_taken = begun;
            sources.last_look = Some(look.clone());
        }
        let outcome =
            file.parse(look).and_then(|flags| self.change(|sources| sources.file = flags));
        let error = outcome.as_ref().err().cloned().map(Arc::new);
        if let Some(error) = &error {
            tracing::error!(%error, "the flags file was not taken over, the last good flags stay");
        }
        count!("segue_flags_reload_total", "outcome" => reload_outcome(&outcome));
        self.0.status.send_modify(|status| {
            status.refused += u64::from(error.is_some());
            status.file_error = error;
        });
        outcome
    }

    pub(super) fn has_seen(&self, look: &Look) -> bool {
        self.sources().last_look.as_ref() == Some(look)
    }

    pub(super) fn file(&self) -> Option<&FlagsFile> {
        self.0.file.as_ref()
    }

    pub(super) fn status_sender(&self) -> &watch::Sender<FlagsStatus> {
        &self.0.status
    }

    /// Makes a change if the set that comes of it is sound; says whether the flags are now others.
    fn change(&self, edit: impl FnOnce(&mut Sources)) -> Result<bool, ConfigError> {
        let mut sources = self.sources();
        let mut next = sources.clone();
        edit(&mut next);
        next.compose().check()?;
        *sources = next;
        Ok(self.publish(&sources))
    }

    fn publish(&self, sources: &Sources) -> bool {
        let before = self.0.effective.load_full();
        let set = sources.compose();
        if before.set == set && before.shared_pending == sources.shared_pending {
            return false;
        }
        let epoch = before.epoch + 1;
        tracing::info!(epoch, flags = one_line(&set), "the flags changed");
        measure(&set);
        let shared_pending = sources.shared_pending;
        self.0.effective.store(Arc::new(Effective { set, epoch, shared_pending }));
        self.0.status.send_modify(|status| status.epoch = epoch);
        true
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        // Sources are replaced as a whole, so a panic elsewhere can't leave them half changed.
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self::fixed(FlagSet::default())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flags").field(&**self.0.effective.load()).finish()
    }
}

fn one_line(set: &FlagSet) -> String {
    set.to_string().trim_end().replace('\n', " ")
}

fn measure(set: &FlagSet) {
    let open_ended = set.legacy_jwt && set.legacy_until.is_none();
    gauge!("segue_legacy_without_cutover", f64::from(u8::from(open_ended)));
}

fn reload_outcome(outcome: &Result<bool, ConfigError>) -> &'static str {
    match outcome {
        Ok(true) => "changed",
        Ok(false) => "same",
        Err(_) => "refused",
    }
}
