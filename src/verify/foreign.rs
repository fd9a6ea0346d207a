//! Blacklist checks in front of somebody else's authentication: is this token revoked, whoever
//! accepts it?
//!
//! Nothing here accepts anything. Claims are read without checking the signature, which is sound
//! because they can only refuse their own token: whoever changes `jti`, `sub` or `iat` to slip
//! through has broken the signature that the authentication behind this layer checks.

use std::borrow::Cow;
use std::iter::once;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Map;
use serde_json::Value;

use crate::blacklist::BlacklistKey;
use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::id::SessionId;
use crate::id::UserId;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistQuery;
use crate::time::Moment;
use crate::time::Timestamp;
use crate::token::RawAccess;
use crate::token::VerifiedAccess;
use crate::token::decode_access;
use crate::token::is_access_shape;
use crate::verify::core::Core;
use crate::verify::credentials::lift;
use crate::verify::head::RequestHead;
use crate::verify::legacy_way::recognise;
use crate::verify::startup;

/// A longer token is not looked into; the authentication behind refuses it, or should.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Where user ids stand in tokens of unknown origin.
const USER_CLAIMS: [&str; 4] = ["sub", "id", "user_id", "userId"];

/// `None` lets the request through; so does everything that is no revoked token.
pub(crate) enum BlacklistCheck {
    Ready(Option<AuthError>),
    Pending(Pin<Box<dyn Future<Output = Option<AuthError>> + Send>>),
}

/// What is known of a token without having verified it.
#[derive(Debug)]
enum Suspect {
    Session(RawAccess, VerifiedAccess),
    Token { keys: Vec<BlacklistKey>, user: Option<UserId>, issued_at: Option<Timestamp> },
}

/// Checks every credential the request carries.
pub(crate) fn check(core: &Arc<Core>, head: &RequestHead<'_>) -> BlacklistCheck {
    let presented = match lift(head.headers, head.uri, &core.lift) {
        Ok(presented) => presented,
        Err(kind) => return BlacklistCheck::Ready(Some(kind.into())),
    };
    let moment = core.clock.read();
    let own = [presented.bearer, presented.access_cookie].into_iter().flatten();
    let mut suspects: Vec<Suspect> = own.filter_map(|text| suspect(core, text)).collect();
    for (source, text) in presented.legacy() {
        suspects.extend(verified(core, source, text, moment).or_else(|| suspect(core, text)));
    }
    let mut later = Vec::new();
    for suspect in suspects {
        match judge_now(core, &suspect, moment) {
            Some(Ok(())) => {}
            Some(Err(kind)) => return BlacklistCheck::Ready(Some(kind.into())),
            None => later.push(suspect),
        }
    }
    if later.is_empty() {
        return BlacklistCheck::Ready(None);
    }
    let core = Arc::clone(core);
    BlacklistCheck::Pending(Box::pin(async move {
        startup::start(&core);
        for suspect in later {
            if let Err(kind) = ask(&core, suspect, moment).await {
                return Some(kind.into());
            }
        }
        None
    }))
}

/// What a source of ours knows of the token: formats that are no JWTs, ids that are mapped.
fn verified(core: &Core, source: usize, text: &str, moment: Moment) -> Option<Suspect> {
    let seen = recognise(core, once((source, text)), moment)?.ok()?;
    Some(Suspect::Token {
        keys: seen.keys.clone(),
        user: Some(seen.token.user().clone()),
        issued_at: seen.token.issued_at(),
    })
}

fn suspect(core: &Core, text: &str) -> Option<Suspect> {
    if is_access_shape(text) {
        let raw = decode_access(text).ok()?;
        let verified = raw.verify(&core.keys.load()).ok()?;
        return Some(Suspect::Session(raw, verified));
    }
    if text.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signing_input, _) = text.rsplit_once('.')?;
    let (_, payload) = signing_input.split_once('.')?;
    let claims = BASE64URL_NOPAD.decode(payload.as_bytes()).ok();
    let claims: Option<Map<String, Value>> =
        claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Some(suspect_token(core, signing_input, &claims.unwrap_or_default()))
}

fn suspect_token(core: &Core, signing_input: &str, claims: &Map<String, Value>) -> Suspect {
    let mut keys = vec![BlacklistKey::of_signing_input(signing_input.as_bytes())];
    if let Some(jti) = claims.get("jti").and_then(name_of) {
        let sources = core.legacy.names();
        let names = if sources.is_empty() { vec!["jwt"] } else { sources };
        keys.extend(names.iter().map(|source| BlacklistKey::of_jti(source, &jti)));
    }
    let sid = claims.get("sid").and_then(Value::as_str);
    keys.extend(sid.and_then(|sid| sid.parse::<SessionId>().ok()).map(BlacklistKey::of_session));
    let user = USER_CLAIMS.iter().find_map(|name| UserId::new(name_of(claims.get(*name)?)?).ok());
    let issued_at = claims.get("iat").and_then(instant_of);
    Suspect::Token { keys, user, issued_at }
}

fn name_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Seconds, in fractions too: whoever writes them must not be taken for a token without an age,
/// which one "log out everywhere" refuses for good.
fn instant_of(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = value.as_i64() {
        return Some(Timestamp::from_unix_seconds(seconds));
    }
    let span = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    Some(Timestamp::EPOCH.saturating_add(span))
}

/// The answer of cache and replica, or `None` where only the store knows.
fn judge_now(core: &Core, suspect: &Suspect, moment: Moment) -> Option<Result<(), AuthErrorKind>> {
    match suspect {
        Suspect::Session(raw, _) => {
            let verdict = core.coherence.with_session(raw.secret_bytes(), moment, |session| {
                match core.coherence.judge_session(session, moment) {
                    Some(AuthErrorKind::StoreUnavailable) => None,
                    refusal => Some(refused_if_revoked(refusal)),
                }
            });
            verdict.flatten()
        }
        Suspect::Token { keys, user, issued_at } => {
            let answer = core.coherence.judge_blacklist(keys, user.as_ref(), moment)?;
            Some(revocation(answer, *issued_at))
        }
    }
}

async fn ask(core: &Core, suspect: Suspect, moment: Moment) -> Result<(), AuthErrorKind> {
    let unavailable = |_| AuthErrorKind::StoreUnavailable;
    match suspect {
        Suspect::Session(raw, verified) => {
            let key = verified.session_key();
            let session = core.coherence.load_session(*raw.secret_bytes(), key, moment).await;
            let Some(session) = session.map_err(unavailable)? else { return Ok(()) };
            refused_if_revoked(core.coherence.judge_session(&session, moment))
        }
        Suspect::Token { keys, user, issued_at } => {
            let stale_ok = core.flags.snapshot().legacy_stale_ok;
            let query = BlacklistQuery { keys, user };
            let answer = core.coherence.query_blacklist(query, moment, stale_ok).await;
            revocation(answer.map_err(unavailable)?, issued_at)
        }
    }
}

/// Being expired is for the authentication behind to judge.
const fn refused_if_revoked(refusal: Option<AuthErrorKind>) -> Result<(), AuthErrorKind> {
    match refusal {
        Some(kind @ (AuthErrorKind::SessionRevoked | AuthErrorKind::StoreUnavailable)) => Err(kind),
        _ => Ok(()),
    }
}

fn revocation(answer: BlacklistAnswer, issued_at: Option<Timestamp>) -> Result<(), AuthErrorKind> {
    let before = answer.not_before.is_some_and(|at| issued_at.is_none_or(|issued| issued <= at));
    if answer.listed || before { Err(AuthErrorKind::TokenRevoked) } else { Ok(()) }
}
