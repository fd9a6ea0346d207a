//! An app with everything in it, in memory, and a client that remembers cookies.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::routing::get;
use http::HeaderMap;
use http::Request;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::COOKIE;
use http::header::SET_COOKIE;
use segue::Algorithm;
use segue::Auth;
use segue::AuthBuilder;
use segue::AuthLayer;
use segue::CookiePolicy;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::LegacyGrant;
use segue::Login;
use segue::ManualClock;
use segue::MemoryStore;
use segue::Principal;
use segue::RouteOptions;
use segue::Transport;
use segue::store::FaultyStore;
use serde_json::Value;
use serde_json::json;
use tower::ServiceExt;

use crate::forge;

pub(crate) const ACCESS: &str = "__Host-segue_access";
pub(crate) const REFRESH: &str = "__Host-segue_refresh";
pub(crate) const LEGACY: &str = "token";
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct World {
    pub(crate) auth: Auth,
    pub(crate) app: Router,
    pub(crate) clock: ManualClock,
    pub(crate) store: FaultyStore<MemoryStore>,
}

pub(crate) fn world() -> World {
    world_with(|builder| builder, RouteOptions::default())
}

pub(crate) fn world_with(
    change: impl FnOnce(AuthBuilder) -> AuthBuilder,
    options: RouteOptions,
) -> World {
    let clock = ManualClock::at(forge::NOW);
    let store = FaultyStore::new(MemoryStore::new());
    let legacy = JwtVerifier::builder("jwt")
        .algorithms([Algorithm::HS256])
        .key(JwtKey::secret(forge::SECRET))
        .transport(Transport::bearer().with_cookie(LEGACY).unwrap())
        .build()
        .unwrap();
    let builder = Auth::builder()
        .store(store.clone())
        .clock(clock.clock())
        .cookies(CookiePolicy::default().with_legacy_cookie(LEGACY).unwrap())
        .legacy(legacy)
        .legacy_issuer(7 * DAY, |grant: &LegacyGrant| Ok::<_, String>(issue(grant)));
    let auth = change(builder).build().unwrap();
    let me = async |who: Principal| {
        axum::Json(json!({
            "user": who.user_id(),
            "via": who.via().label(),
            "session": who.session_id(),
        }))
    };
    let app = Router::new()
        .route("/me", get(me).post(me))
        .layer(AuthLayer::dual().with(&auth))
        .merge(auth.routes_with(options));
    World { auth, app, clock, store }
}

fn issue(grant: &LegacyGrant) -> String {
    let claims = json!({
        "id": grant.user,
        "iat": grant.issued_at.as_unix_seconds(),
        "exp": grant.expires_at.as_unix_seconds(),
        "jti": grant.jti,
        "sid": grant.session_id,
    });
    forge::with_claims(claims.to_string())
}

impl World {
    pub(crate) fn flags(&self, line: &str) {
        self.auth.flags().pin(line.parse().unwrap()).unwrap();
    }

    pub(crate) async fn login(&self, user: u64) -> Tokens {
        Tokens::of(&self.auth.login(user).await.unwrap())
    }

    /// A browser that has just logged in.
    pub(crate) async fn browser(&self, user: u64) -> Browser {
        let mut browser = Browser::default();
        let login = self.auth.login(user).await.unwrap();
        let answer = axum::response::IntoResponse::into_response(login.into_cookies(&self.auth));
        browser.take(answer.headers());
        browser
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        let response = self.app.clone().oneshot(call.request()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, text }
    }

    /// The call with the browser's cookies, whose answer the browser takes over.
    pub(crate) async fn browse(&self, browser: &mut Browser, call: Call) -> Answer {
        let call = call.header("cookie", &browser.header()).same_origin();
        let answer = self.send(call).await;
        browser.take(&answer.headers);
        answer
    }

    /// Who the token is taken for by the app: user and way, or the code of the refusal.
    pub(crate) async fn me(&self, token: &str) -> String {
        Self::who(&self.send(Call::get("/me").bearer(token)).await)
    }

    pub(crate) async fn me_browsing(&self, browser: &mut Browser) -> String {
        Self::who(&self.browse(browser, Call::get("/me")).await)
    }

    fn who(answer: &Answer) -> String {
        match answer.status {
            200 => format!("{} by {}", text(&answer.body["user"]), text(&answer.body["via"])),
            _ => text(&answer.body["code"]),
        }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) legacy: String,
    pub(crate) session: String,
}

impl Tokens {
    fn of(login: &Login) -> Self {
        Self::from(&login.to_json())
    }
}

impl From<&Value> for Tokens {
    fn from(body: &Value) -> Self {
        Self {
            access: text(&body["access_token"]),
            refresh: text(&body["refresh_token"]),
            legacy: text(&body["legacy_token"]),
            session: text(&body["session_id"]),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Status and, for a problem document, its code.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(self.body["status"], self.status);
        (self.status, self.code())
    }

    pub(crate) fn sets(&self, name: &str) -> bool {
        self.cookie(name).is_some_and(|cookie| !cookie.contains("Max-Age=0"))
    }

    pub(crate) fn clears(&self, name: &str) -> bool {
        self.cookie(name).is_some_and(|cookie| cookie.contains("Max-Age=0"))
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.headers.get_all(SET_COOKIE).iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().to_owned());
        cookies.find(|cookie| cookie.starts_with(&format!("{name}=")))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Browser(pub(crate) BTreeMap<String, String>);

impl Browser {
    pub(crate) fn take(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) fn header(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A request being put together.
pub(crate) struct Call {
    builder: http::request::Builder,
    body: Body,
}

impl Call {
    pub(crate) fn get(uri: &str) -> Self {
        Self::new("GET", uri)
    }

    pub(crate) fn post(uri: &str) -> Self {
        Self::new("POST", uri)
    }

    pub(crate) fn delete(uri: &str) -> Self {
        Self::new("DELETE", uri)
    }

    fn new(method: &str, uri: &str) -> Self {
        let builder = Request::builder().method(method).uri(uri).header("host", "app.test");
        Self { builder, body: Body::empty() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if name != COOKIE || !value.is_empty() {
            self.builder = self.builder.header(name, value);
        }
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub(crate) fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    #[expect(clippy::needless_pass_by_value, reason = "calls read better")]
    pub(crate) fn json(self, body: Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").raw(body.to_string())
    }

    pub(crate) fn raw(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    fn request(self) -> Request<Body> {
        self.builder.body(self.body).unwrap()
    }
}
