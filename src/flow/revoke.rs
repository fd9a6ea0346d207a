//! Ending things: one session, all of a user's, everybody's, single legacy tokens, users.

use std::time::Duration;

use http::request::Parts;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::id::SessionId;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::principal::Principal;
use crate::session::RevokeReason;
use crate::session::SessionPolicy;
use crate::session::SessionRecord;
use crate::store::Change;
use crate::store::SessionPatch;
use crate::store::Updated;
use crate::time::Timestamp;
use crate::token::decode_access;
use crate::token::decode_refresh;
use crate::trace::count;
use crate::verify::RequestHead;
use crate::verify::legacy_way;
use crate::verify::lift;

/// Which of a user's sessions "log out everywhere" means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LogoutScope {
    /// Every one, this one included.
    #[default]
    Everywhere,
    /// Every one but the one that asks.
    Others,
}

/// How often a change of a session is tried again because another change was faster.
const ATTEMPTS_MAX: usize = 8;

impl Auth {
    /// Ends one session of a user: the device list's "sign out".
    ///
    /// Legacy tokens issued beside it, and the one it was exchanged from, die with it. Refused on
    /// this node at once, on the others within the staleness bound.
    ///
    /// # Errors
    ///
    /// `not_found` for an id that does not exist or is somebody else's; `store_unavailable`.
    pub async fn revoke_session(
        &self,
        user: &UserId,
        id: SessionId,
        reason: RevokeReason,
    ) -> Result<(), AuthError> {
        let row = self.core().coherence.stores().sessions.find(user, id).await;
        let row = row.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        let row = row.ok_or(AuthErrorKind::NotFound)?;
        self.revoke_key(row.key, reason).await?;
        Ok(())
    }

    pub(crate) async fn revoke_key(
        &self,
        key: SessionKey,
        reason: RevokeReason,
    ) -> Result<Option<SessionRecord>, AuthErrorKind> {
        let core = self.core();
        let now = core.clock.now();
        let row = core.coherence.stores().sessions.revoke(key, reason, now).await;
        let row = row.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        if let Some(row) = &row {
            self.took_effect(row);
            count!("segue_sessions_revoked_total", "reason" => reason.label());
            tracing::info!(session = %row.id(), user = %row.user, reason = reason.label(), "session revoked");
        }
        Ok(row)
    }

    /// Lets a revocation take effect on this node before its feed entry comes round.
    pub(crate) fn took_effect(&self, row: &SessionRecord) {
        let coherence = &self.core().coherence;
        self.memo().forget(row.key);
        if let Some(revoked) = row.revoked {
            coherence.note_revoked(row.key, revoked.reason);
        }
        for entry in row.legacy_entries() {
            coherence.apply_local(&Change::Blacklisted(entry));
        }
    }

    /// Ends everything of a user with one write: every session authenticated, and every legacy
    /// token issued, up to this instant. A refresh in flight revives nothing.
    ///
    /// Call it when a password or a second factor was changed, or the user asks for it.
    ///
    /// # Errors
    ///
    /// `store_unavailable`; nothing was changed then.
    pub async fn revoke_user(&self, user: &UserId) -> Result<(), AuthError> {
        let now = self.core().clock.now();
        self.raise(NotBeforeScope::User(user.clone()), now).await?;
        count!("segue_not_before_total", "scope" => "user");
        tracing::info!(%user, "everything of a user was revoked");
        Ok(())
    }

    /// Ends every session and every legacy token of everybody up to this instant: after a restore
    /// from backup, which would bring revoked sessions back, or when a key was stolen.
    ///
    /// # Errors
    ///
    /// `store_unavailable`; nothing was changed then.
    pub async fn revoke_everything(&self) -> Result<(), AuthError> {
        self.raise(NotBeforeScope::All, self.core().clock.now()).await?;
        count!("segue_not_before_total", "scope" => "all");
        tracing::warn!("everything of everybody was revoked");
        Ok(())
    }

    /// Turns a user away at once, on every node: the pushed form of what the `users(..)` hook
    /// answers when it is asked. Their credentials up to now are dead for good; whether they can
    /// log in again is the app's to decide.
    ///
    /// # Errors
    ///
    /// `store_unavailable`; nothing was changed then.
    pub async fn disable_user(&self, user: &UserId) -> Result<(), AuthError> {
        self.core().users.forget(user);
        self.revoke_user(user).await
    }

    async fn raise(&self, scope: NotBeforeScope, at: Timestamp) -> Result<(), AuthErrorKind> {
        let core = self.core();
        let not_before = NotBefore::new(scope, at, self.longest_life());
        let stored = core.coherence.stores().blacklist.raise_not_before(not_before.clone()).await;
        let at = stored.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        core.coherence.apply_local(&Change::NotBefore(NotBefore { at, ..not_before }));
        Ok(())
    }

    /// How long anything may live that a not-before of now has to kill.
    ///
    /// Longer than today's settings ask for: raising `LEGACY_JWT_MAX_AGE` later must not bring back
    /// what was revoked. Tokens that do not say when they were issued are killed for good.
    fn longest_life(&self) -> Duration {
        let core = self.core();
        if core.legacy.all().iter().any(|source| source.limits().allows_missing_iat()) {
            return Duration::MAX;
        }
        let legacy = core.flags.snapshot().legacy_max_age;
        core.policy.absolute.max(legacy).max(SessionPolicy::ABSOLUTE_MAX)
    }

    /// "Log out everywhere" or "sign out other devices", asked by a session or a legacy token.
    ///
    /// To keep the session that asks, it is first authenticated anew just after the instant, and
    /// then the not-before is raised: in the other order a request of this device in between would
    /// be refused, and its cookie cleared. A legacy token can't be kept: whoever asks with one is
    /// logged out too.
    ///
    /// # Errors
    ///
    /// `store_unavailable`; `session_revoked` when the session that asks was ended meanwhile.
    pub async fn logout_all(&self, who: &Principal, scope: LogoutScope) -> Result<(), AuthError> {
        let user = who.user_id();
        match (scope, who.session_facts()) {
            (LogoutScope::Others, Some(facts)) => {
                let at = self.core().clock.now();
                let just_after = Timestamp::from_unix_micros(at.as_unix_micros().saturating_add(1));
                self.reauthenticate(facts.key, just_after).await?;
                self.raise(NotBeforeScope::User(user.clone()), at).await?;
                count!("segue_not_before_total", "scope" => "others");
                Ok(())
            }
            _ => self.revoke_user(user).await,
        }
    }

    async fn reauthenticate(&self, key: SessionKey, at: Timestamp) -> Result<(), AuthErrorKind> {
        let sessions = &self.core().coherence.stores().sessions;
        let unavailable = |_| AuthErrorKind::StoreUnavailable;
        let mut row = sessions.load(key).await.map_err(unavailable)?;
        for _ in 0..ATTEMPTS_MAX {
            let Some(current) = row else { return Err(AuthErrorKind::SessionRevoked) };
            let patch = SessionPatch { authenticated_at: Some(at), ..SessionPatch::default() };
            match sessions.update(key, current.revision, patch).await.map_err(unavailable)? {
                Updated::Done(_) => {
                    self.core().coherence.forget_session(key);
                    return Ok(());
                }
                Updated::Conflict(other) => row = Some(*other),
                Updated::Gone => return Err(AuthErrorKind::SessionRevoked),
            }
        }
        Err(AuthErrorKind::StoreUnavailable)
    }

    /// Puts a legacy token on the blacklist by its `jti`, until `until` (its `exp` plus leeway).
    ///
    /// # Errors
    ///
    /// `store_unavailable`; nothing was changed then.
    pub async fn blacklist_jti(
        &self,
        source: &str,
        jti: &str,
        until: Timestamp,
    ) -> Result<(), AuthError> {
        let key = BlacklistKey::of_jti(source, jti);
        Ok(self.blacklist(vec![BlacklistEntry { key, until }]).await?)
    }

    /// Puts a legacy token on the blacklist by its text: by the hash of its signing input, and by
    /// its `jti` when it has one. Only genuine tokens are taken, so nobody fills the list with
    /// inventions.
    ///
    /// # Errors
    ///
    /// `invalid_token` for a token no source verifies; `store_unavailable`.
    pub async fn blacklist_token(&self, token: &str) -> Result<(), AuthError> {
        let core = self.core();
        let moment = core.clock.read();
        let candidates = (0..core.legacy.all().len()).map(|source| (source, token));
        match legacy_way::recognise(core, candidates, moment) {
            Some(Ok(seen)) => {
                let until = self.legacy_end(&seen.token, seen.source);
                let entry = |key: &BlacklistKey| BlacklistEntry { key: *key, until };
                // The last key may be the session's id: other tokens of the session stay alive.
                let own = seen.own_keys().iter().map(entry).collect();
                Ok(self.blacklist(own).await?)
            }
            Some(Err(AuthErrorKind::TokenExpired)) => Ok(()),
            Some(Err(kind)) => Err(kind.into()),
            None => Err(AuthErrorKind::InvalidToken.into()),
        }
    }

    pub(crate) async fn blacklist(
        &self,
        entries: Vec<BlacklistEntry>,
    ) -> Result<(), AuthErrorKind> {
        let coherence = &self.core().coherence;
        let stored = coherence.stores().blacklist.add_to_blacklist(entries.clone()).await;
        stored.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        count!("segue_blacklisted_total");
        for entry in entries {
            coherence.apply_local(&Change::Blacklisted(entry));
        }
        Ok(())
    }

    /// Logs out every credential a request carries, and the refresh token if the client sends it
    /// in another way: the session by access or refresh token, expired or not, and the legacy
    /// token. Done twice it is done once.
    ///
    /// # Errors
    ///
    /// `store_unavailable`, and then the cookies stay: a logout that did not happen must not look
    /// as if it had. `invalid_request` for credentials that can't be read.
    pub async fn logout(
        &self,
        parts: &Parts,
        refresh_token: Option<&str>,
    ) -> Result<(), AuthError> {
        Ok(self.logout_head(&RequestHead::of_parts(parts), refresh_token).await?)
    }

    pub(crate) async fn logout_head(
        &self,
        head: &RequestHead<'_>,
        refresh_in_body: Option<&str>,
    ) -> Result<(), AuthErrorKind> {
        let core = self.core();
        let presented = lift(head.headers, head.uri, &core.lift)?;
        core.check_keys()?;
        let keys = core.keys.load_full();
        let by_access = [presented.bearer, presented.access_cookie];
        let by_access = by_access.into_iter().flatten();
        let by_access = by_access.filter_map(|text| decode_access(text).ok()?.verify(&keys).ok());
        let by_refresh = [refresh_in_body, presented.refresh_cookie].into_iter().flatten();
        let by_refresh =
            by_refresh.filter_map(|text| decode_refresh(text).ok()?.verify(&keys).ok());
        let mut sessions: Vec<SessionKey> = by_access
            .map(|verified| verified.session_key())
            .chain(by_refresh.map(|verified| verified.session_key()))
            .collect();
        sessions.sort_unstable();
        sessions.dedup();
        for key in sessions {
            self.revoke_key(key, RevokeReason::Logout).await?;
        }
        for (_, text) in presented.legacy() {
            // What is no genuine token needs no end; one behind it, for another source, does.
            if let Err(AuthErrorKind::StoreUnavailable) =
                self.blacklist_token(text).await.map_err(AuthError::kind)
            {
                return Err(AuthErrorKind::StoreUnavailable);
            }
        }
        Ok(())
    }
}
