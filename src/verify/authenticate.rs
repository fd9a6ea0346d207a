//! The request path: lift the credentials, ask both ways, decide once.

use std::sync::Arc;

use tracing::Instrument;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flags::FlagSnapshot;
use crate::principal::Principal;
use crate::time::Moment;
use crate::token::is_access_shape;
use crate::token::is_refresh_shape;
use crate::trace::count;
use crate::verify::core::Core;
use crate::verify::credentials::CookieSources;
use crate::verify::credentials::Presented;
use crate::verify::credentials::lift;
use crate::verify::decision::DecidedBy;
use crate::verify::decision::LegacyVerdict;
use crate::verify::decision::SessionVerdict;
use crate::verify::decision::decide;
use crate::verify::head::Authentication;
use crate::verify::head::Effects;
use crate::verify::head::LegacyNotice;
use crate::verify::head::Outcome;
use crate::verify::head::RequestHead;
use crate::verify::head::Ways;
use crate::verify::legacy_way;
use crate::verify::legacy_way::LegacyStep;
use crate::verify::renewed::Found;
use crate::verify::renewed::Renewed;
use crate::verify::session_way;
use crate::verify::session_way::SessionStep;
use crate::verify::shadow;
use crate::verify::shadow::Shadow;
use crate::verify::startup;

/// Where the credentials of a request came from; decides about cookies to clear and cross-origin
/// evidence.
#[derive(Clone, Copy, Debug)]
struct Origins {
    session_cookie: bool,
    legacy_cookies: CookieSources,
    evidence: Result<(), AuthErrorKind>,
}

/// Decides about a request: at once where caches can answer, later where a store must be asked.
///
/// One snapshot of the flags and one reading of the clock serve the whole decision.
pub(crate) fn authenticate(core: &Arc<Core>, head: &RequestHead<'_>, ways: Ways) -> Authentication {
    let flags = core.flags.snapshot();
    let moment = core.clock.read();
    let presented = match lift(head.headers, head.uri, &core.lift) {
        Ok(presented) => presented,
        Err(kind) => return Authentication::Ready(refusal(kind)),
    };
    let legacy = begin_legacy(core, &presented, ways, &flags, moment);
    let unclaimed = unclaimed(core, &presented, ways, &legacy);
    let origins = Origins {
        session_cookie: unclaimed.is_none() && !presented.bearer.is_some_and(is_access_shape),
        legacy_cookies: presented.cookie_sources(),
        evidence: if presented.any_cookie() {
            core.origin.check(head.method, head.uri, head.headers)
        } else {
            Ok(())
        },
    };
    let session = match unclaimed {
        Some(kind) => SessionStep::Done(SessionVerdict::Refused(kind)),
        None => begin_session(core, &presented, head, ways, &flags, moment, may_answer(&legacy)),
    };
    let shadow = shadow::plan(&flags, moment, session_text(&presented), presented.legacy());
    let legacy = match &session {
        SessionStep::Done(verdict) => unless_final(verdict, legacy),
        SessionStep::Load(_) => legacy,
    };
    match (session, legacy) {
        (SessionStep::Done(session), LegacyStep::Done(legacy)) => {
            let outcome = conclude(core, session, legacy, origins, &flags);
            if let Some(shadow) = shadow {
                shadow.run(Arc::clone(core), &outcome);
            }
            Authentication::Ready(outcome)
        }
        (session, legacy) => {
            let later = Later { core: Arc::clone(core), flags: flags.detach(), moment, shadow };
            let span = tracing::debug_span!("segue.authenticate");
            Authentication::Pending(Box::pin(
                later.finish(session, legacy, origins).instrument(span),
            ))
        }
    }
}

/// What a decision needs that has to wait for a store.
struct Later {
    core: Arc<Core>,
    flags: FlagSnapshot,
    moment: Moment,
    shadow: Option<Shadow>,
}

impl Later {
    async fn finish(self, session: SessionStep, legacy: LegacyStep, origins: Origins) -> Outcome {
        let Self { core, flags, moment, shadow } = self;
        startup::start(&core);
        let session = match session {
            SessionStep::Done(verdict) => verdict,
            SessionStep::Load(unread) => session_way::finish(&core, *unread, &flags, moment).await,
        };
        let legacy = match unless_final(&session, legacy) {
            LegacyStep::Done(verdict) => verdict,
            LegacyStep::Ask(seen) => legacy_way::finish(&core, &seen, &flags, moment).await,
        };
        let outcome = conclude(&core, session, legacy, origins, &flags);
        if let Some(shadow) = shadow {
            shadow.run(core, &outcome);
        }
        outcome
    }
}

fn begin_legacy(
    core: &Core,
    presented: &Presented<'_>,
    ways: Ways,
    flags: &FlagSnapshot,
    moment: Moment,
) -> LegacyStep {
    if !ways.legacy() || core.legacy.is_empty() {
        return LegacyStep::Done(LegacyVerdict::Absent);
    }
    legacy_way::begin(core, presented.legacy(), flags, moment)
}

fn begin_session(
    core: &Core,
    presented: &Presented<'_>,
    head: &RequestHead<'_>,
    ways: Ways,
    flags: &FlagSnapshot,
    moment: Moment,
    legacy_too: bool,
) -> SessionStep {
    let wanted = ways.sessions() && presented.bearer.is_none();
    let renewed = if wanted { head.extensions.get::<Renewed>() } else { None };
    let renewed = renewed.and_then(|renewed| renewed.found(core));
    if let Some(Found::Live(principal)) = renewed {
        return SessionStep::Done(SessionVerdict::Live(principal.clone()));
    }
    let step = match session_text(presented) {
        Some(_) if !ways.sessions() => SessionStep::Done(SessionVerdict::Absent),
        Some(_) if let Err(kind) = core.check_keys() => {
            SessionStep::Done(SessionVerdict::Unknowable(kind))
        }
        Some(_) if flags.shared_pending() => {
            SessionStep::Done(SessionVerdict::Unknowable(AuthErrorKind::FlagsUnknown))
        }
        Some(_) if !flags.accepts_sessions() => SessionStep::Done(SessionVerdict::Off),
        Some(text) => session_way::begin(core, text, head, flags, moment, legacy_too),
        None => SessionStep::Done(SessionVerdict::Absent),
    };
    match (step, renewed) {
        (
            SessionStep::Done(SessionVerdict::Absent | SessionVerdict::Expired(..)),
            Some(Found::Unknown(kind)),
        ) if kind.status() == 503 => SessionStep::Done(SessionVerdict::Unknowable(*kind)),
        (step, _) => step,
    }
}

/// No store is asked about a legacy token that can't change the answer.
fn unless_final(session: &SessionVerdict, legacy: LegacyStep) -> LegacyStep {
    match legacy {
        LegacyStep::Ask(_) if session.is_final() => LegacyStep::Done(LegacyVerdict::Absent),
        legacy => legacy,
    }
}

/// Whether the legacy token can still answer for an expired session. If not, the expiry is the
/// answer, and the session's row need not be read for it.
const fn may_answer(legacy: &LegacyStep) -> bool {
    !matches!(legacy, LegacyStep::Done(LegacyVerdict::Absent | LegacyVerdict::Refused(_)))
}

/// The access token of a request: a bearer wins over a cookie.
fn session_text<'a>(presented: &Presented<'a>) -> Option<&'a str> {
    presented.bearer.filter(|text| is_access_shape(text)).or(presented.access_cookie)
}

/// A bearer token that nobody claims is refused, whatever else the request carries: a refusal is
/// final, and a refresh token is no access token.
fn unclaimed(
    core: &Core,
    presented: &Presented<'_>,
    ways: Ways,
    legacy: &LegacyStep,
) -> Option<AuthErrorKind> {
    let bearer = presented.bearer?;
    if is_access_shape(bearer) {
        return (!ways.sessions()).then_some(AuthErrorKind::InvalidToken);
    }
    let legacy_claimed = !matches!(legacy, LegacyStep::Done(LegacyVerdict::Absent))
        && (presented.legacy().all(|(_, text)| std::ptr::eq(text, bearer))
            || is_claimed(core, presented, bearer));
    if is_refresh_shape(bearer) || !ways.legacy() || core.legacy.is_empty() || !legacy_claimed {
        return Some(AuthErrorKind::InvalidToken);
    }
    None
}

/// Whether a legacy source takes the bearer token itself, and not one from another place.
fn is_claimed(core: &Core, presented: &Presented<'_>, bearer: &str) -> bool {
    presented.legacy().any(|(source, text)| {
        std::ptr::eq(text, bearer)
            && core.legacy.all().get(source).is_some_and(|source| source.recognises(bearer))
    })
}

fn conclude(
    core: &Core,
    session: SessionVerdict,
    legacy: LegacyVerdict,
    origins: Origins,
    flags: &FlagSnapshot,
) -> Outcome {
    if flags.shadow_compare {
        shadow::compare_verdicts(&session, &legacy);
    }
    let refused_session = match &session {
        SessionVerdict::Refused(kind) | SessionVerdict::Expired(kind, _) => Some(*kind),
        _ => None,
    };
    let (verdict, decided) = decide(session, legacy);
    let by_cookie = match decided {
        DecidedBy::Session => origins.session_cookie,
        DecidedBy::Legacy => verdict
            .as_ref()
            .is_ok_and(|principal| is_from_cookie(core, principal, origins.legacy_cookies)),
        DecidedBy::Nobody => false,
    };
    let verdict = match verdict {
        Ok(_) if by_cookie && origins.evidence.is_err() => Err(AuthErrorKind::CrossOrigin),
        verdict => verdict,
    };
    let mut effects = Effects::default();
    if let Some(kind) = refused_session.filter(|kind| kind.is_definitive())
        && origins.session_cookie
    {
        effects.clear_access = true;
        effects.clear_refresh = ends_session(kind);
    }
    if verdict.is_ok() && decided == DecidedBy::Legacy {
        effects.legacy = Some(LegacyNotice { sunset: flags.legacy_until });
    }
    report(&verdict, decided);
    Outcome { verdict: verdict.map_err(AuthError::from), by_cookie, effects }
}

/// Whether the legacy token that was accepted came in a cookie, whatever stands in other places.
fn is_from_cookie(core: &Core, principal: &Principal, cookies: CookieSources) -> bool {
    let name = principal.legacy_source();
    let source = core.legacy.all().iter().position(|it| Some(it.source().as_str()) == name);
    source.is_none_or(|source| cookies.contains(source))
}

/// Whether the refresh token is as dead as the access token.
const fn ends_session(kind: AuthErrorKind) -> bool {
    matches!(
        kind,
        AuthErrorKind::SessionRevoked
            | AuthErrorKind::SessionExpired
            | AuthErrorKind::RefreshReused
            | AuthErrorKind::UserDisabled
    )
}

fn report(verdict: &Result<Principal, AuthErrorKind>, decided: DecidedBy) {
    let way = match decided {
        DecidedBy::Legacy => "legacy_jwt",
        DecidedBy::Nobody => "none",
        DecidedBy::Session => "session",
    };
    match verdict {
        Ok(_) => count!("segue_auth_total", "way" => way, "outcome" => "accepted"),
        Err(kind) => {
            count!("segue_auth_total", "way" => way, "outcome" => kind.code());
            if *kind == AuthErrorKind::IdentityMismatch {
                tracing::warn!("a request carries credentials of two different users");
            } else {
                tracing::debug!(way, code = kind.code(), "request refused");
            }
        }
    }
}

fn refusal(kind: AuthErrorKind) -> Outcome {
    report(&Err(kind), DecidedBy::Nobody);
    Outcome { verdict: Err(kind.into()), by_cookie: false, effects: Effects::default() }
}
