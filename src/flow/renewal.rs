//! What `RefreshLayer` does around a request: authenticate by the refresh cookie first, rotate
//! only when there is a response to carry the successor.

use std::fmt;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::flow::RequestContext;
use crate::flow::TokenPair;
use crate::flow::attempt::Tardy;
use crate::principal::Principal;
use crate::principal::SessionFacts;
use crate::secret::SecretText;
use crate::session::RefreshDecision;
use crate::session::SessionRecord;
use crate::session::decide_refresh;
use crate::time::Moment;
use crate::token::VerifiedRefresh;
use crate::token::decode_access;
use crate::token::decode_refresh;
use crate::trace::count;
use crate::verify::Effects;
use crate::verify::RequestHead;
use crate::verify::devices;
use crate::verify::lift;

/// A browser's request whose access token is missing, expired or near its end, with a well-formed
/// refresh cookie beside it.
pub(crate) struct RenewalPlan {
    token: SecretText,
    verified: VerifiedRefresh,
    context: RequestContext,
}

/// A live session that is to be rotated once the inner response's head is there.
pub(crate) struct Renewal {
    token: SecretText,
    context: RequestContext,
    principal: Principal,
    arrival: Moment,
}

impl Renewal {
    /// Who the request is from: the layer below accepts it in place of an access token.
    pub(crate) const fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// Whether there is something to renew.
pub(crate) enum RenewalStart {
    /// The session lives.
    Live(Renewal),
    /// The refresh token is definitely of no use: its cookies go.
    Dead(Effects),
    /// It can't be known now, for this reason: nothing is touched.
    Unknown(AuthErrorKind),
}

/// How the rotation went.
pub(crate) enum RenewalEnd {
    /// New tokens for the browser.
    Renewed(Box<TokenPair>),
    /// The session ended meanwhile: its cookies go.
    Dead(Effects),
    /// The store could not be asked; the browser keeps what it has and asks again.
    Unchanged,
}

const DEAD: Effects = Effects { clear_access: true, clear_refresh: true, legacy: None };

impl Auth {
    /// Whether this request is to be renewed on its way through. No I/O.
    ///
    /// A request with a bearer token is an API client's; it refreshes for itself.
    pub(crate) fn plan_renewal(&self, head: &RequestHead<'_>) -> Option<RenewalPlan> {
        let core = self.core();
        let presented = lift(head.headers, head.uri, &core.lift).ok()?;
        core.check_keys().ok()?;
        let token = presented.refresh_cookie?;
        if presented.bearer.is_some() {
            return None;
        }
        let now = core.clock.now();
        let keys = core.keys.load();
        let fresh = presented.access_cookie.and_then(|text| {
            let verified = decode_access(text).ok()?.verify(&keys).ok()?;
            Some(now.saturating_add(core.policy.renew_before) < verified.expires_at())
        });
        let flags = core.flags.snapshot();
        if fresh == Some(true) || flags.shared_pending() || !flags.accepts_sessions() {
            return None;
        }
        let verified = decode_refresh(token).ok()?.verify(&keys).ok()?;
        Some(RenewalPlan {
            token: SecretText::new(token.to_owned()),
            verified,
            context: self.context_of(head),
        })
    }

    /// Authenticates by the refresh token without rotating it.
    ///
    /// A spent predecessor authenticates too: whether it is a grace repeat or reuse is decided,
    /// and punished, by the rotation; here it only must not be older than that.
    pub(crate) async fn begin_renewal(&self, plan: RenewalPlan) -> RenewalStart {
        self.start();
        let arrival = self.core().clock.read();
        match self.owner(&plan, arrival).await {
            Ok(principal) => {
                let RenewalPlan { token, context, .. } = plan;
                RenewalStart::Live(Renewal { token, context, principal, arrival })
            }
            Err(kind) if kind.is_definitive() => RenewalStart::Dead(DEAD),
            Err(kind) => RenewalStart::Unknown(kind),
        }
    }

    async fn owner(&self, plan: &RenewalPlan, moment: Moment) -> Result<Principal, AuthErrorKind> {
        let core = self.core();
        let flags = core.flags.snapshot().detach();
        let row = core.coherence.stores().sessions.load(plan.verified.session_key()).await;
        let row = row.map_err(|_| AuthErrorKind::StoreUnavailable)?;
        let row = row.ok_or(AuthErrorKind::SessionExpired)?;
        let not_before = core.not_before(&row.user, moment).await?;
        if let Some(kind) = row.refusal(moment.now, core.policy.idle, not_before) {
            return Err(kind);
        }
        core.users.check(&row.user, moment, flags.legacy_stale_ok).await?;
        let presented = plan.verified.generation();
        let decision =
            decide_refresh(&row, presented, moment.now, moment.now, &core.policy, not_before);
        if let RefreshDecision::Reuse { .. } = decision {
            // Let the rule speak where it also acts.
            self.refresh(plan.token.expose(), &plan.context).await.map_err(AuthError::kind)?;
        }
        if let Some(seen) = &plan.context.device {
            devices::judge(row.device.compare(seen), &flags, "renewal")?;
        }
        Ok(principal_of(&row))
    }

    /// Rotates, now that a response can carry the successor.
    pub(crate) async fn finish_renewal(&self, renewal: Renewal) -> RenewalEnd {
        let Renewal { token, context, arrival, .. } = renewal;
        match self.refresh_at(token.expose(), &context, arrival, Tardy::Harmless).await {
            Ok(None) => {
                count!("segue_renewals_total", "outcome" => "overtaken");
                RenewalEnd::Unchanged
            }
            Ok(Some(pair)) => {
                count!("segue_renewals_total", "outcome" => "renewed");
                RenewalEnd::Renewed(Box::new(pair))
            }
            Err(kind) => {
                count!("segue_renewals_total", "outcome" => kind.code());
                if kind.is_definitive() { RenewalEnd::Dead(DEAD) } else { RenewalEnd::Unchanged }
            }
        }
    }
}

fn principal_of(row: &SessionRecord) -> Principal {
    let facts = SessionFacts {
        key: row.key,
        created_at: row.created_at,
        expires_at: row.expires_at,
        data: row.data.clone(),
    };
    Principal::of_session(row.user.clone(), row.scopes.clone(), row.authenticated_at, facts)
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl fmt::Debug for RenewalPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenewalPlan").finish_non_exhaustive()
    }
}
