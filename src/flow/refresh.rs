//! Refresh: one compare-and-swap in the ordinary case; everything else goes through the rule.

use std::time::Duration;

use crate::device::DeviceChange;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::error::StoreError;
use crate::flags::Fingerprinting;
use crate::flags::FlagSnapshot;
use crate::flow::Auth;
use crate::flow::RequestContext;
use crate::flow::TokenPair;
use crate::session::RefreshCause;
use crate::session::RefreshDecision;
use crate::session::ReuseCause;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::session::decide_refresh;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::time::Moment;
use crate::time::Timestamp;
use crate::token::VerifiedRefresh;
use crate::token::decode_refresh;
use crate::trace::count;
use crate::verify::devices;

/// How often a refresh starts over because somebody else was faster, or the store stumbled.
const ATTEMPTS_MAX: u32 = 16;
/// Between attempts after a store fault; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
/// So many grace answers to another device in one session are an event.
const FOREIGN_STREAK_MAX: u32 = 5;

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
        let outcome = self.refresh_as(token, context).await;
        match &outcome {
            Ok(pair) => {
                let cause = pair.cause.map_or("rotated", RefreshCause::label);
                count!("segue_refresh_total", "outcome" => cause);
            }
            Err(kind) => count!("segue_refresh_total", "outcome" => kind.code()),
        }
        outcome.map_err(|kind| {
            let patience = self.core().policy.grace_window / 3;
            AuthError::from(kind).with_retry_after(patience.min(Duration::from_secs(2)))
        })
    }

    async fn refresh_as(
        &self,
        token: &str,
        context: &RequestContext,
    ) -> Result<TokenPair, AuthErrorKind> {
        let core = self.core();
        let arrival = core.clock.read();
        let verified = decode_refresh(token)?.verify(&core.keys.load())?;
        self.start();
        let flags = core.flags.snapshot().detach();
        if flags.shared_pending() {
            return Err(AuthErrorKind::FlagsUnknown);
        }
        if !flags.accepts_sessions() {
            return Err(AuthErrorKind::RefreshOff);
        }
        if let Some(pair) = self.from_memo(&verified, context, arrival).await {
            return Ok(pair);
        }
        self.check_before(&verified, context, &flags, arrival).await?;
        let attempt = Attempt { auth: self, verified, context, flags, arrival };
        attempt.run().await
    }

    /// The answer of a rotation this node made a moment ago, if the session is known to live.
    async fn from_memo(
        &self,
        verified: &VerifiedRefresh,
        context: &RequestContext,
        arrival: Moment,
    ) -> Option<TokenPair> {
        let core = self.core();
        let policy = &core.policy;
        let access = verified.secret().access_secret();
        let refusal = core.coherence.with_session(access.expose(), arrival, |session| {
            core.coherence.judge_session(session, arrival)
        });
        if refusal?.is_some() {
            return None;
        }
        let fingerprint = context.device.as_ref().and_then(|device| device.fingerprint);
        let row = self.memo().answer(
            verified.session_key(),
            verified.generation(),
            fingerprint,
            arrival.now,
            policy.grace_window,
            policy.grace_uses_max,
        )?;
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

/// One refresh on its way through the rule.
struct Attempt<'a> {
    auth: &'a Auth,
    verified: VerifiedRefresh,
    context: &'a RequestContext,
    flags: FlagSnapshot,
    arrival: Moment,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<TokenPair, AuthErrorKind> {
        let mut expected = self.verified.generation();
        let mut cause = RefreshCause::Rotated;
        let mut pause = BACKOFF_FIRST;
        for _ in 0..ATTEMPTS_MAX {
            let step = self.rotate(expected, cause).await;
            match step {
                Ok(Step::Answered(pair)) => return Ok(pair),
                Ok(Step::Refused(kind)) => return Err(kind),
                Ok(Step::Again) => {}
                Ok(Step::Rotate { stored, why }) => (expected, cause) = (stored, why),
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    if pause > BACKOFF_FIRST * 8 {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        Err(AuthErrorKind::StoreUnavailable)
    }

    async fn rotate(&self, expected: u64, cause: RefreshCause) -> Result<Step, StoreError> {
        let core = self.auth.core();
        let now = core.clock.now();
        let presented = self.verified.generation();
        if presented >= crate::session::GENERATION_MAX {
            return Ok(Step::Refused(AuthErrorKind::SessionExpired));
        }
        let rotation = Rotation {
            key: self.verified.session_key(),
            expected,
            next: presented + 1,
            key_version: core.keys.load().current(),
            now,
            active_after: now.saturating_sub(core.policy.idle),
            legacy_until: self.auth.legacy_until(now),
        };
        match core.coherence.stores().sessions.rotate(rotation).await? {
            Rotated::Done(row) => Ok(self.rotated(*row, cause, now).await),
            Rotated::Refused(None) => Ok(Step::Refused(AuthErrorKind::SessionExpired)),
            Rotated::Refused(Some(row)) => self.ruled(&row).await,
        }
    }

    /// The ordinary case. A not-before that came first means the pair is never handed out: the
    /// session is dead on every node, whatever its generation.
    async fn rotated(&self, row: SessionRecord, cause: RefreshCause, now: Timestamp) -> Step {
        let core = self.auth.core();
        match core.not_before(&row.user, core.clock.read()).await {
            Ok(Some(at)) if row.authenticated_at <= at => {
                return Step::Refused(AuthErrorKind::SessionRevoked);
            }
            Ok(_) => {}
            Err(kind) => return Step::Refused(kind),
        }
        if cause == RefreshCause::StoreBehind {
            tracing::warn!(session = %row.id(), "the store had forgotten rotations of this session");
        }
        if self.flags.device_fingerprinting == Fingerprinting::Observe {
            // Observing reports and never refuses; enforcing was done before the rotation.
            let _ = devices::judge(change(&row, self.context), &self.flags, "refresh");
        }
        let fingerprint = self.context.device.as_ref().and_then(|device| device.fingerprint);
        let window = core.policy.grace_window;
        let presented = self.verified.generation();
        self.auth.memo().remember(presented, row.clone(), fingerprint, window);
        self.answer(&row, cause, now).await
    }

    /// The rare cases: the rule decides over the row as it is.
    async fn ruled(&self, row: &SessionRecord) -> Result<Step, StoreError> {
        let core = self.auth.core();
        let moment = core.clock.read();
        let not_before = match core.not_before(&row.user, moment).await {
            Ok(not_before) => not_before,
            Err(kind) => return Ok(Step::Refused(kind)),
        };
        let presented = self.verified.generation();
        let (arrival, now) = (self.arrival.now, moment.now);
        match decide_refresh(row, presented, arrival, now, &core.policy, not_before) {
            RefreshDecision::Rotate { cause, .. } => {
                Ok(Step::Rotate { stored: row.generation, why: cause })
            }
            RefreshDecision::Repeat { cause } => self.repeat(row, cause, now).await,
            RefreshDecision::Reuse { cause } => self.reuse(row, cause, now).await,
            RefreshDecision::Refuse(kind) => Ok(Step::Refused(kind)),
        }
    }

    async fn repeat(
        &self,
        row: &SessionRecord,
        cause: RefreshCause,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        if cause == RefreshCause::ConcurrentRefresh {
            let streak = self.streak(row);
            let sessions = &self.auth.core().coherence.stores().sessions;
            let counted =
                sessions.count_grace(row.key, row.generation, row.grace_uses, streak).await?;
            if !counted {
                return Ok(Step::Again);
            }
            if streak >= FOREIGN_STREAK_MAX && streak > row.foreign_streak {
                count!("segue_foreign_grace_total");
                tracing::warn!(session = %row.id(), streak, "grace answers keep going to another device");
            }
        }
        Ok(self.answer(row, cause, now).await)
    }

    /// Consecutive generations, this one included, with a grace answer to another device.
    fn streak(&self, row: &SessionRecord) -> u32 {
        let foreign = change(row, self.context).fingerprint;
        match (foreign, row.grace_uses) {
            (true, 0) => row.foreign_streak.saturating_add(1),
            (true, _) => row.foreign_streak.max(1),
            (false, _) => row.foreign_streak,
        }
    }

    async fn reuse(
        &self,
        row: &SessionRecord,
        cause: ReuseCause,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        let sessions = &self.auth.core().coherence.stores().sessions;
        if let Some(row) = sessions.revoke(row.key, RevokeReason::Reuse, now).await? {
            self.auth.took_effect(&row);
        }
        count!("segue_refresh_reuse_total", "cause" => cause.label());
        tracing::warn!(session = %row.id(), user = %row.user, cause = cause.label(), "a spent refresh token came back; the session is revoked");
        Ok(Step::Refused(AuthErrorKind::RefreshReused))
    }

    async fn answer(&self, row: &SessionRecord, cause: RefreshCause, now: Timestamp) -> Step {
        match self.auth.pair(row, self.verified.secret(), now).await {
            Ok(mut pair) => {
                pair.cause = Some(cause);
                Step::Answered(pair)
            }
            Err(kind) => Step::Refused(kind),
        }
    }
}

/// How the device that refreshes differs from the one the session was opened on.
fn change(row: &SessionRecord, context: &RequestContext) -> DeviceChange {
    context.device.as_ref().map(|seen| row.device.compare(seen)).unwrap_or_default()
}

enum Step {
    Again,
    Answered(TokenPair),
    Refused(AuthErrorKind),
    Rotate { stored: u64, why: RefreshCause },
}
