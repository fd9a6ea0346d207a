//! The blacklist in memory: killed tokens and not-before instants, and how far they are complete.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::coherent::listed::Added;
use crate::coherent::listed::Listed;
use crate::coherent::trust::Trust;
use crate::id::UserId;
use crate::store::BlacklistAnswer;
use crate::time::Monotonic;
use crate::time::Timestamp;

/// No instant at all.
const NONE: i64 = i64::MIN;

/// What this node knows of the blacklist.
///
/// What it lists is listed, always: entries leave only after their `until`. That something is
/// *not* listed is known only while the replica is complete and the feed trusted.
#[derive(Debug)]
pub(super) struct Replica {
    /// Advances whenever something was added that can refuse a token.
    epoch: AtomicU64,
    /// Whether the whole blacklist was read since the feed was last joined.
    is_complete: AtomicBool,
    /// Whether something did not find room since.
    has_overflowed: AtomicBool,
    trust: Trust,
    listed: Listed,
    users: RwLock<HashMap<UserId, Instants, RandomState>>,
    users_len: AtomicUsize,
    users_max: usize,
    all_at: AtomicI64,
    all_until: AtomicI64,
}

#[derive(Clone, Copy, Debug)]
struct Instants {
    at: Timestamp,
    until: Timestamp,
}

impl Replica {
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            epoch: AtomicU64::new(1),
            is_complete: AtomicBool::new(false),
            has_overflowed: AtomicBool::new(false),
            trust: Trust::new(),
            listed: Listed::new(entries_max),
            users: RwLock::default(),
            users_len: AtomicUsize::new(0),
            users_max: entries_max,
            all_at: AtomicI64::new(NONE),
            all_until: AtomicI64::new(NONE),
        }
    }

    /// To be read *before* judging, so that what is added meanwhile makes the verdict void.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether absence means something at this instant.
    pub(super) fn is_trusted(&self, at: Monotonic, bound: Duration) -> bool {
        self.trust.holds(at, bound) && self.is_complete()
    }

    /// Whether the last complete state is no older than `span`.
    pub(super) fn was_complete_within(&self, at: Monotonic, span: Duration) -> bool {
        self.trust.holds(at, span)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire) && !self.has_overflowed.load(Ordering::Acquire)
    }

    /// What is known, trusted or not.
    pub(super) fn look_up(&self, keys: &[BlacklistKey], user: Option<&UserId>) -> BlacklistAnswer {
        BlacklistAnswer {
            listed: keys.iter().any(|key| self.listed.contains(key)),
            not_before: self.not_before(user),
        }
    }

    /// The later of the user's and the global instant.
    pub(super) fn not_before(&self, user: Option<&UserId>) -> Option<Timestamp> {
        let all = match self.all_at.load(Ordering::Acquire) {
            NONE => None,
            at => Some(Timestamp::from_unix_micros(at)),
        };
        // Most apps have few of them: no lock for nothing.
        if self.users_len.load(Ordering::Acquire) == 0 {
            return all;
        }
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        let own = user.and_then(|user| users.get(user)).map(|instants| instants.at);
        all.max(own)
    }

    /// Adds entries in one go; whether there was anything new among them.
    pub(super) fn add(&self, entries: &[BlacklistEntry]) -> bool {
        let mut news = false;
        for entry in entries {
            match self.listed.add(entry) {
                Added::New => news = true,
                Added::Known => {}
                Added::Full => self.overflow(),
            }
        }
        self.advance_if(news)
    }

    /// Raises instants in one go; whether one of them is later than what was known.
    pub(super) fn raise(&self, instants: &[NotBefore]) -> bool {
        let mut news = false;
        for instant in instants {
            news |= match &instant.scope {
                NotBeforeScope::All => self.raise_all(instant),
                NotBeforeScope::User(user) => self.raise_user(user, instant),
            };
        }
        self.advance_if(news)
    }

    /// The feed was joined anew: absence means nothing until everything has been read.
    pub(super) fn begin(&self) {
        self.is_complete.store(false, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Everything has been read.
    pub(super) fn complete(&self) {
        self.is_complete.store(true, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The feed was heard to its end by a question sent then.
    pub(super) fn extend(&self, sent: Monotonic) {
        if self.is_complete() {
            self.trust.extend(sent);
        }
    }

    pub(super) fn lag(&self, at: Monotonic) -> Duration {
        self.trust.lag(at)
    }

    /// Drops what ended before `now`. Whether something that had no room would find some now, so
    /// that reading everything again is worth it.
    pub(super) fn purge(&self, now: Timestamp) -> bool {
        self.listed.purge(now);
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, instants| instants.until >= now);
        self.users_len.store(users.len(), Ordering::Release);
        if self.all_until.load(Ordering::Acquire) < now.as_unix_micros() {
            self.all_at.store(NONE, Ordering::Release);
        }
        drop(users);
        let again = self.listed.has_room() && self.has_overflowed.load(Ordering::Acquire);
        if again {
            self.begin();
            self.has_overflowed.store(false, Ordering::Release);
        }
        again
    }

    pub(super) fn len(&self) -> usize {
        self.listed.len()
    }

    fn raise_all(&self, instant: &NotBefore) -> bool {
        // Purging must not run between the two.
        let _users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        self.all_until.fetch_max(instant.until.as_unix_micros(), Ordering::AcqRel);
        let at = instant.at.as_unix_micros();
        self.all_at.fetch_max(at, Ordering::AcqRel) < at
    }

    fn raise_user(&self, user: &UserId, instant: &NotBefore) -> bool {
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = users.get_mut(user) {
            let is_later = instant.at > known.at;
            known.at = known.at.max(instant.at);
            known.until = known.until.max(instant.until);
            return is_later;
        }
        if users.len() >= self.users_max {
            drop(users);
            self.overflow();
            return false;
        }
        users.insert(user.clone(), Instants { at: instant.at, until: instant.until });
        self.users_len.store(users.len(), Ordering::Release);
        true
    }

    fn overflow(&self) {
        if !self.has_overflowed.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                entries = self.listed.len(),
                "the blacklist outgrew its place in memory; the store is asked instead"
            );
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn advance_if(&self, news: bool) -> bool {
        if news {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        news
    }
}
