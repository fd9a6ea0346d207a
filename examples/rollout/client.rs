//! The clients: what each keeps, and what it does when it is refused.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::AUTHORIZATION;
use http::header::COOKIE;
use http::header::SET_COOKIE;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// What became of one request of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// Answered, by this way, after so many further attempts that nobody noticed.
    Served { by_session: bool, retries: u64 },
    /// Every credential was refused: a login page.
    AskedToLogIn,
}

/// One device of one person.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    Browser { user: u64, cookies: BTreeMap<String, String> },
    Old { user: u64, token: String },
    Upgraded { user: u64, pair: Option<Pair>, legacy: String },
}

#[derive(Clone, Debug)]
pub(crate) struct Pair {
    access: String,
    refresh: String,
}

#[derive(Default)]
struct Answer {
    status: u16,
    body: Value,
    cookies: Vec<String>,
}

impl Client {
    /// Logs in for the first time, before the rollout begins.
    pub(crate) async fn log_in(&mut self, app: &Router) {
        let (user, by_cookies) = match self {
            Self::Browser { user, .. } => (*user, true),
            Self::Old { user, .. } | Self::Upgraded { user, .. } => (*user, false),
        };
        let uri = format!("/login?user={user}&cookies={by_cookies}");
        let answer = self.send(app, post(&uri, None)).await;
        match self {
            Self::Browser { .. } => {}
            Self::Old { token, .. } => text(&answer.body["legacy_token"]).clone_into(token),
            Self::Upgraded { pair, legacy, .. } => take(&answer.body, pair, legacy),
        }
    }

    /// Trades the old token for a session, if the client can and the rollout reaches the user.
    pub(crate) async fn try_to_exchange(&mut self, app: &Router) {
        let call = match self {
            Self::Upgraded { pair: None, legacy, .. } => post("/auth/exchange", Some(legacy)),
            Self::Browser { .. } => post("/auth/exchange", None),
            _ => return,
        };
        let answer = self.send(app, call).await;
        if let (Self::Upgraded { pair, legacy, .. }, 200) = (self, answer.status) {
            take(&answer.body, pair, legacy);
        }
    }

    /// One request, with all that the client does on its own to get an answer.
    pub(crate) async fn request(&mut self, app: &Router) -> Outcome {
        match self {
            Self::Browser { .. } => {
                let answer = self.send(app, get(None)).await;
                judge(&answer, 0)
            }
            Self::Old { token, .. } => {
                let call = get(Some(token));
                judge(&self.send(app, call).await, 0)
            }
            Self::Upgraded { .. } => self.request_upgraded(app).await,
        }
    }

    async fn request_upgraded(&mut self, app: &Router) -> Outcome {
        let mut retries = 0;
        loop {
            let Self::Upgraded { pair, legacy, .. } = self else { return Outcome::AskedToLogIn };
            let Some(Pair { access, refresh }) = pair.clone() else {
                let call = get(Some(legacy));
                return judge(&self.send(app, call).await, retries);
            };
            let answer = self.send(app, get(Some(&access))).await;
            if answer.status == 200 || retries > 2 {
                return judge(&answer, retries);
            }
            retries += 1;
            if text(&answer.body["code"]) == "token_expired" {
                let body = serde_json::json!({ "refresh_token": refresh }).to_string();
                let call =
                    Request::post("/auth/refresh").header("content-type", "application/json");
                let answer = self.send(app, call.body(Body::from(body))).await;
                if let (Self::Upgraded { pair, legacy, .. }, 200) = (&mut *self, answer.status) {
                    take(&answer.body, pair, legacy);
                    continue;
                }
            }
            // Sessions are off: the pair is kept for better days, the old token serves.
            let Self::Upgraded { legacy, .. } = self else { return Outcome::AskedToLogIn };
            let call = get(Some(legacy));
            return judge(&self.send(app, call).await, retries);
        }
    }

    /// Sends it, with the cookies of a browser, which takes over those of the answer.
    async fn send(&mut self, app: &Router, call: http::Result<Request<Body>>) -> Answer {
        let Ok(mut call) = call else { return Answer::default() };
        if let Self::Browser { cookies, .. } = self {
            let pairs: Vec<_> =
                cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let headers = call.headers_mut();
            headers.insert("sec-fetch-site", http::HeaderValue::from_static("same-origin"));
            if let Ok(value) = pairs.join("; ").parse() {
                headers.insert(COOKIE, value);
            }
        }
        let answer = ask(app, call).await;
        if let Self::Browser { cookies, .. } = self {
            answer.cookies.iter().for_each(|cookie| keep(cookies, cookie));
        }
        answer
    }
}

async fn ask(app: &Router, call: Request<Body>) -> Answer {
    let (head, body) = match app.clone().oneshot(call).await {
        Ok(response) => response.into_parts(),
        Err(never) => match never {},
    };
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let cookies = head.headers.get_all(SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| Some(cookie.to_str().ok()?.to_owned()));
    Answer {
        status: head.status.as_u16(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        cookies: cookies.collect(),
    }
}

fn get(token: Option<&str>) -> http::Result<Request<Body>> {
    with_token(Request::get("/me"), token)
}

fn post(uri: &str, token: Option<&str>) -> http::Result<Request<Body>> {
    with_token(Request::post(uri), token)
}

fn with_token(call: http::request::Builder, token: Option<&str>) -> http::Result<Request<Body>> {
    match token {
        Some(token) => call.header(AUTHORIZATION, format!("Bearer {token}")).body(Body::empty()),
        None => call.body(Body::empty()),
    }
}

fn judge(answer: &Answer, retries: u64) -> Outcome {
    match answer.status {
        200 => Outcome::Served { by_session: answer.body["via"] == "session", retries },
        _ => Outcome::AskedToLogIn,
    }
}

fn take(body: &Value, pair: &mut Option<Pair>, legacy: &mut String) {
    let member = |name: &str| body[name].as_str().map(str::to_owned);
    if let (Some(access), Some(refresh)) = (member("access_token"), member("refresh_token")) {
        *pair = Some(Pair { access, refresh });
    }
    if let Some(token) = member("legacy_token") {
        *legacy = token;
    }
}

fn keep(cookies: &mut BTreeMap<String, String>, cookie: &str) {
    let Some((name, rest)) = cookie.split_once('=') else { return };
    let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
    if attributes.contains("Max-Age=0") {
        cookies.remove(name);
    } else {
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
