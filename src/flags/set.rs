//! The flags as plain values, and the questions that they answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::flags::overrides::FlagOverrides;
use crate::flags::parse;
use crate::flags::percent::Percent;
use crate::flags::rollout;
use crate::id::UserId;
use crate::time::Timestamp;

/// How far the session system is rolled out (`REFRESH_TOKEN_SYSTEM`).
///
/// | mode | new sessions at login and exchange | existing sessions |
/// |---|---|---|
/// | `Off` (`false`) | nobody | refused: the emergency stop |
/// | `Drain` (`drain`) | nobody | accepted and refreshed |
/// | `Percent` (`NN%`) | that share of the users | accepted and refreshed |
/// | `On` (`true`) | everybody | accepted and refreshed |
///
/// `0%` answers every question as `drain` does, and `100%` as `true` does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RolloutMode {
    /// The emergency stop: no session is issued, none is accepted.
    Off,
    /// No session is issued; those that exist are accepted and refreshed. Going back to it logs
    /// nobody out.
    Drain,
    /// Sessions for this share of the users; all existing ones are accepted and refreshed.
    Percent(Percent),
    /// Sessions for everybody.
    #[default]
    On,
}

impl fmt::Display for RolloutMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("false"),
            Self::Drain => f.write_str("drain"),
            Self::Percent(share) => share.fmt(f),
            Self::On => f.write_str("true"),
        }
    }
}

/// What is done with the device that a session is used from (`DEVICE_FINGERPRINTING`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fingerprinting {
    /// Nothing is compared (`false`).
    #[default]
    Off,
    /// A change is reported and nothing else happens (`observe`, also `true`).
    Observe,
    /// A change is refused, the session is kept (`enforce`).
    Enforce,
}

impl fmt::Display for Fingerprinting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "false",
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        })
    }
}

/// One complete set of flags: plain values that are decided with.
///
/// Take it from [`Flags::snapshot`](crate::Flags::snapshot) once for a request, so that a flag that
/// flips in the middle of it does not make two decisions of one. The default is what unset
/// variables mean: sessions for everybody, and legacy tokens accepted, because a node that lost its
/// variables must not log anybody out.
///
/// ```
/// use segue::{FlagSet, RolloutMode, Timestamp, UserId};
///
/// let mut flags = FlagSet::default();
/// flags.refresh_tokens = RolloutMode::Percent("10%".parse()?);
/// assert!(flags.accepts_sessions());
/// assert!(flags.accepts_legacy(Timestamp::EPOCH));
/// let early = (0..1000_u32).filter(|id| flags.issues_session_to(&UserId::from(*id))).count();
/// assert!((50..150).contains(&early));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FlagSet {
    /// `REFRESH_TOKEN_SYSTEM`: who gets sessions, and whether they are accepted. Default `On`.
    pub refresh_tokens: RolloutMode,
    /// `SESSION_TRACKING`: record last-seen, address and user agent. Default true; without it
    /// sessions work, but nothing is written for a use.
    pub session_tracking: bool,
    /// `DEVICE_FINGERPRINTING`: report or refuse another device. Default `Off`.
    pub device_fingerprinting: Fingerprinting,
    /// `LEGACY_JWT`: accept legacy tokens, where a legacy verifier is configured. Default true.
    pub legacy_jwt: bool,
    /// `LEGACY_JWT_UNTIL`: the cut-over, the first instant at which legacy tokens are refused.
    /// Default none.
    pub legacy_until: Option<Timestamp>,
    /// `LEGACY_JWT_MAX_AGE`: legacy tokens issued longer ago are refused. Default 30 days.
    pub legacy_max_age: Duration,
    /// `LEGACY_STALE_OK`: with the store down, legacy tokens are still judged by the last
    /// blacklist for so long. Default 5 minutes.
    pub legacy_stale_ok: Duration,
    /// `SHADOW_COMPARE`: the other system is asked too, and its answer only counted. Default false.
    pub shadow_compare: bool,
    rollout_salt: Arc<str>,
}

impl FlagSet {
    /// How old a legacy token may be unless `LEGACY_JWT_MAX_AGE` says otherwise.
    pub const LEGACY_MAX_AGE_DEFAULT: Duration = Duration::from_hours(30 * 24);
    /// How long a stale blacklist is good enough unless `LEGACY_STALE_OK` says otherwise.
    pub const LEGACY_STALE_OK_DEFAULT: Duration = Duration::from_mins(5);

    /// Reads the variables through `lookup`, mostly the environment; an empty value counts as
    /// unset. `SEGUE_FLAGS_FILE` is not read here, but by
    /// [`Flags::from_lookup`](crate::Flags::from_lookup).
    ///
    /// ```
    /// use segue::FlagSet;
    ///
    /// let error = FlagSet::from_lookup(&|name| match name {
    ///     "REFRESH_TOKEN_SYSTEM" => Some("10".to_owned()),
    ///     "LEGACY_STALE_OK" => Some("soon".to_owned()),
    ///     _ => None,
    /// })
    /// .unwrap_err();
    /// assert_eq!(error.faults().len(), 2);
    /// assert!(error.to_string().contains(r#"REFRESH_TOKEN_SYSTEM: "10" is not allowed; use false"#));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every wrong value at once, or where the set would accept nothing.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut set = Self::default();
        if let Some(salt) = parse::salt(lookup, &mut faults) {
            set.rollout_salt = salt.into();
        }
        parse::environment(lookup, &mut faults).apply_to(&mut set);
        ConfigError::check(faults)?;
        set.check()?;
        Ok(set)
    }

    /// Whether a session credential is judged at all: everywhere but under `false`.
    #[must_use]
    pub const fn accepts_sessions(&self) -> bool {
        !matches!(self.refresh_tokens, RolloutMode::Off)
    }

    /// Whether a login or an exchange of this user gives a session. Asked at those two only:
    /// sessions that exist are accepted and refreshed whatever the share.
    #[must_use]
    pub fn issues_session_to(&self, user: &UserId) -> bool {
        match self.refresh_tokens {
            RolloutMode::Off | RolloutMode::Drain => false,
            RolloutMode::Percent(share) => {
                rollout::rollout_bucket(&self.rollout_salt, user) < share.basis_points()
            }
            RolloutMode::On => true,
        }
    }

    /// Whether anybody is given a new session: not under `false`, `drain` and `0%`.
    #[must_use]
    pub const fn issues_sessions(&self) -> bool {
        match self.refresh_tokens {
            RolloutMode::Off | RolloutMode::Drain => false,
            RolloutMode::Percent(share) => share.basis_points() > 0,
            RolloutMode::On => true,
        }
    }

    /// Whether a legacy token is judged at all: `LEGACY_JWT` is on and the cut-over has not come.
    /// At the very instant of the cut-over it no longer is.
    #[must_use]
    pub fn accepts_legacy(&self, now: Timestamp) -> bool {
        self.legacy_jwt && self.legacy_until.is_none_or(|until| now < until)
    }

    /// Whether this set can be put to use.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a set that accepts neither sessions nor legacy tokens: nobody could get
    /// in, and everybody would be logged out.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.accepts_sessions() || self.legacy_jwt {
            return Ok(());
        }
        Err(ConfigFault::advise(
            "REFRESH_TOKEN_SYSTEM, LEGACY_JWT",
            "both are false, so no credential would be accepted; set REFRESH_TOKEN_SYSTEM to \
             drain, a share or true, or LEGACY_JWT to true",
        )
        .into())
    }

    /// The salt that goes into [`rollout_bucket`](crate::rollout_bucket).
    #[must_use]
    pub fn rollout_salt(&self) -> &str {
        &self.rollout_salt
    }

    /// The same set with another salt. All nodes must have the same one; another salt begins with
    /// other users.
    #[must_use]
    pub fn with_rollout_salt(mut self, salt: &str) -> Self {
        self.rollout_salt = salt.into();
        self
    }
}

impl Default for FlagSet {
    fn default() -> Self {
        Self {
            refresh_tokens: RolloutMode::On,
            session_tracking: true,
            device_fingerprinting: Fingerprinting::Off,
            legacy_jwt: true,
            legacy_until: None,
            legacy_max_age: Self::LEGACY_MAX_AGE_DEFAULT,
            legacy_stale_ok: Self::LEGACY_STALE_OK_DEFAULT,
            shadow_compare: false,
            rollout_salt: rollout::ROLLOUT_SALT_DEFAULT.into(),
        }
    }
}

/// One `NAME=value` line for every flag that has a value, as a flags file has them.
impl fmt::Display for FlagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FlagOverrides::from(self).fmt(f)
    }
}
