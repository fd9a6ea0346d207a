//! The database file: created for its owner alone, never together with its directory, and known
//! again when it was replaced.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::store::sqlite::error::file_fault;

/// Which file a path leads to: the path stays, the file behind it may be swapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FileIdentity(Option<(u64, u64)>);

impl FileIdentity {
    /// Of what is there now; unknown if nothing is, or where the system has no file numbers.
    pub(super) fn of(path: &Path) -> Self {
        Self(fs::metadata(path).ok().and_then(|metadata| number_of(&metadata)))
    }

    /// Whether another file has taken the place. A missing one has not: what was opened lives on
    /// until something new appears.
    pub(super) fn is_replaced_at(self, path: &Path) -> bool {
        let now = Self::of(path);
        now.0.is_some() && self.0.is_some() && now != self
    }
}

#[cfg(unix)]
fn number_of(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number_of(_: &fs::Metadata) -> Option<(u64, u64)> {
    // Where files have no numbers, one that is open can't be replaced either.
    None
}

/// Makes sure that there is a file to open, and that it may be written.
///
/// # Errors
///
/// With the path, and without having touched anything: no directory, a directory, a read-only
/// file, nothing there although something was (`opened_before`).
pub(super) fn prepare(path: &Path, opened_before: bool) -> Result<(), StoreError> {
    // An existing file is never opened here: closing it again would drop the locks that SQLite
    // holds on it in this process (https://www.sqlite.org/howtocorrupt.html, section 2.2). One
    // thread at a time, so that nobody's SQLite has opened what is closed below.
    static CREATION: Mutex<()> = Mutex::new(());
    let _one = CREATION.lock().unwrap_or_else(PoisonError::into_inner);
    match fs::metadata(path) {
        Ok(metadata) => check(path, &metadata, opened_before),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !opened_before => create(path),
        Err(error) => Err(file_fault(kind_of(&error), path, error)),
    }
}

fn check(path: &Path, metadata: &fs::Metadata, opened_before: bool) -> Result<(), StoreError> {
    if !metadata.is_file() {
        return Err(file_fault(StoreErrorKind::Misconfigured, path, "this is not a file"));
    }
    if metadata.permissions().readonly() {
        return Err(file_fault(StoreErrorKind::ReadOnly, path, "the file is write-protected"));
    }
    if opened_before && metadata.len() == 0 {
        let cause = "the database was replaced by an empty file";
        return Err(file_fault(StoreErrorKind::Unavailable, path, cause));
    }
    Ok(())
}

fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let cause =
                "the directory does not exist; it is not created, in case a disk is missing";
            Err(file_fault(StoreErrorKind::Unavailable, path, cause))
        }
        Err(error) => Err(file_fault(kind_of(&error), path, error)),
    }
}

fn kind_of(error: &io::Error) -> StoreErrorKind {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => {
            StoreErrorKind::Misconfigured
        }
        _ => StoreErrorKind::Unavailable,
    }
}
