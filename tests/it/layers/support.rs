//! A whole system on a memory store whose calls are counted, and requests to put to it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;
use http::header::AUTHORIZATION;
use http::header::COOKIE;
use http::header::SET_COOKIE;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use segue::Auth;
use segue::AuthBuilder;
use segue::AuthErrorKind;
use segue::KeyVersion;
use segue::Keyring;
use segue::LegacyToken;
use segue::LegacyTokenId;
use segue::LegacyVerifier;
use segue::ManualClock;
use segue::MemoryStore;
use segue::Principal;
use segue::SourceLimits;
use segue::SourceName;
use segue::Timestamp;
use segue::Transport;
use segue::UserId;
use segue::store::FaultyStore;
use tower::ServiceExt;
use tower_service::Service;

pub(crate) const ACCESS: &str = "__Host-segue_access";
pub(crate) const REFRESH: &str = "__Host-segue_refresh";

/// One node: the system, the store below it, and the clock both go by.
pub(crate) struct World {
    pub(crate) auth: Auth,
    pub(crate) store: FaultyStore<MemoryStore>,
    pub(crate) clock: ManualClock,
}

/// The tokens of one login.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::built(|builder| builder)
    }

    /// With a legacy source whose tokens are `old_` and the user's name, in a header or a cookie.
    pub(crate) fn dual() -> Self {
        Self::built(|builder| builder.legacy(Old::new()))
    }

    pub(crate) fn built(change: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
        let store = FaultyStore::new(MemoryStore::with_clock(clock.clock()));
        let builder = Auth::builder()
            .store(store.clone())
            .keys(Keyring::generate(KeyVersion::FIRST).unwrap())
            .clock(clock.clock());
        Self { auth: change(builder).build().unwrap(), store, clock }
    }

    pub(crate) async fn login(&self, user: u64) -> Tokens {
        let pair = self.auth.login(user).await.unwrap().pair.unwrap();
        Tokens {
            access: pair.access.expose().to_owned(),
            refresh: pair.refresh.expose().to_owned(),
        }
    }

    /// Passes so much time that access tokens have ended and sessions have not.
    pub(crate) fn outlive_access(&self) {
        self.clock.advance(Duration::from_secs(3600));
    }
}

pub(crate) fn get(fields: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    request("GET", fields)
}

pub(crate) fn request(method: &str, fields: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let mut request = Request::builder().method(method).uri("/me");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Empty::new()).unwrap()
}

pub(crate) fn bearer(token: &str) -> Request<Empty<Bytes>> {
    get(&[(AUTHORIZATION.as_str(), &format!("Bearer {token}"))])
}

pub(crate) fn cookies(pairs: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    get(&[(COOKIE.as_str(), &text.join("; "))])
}

/// The innermost service: says who it was called by.
pub(crate) async fn who<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let extensions = request.extensions();
    let principal = extensions.get::<Principal>();
    let text = match (principal, extensions.get::<segue::Anonymous>()) {
        (Some(who), None) => format!("{} by {}", who.user_id(), who.via()),
        (None, Some(_)) => "anonymous".to_owned(),
        (None, None) => "unauthenticated".to_owned(),
        (Some(_), Some(_)) => "both".to_owned(),
    };
    Ok(Response::new(Full::from(text)))
}

/// What came back, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) error: Option<segue::AuthError>,
}

impl Answer {
    pub(crate) fn code(&self) -> String {
        let document: serde_json::Value = serde_json::from_str(&self.text).unwrap_or_default();
        document["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Name and value of the cookies it sets; an empty value removes one.
    pub(crate) fn cookies(&self) -> HashMap<String, String> {
        let pair = |value: &http::HeaderValue| {
            let text = value.to_str().unwrap().split(';').next().unwrap().to_owned();
            let (name, value) = text.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        self.headers.get_all(SET_COOKIE).iter().map(pair).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// One request through a clone of the service.
pub(crate) async fn send<S, B, R>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
    R: http_body::Body,
    R::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        error: parts.extensions.get().copied(),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// The system being replaced: `old_NAME` is a token of NAME, an hour long.
#[derive(Debug)]
pub(crate) struct Old {
    source: SourceName,
    transport: Transport,
    limits: SourceLimits,
}

impl Old {
    pub(crate) fn new() -> Self {
        Self {
            source: "old".parse().unwrap(),
            transport: Transport::bearer().with_cookie("old").unwrap(),
            limits: SourceLimits::default(),
        }
    }
}

impl LegacyVerifier for Old {
    fn source(&self) -> &SourceName {
        &self.source
    }

    fn transport(&self) -> &Transport {
        &self.transport
    }

    fn limits(&self) -> &SourceLimits {
        &self.limits
    }

    fn recognises(&self, token: &str) -> bool {
        token.starts_with("old_")
    }

    fn verify(&self, token: &str, _: Timestamp) -> Result<LegacyToken, AuthErrorKind> {
        let name = token.strip_prefix("old_").filter(|name| !name.contains("forged"));
        let name = name.ok_or(AuthErrorKind::InvalidToken)?;
        let user: UserId = name.parse().map_err(|_| AuthErrorKind::InvalidToken)?;
        let issued = Timestamp::from_unix_seconds(1_800_000_000 - 60);
        let id = LegacyTokenId::of_signing_input(token.as_bytes());
        Ok(LegacyToken::new(user, id)
            .with_source(self.source.clone())
            .with_issued_at(issued)
            .with_expires_at(issued.saturating_add(Duration::from_secs(3600))))
    }
}
