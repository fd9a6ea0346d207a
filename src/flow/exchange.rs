//! Exchange: a still valid legacy token in, a session out, idempotent without a stored answer.

use std::time::Duration;

use tracing::Instrument;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flags::FlagSnapshot;
use crate::flow::Auth;
use crate::flow::RequestContext;
use crate::flow::TokenPair;
use crate::session::LegacyLink;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::Inserted;
use crate::time::Moment;
use crate::time::Timestamp;
use crate::token::SessionSecret;
use crate::token::exchange_secret;
use crate::trace::count;
use crate::verify::LegacyToken;
use crate::verify::SeenToken;
use crate::verify::legacy_way;

/// A legacy token that lives shorter is not exchanged, unless its source says so: a leaked
/// five-minute token must not become a session of months.
const SHORT_LIVED: Duration = Duration::from_secs(3600);
/// How many sessions one legacy token can become, each under its own idempotency key: two devices
/// may share one token.
pub(crate) const EXCHANGES_MAX: u32 = 5;
/// How far a cut-over may be moved without bringing back revoked tokens that have no end.
const CUT_OVER_MOVES_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// The longest `Idempotency-Key`.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

impl Auth {
    /// Trades a legacy token for a session.
    ///
    /// The same token (and the same idempotency key, if one is sent) leads to the same session: a
    /// repeat within the exchange window, before the session's first refresh, gets the same pair
    /// again. After that the token is spent for exchange, but stays good as a credential, so that
    /// nodes of the old version and a way back still know the user.
    ///
    /// The session's absolute end counts from the token's `iat`, and so does its authentication:
    /// a not-before after that kills it.
    ///
    /// # Errors
    ///
    /// What the legacy token itself would get on any request; `not_exchangeable` for short-lived
    /// tokens, for those issued beside a session, and for users whom the rollout does not reach; `exchange_spent`; `session_revoked`
    /// when the session it became was ended; `refresh_off`; `store_unavailable`.
    pub async fn exchange(
        &self,
        token: &str,
        idempotency_key: Option<&str>,
        context: &RequestContext,
    ) -> Result<TokenPair, AuthError> {
        let exchanging = self.exchange_as(token, idempotency_key, context);
        let outcome = exchanging.instrument(tracing::debug_span!("segue.exchange")).await;
        let label = outcome.as_ref().map_or_else(|kind| kind.code(), |_| "exchanged");
        count!("segue_exchange_total", "outcome" => label);
        Ok(outcome?)
    }

    async fn exchange_as(
        &self,
        token: &str,
        idempotency_key: Option<&str>,
        context: &RequestContext,
    ) -> Result<TokenPair, AuthErrorKind> {
        let core = self.core();
        let moment = core.clock.read();
        if idempotency_key.is_some_and(|key| key.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
            return Err(AuthErrorKind::InvalidRequest);
        }
        self.start();
        core.check_keys()?;
        let flags = core.flags.snapshot().detach();
        let candidates = (0..core.legacy.all().len()).map(|source| (source, token));
        let seen = legacy_way::recognise(core, candidates, moment)
            .ok_or(AuthErrorKind::InvalidToken)??;
        legacy_way::check_guard(core, &seen, &flags, moment)?;
        self.may_exchange(&seen, &flags)?;
        self.check_stored(&seen).await?;
        core.users.ask(seen.token.user(), moment, flags.legacy_stale_ok).await?;
        let secret = self.exchange_secret(&seen.token, token, idempotency_key).await?;
        let row = self.exchange_row(&seen, &secret, context, moment);
        if row.refusal(moment.now, core.policy.idle, None).is_some() {
            return Err(AuthErrorKind::TokenTooOld);
        }
        let row = match self.insert(&row, None).await? {
            Inserted::Created { .. } => {
                tracing::info!(session = %row.id(), user = %row.user, "legacy token exchanged for a session");
                row
            }
            Inserted::Crowded => return Err(AuthErrorKind::ExchangeSpent),
            Inserted::Exists(stored) => self.repeat_exchange(*stored, moment).await?,
        };
        self.pair(&row, &secret, moment.now).await
    }

    fn may_exchange(&self, seen: &SeenToken, flags: &FlagSnapshot) -> Result<(), AuthErrorKind> {
        if flags.shared_pending() {
            return Err(AuthErrorKind::FlagsUnknown);
        }
        if !flags.accepts_sessions() {
            return Err(AuthErrorKind::RefreshOff);
        }
        let limits = self.core().legacy.all().get(seen.source).map(|source| source.limits());
        let short = seen.token.lifetime().is_some_and(|life| life < SHORT_LIVED)
            && !limits.is_some_and(|limits| limits.exchanges_short_lived());
        if short || !flags.issues_session_to(seen.token.user()) {
            return Err(AuthErrorKind::NotExchangeable);
        }
        Ok(())
    }

    /// What the store itself has against an exchange. Memory may be late by a second, which is
    /// nothing for one request, but the session would live for months.
    ///
    /// A token that was issued beside a session stays with it: as a session of its own it would
    /// outlive the end of the first one, and its revocation.
    async fn check_stored(&self, seen: &SeenToken) -> Result<(), AuthErrorKind> {
        let core = self.core();
        let unavailable = |_| AuthErrorKind::StoreUnavailable;
        let answer = core.coherence.query_store(seen.query()).await.map_err(unavailable)?;
        seen.revocation(answer)?;
        let Some(id) = seen.token.sid() else { return Ok(()) };
        let beside = core.coherence.stores().sessions.find(seen.token.user(), id).await;
        match beside.map_err(unavailable)? {
            Some(_) => Err(AuthErrorKind::NotExchangeable),
            // The claim is another system's.
            None => Ok(()),
        }
    }

    async fn exchange_secret(
        &self,
        token: &LegacyToken,
        text: &str,
        idempotency_key: Option<&str>,
    ) -> Result<SessionSecret, AuthErrorKind> {
        let core = self.core();
        let version = match core.pinned_version() {
            Some(version) => version,
            None => self.register_keys().await.map_err(|_| AuthErrorKind::StoreUnavailable)?,
        };
        let signing_input = text.rsplit_once('.').map_or(text, |(input, _)| input).as_bytes();
        let keys = core.keys.load();
        let source = token.source().as_str();
        exchange_secret(&keys, version, source, signing_input, idempotency_key)
            .ok_or(AuthErrorKind::UnknownKey)
    }

    fn exchange_row(
        &self,
        seen: &SeenToken,
        secret: &SessionSecret,
        context: &RequestContext,
        moment: Moment,
    ) -> SessionRecord {
        let core = self.core();
        let token = &seen.token;
        let now = moment.now;
        let end = self.legacy_end(token, seen.source);
        // An issuer whose clock is ahead proves nothing about the future.
        let issued_at = token.issued_at().map(|at| at.min(now));
        let absolute = issued_at.unwrap_or(now).saturating_add(core.policy.absolute);
        // A token that does not say how old it is buys nothing beyond its own end.
        let expires_at = if token.issued_at().is_some() { absolute } else { absolute.min(end) };
        SessionRecord {
            key: secret.access_secret().session_key(),
            user: token.user().clone(),
            generation: 0,
            key_version: core.keys.load().current(),
            authenticated_at: issued_at.unwrap_or(Timestamp::EPOCH),
            created_at: now,
            expires_at,
            rotated_at: None,
            grace_uses: 0,
            foreign_streak: 0,
            last_seen_at: now,
            revoked: None,
            scopes: Scopes::none(),
            data: SessionData::default(),
            device: context.device.clone().unwrap_or_default(),
            exchanged_from: Some(LegacyLink { key: token.id().blacklist_key(), until: end }),
            legacy_until: self.legacy_until(now),
            revision: 0,
        }
    }

    /// The last instant at which a legacy token can be accepted: `exp` plus leeway, else the
    /// cut-over and a season more, since a cut-over may be moved, else never.
    pub(crate) fn legacy_end(&self, token: &LegacyToken, source: usize) -> Timestamp {
        let core = self.core();
        let flags = core.flags.snapshot();
        let leeway = core.legacy.all().get(source).map(|source| source.limits().leeway());
        let own = token.expires_at().map(|end| end.saturating_add(leeway.unwrap_or_default()));
        let cut_over = flags.legacy_until.map(|until| until.saturating_add(CUT_OVER_MOVES_MAX));
        own.or(cut_over).unwrap_or(Timestamp::MAX)
    }

    /// The same token again: the same session, while nothing has happened to it yet.
    async fn repeat_exchange(
        &self,
        stored: SessionRecord,
        moment: Moment,
    ) -> Result<SessionRecord, AuthErrorKind> {
        let core = self.core();
        let not_before = core.not_before(&stored.user, moment).await?;
        if let Some(kind) = stored.refusal(moment.now, core.policy.idle, not_before) {
            return Err(kind);
        }
        let open = moment.now.since(stored.created_at) < core.policy.exchange_window;
        if stored.generation == 0 && open {
            return Ok(stored);
        }
        Err(AuthErrorKind::ExchangeSpent)
    }
}
