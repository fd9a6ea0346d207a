//! How a JWT source is described: keys, issuer, claims, limits.

use std::time::Duration;

use serde_json::Value;

use super::algorithm::Algorithm;
use super::claims::ClaimPath;
use super::claims::UserIdKind;
use super::material::JwtKey;
use super::policy::Audience;
use super::policy::Policy;
use super::policy::TypPolicy;
use crate::error::ConfigFault;
use crate::id::UserId;
use crate::verify::legacy::limits::SourceLimits;
use crate::verify::legacy::transport::Transport;

/// Describes one issuer of JWTs; made by
/// [`JwtVerifier::builder`](crate::JwtVerifier::builder).
///
/// The defaults are strict where a legitimate issuer loses nothing by it. Everything in which the
/// old systems differ has its own switch, so that a migration accepts exactly what was accepted
/// before, and no more.
///
/// Firebase, for instance, signs the tokens of every project with the same keys, so issuer and
/// audience are the boundary:
///
/// ```no_run
/// use segue::{Algorithm, JwtKey, JwtVerifier, UserIdKind};
///
/// let firebase = JwtVerifier::builder("firebase")
///     .algorithms([Algorithm::RS256])
///     .key(JwtKey::certificates_file("/run/keys/securetoken.json"))
///     .require_kid()
///     .issuer("https://securetoken.google.com/my-project")
///     .audience("my-project")
///     .refuse_audience_lists()
///     .user_claims(["sub"])
///     .user_id_kind(UserIdKind::String)
///     .user_id_chars_max(128)
///     .build()?;
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtVerifierBuilder {
    pub(super) source: String,
    pub(super) transport: Transport,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) keys: Vec<JwtKey>,
    pub(super) allow_weak_secret: bool,
    pub(super) policy: Policy,
    pub(super) faults: Vec<ConfigFault>,
}

impl JwtVerifierBuilder {
    pub(super) fn new(source: String) -> Self {
        let policy = Policy {
            typ: TypPolicy::default(),
            require_kid: false,
            issuers: Vec::new(),
            audience: Audience::default(),
            audience_lists: true,
            required: Vec::new(),
            one_of: Vec::new(),
            user: ["sub", "id", "user_id", "userId"].map(ClaimPath::new).into(),
            user_kind: UserIdKind::default(),
            user_length_max: UserId::LENGTH_BYTES_MAX,
            user_map: None,
            numeric_jti: false,
            refuse_future_iat: false,
            ignore_malformed_iat: false,
            max_age: None,
            limits: SourceLimits::default(),
        };
        Self {
            source,
            transport: Transport::default(),
            algorithms: Vec::new(),
            keys: Vec::new(),
            allow_weak_secret: false,
            policy,
            faults: Vec::new(),
        }
    }

    /// The algorithms the issuer signs with: the exact list, demanded, never taken from a token.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// One more key, or set of keys. During a rotation the old and the new one stand side by side.
    pub fn key(mut self, key: JwtKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Takes HMAC secrets under 32 bytes. A short secret can be found by trying, offline, with one
    /// token of any user at hand; whoever finds it is everybody. Rotate it, or set a near cut-over.
    /// Empty, all-zero and placeholder secrets stay refused.
    pub fn danger_allow_weak_secret(mut self) -> Self {
        self.allow_weak_secret = true;
        self
    }

    /// Where the tokens arrive. Default `Authorization: Bearer`.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// One more `iss` that is accepted, compared exactly. Once there is one, a token must have one.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.policy.issuers.push(issuer.into());
        self
    }

    /// One more `aud` that is accepted, compared exactly; a token that lists several needs one of
    /// them. Once there is one, a token must have one. Without, `aud` is not looked at, which is
    /// right only where the key signs for this app alone (RFC 8725, section 3.9).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        match &mut self.policy.audience {
            Audience::OneOf(own) => own.push(audience.into()),
            other => *other = Audience::OneOf(vec![audience.into()]),
        }
        self
    }

    /// Accepts the audiences that pass this test, for issuers whose audiences are a pattern. A
    /// token without `aud` is refused, whatever the test would say.
    pub fn audience_where(mut self, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.policy.audience = Audience::Where(std::sync::Arc::new(test));
        self
    }

    /// Refuses tokens that name an audience.
    pub fn refuse_audience(mut self) -> Self {
        self.policy.audience = Audience::Absent;
        self
    }

    /// Refuses a list as `aud`, even one that holds the right audience.
    pub fn refuse_audience_lists(mut self) -> Self {
        self.policy.audience_lists = false;
        self
    }

    /// Claims (names or JSON pointers) that must be there and say something.
    pub fn require_claims<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.policy.required.extend(paths.into_iter().map(ClaimPath::new));
        self
    }

    /// A claim (name or JSON pointer) that must have one of these values, of the same JSON type.
    pub fn require_value<V: Into<Value>>(
        mut self,
        path: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.policy.one_of.push((ClaimPath::new(path), values));
        self
    }

    /// The claim that tells access tokens from others made with the same key (refresh tokens,
    /// password resets), and its value for access tokens: `token_type("token_type", "access")` for
    /// Django.
    pub fn token_type(self, claim: impl Into<String>, value: impl Into<String>) -> Self {
        self.require_value(claim, [value.into()])
    }

    /// One more `typ` header that is accepted, such as `at+jwt`. Default: absent, or `JWT`.
    pub fn typ(mut self, typ: impl Into<String>) -> Self {
        self.policy.typ.names.push(typ.into());
        self
    }

    /// Demands exactly this `typ` header (RFC 9068, section 4, demands `at+jwt`).
    pub fn require_typ(mut self, typ: impl Into<String>) -> Self {
        self.policy.typ = TypPolicy { ignored: false, absent: false, names: vec![typ.into()] };
        self
    }

    /// Does not look at the `typ` header, as most old verifiers did not. Right only where no other
    /// kind of token is signed with the same key.
    pub fn ignore_typ(mut self) -> Self {
        self.policy.typ.ignored = true;
        self
    }

    /// Refuses tokens without `kid`.
    pub fn require_kid(mut self) -> Self {
        self.policy.require_kid = true;
        self
    }

    /// The claims (names or JSON pointers) that may hold the user's id; the first one present
    /// decides. Default `sub`, `id`, `user_id`, `userId`.
    pub fn user_claims<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.policy.user = paths.into_iter().map(ClaimPath::new).collect();
        self
    }

    /// Which JSON types a user id may have. Default: string or integer.
    pub fn user_id_kind(mut self, kind: UserIdKind) -> Self {
        self.policy.user_kind = kind;
        self
    }

    /// The longest user id, in characters.
    pub fn user_id_chars_max(mut self, chars: usize) -> Self {
        self.policy.user_length_max = chars;
        self
    }

    /// From the id in the token to the app's user; `None` refuses the token.
    ///
    /// Two issuers both have a user 1. With more than one legacy source each must say how its ids
    /// become the app's:
    ///
    /// ```
    /// # use segue::{Algorithm, JwtKey, JwtVerifier, UserId};
    /// let partners = JwtVerifier::builder("partners")
    ///     .algorithms([Algorithm::HS256])
    ///     .key(JwtKey::secret("another secret of at least 32 bytes"))
    ///     .map_user(|id| UserId::new(format!("partner:{id}")).ok())
    ///     .build()?;
    /// # Ok::<(), segue::ConfigError>(())
    /// ```
    pub fn map_user(
        mut self,
        map: impl Fn(&str) -> Option<UserId> + Send + Sync + 'static,
    ) -> Self {
        self.policy.user_map = Some(std::sync::Arc::new(map));
        self
    }

    /// Reads an integer `jti` as its decimal text. By default it is refused (RFC 7519 wants text).
    pub fn allow_numeric_jti(mut self) -> Self {
        self.policy.numeric_jti = true;
        self
    }

    /// How far the issuer's clock may be off, at most [`SourceLimits::LEEWAY_MAX`]. Default 0.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        if leeway > SourceLimits::LEEWAY_MAX {
            let shown = humantime::format_duration(leeway).to_string();
            self.faults.push(ConfigFault::new(self.place("leeway"), shown, "at most 5m"));
        }
        self.policy.limits = self.policy.limits.with_leeway(leeway);
        self
    }

    /// Accepts tokens without `exp`: their age and the cut-over end them.
    pub fn allow_missing_exp(mut self) -> Self {
        self.policy.limits = self.policy.limits.with_missing_exp_allowed();
        self
    }

    /// Accepts tokens without `iat`. They count as issued before every not-before.
    pub fn allow_missing_iat(mut self) -> Self {
        self.policy.limits = self.policy.limits.with_missing_iat_allowed();
        self
    }

    /// Takes an `iat` that is not a number for a missing one, as verifiers did that never looked at
    /// it. By default such a token is refused.
    pub fn ignore_malformed_iat(mut self) -> Self {
        self.policy.ignore_malformed_iat = true;
        self
    }

    /// Refuses tokens with a longer life; those without `exp` end so long after `iat`.
    pub fn lifetime_max(mut self, lifetime: Duration) -> Self {
        self.policy.limits = self.policy.limits.with_lifetime_max(lifetime);
        self
    }

    /// Refuses tokens this old, as the issuer's own verifier did (npm: `maxAge`), whatever the
    /// operator's age cap is. A token then needs an `iat`.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.policy.max_age = Some(age);
        self
    }

    /// Refuses an `iat` in the future as invalid, as Django does. (The age cap refuses it too, as
    /// too old.)
    pub fn refuse_future_iat(mut self) -> Self {
        self.policy.refuse_future_iat = true;
        self
    }

    /// Lets tokens that live under an hour be exchanged for a session.
    pub fn exchange_short_lived(mut self) -> Self {
        self.policy.limits = self.policy.limits.with_exchange_of_short_lived();
        self
    }
}
