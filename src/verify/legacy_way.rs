//! The legacy way: from the text of a legacy token to a verdict; a token seen before costs no
//! signature check and no I/O.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::blacklist::BlacklistKey;
use crate::error::AuthErrorKind;
use crate::error::ConfigFault;
use crate::flags::FlagSet;
use crate::principal::Principal;
use crate::session::Scopes;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistQuery;
use crate::time::Moment;
use crate::verify::core::Core;
use crate::verify::decision::LegacyVerdict;
use crate::verify::legacy::LegacyLimits;
use crate::verify::legacy::LegacyToken;
use crate::verify::legacy::LegacyVerifier;
use crate::verify::legacy::TokenCache;
use crate::verify::legacy::guard;

/// The legacy verifiers in their order, and the tokens they accepted before.
#[derive(Debug)]
pub(crate) struct LegacySources {
    sources: Vec<Arc<dyn LegacyVerifier>>,
    seen: TokenCache<SeenToken>,
}

/// A token whose signature was found good, with everything a verdict needs.
#[derive(Debug)]
pub(crate) struct SeenToken {
    pub(crate) token: LegacyToken,
    pub(crate) principal: Principal,
    pub(crate) keys: Vec<BlacklistKey>,
    pub(crate) source: usize,
    /// The blacklist's epoch at which nothing was known against the token.
    clear_at: AtomicU64,
}

/// How far the verdict got without the store.
pub(crate) enum LegacyStep {
    Done(LegacyVerdict),
    /// The blacklist or the users hook has to be asked.
    Ask(Arc<SeenToken>),
}

impl LegacySources {
    pub(crate) fn new(sources: Vec<Arc<dyn LegacyVerifier>>) -> Self {
        Self { sources, seen: TokenCache::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(crate) fn all(&self) -> &[Arc<dyn LegacyVerifier>] {
        &self.sources
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.sources.iter().map(|source| source.source().as_str()).collect()
    }

    /// The facts of a token whose signature is good: remembered, or verified now. `None` for a text
    /// that the source does not claim; one that is remembered was claimed before.
    fn verified(
        &self,
        index: usize,
        text: &str,
        moment: Moment,
    ) -> Option<Result<Arc<SeenToken>, AuthErrorKind>> {
        let source = self.sources.get(index)?;
        let epoch = source.epoch();
        let remembered = self.seen.get(index, text, epoch, moment.now);
        if remembered.is_some() || !source.recognises(text) {
            return remembered;
        }
        let verdict = source.verify(text, moment.now).map(|token| {
            let expires_at = token.expires_at();
            (Arc::new(SeenToken::new(index, token)), expires_at)
        });
        Some(match verdict {
            Ok((seen, expires_at)) => {
                self.seen.insert(index, text, epoch, expires_at, Arc::clone(&seen));
                Ok(seen)
            }
            Err(kind) => {
                self.seen.insert_refusal(index, text, epoch, moment.now, kind);
                Err(kind)
            }
        })
    }
}

impl SeenToken {
    fn new(source: usize, token: LegacyToken) -> Self {
        let name = token.source().as_str();
        let keys = [
            Some(token.id().blacklist_key()),
            token.jti().map(|jti| BlacklistKey::of_jti(name, jti)),
            // Last, so that `own_keys` is what comes before it.
            token.sid().map(BlacklistKey::of_session),
        ];
        let principal = Principal::of_legacy(
            token.user().clone(),
            Scopes::none(),
            token.issued_at(),
            name.into(),
            Arc::clone(token.claims()),
        );
        let keys = keys.into_iter().flatten().collect();
        Self { keys, principal, source, token, clear_at: AtomicU64::new(u64::MAX) }
    }

    /// The names of this token alone, without that of the session it was issued beside.
    pub(crate) fn own_keys(&self) -> &[BlacklistKey] {
        let own = self.keys.len() - usize::from(self.token.sid().is_some());
        self.keys.get(..own).unwrap_or_default()
    }

    pub(crate) fn query(&self) -> BlacklistQuery {
        BlacklistQuery { keys: self.keys.clone(), user: Some(self.token.user().clone()) }
    }

    /// What the blacklist's answer means for this token: equality with a not-before is dead, and a
    /// token that does not say when it was issued is older than any.
    pub(crate) fn revocation(&self, answer: BlacklistAnswer) -> Result<(), AuthErrorKind> {
        let before = answer
            .not_before
            .is_some_and(|at| self.token.issued_at().is_none_or(|issued| issued <= at));
        if answer.listed || before { Err(AuthErrorKind::TokenRevoked) } else { Ok(()) }
    }
}

/// With more than one legacy source each needs a name of its own, and must say how its ids become
/// the app's: two issuers both have a user 1.
pub(crate) fn faults(sources: &[Arc<dyn LegacyVerifier>]) -> Vec<ConfigFault> {
    let mut faults = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let name = source.source().as_str();
        if sources[..index].iter().any(|other| other.source() == source.source()) {
            faults.push(ConfigFault::advise(
                format!("legacy source {name}"),
                "the name is used twice; give each source its own",
            ));
        }
        if sources.len() > 1 && !source.maps_users() {
            faults.push(ConfigFault::advise(
                format!("legacy source {name}"),
                "with several sources each must state how its user ids become the app's; call \
                 `.map_user(..)`, if only to say that they are the same",
            ));
        }
    }
    faults
}

/// The candidates a request carries, as `(source, token)`, in the order of the sources.
pub(crate) fn begin<'a>(
    core: &Core,
    candidates: impl Iterator<Item = (usize, &'a str)>,
    flags: &FlagSet,
    moment: Moment,
) -> LegacyStep {
    if !flags.accepts_legacy(moment.now) {
        return LegacyStep::Done(refuse_all(core, candidates, flags));
    }
    match recognise(core, candidates, moment) {
        None => LegacyStep::Done(LegacyVerdict::Absent),
        Some(Err(kind)) => LegacyStep::Done(LegacyVerdict::Refused(kind)),
        Some(Ok(seen)) => judge(core, seen, flags, moment),
    }
}

/// The first candidate that a source claims. A signature that is not good is "not mine" as long as
/// another source claims the token too; any other refusal is final.
pub(crate) fn recognise<'a>(
    core: &Core,
    candidates: impl Iterator<Item = (usize, &'a str)>,
    moment: Moment,
) -> Option<Result<Arc<SeenToken>, AuthErrorKind>> {
    let mut last = None;
    for (index, text) in candidates {
        match core.legacy.verified(index, text, moment) {
            None => {}
            Some(Err(AuthErrorKind::InvalidToken)) => last = Some(Err(AuthErrorKind::InvalidToken)),
            verdict => return verdict,
        }
    }
    last
}

/// Legacy tokens are not accepted: no signature is checked to say so.
fn refuse_all<'a>(
    core: &Core,
    mut candidates: impl Iterator<Item = (usize, &'a str)>,
    flags: &FlagSet,
) -> LegacyVerdict {
    let claims = |(index, text): (usize, &str)| {
        core.legacy.sources.get(index).is_some_and(|source| source.recognises(text))
    };
    if candidates.any(claims) { LegacyVerdict::Refused(off(flags)) } else { LegacyVerdict::Absent }
}

const fn off(flags: &FlagSet) -> AuthErrorKind {
    if flags.legacy_jwt { AuthErrorKind::CutOverPassed } else { AuthErrorKind::LegacyOff }
}

fn judge(core: &Core, seen: Arc<SeenToken>, flags: &FlagSet, moment: Moment) -> LegacyStep {
    if let Err(kind) = check_guard(core, &seen, flags, moment) {
        return LegacyStep::Done(LegacyVerdict::Refused(kind));
    }
    let revocation = judge_blacklist(core, &seen, moment);
    let (Some(revocation), Some(status)) =
        (revocation, core.users.known(seen.token.user(), moment))
    else {
        return LegacyStep::Ask(seen);
    };
    LegacyStep::Done(match revocation.and(status) {
        Ok(()) => LegacyVerdict::Good(seen.principal.clone()),
        Err(kind) => LegacyVerdict::Refused(kind),
    })
}

/// The replica's verdict; what was found clear is not looked up again until the blacklist changes.
fn judge_blacklist(
    core: &Core,
    seen: &SeenToken,
    moment: Moment,
) -> Option<Result<(), AuthErrorKind>> {
    let epoch = core.coherence.blacklist_epoch();
    if seen.clear_at.load(Ordering::Relaxed) == epoch && core.coherence.blacklist_is_trusted(moment)
    {
        return Some(Ok(()));
    }
    let user = seen.token.user();
    let answer = core.coherence.judge_blacklist(&seen.keys, Some(user), moment)?;
    let revocation = seen.revocation(answer);
    if revocation.is_ok() {
        seen.clear_at.store(epoch, Ordering::Relaxed);
    }
    Some(revocation)
}

/// The guard rails: flags, age, cut-over, and the token's own window, asked again at every use.
pub(crate) fn check_guard(
    core: &Core,
    seen: &SeenToken,
    flags: &FlagSet,
    moment: Moment,
) -> Result<(), AuthErrorKind> {
    if !flags.accepts_legacy(moment.now) {
        return Err(off(flags));
    }
    let limits = LegacyLimits::new(flags.legacy_max_age, flags.legacy_until);
    let source = core.legacy.sources.get(seen.source).ok_or(AuthErrorKind::InvalidToken)?;
    guard(&seen.token, source.limits(), &limits, moment.now)
}

/// Asks whatever could not be answered here.
pub(crate) async fn finish(
    core: &Core,
    seen: &SeenToken,
    flags: &FlagSet,
    moment: Moment,
) -> LegacyVerdict {
    match ask(core, seen, flags, moment).await {
        Ok(()) => LegacyVerdict::Good(seen.principal.clone()),
        Err(AuthErrorKind::StoreUnavailable) => {
            LegacyVerdict::Unknowable(AuthErrorKind::StoreUnavailable)
        }
        Err(kind) => LegacyVerdict::Refused(kind),
    }
}

/// Blacklist and users hook; with the store down the last complete replica counts for
/// `LEGACY_STALE_OK`.
pub(crate) async fn ask(
    core: &Core,
    seen: &SeenToken,
    flags: &FlagSet,
    moment: Moment,
) -> Result<(), AuthErrorKind> {
    let answer = core
        .coherence
        .query_blacklist(seen.query(), moment, flags.legacy_stale_ok)
        .await
        .map_err(|_| AuthErrorKind::StoreUnavailable)?;
    seen.revocation(answer)?;
    core.users.check(seen.token.user(), moment, flags.legacy_stale_ok).await
}
