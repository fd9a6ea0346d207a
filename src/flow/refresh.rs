//! Refresh: one compare-and-swap in the ordinary case; everything else goes through the rule.

use std::time::Duration;

use tracing::Instrument;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flags::Fingerprinting;
use crate::flags::FlagSnapshot;
use crate::flow::Auth;
use crate::flow::RequestContext;
use crate::flow::TokenPair;
use crate::flow::attempt::Attempt;
use crate::flow::attempt::Tardy;
use crate::flow::attempt::change;
use crate::session::RefreshCause;
use crate::time::Moment;
use crate::token::VerifiedRefresh;
use crate::token::decode_refresh;
use crate::trace::count;
use crate::verify::devices;

impl Auth {
    /// Trades a refresh token for the next pair (RFC 9700, section 4.14).
    ///
    /// | presented | answer |
    /// |---|---|
    /// | the current token | a new pair; the session's idle time starts again |
    /// | its predecessor, within the grace window | the same successor again, for tabs that raced and answers that got lost |
    /// | anything older | the session is revoked: somebody else has, or had, the token |
    ///
    /// # Errors
    ///
    /// `invalid_token` for anything malformed or forged, without asking the store;
    /// `session_revoked`, `session_expired`, `refresh_reused`; `user_disabled`; `device_mismatch`
    /// under `DEVICE_FINGERPRINTING=enforce`, the session kept; `refresh_off` while
    /// `REFRESH_TOKEN_SYSTEM=false`. A store fault is retried, then `store_unavailable` with a
    /// `Retry-After` well inside the grace window: the client tries again with the same token.
    pub async fn refresh(
        &self,
        token: &str,
        context: &RequestContext,
    ) -> Result<TokenPair, AuthError> {
        let arrival = self.core().clock.read();
        match self.refresh_at(token, context, arrival, Tardy::Impossible).await {
            Ok(Some(pair)) => Ok(pair),
            Ok(None) => Err(self.refresh_error(AuthErrorKind::StoreUnavailable)),
            Err(kind) => Err(self.refresh_error(kind)),
        }
    }

    /// A `Retry-After` well inside the grace window: the client tries again with the same token.
    fn refresh_error(&self, kind: AuthErrorKind) -> AuthError {
        let patience = self.core().policy.grace_window / 3;
        AuthError::from(kind).with_retry_after(patience.min(Duration::from_secs(2)))
    }

    /// The same for a request that arrived at `arrival`. `None` where nothing is to be said any
    /// more: see [`Tardy`].
    pub(crate) async fn refresh_at(
        &self,
        token: &str,
        context: &RequestContext,
        arrival: Moment,
        tardy: Tardy,
    ) -> Result<Option<TokenPair>, AuthErrorKind> {
        let refreshing = self.refresh_as(token, context, arrival, tardy);
        let outcome = refreshing.instrument(tracing::debug_span!("segue.refresh")).await;
        let label = match &outcome {
            Ok(Some(pair)) => pair.cause.map_or("rotated", RefreshCause::label),
            Ok(None) => "overtaken",
            Err(kind) => kind.code(),
        };
        count!("segue_refresh_total", "outcome" => label);
        outcome
    }

    async fn refresh_as(
        &self,
        token: &str,
        context: &RequestContext,
        arrival: Moment,
        tardy: Tardy,
    ) -> Result<Option<TokenPair>, AuthErrorKind> {
        let core = self.core();
        core.check_keys()?;
        let verified = decode_refresh(token)?.verify(&core.keys.load())?;
        self.start();
        let flags = core.flags.snapshot().detach();
        if flags.shared_pending() {
            return Err(AuthErrorKind::FlagsUnknown);
        }
        if !flags.accepts_sessions() {
            return Err(AuthErrorKind::RefreshOff);
        }
        self.check_before(&verified, context, &flags, arrival).await?;
        if let Some(pair) = self.remembered_pair(&verified, context, arrival).await {
            return Ok(Some(pair));
        }
        let attempt = Attempt { auth: self, verified, context, flags, arrival, tardy };
        attempt.run().await
    }

    /// The answer of a rotation this node made a moment ago: a read instead of a write, if the
    /// session lives and no other node has rotated it since.
    async fn remembered_pair(
        &self,
        verified: &VerifiedRefresh,
        context: &RequestContext,
        arrival: Moment,
    ) -> Option<TokenPair> {
        let core = self.core();
        let policy = &core.policy;
        let (key, presented) = (verified.session_key(), verified.generation());
        let fingerprint = context.device.as_ref().and_then(|device| device.fingerprint);
        let window = policy.grace_window;
        if !self.memo().knows(key, presented, fingerprint, arrival.now, window) {
            return None;
        }
        let row = core.coherence.stores().sessions.load(key).await.ok()??;
        let not_before = core.not_before(&row.user, arrival).await.ok()?;
        if row.refusal(arrival.now, policy.idle, not_before).is_some() {
            return None;
        }
        if !self.memo().answer(&row, presented, policy.grace_uses_max) {
            return None;
        }
        let mut pair = self.pair(&row, verified.secret(), arrival.now).await.ok()?;
        pair.cause = Some(RefreshCause::ConcurrentRefresh);
        Some(pair)
    }

    /// What must be known *before* anything is rotated: a refusal that keeps the session must not
    /// leave its owner with a spent token.
    async fn check_before(
        &self,
        verified: &VerifiedRefresh,
        context: &RequestContext,
        flags: &FlagSnapshot,
        arrival: Moment,
    ) -> Result<(), AuthErrorKind> {
        let core = self.core();
        let enforced = flags.device_fingerprinting == Fingerprinting::Enforce;
        if !enforced && core.users.is_unasked() {
            return Ok(());
        }
        if enforced && devices::is_unpinned(core, flags) {
            // The device was read without what it is compared by; the next try has it.
            devices::pin(core, flags).await?;
            return Err(AuthErrorKind::StoreUnavailable);
        }
        let access = verified.secret().access_secret();
        let cached = core.coherence.with_session(access.expose(), arrival, |session| {
            (!enforced).then(|| session.user().clone())
        });
        let user = match cached.flatten() {
            Some(user) => user,
            None => {
                let row = core.coherence.stores().sessions.load(verified.session_key()).await;
                let row = row.map_err(|_| AuthErrorKind::StoreUnavailable)?;
                let Some(row) = row else { return Err(AuthErrorKind::SessionExpired) };
                devices::judge(change(&row, context), flags, "refresh")?;
                row.user
            }
        };
        core.users.ask(&user, arrival, flags.legacy_stale_ok).await
    }
}
