//! The text form of a keyring, `1:AAA…,2*:BBB…`, with every fault named and no key in any message.

use data_encoding::BASE64URL_NOPAD;

use super::KeyVersion;
use super::Keyring;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::secret::Secret;

/// The longest text that is read: 64 keys, with room for comments.
pub(super) const TEXT_BYTES_MAX: usize = 64 * 1024;

const KEY_CHARACTERS: usize = 43;

struct Entry {
    version: KeyVersion,
    is_current: bool,
    key: Result<Secret<32>, String>,
}

/// Reads a keyring; `setting` is what the faults are reported against.
pub(super) fn parse(setting: &str, text: &str) -> Result<Keyring, ConfigError> {
    if text.len() > TEXT_BYTES_MAX {
        let fault = format!("longer than {TEXT_BYTES_MAX} bytes; this can't be a keyring");
        return Err(ConfigFault::advise(setting, fault).into());
    }
    let mut faults = Vec::new();
    let mut entries = Vec::new();
    for (index, text) in entries_of(text).take(Keyring::KEYS_MAX + 1).enumerate() {
        match parse_entry(text) {
            Ok(entry) => entries.push(entry),
            Err(fault) => faults.push(format!("entry {}: {fault}", index + 1)),
        }
    }
    // An entry that could not be read may be the one that carries the mark.
    let current = if faults.is_empty() { current_of(&entries, &mut faults) } else { None };
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry.key {
            Ok(key) => keys.push((entry.version, key)),
            Err(fault) => faults.push(format!("the key of version {} {fault}", entry.version)),
        }
    }
    // The key of the current version was at fault, which has been said.
    let current = current.filter(|current| keys.iter().any(|(version, _)| version == current));
    let faults = faults.into_iter().map(|fault| ConfigFault::advise(setting, fault)).collect();
    Keyring::assemble(setting, current, keys, faults)
}

/// Lines without comments and blank ones, cut at commas; a comma may end a line.
fn entries_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(|line| line.strip_suffix(',').unwrap_or(line).split(','))
        .map(str::trim)
}

fn parse_entry(text: &str) -> Result<Entry, &'static str> {
    let form = "write version:key, such as 1:AAA…, the current one as 2*:BBB…";
    let (head, key) = text.split_once(':').ok_or(form)?;
    let (number, is_current) = match head.strip_suffix('*') {
        Some(number) => (number, true),
        None => (head, false),
    };
    let version = version_of(number)
        .ok_or("before the colon stands the version, a number from 1 to 4294967295")?;
    Ok(Entry { version, is_current, key: key_of(key) })
}

fn version_of(number: &str) -> Option<KeyVersion> {
    let is_canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    number.parse().ok().filter(|_| is_canonical).and_then(KeyVersion::new)
}

fn key_of(text: &str) -> Result<Secret<32>, String> {
    if text.len() != KEY_CHARACTERS {
        let found = text.len();
        return Err(format!(
            "has {found} characters; 32 bytes in unpadded base64url have {KEY_CHARACTERS}"
        ));
    }
    let mut key = [0; 32];
    match BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut key) {
        Ok(_) => Ok(Secret::new(key)),
        Err(_) => Err(String::from(
            "is not 32 bytes in unpadded base64url (letters, digits, - and _, no spare bits)",
        )),
    }
}

/// The version marked as current; the only one there is needs no mark.
fn current_of(entries: &[Entry], faults: &mut Vec<String>) -> Option<KeyVersion> {
    let mut marked = entries.iter().filter(|entry| entry.is_current);
    match (marked.next(), marked.next(), entries) {
        (Some(entry), None, _) | (None, None, [entry]) => return Some(entry.version),
        (Some(_), Some(_), _) => {
            faults.push(String::from("more than one version is marked as current with *"));
        }
        (None, _, []) => faults.push(String::from("there is no key in it")),
        (None, _, _) => {
            faults.push(String::from("mark the version that is current with *, as in 2*:BBB…"));
        }
    }
    None
}
