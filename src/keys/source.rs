//! Which of variable and file the keys come from.

use std::path::Path;

use zeroize::Zeroizing;

use super::Keyring;
use super::parse;
use crate::error::ConfigError;
use crate::error::ConfigFault;

/// The variable that holds the keys themselves.
pub(super) const KEYS: &str = "SEGUE_KEYS";
/// The variable that names the key file.
pub(super) const KEYS_FILE: &str = "SEGUE_KEYS_FILE";

/// The process's environment. Text that is not Unicode is passed on damaged, so that it is
/// reported as a fault and not taken for absent.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The ring that the variables ask for; `open` reads the file.
pub(super) fn from_lookup(
    lookup: &dyn Fn(&str) -> Option<String>,
    open: impl Fn(&Path) -> Result<Keyring, ConfigError>,
) -> Result<Option<Keyring>, ConfigError> {
    let keys = lookup(KEYS).map(Zeroizing::new);
    match (keys, lookup(KEYS_FILE)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(ConfigFault::advise(KEYS, format!("{KEYS_FILE} is set too; keep one of the two"))
                .into())
        }
        (Some(keys), None) => parse::parse(KEYS, &keys).map(Some),
        (None, Some(path)) if path.trim().is_empty() => {
            Err(ConfigFault::advise(KEYS_FILE, "set, but empty; name a file or unset it").into())
        }
        (None, Some(path)) => open(Path::new(&path)).map(Some),
    }
}

/// The fault of an installation without keys.
pub(super) fn missing() -> ConfigFault {
    ConfigFault::advise(
        KEYS,
        format!(
            "not set, and neither is {KEYS_FILE}; make a key with \
             `echo \"1:$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')\"` \
             and give the same one to every node"
        ),
    )
}
