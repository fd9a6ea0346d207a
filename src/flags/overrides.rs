//! One source's part of the flags: what it sets, and nothing about the rest.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::ConfigError;
use crate::flags::parse;
use crate::flags::set::Fingerprinting;
use crate::flags::set::FlagSet;
use crate::flags::set::RolloutMode;
use crate::time::Timestamp;

/// Some flags, set by one source over the sources before it; `None` leaves a flag as it is.
///
/// Reads and prints the format of the flags file: `NAME=value` lines, blank lines, and comments
/// that begin with `#`, alone on a line or after white space. An empty value leaves the flag as it
/// is. An unknown name, a name twice, or a wrong value is a fault with its line, since a mistyped
/// emergency stop must not pass in silence.
///
/// The way back works by overriding, not by removing: a cut-over that came too early is replaced by
/// a later one.
///
/// ```
/// use segue::{FlagOverrides, FlagSet, RolloutMode};
///
/// let stop: FlagOverrides = "REFRESH_TOKEN_SYSTEM=drain  # back for now".parse()?;
/// let mut flags = FlagSet::default();
/// stop.apply_to(&mut flags);
/// assert_eq!(flags.refresh_tokens, RolloutMode::Drain);
/// assert_eq!(stop.to_string(), "REFRESH_TOKEN_SYSTEM=drain\n");
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct FlagOverrides {
    /// `REFRESH_TOKEN_SYSTEM`
    pub refresh_tokens: Option<RolloutMode>,
    /// `SESSION_TRACKING`
    pub session_tracking: Option<bool>,
    /// `DEVICE_FINGERPRINTING`
    pub device_fingerprinting: Option<Fingerprinting>,
    /// `LEGACY_JWT`
    pub legacy_jwt: Option<bool>,
    /// `LEGACY_JWT_UNTIL`
    pub legacy_until: Option<Timestamp>,
    /// `LEGACY_JWT_MAX_AGE`
    pub legacy_max_age: Option<Duration>,
    /// `LEGACY_STALE_OK`
    pub legacy_stale_ok: Option<Duration>,
    /// `SHADOW_COMPARE`
    pub shadow_compare: Option<bool>,
}

impl FlagOverrides {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts these flags over those of `set`.
    pub fn apply_to(&self, set: &mut FlagSet) {
        replace(&mut set.refresh_tokens, self.refresh_tokens);
        replace(&mut set.session_tracking, self.session_tracking);
        replace(&mut set.device_fingerprinting, self.device_fingerprinting);
        replace(&mut set.legacy_jwt, self.legacy_jwt);
        set.legacy_until = self.legacy_until.or(set.legacy_until);
        replace(&mut set.legacy_max_age, self.legacy_max_age);
        replace(&mut set.legacy_stale_ok, self.legacy_stale_ok);
        replace(&mut set.shadow_compare, self.shadow_compare);
    }
}

fn replace<T>(value: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *value = with;
    }
}

/// Every flag of the set; over any other set they give this one, but for its salt and a cut-over
/// that only the other has.
impl From<&FlagSet> for FlagOverrides {
    fn from(set: &FlagSet) -> Self {
        Self {
            refresh_tokens: Some(set.refresh_tokens),
            session_tracking: Some(set.session_tracking),
            device_fingerprinting: Some(set.device_fingerprinting),
            legacy_jwt: Some(set.legacy_jwt),
            legacy_until: set.legacy_until,
            legacy_max_age: Some(set.legacy_max_age),
            legacy_stale_ok: Some(set.legacy_stale_ok),
            shadow_compare: Some(set.shadow_compare),
        }
    }
}

impl FromStr for FlagOverrides {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::text("", text)
    }
}

impl fmt::Display for FlagOverrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration =
            |span: Duration| humantime::format_duration(span).to_string().replace(' ', "");
        line(f, parse::REFRESH_TOKEN_SYSTEM, self.refresh_tokens)?;
        line(f, parse::SESSION_TRACKING, self.session_tracking)?;
        line(f, parse::DEVICE_FINGERPRINTING, self.device_fingerprinting)?;
        line(f, parse::LEGACY_JWT, self.legacy_jwt)?;
        line(f, parse::LEGACY_JWT_UNTIL, self.legacy_until)?;
        line(f, parse::LEGACY_JWT_MAX_AGE, self.legacy_max_age.map(duration))?;
        line(f, parse::LEGACY_STALE_OK, self.legacy_stale_ok.map(duration))?;
        line(f, parse::SHADOW_COMPARE, self.shadow_compare)
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| writeln!(f, "{name}={value}"))
}
