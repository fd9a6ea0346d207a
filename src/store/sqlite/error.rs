//! What SQLite's faults mean to a caller.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use sqlx::Error;

use crate::error::StoreError;
use crate::error::StoreErrorKind;

// Primary result codes, https://www.sqlite.org/rescode.html.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
const SQLITE_INTERRUPT: i32 = 9;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_PROTOCOL: i32 = 15;
const SQLITE_NOTADB: i32 = 26;

/// The fault of one operation. The cause is kept: its text names tables and codes, never values.
pub(super) fn fault(operation: &'static str, error: Error) -> StoreError {
    StoreError::new(kind_of(&error), operation).with_source(error)
}

/// The fault of opening this file.
pub(super) fn open_fault(path: &Path, error: Error) -> StoreError {
    let kind = kind_of(&error);
    file_fault(kind, path, error)
}

/// A fault of this kind that names the file.
pub(super) fn file_fault(
    kind: StoreErrorKind,
    path: &Path,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    let fault = FileFault { path: path.to_owned(), cause: cause.into() };
    StoreError::new(kind, "open SQLite database").with_source(fault)
}

/// What went wrong with which file.
#[derive(Debug)]
struct FileFault {
    path: PathBuf,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for FileFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

fn kind_of(error: &Error) -> StoreErrorKind {
    match error {
        Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            kind_of_code(code.unwrap_or_default())
        }
        Error::ColumnDecode { .. }
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::ColumnNotFound(_)
        | Error::Decode(_)
        | Error::RowNotFound => StoreErrorKind::Corrupt,
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            StoreErrorKind::Misconfigured
        }
        Error::Io(_) | Error::WorkerCrashed => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Other,
    }
}

/// Extended codes carry the primary one in their low byte.
const fn kind_of_code(code: i32) -> StoreErrorKind {
    match code & 0xff {
        SQLITE_BUSY | SQLITE_LOCKED | SQLITE_PROTOCOL => StoreErrorKind::Conflict,
        SQLITE_CANTOPEN | SQLITE_IOERR => StoreErrorKind::Unavailable,
        SQLITE_CORRUPT | SQLITE_NOTADB => StoreErrorKind::Corrupt,
        SQLITE_INTERRUPT => StoreErrorKind::Timeout,
        SQLITE_READONLY => StoreErrorKind::ReadOnly,
        // A full disk is among these: trying again at once does not help.
        _ => StoreErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes, extended ones included, have the kind that a caller can act on.
    #[test]
    fn codes_have_kinds() {
        let cases = [
            (5, StoreErrorKind::Conflict),
            (261, StoreErrorKind::Conflict),
            (6, StoreErrorKind::Conflict),
            (8, StoreErrorKind::ReadOnly),
            (1544, StoreErrorKind::ReadOnly),
            (10, StoreErrorKind::Unavailable),
            (778, StoreErrorKind::Unavailable),
            (11, StoreErrorKind::Corrupt),
            (13, StoreErrorKind::Other),
            (14, StoreErrorKind::Unavailable),
            (26, StoreErrorKind::Corrupt),
            (1, StoreErrorKind::Other),
        ];
        for (code, kind) in cases {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }
}
