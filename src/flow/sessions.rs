//! The user's list of sessions, and changes of what a session permits and holds.

use serde::Serialize;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::id::SessionId;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::PageAfter;
use crate::store::SessionPatch;
use crate::store::Updated;
use crate::time::Timestamp;

/// A page of a user's live sessions, newest first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<ListedSession>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageAfter>,
}

/// One session as its owner may see it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ListedSession {
    /// Its public id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, as far as it was written down.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// "Firefox on Linux".
    pub device: Option<Box<str>>,
    /// The address it was opened from.
    pub address: Option<std::net::IpAddr>,
    /// What it permits.
    pub scopes: Scopes,
    /// Whether it was exchanged from a legacy token.
    pub exchanged: bool,
}

impl From<&SessionRecord> for ListedSession {
    fn from(row: &SessionRecord) -> Self {
        Self {
            id: row.id(),
            created_at: row.created_at,
            last_seen_at: row.last_active_at(),
            expires_at: row.expires_at,
            device: row.device.name.clone(),
            address: row.device.address,
            scopes: row.scopes.clone(),
            exchanged: row.exchanged_from.is_some(),
        }
    }
}

/// How many sessions a page holds at most.
const PAGE_MAX: u32 = 100;
/// How often a change is tried again because another one was faster.
const ATTEMPTS_MAX: usize = 8;

impl Auth {
    /// The live sessions of a user: what a page "your devices" shows. Read from the store, never
    /// from a cache; at most a hundred rows are read at once, so a page may be short while
    /// `next` says that there is more.
    ///
    /// # Errors
    ///
    /// `store_unavailable`.
    pub async fn sessions(
        &self,
        user: &UserId,
        after: Option<PageAfter>,
    ) -> Result<SessionPage, AuthError> {
        let core = self.core();
        let moment = core.clock.read();
        let rows = core.coherence.stores().sessions.list(user, after, PAGE_MAX).await;
        let rows = rows.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        let not_before = core.not_before(user, moment).await?;
        let full = rows.len() >= PAGE_MAX as usize;
        let last = rows.last().map(|row| PageAfter { created_at: row.created_at, id: row.id() });
        let live =
            |row: &&SessionRecord| row.refusal(moment.now, core.policy.idle, not_before).is_none();
        Ok(SessionPage {
            sessions: rows.iter().filter(live).map(ListedSession::from).collect(),
            next: last.filter(|_| full),
        })
    }

    /// How many rows hang on each key version: what has to be 0 before a version is taken out of
    /// the keyring, or sessions end that need not.
    ///
    /// # Errors
    ///
    /// `store_unavailable`.
    pub async fn key_usage(&self) -> Result<Vec<(KeyVersion, u64)>, AuthError> {
        let usage = self.core().coherence.stores().sessions.key_usage().await;
        Ok(usage.map_err(|_| AuthErrorKind::StoreUnavailable)?)
    }

    /// One round of the sweeper, which otherwise runs every ten minutes: deletes sessions and
    /// blacklist entries that nothing can need any more, in bounded batches.
    ///
    /// # Errors
    ///
    /// `store_unavailable`; what was deleted before it stays deleted.
    pub async fn sweep(&self) -> Result<(), AuthError> {
        let core = self.core();
        let swept = core.coherence.sweep_once(core.clock.now()).await;
        Ok(swept.map(drop).map_err(|_| AuthErrorKind::StoreUnavailable)?)
    }

    /// Replaces the application's data on a session: seen on this node at once, on the others
    /// within the staleness bound. `change` gets the present data, and is called again when
    /// another change was faster, so no change is lost.
    ///
    /// # Errors
    ///
    /// `not_found` for a session that does not exist or is somebody else's; `session_revoked`;
    /// `store_unavailable`.
    pub async fn update_data(
        &self,
        user: &UserId,
        id: SessionId,
        mut change: impl FnMut(&SessionData) -> SessionData,
    ) -> Result<(), AuthError> {
        let patch = |row: &SessionRecord| SessionPatch {
            data: Some(change(&row.data)),
            ..SessionPatch::default()
        };
        Ok(self.update(user, id, patch).await?)
    }

    /// Replaces what a session permits; no new tokens are needed.
    ///
    /// # Errors
    ///
    /// As [`Auth::update_data`].
    pub async fn set_scopes(
        &self,
        user: &UserId,
        id: SessionId,
        scopes: Scopes,
    ) -> Result<(), AuthError> {
        let patch = |_: &SessionRecord| SessionPatch {
            scopes: Some(scopes.clone()),
            ..SessionPatch::default()
        };
        Ok(self.update(user, id, patch).await?)
    }

    async fn update(
        &self,
        user: &UserId,
        id: SessionId,
        mut patch: impl FnMut(&SessionRecord) -> SessionPatch,
    ) -> Result<(), AuthErrorKind> {
        let sessions = &self.core().coherence.stores().sessions;
        let unavailable = |_| AuthErrorKind::StoreUnavailable;
        let row = sessions.find(user, id).await.map_err(unavailable)?;
        let mut row = row.ok_or(AuthErrorKind::NotFound)?;
        for _ in 0..ATTEMPTS_MAX {
            let patch = patch(&row);
            match sessions.update(row.key, row.revision, patch).await.map_err(unavailable)? {
                Updated::Done(row) => {
                    self.core().coherence.forget_session(row.key);
                    return Ok(());
                }
                Updated::Conflict(other) => row = *other,
                Updated::Gone => return Err(AuthErrorKind::SessionRevoked),
            }
        }
        Err(AuthErrorKind::StoreUnavailable)
    }
}
