//! A request through the layers, and what came back.

use std::convert::Infallible;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::COOKIE;
use http::header::SET_COOKIE;
use http_body_util::BodyExt;
use http_body_util::Full;
use segue::Anonymous;
use segue::AuthError;
use segue::AuthErrorKind;
use segue::AuthLayer;
use segue::PeerAddress;
use segue::Principal;
use segue::Via;
use serde_json::Value;
use tower::Layer;
use tower::Service;
use tower::ServiceExt;

use super::LEGACY_COOKIE;
use super::Node;

pub const ACCESS_COOKIE: &str = "__Host-segue_access";
pub const REFRESH_COOKIE: &str = "__Host-segue_refresh";

/// A request being put together.
#[derive(Debug)]
pub struct Ask {
    request: Request<()>,
    cookies: Vec<String>,
}

impl Ask {
    pub fn get() -> Self {
        Self::new(Method::GET)
    }

    pub fn post() -> Self {
        Self::new(Method::POST)
    }

    fn new(method: Method) -> Self {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = "/me".parse().unwrap();
        Self { request, cookies: Vec::new() }
    }

    pub fn uri(mut self, uri: &str) -> Self {
        *self.request.uri_mut() = uri.parse().unwrap();
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = http::HeaderName::try_from(name).unwrap();
        self.request.headers_mut().append(name, value.parse().unwrap());
        self
    }

    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.push(format!("{name}={value}"));
        self
    }

    pub fn access_cookie(self, token: &str) -> Self {
        self.cookie(ACCESS_COOKIE, token)
    }

    pub fn refresh_cookie(self, token: &str) -> Self {
        self.cookie(REFRESH_COOKIE, token)
    }

    pub fn legacy_cookie(self, token: &str) -> Self {
        self.cookie(LEGACY_COOKIE, token)
    }

    /// The other end of the connection.
    pub fn peer(mut self, address: &str) -> Self {
        self.request.extensions_mut().insert(PeerAddress(address.parse().unwrap()));
        self
    }

    pub fn build(mut self) -> Request<()> {
        if !self.cookies.is_empty() {
            self.request.headers_mut().insert(COOKIE, self.cookies.join("; ").parse().unwrap());
        }
        self.request
    }

    /// The parts, as an operation's context is read from them.
    pub fn parts(self) -> http::request::Parts {
        self.build().into_parts().0
    }

    /// Through `AuthLayer::dual()`.
    pub async fn send(self, node: &Node) -> Answer {
        self.through(AuthLayer::dual().with(&node.auth)).await
    }

    /// Through these layers, to an app that says who asks.
    pub async fn through<L, B>(self, layer: L) -> Answer
    where
        L: Layer<App>,
        L::Service: Service<Request<()>, Response = Response<B>, Error = Infallible>,
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let service = layer.layer(App);
        let response = service.oneshot(self.build()).await.unwrap();
        Answer::of(response).await
    }
}

impl Ask {
    /// To one of the node's own routes, with a JSON body if there is one.
    pub async fn route(self, node: &Node, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.build().map(|()| axum::body::Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
            *request.body_mut() = axum::body::Body::from(body.to_string());
        }
        Answer::of(node.auth.routes().oneshot(request).await.unwrap()).await
    }

    /// Sent by a page of the same origin.
    pub fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }
}

/// The app behind the layers: it puts the principal it was given into the response.
#[derive(Clone, Copy, Debug)]
pub struct App;

impl Service<Request<()>> for App {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let mut response = Response::new(Full::from("served"));
        if let Some(principal) = request.extensions().get::<Principal>() {
            response.extensions_mut().insert(principal.clone());
        }
        if let Some(anonymous) = request.extensions().get::<Anonymous>() {
            response.extensions_mut().insert(*anonymous);
        }
        std::future::ready(Ok(response))
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    pub principal: Option<Principal>,
    pub anonymous: bool,
    pub refused: Option<AuthErrorKind>,
}

impl Answer {
    async fn of<B>(response: Response<B>) -> Self
    where
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
            principal: parts.extensions.get::<Principal>().cloned(),
            anonymous: parts.extensions.get::<Anonymous>().is_some(),
            refused: parts.extensions.get::<AuthError>().map(|error| error.kind()),
        }
    }

    /// Status and way, or status and code: `200 session`, `401 token_expired`.
    pub fn verdict(&self) -> String {
        let what = match (&self.principal, self.refused) {
            (Some(principal), None) => principal.via().label(),
            (None, Some(kind)) => kind.code(),
            (None, None) if self.anonymous => "anonymous",
            _ => "both or neither",
        };
        format!("{} {what}", self.status)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn user(&self) -> Option<&str> {
        self.principal.as_ref().map(|principal| principal.user_id().as_str())
    }

    pub fn via(&self) -> Option<Via> {
        self.principal.as_ref().map(Principal::via)
    }

    /// Which of our cookies the response removes.
    pub fn cleared(&self) -> &'static str {
        match (self.clears(ACCESS_COOKIE), self.clears(REFRESH_COOKIE)) {
            (false, false) => "kept",
            (true, false) => "access",
            (false, true) => "refresh",
            (true, true) => "both",
        }
    }

    fn clears(&self, name: &str) -> bool {
        self.set_cookie(name).is_some_and(|cookie| cookie.contains("Max-Age=0"))
    }

    /// The `Set-Cookie` of this name.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let mut of_name = cookies.filter(|cookie| cookie.starts_with(&format!("{name}=")));
        of_name.next()
    }

    /// The value that the response gives a cookie of ours.
    pub fn new_cookie(&self, name: &str) -> Option<String> {
        let cookie = self.set_cookie(name)?;
        let value = cookie.split(['=', ';']).nth(1)?;
        (!value.is_empty()).then(|| value.to_owned())
    }
}
