//! Reads the flags file: bounded, only regular files, and every failure as a word for people.

use std::fs;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::flags::overrides::FlagOverrides;
use crate::flags::parse;

pub(super) const SEGUE_FLAGS_FILE: &str = "SEGUE_FLAGS_FILE";

/// The longest flags file, in bytes.
const FILE_LENGTH_BYTES_MAX: u64 = 64 * 1024;

/// The file that `SEGUE_FLAGS_FILE` names.
#[derive(Clone, Debug)]
pub(super) struct FlagsFile(PathBuf);

/// What one look at the file showed: its text, or why there is none.
///
/// Looks are compared by this and not by modification time or length: a swapped symlink, a coarse
/// clock or an edit of the same length can leave both alone.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Look(Result<String, String>);

impl FlagsFile {
    pub(super) fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let path = lookup(SEGUE_FLAGS_FILE)?;
        let path = path.trim();
        (!path.is_empty()).then(|| Self(path.into()))
    }

    /// Reads the file, blocking.
    pub(super) fn look(&self) -> Look {
        Look(read(&self.0))
    }

    pub(super) fn parse(&self, look: &Look) -> Result<FlagOverrides, ConfigError> {
        let path = self.0.display().to_string();
        match &look.0 {
            Ok(text) => parse::text(&path, text),
            Err(why) => {
                let allowed = format!("a readable file of NAME=value lines ({why})");
                Err(ConfigFault::new(SEGUE_FLAGS_FILE, path, allowed).into())
            }
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    // Opening a pipe would wait for a writer for ever.
    if !fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_LENGTH_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_LENGTH_BYTES_MAX) {
        return Err(format!("it is longer than {FILE_LENGTH_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
