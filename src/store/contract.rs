//! The two data contracts: sessions, and the blacklist.

use std::time::Duration;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::device::Device;
use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::RevokeReason;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::ChangeFeed;
use crate::store::StoreResult;
use crate::time::Timestamp;

/// A backend that holds both sessions and the blacklist. Implemented by itself for whoever
/// implements the two.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    note = "implement `SessionStore` and `BlacklistStore`, or enable the `sqlite` feature for a built-in one"
)]
pub trait Store: SessionStore + BlacklistStore {}

#[diagnostic::do_not_recommend]
impl<S: SessionStore + BlacklistStore> Store for S {}

/// A session to be written.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct NewSession {
    /// The row.
    pub record: SessionRecord,
    /// How many live sessions the user may have afterwards.
    pub sessions_max: u32,
    /// The idle timeout, to tell live sessions from dead ones when counting.
    pub idle: Duration,
    /// The session that this login replaces in the same browser.
    pub supersedes: Option<SessionKey>,
    /// How many rows, dead ones included, may share the record's `exchanged_from` key afterwards.
    pub exchanges_max: u32,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the contract knows no fourth case")]
pub enum Inserted {
    /// Written. These sessions were revoked in the same step: the oldest beyond the cap, and the
    /// one replaced.
    Created {
        /// The rows as they are now.
        revoked: Vec<SessionRecord>,
    },
    /// As many rows as `exchanges_max` permits were exchanged from the same legacy token; nothing
    /// was written.
    Crowded,
    /// A row with this key exists; nothing was written.
    Exists(Box<SessionRecord>),
}

/// A rotation: a compare-and-swap on the generation of a live row.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct Rotation {
    /// Which session.
    pub key: SessionKey,
    /// The stored generation that makes it happen.
    pub expected: u64,
    /// The generation to store: higher than `expected`.
    pub next: u64,
    /// The key version of the new refresh token.
    pub key_version: KeyVersion,
    /// The instant of the rotation: the grace window opens.
    pub now: Timestamp,
    /// The row must have been active after this instant (`last_active_at`), or it is idle.
    pub active_after: Timestamp,
    /// Until when a legacy token issued beside the new pair can live; never moves earlier.
    pub legacy_until: Option<Timestamp>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the contract knows no third case")]
pub enum Rotated {
    /// This call, and no other, moved the row to `next`. The row as it is now.
    Done(Box<SessionRecord>),
    /// Nothing changed: the row is missing, or is not what was expected. The row as it is.
    Refused(Option<Box<SessionRecord>>),
}

/// A change of a live session's contents. `None` leaves a part as it is.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct SessionPatch {
    /// New scopes.
    pub scopes: Option<Scopes>,
    /// New application data.
    pub data: Option<SessionData>,
    /// A later proof of identity (step-up, "sign out other devices"); never moves earlier.
    pub authenticated_at: Option<Timestamp>,
    /// A device seen since.
    pub device: Option<Device>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the contract knows no fourth case")]
pub enum Updated {
    /// Written; the row as it is now, `revision` one higher.
    Done(Box<SessionRecord>),
    /// Somebody else changed it first. The row as it is.
    Conflict(Box<SessionRecord>),
    /// There is no such row, or it is revoked.
    Gone,
}

/// A sign of life of a session, written behind.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct Touch {
    /// Which session.
    pub key: SessionKey,
    /// When it was used.
    pub seen_at: Timestamp,
    /// Where it was used from, if that is recorded. Its fingerprint fills an empty one and never
    /// replaces another: what a session is compared with does not follow whoever uses it.
    pub device: Option<Device>,
}

/// Where a list goes on: after the session created then, with this id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct PageAfter {
    /// Creation of the last session listed.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SessionId,
}

/// What a node says of its keys when it starts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct KeyRegistration {
    /// Every version with its check value.
    pub checks: Vec<(KeyVersion, [u8; 16])>,
    /// The version to pin for exchange if none is pinned yet.
    pub exchange: KeyVersion,
}

/// What the store knows of keys.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it")]
pub struct KeyRegistry {
    /// Every version any node ever registered, with the check value first seen.
    pub checks: Vec<(KeyVersion, [u8; 16])>,
    /// The version pinned for exchange and fingerprints: it does not rotate, so that the same
    /// legacy token always leads to the same session.
    pub exchange: KeyVersion,
}

/// Sessions: one row per login.
///
/// # Contract
///
/// * [`rotate`](Self::rotate) is won by exactly one caller per generation.
/// * No method revives a revoked row, moves `expires_at` later, or changes `user`.
/// * [`touch`](Self::touch) changes existing, unrevoked rows only, and only forward.
/// * Revocation writes [`SessionRecord::legacy_entries`] to this store's blacklist in the same
///   step, and publishes everything.
///
/// What an attacker could try: present one refresh token to many nodes at once, log out while a
/// refresh is in flight, race a write-behind against a revocation. The conformance suite does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "implement `SessionStore`, or enable the `sqlite` feature for a built-in one"
)]
pub trait SessionStore: ChangeFeed {
    /// Inserts if the key is absent and `exchanges_max` permits; revokes what the cap and
    /// `supersedes` demand; all in one step.
    ///
    /// `created_at` of the new row is the `now` of all this. The row that is superseded may belong
    /// to anybody (a planted session does) and goes first; then the oldest of the user's live
    /// sessions beyond the cap, never the new one. A row that is revoked already is left alone.
    fn insert(&self, new: NewSession) -> impl Future<Output = StoreResult<Inserted>> + Send;

    /// The row with this key, revoked or not, expired or not.
    fn load(
        &self,
        key: SessionKey,
    ) -> impl Future<Output = StoreResult<Option<SessionRecord>>> + Send;

    /// Swaps the generation if the row is unrevoked, unexpired at `now`, active after
    /// `active_after`, and its generation is `expected`. Sets `rotated_at` to `now`, `grace_uses`
    /// to 0 and the key version; `foreign_streak` goes to 0 too if no grace answer was counted for
    /// the generation that ends. One round trip.
    fn rotate(&self, rotation: Rotation) -> impl Future<Output = StoreResult<Rotated>> + Send;

    /// Counts one grace answer if the row is unrevoked and generation and `grace_uses` still are
    /// what was seen, and stores the streak of foreign devices. `false` means somebody else was
    /// faster: another answer, a rotation or a revocation.
    fn count_grace(
        &self,
        key: SessionKey,
        generation: u64,
        grace_uses: u32,
        foreign_streak: u32,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// Revokes, and raises `revision`. An already revoked row keeps its first instant and reason.
    /// The row as it is now, or `None` if there is none.
    fn revoke(
        &self,
        key: SessionKey,
        reason: RevokeReason,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Option<SessionRecord>>> + Send;

    /// Changes contents if the row is live and its revision is `revision`.
    fn update(
        &self,
        key: SessionKey,
        revision: u64,
        patch: SessionPatch,
    ) -> impl Future<Output = StoreResult<Updated>> + Send;

    /// Writes signs of life. Unknown, revoked and later-seen rows are left alone; of several for
    /// one session the latest counts.
    fn touch(&self, touches: Vec<Touch>) -> impl Future<Output = StoreResult<()>> + Send;

    /// At most `limit` rows of a user, newest first, dead ones included.
    fn list(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
        limit: u32,
    ) -> impl Future<Output = StoreResult<Vec<SessionRecord>>> + Send;

    /// The user's row with this public id. Somebody else's is not found.
    fn find(
        &self,
        user: &UserId,
        id: SessionId,
    ) -> impl Future<Output = StoreResult<Option<SessionRecord>>> + Send;

    /// Deletes at most `limit` rows whose [`SessionRecord::purge_after`] is not after `now`.
    fn purge_sessions(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> impl Future<Output = StoreResult<u64>> + Send;

    /// How many rows hang on each key version.
    fn key_usage(&self) -> impl Future<Output = StoreResult<Vec<(KeyVersion, u64)>>> + Send;

    /// Adds versions not registered yet, pins the exchange version if none is, and returns what is
    /// registered: first come, first kept.
    fn register_keys(
        &self,
        registration: KeyRegistration,
    ) -> impl Future<Output = StoreResult<KeyRegistry>> + Send;
}

/// What is asked about one token.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct BlacklistQuery {
    /// Its names.
    pub keys: Vec<BlacklistKey>,
    /// Its user.
    pub user: Option<UserId>,
}

/// What the blacklist says about it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it")]
pub struct BlacklistAnswer {
    /// Whether one of the names is listed.
    pub listed: bool,
    /// The later of the user's and the global not-before instant.
    pub not_before: Option<Timestamp>,
}

/// A part of the whole blacklist, for nodes that start.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it")]
pub struct BlacklistPage {
    /// Some entries.
    pub entries: Vec<BlacklistEntry>,
    /// Some not-before instants.
    pub not_before: Vec<NotBefore>,
    /// What to ask for next; `None` at the end.
    pub next: Option<u64>,
}

/// The blacklist: killed tokens and not-before instants.
///
/// # Contract
///
/// * An entry may be seen late, up to the staleness bound of the reader; it is never lost before
///   its `until`. So a blacklist must not live in a store that evicts.
/// * Writes take the maximum, of `until` and of `at`.
pub trait BlacklistStore: ChangeFeed {
    /// Adds entries; of two with one key the later `until` counts.
    fn add_to_blacklist(
        &self,
        entries: Vec<BlacklistEntry>,
    ) -> impl Future<Output = StoreResult<()>> + Send;

    /// Raises a not-before instant; a lower one changes nothing. The `at` that is stored now.
    fn raise_not_before(
        &self,
        not_before: NotBefore,
    ) -> impl Future<Output = StoreResult<Timestamp>> + Send;

    /// What is known about a token, in one round trip.
    fn query_blacklist(
        &self,
        query: BlacklistQuery,
    ) -> impl Future<Output = StoreResult<BlacklistAnswer>> + Send;

    /// At most `limit` entries and as many not-before instants, starting where `after` says
    /// (`None`: at the beginning). What is added meanwhile may or may not be among them: the
    /// reader follows the feed from before its first page.
    fn blacklist_page(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> impl Future<Output = StoreResult<BlacklistPage>> + Send;

    /// Deletes at most `limit` entries, of either kind, whose `until` is before `now`, and old
    /// feed entries.
    fn purge_blacklist(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> impl Future<Output = StoreResult<u64>> + Send;
}
