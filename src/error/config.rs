//! Wrong settings: every fault at once, each with what was wrong, where, and what is allowed.

use std::fmt;
use std::path::Path;

/// Settings that can't be used, as one list of faults for one start-up message.
///
/// ```
/// use segue::{ConfigError, ConfigFault};
///
/// let error = ConfigError::from(ConfigFault::new("LEGACY_JWT", "yes", "true or false"));
/// assert_eq!(
///     error.to_string(),
///     "1 fault in the configuration:\n  LEGACY_JWT: \"yes\" is not allowed; use true or false"
/// );
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct ConfigError(Vec<ConfigFault>);

/// One wrong setting. A secret's value is never part of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigFault {
    setting: String,
    value: Option<String>,
    allowed: String,
}

impl ConfigFault {
    /// `setting` has a `value` that can't be used; `allowed` says what can.
    #[must_use]
    pub fn new(
        setting: impl Into<String>,
        value: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { setting: setting.into(), value: Some(value.into()), allowed: allowed.into() }
    }

    /// `setting` is missing, secret, or part of a bad combination; `advice` says what to do.
    #[must_use]
    pub fn advise(setting: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { setting: setting.into(), value: None, allowed: advice.into() }
    }

    /// The variable, option or file at fault.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }
}

/// The name of a file as messages show it. Whoever sets a variable for a file to the key itself
/// must not read the key in the log.
pub(crate) fn shown_path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(['\n', '{', '*']) || text.contains("-----") {
        return "(not shown: it looks like a key, where the name of a file belongs)".to_owned();
    }
    text
}

impl ConfigError {
    /// The error made of these faults, or `Ok` when there are none.
    ///
    /// # Errors
    ///
    /// Itself, unless `faults` is empty.
    pub fn check(faults: Vec<ConfigFault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }

    /// The faults, in the order in which they were found.
    #[must_use]
    pub fn faults(&self) -> &[ConfigFault] {
        &self.0
    }

    /// Takes the faults out, to be reported together with others.
    #[must_use]
    pub fn into_faults(self) -> Vec<ConfigFault> {
        self.0
    }
}

impl From<ConfigFault> for ConfigError {
    fn from(fault: ConfigFault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => {
                write!(f, "{}: {value:?} is not allowed; use {}", self.setting, self.allowed)
            }
            None => write!(f, "{}: {}", self.setting, self.allowed),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = if self.0.len() == 1 { "fault" } else { "faults" };
        write!(f, "{} {faults} in the configuration:", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// The same words as `Display`, for a `main` that returns the error: its `Debug` is what is printed.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}
