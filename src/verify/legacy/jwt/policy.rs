//! What one issuer's tokens must say, judged after the signature.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;

use super::claims;
use super::claims::ClaimPath;
use super::claims::UserIdKind;
use super::compact::Header;
use super::compact::media_type;
use crate::error::AuthErrorKind;
use crate::id::LegacyTokenId;
use crate::id::SourceName;
use crate::id::UserId;
use crate::time::Timestamp;
use crate::verify::legacy::limits::SourceLimits;
use crate::verify::legacy::limits::check_lifetime;
use crate::verify::legacy::limits::check_window;
use crate::verify::legacy::token::LegacyToken;

/// From the text of an id to the app's user, or a refusal.
pub(super) type UserMap = Arc<dyn Fn(&str) -> Option<UserId> + Send + Sync>;

/// Whether an audience is ours.
pub(super) type AudienceTest = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which audiences are accepted.
#[derive(Clone, Default)]
pub(super) enum Audience {
    /// The claim is not looked at.
    #[default]
    Unchecked,
    /// The token must not name one.
    Absent,
    /// One of these, exactly.
    OneOf(Vec<String>),
    /// One that passes the app's own test.
    Where(AudienceTest),
}

/// Which `typ` headers are accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TypPolicy {
    pub(super) ignored: bool,
    pub(super) absent: bool,
    pub(super) names: Vec<String>,
}

impl Default for TypPolicy {
    fn default() -> Self {
        Self { ignored: false, absent: true, names: vec!["JWT".to_owned()] }
    }
}

impl TypPolicy {
    fn accepts(&self, typ: Option<&Value>) -> bool {
        match typ {
            _ if self.ignored => true,
            None => self.absent,
            Some(Value::String(typ)) => {
                let typ = media_type(typ);
                self.names.iter().any(|name| media_type(name).eq_ignore_ascii_case(typ))
            }
            Some(_) => false,
        }
    }
}

/// Everything that is demanded of one issuer's tokens.
#[derive(Clone)]
pub(super) struct Policy {
    pub(super) typ: TypPolicy,
    pub(super) require_kid: bool,
    pub(super) issuers: Vec<String>,
    pub(super) audience: Audience,
    pub(super) audience_lists: bool,
    pub(super) required: Vec<ClaimPath>,
    pub(super) one_of: Vec<(ClaimPath, Vec<Value>)>,
    pub(super) user: Vec<ClaimPath>,
    pub(super) user_kind: UserIdKind,
    pub(super) user_length_max: usize,
    pub(super) user_map: Option<UserMap>,
    pub(super) numeric_jti: bool,
    pub(super) refuse_future_iat: bool,
    pub(super) ignore_malformed_iat: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) limits: SourceLimits,
}

/// What a token says of itself, once its types are right.
struct Instants {
    issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Policy {
    /// The part of the policy that concerns the header.
    pub(super) fn accepts_header(&self, header: &Header) -> bool {
        self.typ.accepts(header.typ.as_ref()) && !(self.require_kid && header.kid.is_none())
    }

    /// Judges the claims of a token whose signature is genuine.
    ///
    /// What the token says is read before the clock is asked, so that an expired token of another
    /// app is an invalid token, not an expired one.
    pub(super) fn judge(
        &self,
        source: &SourceName,
        claims: Map<String, Value>,
        id: LegacyTokenId,
        now: Timestamp,
    ) -> Result<LegacyToken, AuthErrorKind> {
        let invalid = || AuthErrorKind::InvalidToken;
        let instants = Instants::read(&claims, self.ignore_malformed_iat).ok_or_else(invalid)?;
        let jti = claims::jti(&claims, self.numeric_jti).map_err(|()| invalid())?;
        if !self.accepts_issuer(&claims)
            || !self.accepts_audience(&claims)
            || !self.accepts_claims(&claims)
        {
            return Err(invalid());
        }
        let user = self.user(&claims).ok_or_else(invalid)?;
        let sid = claims.get("sid").and_then(Value::as_str).and_then(|sid| sid.parse().ok());
        let mut token = LegacyToken::new(user, id).with_source(source.clone()).with_claims(claims);
        token = instants.put_into(token);
        token = if let Some(jti) = jti { token.with_jti(jti) } else { token };
        token = if let Some(sid) = sid { token.with_sid(sid) } else { token };
        check_window(&token, &self.limits, now)?;
        check_lifetime(&token, &self.limits, now)?;
        self.check_issue(&token, now)?;
        Ok(token)
    }

    pub(super) fn accepts_issuer(&self, claims: &Map<String, Value>) -> bool {
        let iss = claims.get("iss").and_then(Value::as_str);
        self.issuers.is_empty() || iss.is_some_and(|iss| self.issuers.iter().any(|own| own == iss))
    }

    fn accepts_audience(&self, claims: &Map<String, Value>) -> bool {
        let aud = claims.get("aud");
        match &self.audience {
            Audience::Unchecked => true,
            Audience::Absent => aud.is_none_or(Value::is_null),
            Audience::OneOf(own) => claims::has_audience(aud, self.audience_lists, &|aud| {
                own.iter().any(|own| own == aud)
            }),
            Audience::Where(test) => claims::has_audience(aud, self.audience_lists, &**test),
        }
    }

    fn accepts_claims(&self, claims: &Map<String, Value>) -> bool {
        let said = |path: &ClaimPath| path.find(claims).is_some_and(claims::is_said);
        let equal = |(path, values): &(ClaimPath, Vec<Value>)| {
            path.find(claims).is_some_and(|value| values.contains(value))
        };
        self.required.iter().all(said) && self.one_of.iter().all(equal)
    }

    /// The first of the claims that is present decides; a bad one is not passed over.
    fn user(&self, claims: &Map<String, Value>) -> Option<UserId> {
        let value = self.user.iter().find_map(|path| path.find(claims))?;
        let text = claims::user_id(value, self.user_kind)?;
        if text.chars().count() > self.user_length_max {
            return None;
        }
        let plain = UserId::new(&text).ok()?;
        match &self.user_map {
            Some(map) => map(plain.as_str()),
            None => Some(plain),
        }
    }

    /// The issuer's own rules about `iat`, where it had any.
    fn check_issue(&self, token: &LegacyToken, now: Timestamp) -> Result<(), AuthErrorKind> {
        let leeway = self.limits.leeway();
        match (token.issued_at(), self.max_age) {
            (Some(issued), _) if self.refuse_future_iat && issued > now.saturating_add(leeway) => {
                Err(AuthErrorKind::InvalidToken)
            }
            (Some(issued), Some(age))
                if now >= issued.saturating_add(age).saturating_add(leeway) =>
            {
                Err(AuthErrorKind::TokenExpired)
            }
            (None, Some(_)) => Err(AuthErrorKind::InvalidToken),
            _ => Ok(()),
        }
    }
}

impl Instants {
    fn read(claims: &Map<String, Value>, ignore_malformed_iat: bool) -> Option<Self> {
        let issued_at = match claims::instant(claims, "iat") {
            Err(()) if ignore_malformed_iat => None,
            read => read.ok()?,
        };
        Some(Self {
            issued_at,
            not_before: claims::instant(claims, "nbf").ok()?,
            expires_at: claims::instant(claims, "exp").ok()?,
        })
    }

    fn put_into(self, mut token: LegacyToken) -> LegacyToken {
        if let Some(instant) = self.issued_at {
            token = token.with_issued_at(instant);
        }
        if let Some(instant) = self.not_before {
            token = token.with_not_before(instant);
        }
        if let Some(instant) = self.expires_at {
            token = token.with_expires_at(instant);
        }
        token
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("typ", &self.typ)
            .field("issuers", &self.issuers)
            .field("audience", &self.audience)
            .field("required", &self.required)
            .field("user", &self.user)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchecked => f.write_str("Unchecked"),
            Self::Absent => f.write_str("Absent"),
            Self::OneOf(own) => f.debug_tuple("OneOf").field(own).finish(),
            Self::Where(_) => f.write_str("Where(..)"),
        }
    }
}
