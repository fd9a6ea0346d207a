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

/// Which files a database consists of: the path stays, the files behind it may be swapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FileIdentity {
    database: Option<FileNumber>,
    log: Option<FileNumber>,
    index: Option<FileNumber>,
}

/// Device and number on it.
type FileNumber = (u64, u64);

impl FileIdentity {
    /// Of what is there now; unknown if nothing is, or where the system has no file numbers.
    pub(super) fn of(path: &Path) -> Self {
        let companion = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            number_at(Path::new(&name))
        };
        Self { database: number_at(path), log: companion("-wal"), index: companion("-shm") }
    }

    /// With the database that was there before.
    pub(super) fn opened_as(self, before: Self) -> Self {
        Self { database: before.database, ..self }
    }

    /// Whether the database that was opened still is the one at the path, or may be given up for
    /// the one that is.
    ///
    /// # Errors
    ///
    /// If the file is gone: what was written to it would be gone with the process. If another has
    /// its place but the log of the old one lies beside it: SQLite would mix the two.
    pub(super) fn is_replaced_at(&self, path: &Path) -> Result<bool, StoreError> {
        let database = number_at(path);
        if self.database.is_none() || database == self.database {
            return Ok(false);
        }
        let now = Self::of(path);
        let ours = |then: Option<_>, now| then.is_some() && then == now;
        let cause = if database.is_none() {
            "the database file is gone"
        } else if ours(self.log, now.log) || ours(self.index, now.index) {
            "the database was replaced while it was open, but the log of the old one is still \
             there: stop every program that uses it and delete the -wal and -shm files"
        } else {
            return Ok(true);
        };
        Err(file_fault(StoreErrorKind::Unavailable, path, cause))
    }
}

fn number_at(path: &Path) -> Option<FileNumber> {
    fs::metadata(path).ok().and_then(|metadata| number_of(&metadata))
}

#[cfg(unix)]
fn number_of(metadata: &fs::Metadata) -> Option<FileNumber> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number_of(_: &fs::Metadata) -> Option<FileNumber> {
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
