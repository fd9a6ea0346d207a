//! The key file: created once, complete or not at all, for its owner only.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::KeyVersion;
use super::Keyring;
use super::parse;
use super::source;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::error::shown_path;
use crate::secret::Secret;

const HEADER: &str = "# The keys of segue. Whoever can read this file can forge tokens; whoever loses it logs\n\
                      # everybody out. Back it up apart from the database.\n";

/// Reads the ring in the file at `path`.
pub(super) fn open(path: &Path) -> Result<Keyring, ConfigError> {
    match read(path) {
        Ok(text) => parse::parse(&setting(path), &text?),
        Err(error) => Err(fault(path, format!("can't be read: {error}"))),
    }
}

/// Reads the ring in the file at `path`, which is created with a fresh key if it is not there.
pub(super) fn open_or_create(path: &Path) -> Result<Keyring, ConfigError> {
    match read(path) {
        Ok(text) => return parse::parse(&setting(path), &text?),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(fault(path, format!("can't be read: {error}"))),
    }
    create(path)?;
    // Whether this process or another one was first: the file counts, not what was just made.
    open(path)
}

/// The text of the file, the fault that forbids using it, or why it can't be read.
fn read(path: &Path) -> io::Result<Result<Zeroizing<String>, ConfigError>> {
    // Looked at before opening, because opening a named pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Ok(Err(fault(path, "is not a regular file")));
    }
    let file = File::open(path)?;
    if let Some(advice) = exposed(path, &file)? {
        return Ok(Err(fault(path, advice)));
    }
    // Full size at once, since growing would leave copies of the keys behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(parse::TEXT_BYTES_MAX + 2));
    let limit = u64::try_from(parse::TEXT_BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(fault(path, "is not text")),
    })
}

/// What to do about a file that others than its owner can get at.
#[cfg(unix)]
fn exposed(path: &Path, file: &File) -> io::Result<Option<String>> {
    use std::os::unix::fs::PermissionsExt;

    // Of the open file, not of the path, which could be exchanged in between.
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then(|| {
        let path = shown_path(path);
        format!("has mode {mode:03o}, so others than its owner can use it; run `chmod 600 {path}`")
    }))
}

#[cfg(not(unix))]
fn exposed(_: &Path, _: &File) -> io::Result<Option<String>> {
    Ok(None)
}

/// Writes a fresh key to a file of its own name and links it to `path`, which, unlike renaming,
/// fails when another process has been there first; that is not an error.
fn create(path: &Path) -> Result<(), ConfigError> {
    let draw = || Secret::<32>::random().map_err(|error| fault(path, error.to_string()));
    let (key, name) = (draw()?, draw()?);
    let encoded = Zeroizing::new(BASE64URL_NOPAD.encode(key.expose()));
    let text = Zeroizing::new(format!("{HEADER}{}*:{}\n", KeyVersion::FIRST, *encoded));
    let draft = draft_path(path, &name.expose()[..8]);
    let written = write_private(&draft, text.as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    // A draft that can't be removed is private and harmless; the next lines say what matters.
    drop(fs::remove_file(&draft));
    match written {
        Ok(()) => sync_directory(path)
            .map_err(|error| fault(path, format!("can't be written for good: {error}"))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fault(
            path,
            format!(
                "can't be created: {error}; see that its directory exists and is writable, name another file with \
                 {}, or set {}",
                source::KEYS_FILE,
                source::KEYS
            ),
        )),
    }
}

fn draft_path(path: &Path, unique: &[u8]) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", HEXLOWER.encode(unique)));
    path.with_file_name(name)
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// The name of a new file outlives a power cut only once its directory is on disk.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn setting(path: &Path) -> String {
    format!("key file {}", shown_path(path))
}

fn fault(path: &Path, advice: impl Into<String>) -> ConfigError {
    ConfigFault::advise(setting(path), advice).into()
}
