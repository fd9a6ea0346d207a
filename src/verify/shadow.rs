//! Shadow comparison: the system that is switched off is asked too, and its answer only counted.
//!
//! The answer to the client is fixed before the comparison starts. The candidate writes nothing:
//! no last-seen, no cookie, no event of its own.

use std::sync::Arc;
use std::sync::LazyLock;

use tokio::sync::Semaphore;

use crate::error::AuthErrorKind;
use crate::flags::FlagSet;
use crate::id::UserId;
use crate::time::Moment;
use crate::token::decode_access;
use crate::trace::count;
use crate::verify::core::Core;
use crate::verify::decision::LegacyVerdict;
use crate::verify::decision::SessionVerdict;
use crate::verify::head::Outcome;
use crate::verify::legacy::LegacyLimits;
use crate::verify::legacy::guard;
use crate::verify::legacy_way;

/// How many comparisons may wait for a store at once; beyond it they are skipped and counted.
const COMPARISONS_MAX: usize = 64;

static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(COMPARISONS_MAX));

/// What the candidate is to be asked.
#[derive(Debug)]
pub(crate) struct Shadow {
    candidate: Candidate,
    moment: Moment,
}

#[derive(Debug)]
enum Candidate {
    Legacy(Vec<(usize, String)>),
    Session(String),
}

/// The comparison for a request, if one is wanted and one of the systems is off.
pub(crate) fn plan<'a>(
    flags: &FlagSet,
    moment: Moment,
    session: Option<&str>,
    legacy: impl Iterator<Item = (usize, &'a str)>,
) -> Option<Shadow> {
    if !flags.shadow_compare {
        return None;
    }
    let candidate = if !flags.accepts_sessions() {
        Candidate::Session(session?.to_owned())
    } else if !flags.accepts_legacy(moment.now) {
        Candidate::Legacy(legacy.map(|(source, text)| (source, text.to_owned())).collect())
    } else {
        return None;
    };
    Some(Shadow { candidate, moment })
}

/// Both systems answered anyway: count how they compare.
pub(crate) fn compare_verdicts(session: &SessionVerdict, legacy: &LegacyVerdict) {
    let kind = match (session, legacy) {
        (SessionVerdict::Live(one), LegacyVerdict::Good(other)) => {
            if one.user_id() == other.user_id() { "agree" } else { "user_differs" }
        }
        // Being switched off is no verdict; the candidate is asked in its own time.
        (_, LegacyVerdict::Refused(AuthErrorKind::LegacyOff | AuthErrorKind::CutOverPassed)) => {
            return;
        }
        (SessionVerdict::Live(_), LegacyVerdict::Refused(_)) => "session_only",
        (SessionVerdict::Refused(_) | SessionVerdict::Expired(..), LegacyVerdict::Good(_)) => {
            "legacy_only"
        }
        _ => return,
    };
    count!("segue_shadow_total", "kind" => kind);
}

impl Shadow {
    /// Compares in the background; `outcome` is what the client gets, whatever comes out.
    pub(crate) fn run(self, core: Arc<Core>, outcome: &Outcome) {
        let answer = outcome
            .verdict
            .as_ref()
            .map(|principal| principal.user_id().clone())
            .map_err(|error| error.kind());
        let (Ok(slot), Ok(runtime)) = (SLOTS.try_acquire(), tokio::runtime::Handle::try_current())
        else {
            count!("segue_shadow_total", "kind" => "skipped");
            return;
        };
        runtime.spawn(async move {
            let candidate = self.ask(&core).await;
            drop(slot);
            let kind = compare(&answer, &candidate);
            count!("segue_shadow_total", "kind" => kind);
            if kind != "agree" {
                tracing::debug!(kind, "shadow comparison differs");
            }
        });
    }

    async fn ask(&self, core: &Core) -> Result<UserId, AuthErrorKind> {
        match &self.candidate {
            Candidate::Session(text) => ask_session(core, text, self.moment).await,
            Candidate::Legacy(texts) => ask_legacy(core, texts, self.moment).await,
        }
    }
}

async fn ask_session(core: &Core, text: &str, moment: Moment) -> Result<UserId, AuthErrorKind> {
    let verified = decode_access(text)?.verify(&core.keys.load())?;
    if verified.is_expired(moment.now) {
        return Err(AuthErrorKind::TokenExpired);
    }
    let row = core.coherence.stores().sessions.load(verified.session_key()).await;
    let row = row.map_err(|_| AuthErrorKind::StoreUnavailable)?;
    let row = row.ok_or(AuthErrorKind::SessionExpired)?;
    let not_before = core.not_before(&row.user, moment).await?;
    row.refusal(moment.now, core.policy.idle, not_before).map_or(Ok(row.user), Err)
}

async fn ask_legacy(
    core: &Core,
    texts: &[(usize, String)],
    moment: Moment,
) -> Result<UserId, AuthErrorKind> {
    let candidates = texts.iter().map(|(source, text)| (*source, text.as_str()));
    let seen = legacy_way::recognise(core, candidates, moment)
        .ok_or(AuthErrorKind::MissingCredential)??;
    let flags = core.flags.snapshot().detach();
    let source = core.legacy.all().get(seen.source).ok_or(AuthErrorKind::InvalidToken)?;
    let limits = LegacyLimits::new(flags.legacy_max_age, None);
    guard(&seen.token, source.limits(), &limits, moment.now)?;
    legacy_way::ask(core, &seen, &flags, moment).await?;
    Ok(seen.token.user().clone())
}

fn compare(
    answer: &Result<UserId, AuthErrorKind>,
    candidate: &Result<UserId, AuthErrorKind>,
) -> &'static str {
    match (answer, candidate) {
        (_, Err(AuthErrorKind::StoreUnavailable)) => "unknown",
        (Ok(one), Ok(other)) if one == other => "agree",
        (Ok(_), Ok(_)) => "user_differs",
        (Ok(_), Err(_)) => "candidate_refuses",
        (Err(_), Ok(_)) => "candidate_accepts",
        (Err(_), Err(_)) => "agree",
    }
}
