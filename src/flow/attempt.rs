//! One refresh on its way: the swap, and what the rule says when somebody else was faster.

use std::time::Duration;

use crate::device::DeviceChange;
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
use crate::trace::count;
use crate::verify::devices;

/// Steps of one refresh. A step without an answer means that somebody else's was written: more
/// of them than grace answers are permitted can't be needed, by far.
const STEPS_MAX: u32 = 512;
/// Between attempts after a store fault; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
/// So many grace answers to another device in one session are an event.
const FOREIGN_STREAK_MAX: u32 = 5;

/// What a refresh means that was overtaken by others while its request was being handled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tardy {
    /// The refresh *is* the request: what it finds, it finds now.
    Impossible,
    /// A browser was renewed around a slow handler: the token was good when the request came, and
    /// by now the browser has newer ones from another request. Nothing is answered, and nobody is
    /// accused. Tokens are not handed out either: whoever opened a slow request with a stolen token
    /// must not collect every successor.
    Harmless,
}

/// One refresh on its way through the rule.
pub(super) struct Attempt<'a> {
    pub(super) auth: &'a Auth,
    pub(super) verified: VerifiedRefresh,
    pub(super) context: &'a RequestContext,
    pub(super) flags: FlagSnapshot,
    pub(super) arrival: Moment,
    pub(super) tardy: Tardy,
}

impl Attempt<'_> {
    pub(super) async fn run(&self) -> Result<Option<TokenPair>, AuthErrorKind> {
        let mut pause = BACKOFF_FIRST;
        let mut next = Next::Rotate(self.verified.generation(), RefreshCause::Rotated);
        for _ in 0..STEPS_MAX {
            let step = match next {
                Next::Rotate(expected, cause) => self.rotate(expected, cause).await,
                Next::Reread => self.reread().await,
            };
            match step {
                Ok(Step::Answered(pair)) => return Ok(Some(pair)),
                Ok(Step::Overtaken) => return Ok(None),
                Ok(Step::Refused(kind)) => return Err(kind),
                Ok(Step::Again) => next = Next::Reread,
                Ok(Step::Rotate { stored, why }) => next = Next::Rotate(stored, why),
                Err(error) if error.is_retryable() && pause <= BACKOFF_FIRST * 8 => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(_) => break,
            }
        }
        Err(AuthErrorKind::StoreUnavailable)
    }

    /// Somebody else changed the row since it was read.
    async fn reread(&self) -> Result<Step, StoreError> {
        let sessions = &self.auth.core().coherence.stores().sessions;
        match sessions.load(self.verified.session_key()).await? {
            Some(row) => self.ruled(&row).await,
            None => Ok(Step::Refused(AuthErrorKind::SessionExpired)),
        }
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
        self.auth.memo().remember(presented, &row, fingerprint, window);
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
        // Older than the predecessor, or past its window.
        let late = now.since(row.rotated_at.unwrap_or(row.created_at)) >= core.policy.grace_window;
        let overtaken = self.tardy == Tardy::Harmless
            && presented < row.generation
            && (late || presented + 1 < row.generation);
        if overtaken && row.refusal(now, core.policy.idle, not_before).is_none() {
            return Ok(Step::Overtaken);
        }
        // Answers from the memo count too, although they were not written.
        let grace_uses = row.grace_uses.saturating_add(self.auth.memo().uses(row));
        let counted = SessionRecord { grace_uses, ..row.clone() };
        match decide_refresh(&counted, presented, arrival, now, &core.policy, not_before) {
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
pub(super) fn change(row: &SessionRecord, context: &RequestContext) -> DeviceChange {
    context.device.as_ref().map(|seen| row.device.compare(seen)).unwrap_or_default()
}

/// What the next step is.
enum Next {
    Reread,
    Rotate(u64, RefreshCause),
}

enum Step {
    Again,
    Answered(TokenPair),
    Overtaken,
    Refused(AuthErrorKind),
    Rotate { stored: u64, why: RefreshCause },
}
