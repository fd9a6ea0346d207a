//! Login: the app has checked who it is; a session begins, and whatever was there before ends.

use std::future::IntoFuture;
use std::pin::Pin;

use tracing::Instrument;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::flow::RequestContext;
use crate::flow::TokenPair;
use crate::flow::exchange::EXCHANGES_MAX;
use crate::flow::issue::LegacyIssuer;
use crate::flow::issue::is_within_second_of;
use crate::id::UserId;
use crate::secret::SecretText;
use crate::session::RevokeReason;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::Inserted;
use crate::store::NewSession;
use crate::time::Moment;
use crate::time::Timestamp;
use crate::token::SessionSecret;
use crate::trace::count;

/// What a login yields, by the rollout: a session, a legacy token, or both (dual issue).
#[derive(Debug)]
#[non_exhaustive]
pub struct Login {
    /// The session's tokens; `None` for users whom the rollout does not reach yet.
    pub pair: Option<TokenPair>,
    legacy: Option<SecretText>,
}

impl Login {
    /// The legacy token, while dual issue is on.
    #[must_use]
    pub fn legacy_token(&self) -> Option<&str> {
        let beside = self.pair.as_ref().and_then(TokenPair::legacy_token);
        beside.or_else(|| self.legacy.as_ref().map(SecretText::expose))
    }

    /// The body for an API client. Send it with `Cache-Control: no-store`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match (&self.pair, self.legacy_token()) {
            (Some(pair), _) => pair.to_json(),
            (None, Some(token)) => serde_json::json!({ "legacy_token": token }),
            (None, None) => serde_json::json!({}),
        }
    }
}

/// A login being prepared; await it.
///
/// ```
/// use segue::{Auth, MemoryStore, SessionData};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = Auth::builder().store(MemoryStore::new()).build()?;
/// let login = auth
///     .login(42_u64)
///     .scopes("orders:read".parse()?)
///     .data(SessionData::new(serde_json::json!({"tenant": "north"}))?)
///     .await?;
/// assert!(login.pair.is_some());
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a login happens when it is awaited"]
pub struct LoginBuilder {
    auth: Auth,
    user: UserId,
    scopes: Scopes,
    data: SessionData,
    context: RequestContext,
    authenticated_at: Option<Timestamp>,
    begun: Moment,
}

impl Auth {
    /// Begins a session for a user whose credentials the app has checked.
    ///
    /// The instant of this call counts as the authentication, unless
    /// [`LoginBuilder::authenticated_at`] gives an earlier one: take it *before* checking the
    /// password, so that a "log out everywhere" in between is not outlived.
    ///
    /// A user whom the rollout does not reach gets a legacy token instead, which needs
    /// [`AuthBuilder::legacy_issuer`](crate::AuthBuilder::legacy_issuer).
    ///
    /// # Errors
    ///
    /// When awaited: `refresh_off` for a user who gets no session, where there is no issuer or it
    /// failed; `session_revoked` where "log out everywhere" came after the password was checked;
    /// `user_disabled` by the `users(..)` hook; `flags_unknown`; `store_unavailable`.
    pub fn login(&self, user: impl Into<UserId>) -> LoginBuilder {
        LoginBuilder {
            auth: self.clone(),
            user: user.into(),
            scopes: Scopes::none(),
            data: SessionData::default(),
            context: RequestContext::default(),
            authenticated_at: None,
            begun: self.core().clock.read(),
        }
    }
}

impl LoginBuilder {
    /// What the session permits. Default: no scope.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// The application's data on the session.
    pub fn data(mut self, data: SessionData) -> Self {
        self.data = data;
        self
    }

    /// The request that logs in: its device is recorded, and the session it carries is replaced
    /// (ASVS 7.2.4: a session planted before the login is worth nothing after it).
    pub fn context(mut self, context: RequestContext) -> Self {
        self.context = context;
        self
    }

    /// The instant before the credentials were checked.
    pub fn authenticated_at(mut self, instant: Timestamp) -> Self {
        self.authenticated_at = Some(instant);
        self
    }

    async fn run(self) -> Result<Login, AuthErrorKind> {
        let core = self.auth.core();
        self.auth.start();
        let flags = core.flags.snapshot().detach();
        if flags.shared_pending() {
            return Err(AuthErrorKind::FlagsUnknown);
        }
        core.check_keys()?;
        core.users.ask(&self.user, self.begun, flags.legacy_stale_ok).await?;
        // Nobody proved anything in the future, where no revocation of now would reach.
        let begun = self.begun.now;
        let authenticated_at = self.authenticated_at.map_or(begun, |at| at.min(begun));
        if !flags.issues_session_to(&self.user) {
            return self.without_session(authenticated_at).await;
        }
        let not_before = core.not_before(&self.user, self.begun).await?;
        if not_before.is_some_and(|at| authenticated_at <= at) {
            return Err(AuthErrorKind::SessionRevoked);
        }
        let pair = self.create(authenticated_at).await?;
        count!("segue_logins_total", "way" => "session");
        Ok(Login { pair: Some(pair), legacy: None })
    }

    /// For users whom the rollout does not reach: a legacy token, if anything.
    async fn without_session(&self, authenticated_at: Timestamp) -> Result<Login, AuthErrorKind> {
        let not_before = self.auth.core().stored_not_before(&self.user).await?;
        if not_before.is_some_and(|at| authenticated_at <= at) {
            return Err(AuthErrorKind::SessionRevoked);
        }
        let legacy = self.auth.legacy_alone(&self.user, not_before, self.begun.now);
        if let Some(key) = self.context.presented {
            self.auth.revoke_key(key, RevokeReason::Superseded).await?;
        }
        count!("segue_logins_total", "way" => "legacy_jwt");
        match legacy {
            Some(legacy) => Ok(Login { pair: None, legacy: Some(legacy) }),
            None => Err(AuthErrorKind::RefreshOff),
        }
    }

    async fn create(&self, authenticated_at: Timestamp) -> Result<TokenPair, AuthErrorKind> {
        let core = self.auth.core();
        let now = core.clock.now();
        let secret = SessionSecret::generate().map_err(|error| {
            tracing::error!(%error, "no session can be created");
            AuthErrorKind::StoreUnavailable
        })?;
        let record = SessionRecord {
            key: secret.access_secret().session_key(),
            user: self.user.clone(),
            generation: 0,
            key_version: core.keys.load().current(),
            authenticated_at,
            created_at: now,
            expires_at: now.saturating_add(core.policy.absolute),
            rotated_at: None,
            grace_uses: 0,
            foreign_streak: 0,
            last_seen_at: now,
            revoked: None,
            scopes: self.scopes.clone(),
            data: self.data.clone(),
            device: self.context.device.clone().unwrap_or_default(),
            exchanged_from: None,
            legacy_until: self.auth.legacy_until(now),
            revision: 0,
        };
        let asked = core.coherence.asking(&record.key);
        self.auth.insert(&record, self.context.presented).await?;
        core.coherence.put_session(*secret.access_secret().expose(), &record, asked);
        self.auth.pair(&record, &secret, now).await
    }
}

impl Auth {
    /// Writes the row, and lets what it displaced take effect on this node at once.
    pub(crate) async fn insert(
        &self,
        record: &SessionRecord,
        supersedes: Option<crate::id::SessionKey>,
    ) -> Result<Inserted, AuthErrorKind> {
        let core = self.core();
        let new = NewSession {
            record: record.clone(),
            sessions_max: core.policy.sessions_per_user_max,
            idle: core.policy.idle,
            supersedes,
            exchanges_max: EXCHANGES_MAX,
        };
        let inserted = core.coherence.stores().sessions.insert(new).await;
        let inserted = inserted.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        if let Inserted::Created { revoked } = &inserted {
            for row in revoked {
                self.took_effect(row);
            }
        }
        Ok(inserted)
    }

    /// The pair for a row, with the legacy token beside it.
    pub(crate) async fn pair(
        &self,
        row: &SessionRecord,
        secret: &SessionSecret,
        now: Timestamp,
    ) -> Result<TokenPair, AuthErrorKind> {
        let core = self.core();
        let mut pair = super::issue::mint(&core.keys.load(), &core.policy, row, secret, now)?;
        if let (Some(issuer), Some(until)) = (self.issuer(), row.legacy_until)
            && self.legacy_until(now).is_some()
        {
            pair.legacy = self.legacy_beside(issuer, row, until, now).await?;
        }
        Ok(pair)
    }

    /// The legacy token beside a pair. `now` was read before the store is asked, so that whatever
    /// is revoked after its answer is later than the token; and it ends with its session.
    async fn legacy_beside(
        &self,
        issuer: &LegacyIssuer,
        row: &SessionRecord,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<SecretText>, AuthErrorKind> {
        let Ok(not_before) = self.core().stored_not_before(&row.user).await else {
            tracing::warn!("no legacy token is issued beside a session while the store fails");
            return Ok(None);
        };
        if not_before.is_some_and(|at| row.authenticated_at <= at) {
            return Err(AuthErrorKind::SessionRevoked);
        }
        let end = until.min(row.expires_at);
        // A session that was kept while the others were signed out has to wait for the second to
        // pass: a token dated past it would outlive another revocation within it.
        let kept = not_before.is_some_and(|at| row.created_at <= at);
        if kept && is_within_second_of(not_before, now) {
            return Ok(None);
        }
        Ok(issuer.issue(&row.user, Some(row.id()), end, not_before, now))
    }

    /// A legacy token without a session: for users whom the rollout does not reach.
    fn legacy_alone(
        &self,
        user: &UserId,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<SecretText> {
        let until = self.legacy_until(now)?;
        self.issuer()?.issue(user, None, until, not_before, now)
    }

    /// The last instant at which a legacy token issued now can be accepted, if one is issued.
    pub(crate) fn legacy_until(&self, now: Timestamp) -> Option<Timestamp> {
        let core = self.core();
        let leeway = core.legacy.all().iter().map(|source| source.limits().leeway()).max();
        self.issuer()?.until(&core.flags.snapshot(), leeway.unwrap_or_default(), now)
    }
}

impl IntoFuture for LoginBuilder {
    type Output = Result<Login, AuthError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::debug_span!("segue.login", user = %self.user);
        Box::pin(async move { self.run().await.map_err(AuthError::from) }.instrument(span))
    }
}
