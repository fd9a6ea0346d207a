//! How long sessions live and how refresh tolerates honest accidents: every knob with its default.

use std::time::Duration;

use crate::error::ConfigFault;

/// Lifetimes and limits of sessions.
///
/// The defaults follow OWASP ASVS 5.0 chapter 7 and NIST SP 800-63B for an ordinary consumer app:
/// short access tokens, two idle weeks, ninety days in all.
///
/// ```
/// use segue::SessionPolicy;
/// use std::time::Duration;
///
/// let bank = SessionPolicy {
///     idle: Duration::from_secs(15 * 60),
///     absolute: Duration::from_secs(12 * 3600),
///     access_life: Duration::from_secs(5 * 60),
///     ..SessionPolicy::default()
/// };
/// assert!(bank.faults().is_empty());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "written with struct update from the default")]
pub struct SessionPolicy {
    /// Life of an access token. Default 10 minutes. Revocation does not wait for it.
    pub access_life: Duration,
    /// A session unused for so long is over. Default 14 days. Use means a refresh, or a request
    /// while `SESSION_TRACKING` is on.
    pub idle: Duration,
    /// A session this old is over, used or not; refreshing never extends it. Default 90 days.
    pub absolute: Duration,
    /// How long after a rotation its predecessor still gets the same answer, for tabs that raced
    /// and answers that got lost. Default 30 seconds; it starts at the rotation and never slides.
    /// Zero switches it off: then only a request that was on its way when the other one rotated
    /// is forgiven, and an answer that gets lost costs the session.
    pub grace_window: Duration,
    /// How often that is answered for one rotation. Default 100.
    pub grace_uses_max: u32,
    /// Live sessions of one user; a login beyond it ends the oldest. Default 100.
    pub sessions_per_user_max: u32,
    /// Last-seen is written at most once per session in this time. Default 60 seconds.
    pub write_interval: Duration,
    /// How long after an exchange the same legacy token gets the same answer. Default 60 seconds.
    pub exchange_window: Duration,
    /// `RefreshLayer` renews an access token this long before its end. Default 60 seconds.
    pub renew_before: Duration,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const DAY: u64 = 24 * 60 * MINUTE;
        Self {
            access_life: Duration::from_secs(10 * MINUTE),
            idle: Duration::from_secs(14 * DAY),
            absolute: Duration::from_secs(90 * DAY),
            grace_window: Duration::from_secs(30),
            grace_uses_max: 100,
            sessions_per_user_max: 100,
            write_interval: Duration::from_secs(MINUTE),
            exchange_window: Duration::from_secs(MINUTE),
            renew_before: Duration::from_secs(MINUTE),
        }
    }
}

impl SessionPolicy {
    /// The longest absolute lifetime that is taken: 400 days, the longest a browser keeps a cookie.
    pub const ABSOLUTE_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
    /// The shortest grace window that is taken, besides none: several times what a store call may
    /// take, because the window opens before the write that it belongs to.
    pub const GRACE_WINDOW_MIN: Duration = Duration::from_secs(4);
    /// The longest grace window that is taken.
    pub const GRACE_WINDOW_MAX: Duration = Duration::from_secs(300);

    /// What is wrong with these settings; empty when nothing is.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let mut demand = |holds: bool, setting: &str, value: Duration, allowed: &str| {
            if !holds {
                let value = humantime::format_duration(value).to_string();
                faults.push(ConfigFault::new(format!("SessionPolicy.{setting}"), value, allowed));
            }
        };
        let second = Duration::from_secs(1);
        demand(self.access_life >= second, "access_life", self.access_life, "at least 1s");
        demand(
            self.absolute <= Self::ABSOLUTE_MAX && self.absolute >= self.access_life,
            "absolute",
            self.absolute,
            "a span from access_life to 400 days",
        );
        demand(
            self.idle >= 2 * self.access_life.max(self.write_interval),
            "idle",
            self.idle,
            "at least twice the longer of access_life and write_interval, or active users are signed out",
        );
        demand(
            self.grace_window.is_zero()
                || (Self::GRACE_WINDOW_MIN..=Self::GRACE_WINDOW_MAX).contains(&self.grace_window),
            "grace_window",
            self.grace_window,
            "0s, or 4s to 5m: shorter than the slowest store answer it accuses honest tabs, and \
             inside it a stolen predecessor is not recognised",
        );
        demand(
            self.renew_before < self.access_life,
            "renew_before",
            self.renew_before,
            "less than access_life",
        );
        if self.sessions_per_user_max == 0 {
            faults.push(ConfigFault::new("SessionPolicy.sessions_per_user_max", "0", "at least 1"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The defaults are sound, and an idle time that signs active users out is refused.
    #[test]
    fn idle_must_leave_room_for_refreshing() {
        assert!(SessionPolicy::default().faults().is_empty());
        let tight = SessionPolicy { idle: Duration::from_secs(1199), ..SessionPolicy::default() };
        assert_eq!(tight.faults().len(), 1);
        assert!(tight.faults()[0].to_string().contains("SessionPolicy.idle"));
    }
}
