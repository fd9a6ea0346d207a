//! Text to flags: one table of names for every source, every fault named, nothing guessed.

use std::time::Duration;

use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::flags::overrides::FlagOverrides;
use crate::flags::set::Fingerprinting;
use crate::flags::set::RolloutMode;
use crate::time::Timestamp;

pub(super) const REFRESH_TOKEN_SYSTEM: &str = "REFRESH_TOKEN_SYSTEM";
pub(super) const SESSION_TRACKING: &str = "SESSION_TRACKING";
pub(super) const DEVICE_FINGERPRINTING: &str = "DEVICE_FINGERPRINTING";
pub(super) const LEGACY_JWT: &str = "LEGACY_JWT";
pub(super) const LEGACY_JWT_UNTIL: &str = "LEGACY_JWT_UNTIL";
pub(super) const LEGACY_JWT_MAX_AGE: &str = "LEGACY_JWT_MAX_AGE";
pub(super) const LEGACY_STALE_OK: &str = "LEGACY_STALE_OK";
pub(super) const SHADOW_COMPARE: &str = "SHADOW_COMPARE";
const SEGUE_ROLLOUT_SALT: &str = "SEGUE_ROLLOUT_SALT";

/// Every flag that a source may set, in the order in which they are reported.
const NAMES: [&str; 8] = [
    REFRESH_TOKEN_SYSTEM,
    SESSION_TRACKING,
    DEVICE_FINGERPRINTING,
    LEGACY_JWT,
    LEGACY_JWT_UNTIL,
    LEGACY_JWT_MAX_AGE,
    LEGACY_STALE_OK,
    SHADOW_COMPARE,
];

const SALT_LENGTH_BYTES_MAX: usize = 255;
const TEXT_LINES_MAX: usize = 1_000;
const SHOWN_VALUE_CHARS_MAX: usize = 80;
const SHOWN_NAME_BYTES_MAX: usize = 64;
const LEGACY_MAX_AGE_MIN: Duration = Duration::from_secs(1);
const LEGACY_MAX_AGE_MAX: Duration = Duration::from_hours(24 * 36_525);
const LEGACY_STALE_OK_MAX: Duration = Duration::from_hours(24);

/// The flags that the environment sets.
pub(super) fn environment(
    lookup: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<ConfigFault>,
) -> FlagOverrides {
    let mut flags = FlagOverrides::default();
    for name in NAMES {
        let value = lookup(name).unwrap_or_default();
        if let Err(allowed) = assign(&mut flags, name, value.trim()) {
            faults.push(ConfigFault::new(name, shown(&value), allowed));
        }
    }
    flags
}

/// The salt that the environment sets. No other source can: a salt that changes under way would
/// take users out again while the share rises.
pub(super) fn salt(
    lookup: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<ConfigFault>,
) -> Option<String> {
    let value = lookup(SEGUE_ROLLOUT_SALT)?;
    let salt = value.trim();
    if salt.len() > SALT_LENGTH_BYTES_MAX {
        let allowed = format!("at most {SALT_LENGTH_BYTES_MAX} bytes");
        faults.push(ConfigFault::new(SEGUE_ROLLOUT_SALT, shown(salt), allowed));
        return None;
    }
    (!salt.is_empty()).then(|| salt.to_owned())
}

/// The flags that a text of `NAME=value` lines sets; `source` names the text in faults.
pub(super) fn text(source: &str, text: &str) -> Result<FlagOverrides, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut flags = FlagOverrides::default();
    let mut faults = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = Place { source, line: index + 1 };
        if index >= TEXT_LINES_MAX {
            faults.push(
                place.advise("", &format!("a flags file has at most {TEXT_LINES_MAX} lines")),
            );
            break;
        }
        if let Err(fault) = assign_line(&mut flags, &mut named, place, without_comment(line)) {
            faults.push(fault);
        }
    }
    ConfigError::check(faults)?;
    Ok(flags)
}

fn assign_line<'a>(
    flags: &mut FlagOverrides,
    named: &mut Vec<&'a str>,
    place: Place<'_>,
    line: &'a str,
) -> Result<(), ConfigFault> {
    if line.is_empty() {
        return Ok(());
    }
    let Some((name, value)) = line.split_once('=') else {
        return Err(place.advise("", "write NAME=value, or # before a comment"));
    };
    let (name, value) = (name.trim(), value.trim());
    if !NAMES.contains(&name) {
        // Neither the value nor a name that does not look like one is repeated: it may be a
        // secret in the wrong file.
        let name = if looks_like_a_name(name) { name } else { "" };
        return Err(place.advise(name, &format!("not a flag; use {}", NAMES.join(", "))));
    }
    if named.contains(&name) {
        return Err(place.advise(name, "set twice; keep one of the lines"));
    }
    named.push(name);
    assign(flags, name, value)
        .map_err(|allowed| ConfigFault::new(place.setting(name), shown(value), allowed))
}

/// The line before a `#` that stands first or after white space, trimmed.
fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|&(at, character)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        character == '#' && before.is_none_or(char::is_whitespace)
    });
    comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line).trim()
}

fn looks_like_a_name(name: &str) -> bool {
    name.len() <= SHOWN_NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Where in a text a fault is.
#[derive(Clone, Copy)]
struct Place<'a> {
    source: &'a str,
    line: usize,
}

impl Place<'_> {
    fn setting(self, name: &str) -> String {
        let separator = if self.source.is_empty() { "" } else { " " };
        let place = format!("{}{separator}line {}", self.source, self.line);
        if name.is_empty() { place } else { format!("{name} ({place})") }
    }

    fn advise(self, name: &str, advice: &str) -> ConfigFault {
        ConfigFault::advise(self.setting(name), advice)
    }
}

/// A value as it may stand in a message: bounded.
fn shown(value: &str) -> String {
    let mut shown: String = value.chars().take(SHOWN_VALUE_CHARS_MAX).collect();
    if shown.len() < value.len() {
        shown.push_str("..");
    }
    shown
}

/// Sets one flag, or says what is allowed. An empty value sets nothing.
fn assign(flags: &mut FlagOverrides, name: &str, value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Ok(());
    }
    match name {
        REFRESH_TOKEN_SYSTEM => flags.refresh_tokens = Some(rollout_mode(value)?),
        SESSION_TRACKING => flags.session_tracking = Some(switch(value)?),
        DEVICE_FINGERPRINTING => flags.device_fingerprinting = Some(fingerprinting(value)?),
        LEGACY_JWT => flags.legacy_jwt = Some(switch(value)?),
        LEGACY_JWT_UNTIL => flags.legacy_until = Some(instant(value)?),
        LEGACY_JWT_MAX_AGE => flags.legacy_max_age = Some(max_age(value)?),
        LEGACY_STALE_OK => flags.legacy_stale_ok = Some(stale_ok(value)?),
        SHADOW_COMPARE => flags.shadow_compare = Some(switch(value)?),
        _ => return Err("the name of a flag"),
    }
    Ok(())
}

fn rollout_mode(value: &str) -> Result<RolloutMode, &'static str> {
    match value {
        "false" => Ok(RolloutMode::Off),
        "drain" => Ok(RolloutMode::Drain),
        "true" => Ok(RolloutMode::On),
        share => share.parse().map(RolloutMode::Percent).map_err(|_| {
            "false, drain, true, or a share from 0% to 100% with at most two decimals such as 10%"
        }),
    }
}

fn switch(value: &str) -> Result<bool, &'static str> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false"),
    }
}

fn fingerprinting(value: &str) -> Result<Fingerprinting, &'static str> {
    match value {
        "false" => Ok(Fingerprinting::Off),
        "observe" | "true" => Ok(Fingerprinting::Observe),
        "enforce" => Ok(Fingerprinting::Enforce),
        _ => Err("false, observe (or true) or enforce"),
    }
}

fn instant(value: &str) -> Result<Timestamp, &'static str> {
    value
        .parse::<jiff::Timestamp>()
        .map(|instant| Timestamp::from_unix_micros(instant.as_microsecond()))
        .map_err(|_| "an RFC 3339 instant with its offset such as 2027-03-01T00:00:00Z")
}

fn max_age(value: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(value)
        .ok()
        .filter(|span| (LEGACY_MAX_AGE_MIN..=LEGACY_MAX_AGE_MAX).contains(span))
        .ok_or("a duration with its unit from 1s to 100y such as 30d or 12h")
}

fn stale_ok(value: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(value)
        .ok()
        .filter(|span| *span <= LEGACY_STALE_OK_MAX)
        .ok_or("a duration with its unit from 0s to 1d such as 5m")
}
