//! An HTTP client as plain as `curl`.

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::header::SET_COOKIE;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use serde_json::json;

use super::Instance;

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn token(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }

    /// Status and, for a problem document, its code.
    pub(super) fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        (self.status, self.body["code"].as_str().unwrap())
    }

    /// `name=value` of every cookie that is set.
    pub(super) fn cookies(&self) -> Vec<String> {
        let set = self.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
        let kept = set.filter(|cookie| !cookie.contains("Max-Age=0"));
        kept.map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect()
    }
}

impl Instance {
    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, &[("authorization", &format!("Bearer {token}"))], None).await
    }

    pub(super) async fn post(&self, path: &str, token: &str) -> Answer {
        self.call(Method::POST, path, &[("authorization", &format!("Bearer {token}"))], None).await
    }

    pub(super) async fn delete(&self, path: &str, token: &str) -> Answer {
        let fields = [("authorization", &*format!("Bearer {token}"))];
        self.call(Method::DELETE, path, &fields, None).await
    }

    pub(super) async fn send(&self, path: &str, body: Value) -> Answer {
        let fields = [("content-type", "application/json")];
        self.call(Method::POST, path, &fields, Some(body.to_string())).await
    }

    pub(super) async fn login(&self, username: &str, password: &str) -> Answer {
        self.send("/login", json!({ "username": username, "password": password })).await
    }

    pub(super) async fn alice(&self) -> Answer {
        let answer = self.login("alice", "wonderland").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Who the token is taken for: user and way, or the code of the refusal.
    pub(super) async fn me(&self, token: &str) -> String {
        let answer = self.get("/me", token).await;
        match answer.status {
            200 => format!("{} by {}", answer.token("user_id"), answer.token("via")),
            _ => answer.token("code"),
        }
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let uri = format!("http://{}{path}", self.address);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.request(request).await.unwrap().into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&text).unwrap_or_default(),
            text: String::from_utf8(text.to_vec()).unwrap(),
        }
    }
}
