//! The row of a session: everything a store keeps about one login on one device.

use std::time::Duration;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::device::Device;
use crate::error::AuthErrorKind;
use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::time::Timestamp;

/// One session as a store keeps it. It holds no secret: a stolen table yields no usable token.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it from their rows")]
pub struct SessionRecord {
    /// Primary key.
    pub key: SessionKey,
    /// Whose session it is. Never changes.
    pub user: UserId,
    /// Generation of the current refresh token; 0 until the first rotation.
    pub generation: u64,
    /// The key version under which the current refresh token was made.
    pub key_version: KeyVersion,
    /// The instant *before* the credentials were checked, or the legacy token was issued.
    /// Not-before instants are compared with it; refreshing never changes it.
    pub authenticated_at: Timestamp,
    /// When the row was written.
    pub created_at: Timestamp,
    /// Absolute end. Never moves later.
    pub expires_at: Timestamp,
    /// When the current generation began: the grace window opens here.
    pub rotated_at: Option<Timestamp>,
    /// How often the predecessor of the current generation was answered.
    pub grace_uses: u32,
    /// Consecutive generations whose grace answer went to another device.
    pub foreign_streak: u32,
    /// Last use, as far as it was written down (write-behind, see `SESSION_TRACKING`).
    pub last_seen_at: Timestamp,
    /// When and why it was revoked, if it was.
    pub revoked: Option<Revoked>,
    /// What the session permits.
    pub scopes: Scopes,
    /// The application's data.
    pub data: SessionData,
    /// Where it was opened from.
    pub device: Device,
    /// The legacy token it was exchanged from, if it was.
    pub exchanged_from: Option<LegacyLink>,
    /// The last instant at which a legacy token issued beside this session can still live.
    pub legacy_until: Option<Timestamp>,
    /// Counts the changes that other nodes are told of; [`update`](crate::SessionStore::update)
    /// is conditional on it.
    pub revision: u64,
}

/// The end of a session before its time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a pair, part of a row")]
pub struct Revoked {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: RevokeReason,
}

/// Why a session was revoked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RevokeReason {
    /// By an administrator or the application.
    Administration,
    /// A newer login of the same user took its place under the cap.
    Cap,
    /// The user signed this device out from another one.
    DeviceList,
    /// The user logged out.
    Logout,
    /// An old refresh token came back.
    Reuse,
    /// A new login in the same browser replaced it, so that a planted session is worth nothing.
    Superseded,
}

impl RevokeReason {
    /// The stable name, as stores write it and metrics label it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Administration => "administration",
            Self::Cap => "cap",
            Self::DeviceList => "device_list",
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::Superseded => "superseded",
        }
    }

    /// Takes back what a store wrote.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        [
            Self::Administration,
            Self::Cap,
            Self::DeviceList,
            Self::Logout,
            Self::Reuse,
            Self::Superseded,
        ]
        .into_iter()
        .find(|reason| reason.label() == label)
    }
}

/// The legacy token a session was exchanged from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a pair, part of a row")]
pub struct LegacyLink {
    /// Its name in the blacklist.
    pub key: BlacklistKey,
    /// Its end, leeway included: until then the row is kept, even revoked, so that the token can't
    /// be exchanged a second time.
    pub until: Timestamp,
}

impl SessionRecord {
    /// The name that may be shown.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.key.public_id()
    }

    /// The latest sign of life that counts for the idle timeout: creation, last rotation, last-seen.
    #[must_use]
    pub fn last_active_at(&self) -> Timestamp {
        self.created_at.max(self.last_seen_at).max(self.rotated_at.unwrap_or(Timestamp::EPOCH))
    }

    /// Why the session can't be used at `now`, if it can't.
    ///
    /// `not_before` is the later of the user's and the global instant: a session authenticated at
    /// or before it is dead. Ends are exclusive: at `expires_at` it is over.
    #[must_use]
    pub fn refusal(
        &self,
        now: Timestamp,
        idle: Duration,
        not_before: Option<Timestamp>,
    ) -> Option<AuthErrorKind> {
        if self.revoked.is_some() || not_before.is_some_and(|at| self.authenticated_at <= at) {
            Some(AuthErrorKind::SessionRevoked)
        } else if now >= self.expires_at || now >= self.last_active_at().saturating_add(idle) {
            Some(AuthErrorKind::SessionExpired)
        } else {
            None
        }
    }

    /// What goes onto the blacklist in the same step in which this session is revoked: the legacy
    /// tokens issued beside it, and the one it was exchanged from. A stolen pair dies whole.
    #[must_use]
    pub fn legacy_entries(&self) -> Vec<BlacklistEntry> {
        let beside = self
            .legacy_until
            .map(|until| BlacklistEntry { key: BlacklistKey::of_session(self.id()), until });
        let origin =
            self.exchanged_from.map(|link| BlacklistEntry { key: link.key, until: link.until });
        beside.into_iter().chain(origin).collect()
    }

    /// From when on a store may delete the row: it can't be used any more, and no legacy token is
    /// left that could be exchanged for it again.
    #[must_use]
    pub fn purge_after(&self) -> Timestamp {
        self.exchanged_from.map_or(self.expires_at, |link| link.until.max(self.expires_at))
    }
}
