//! The page, and a browser on it.

use data_encoding::BASE64;
use http::Method;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::Instance;
use super::client::Answer;

const ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn log_in(app: &Instance) -> Answer {
    let body = json!({"username": "alice", "password": "wonderland", "delivery": "cookies"});
    app.call(Method::POST, "/login", &[ORIGIN, JSON], Some(body.to_string())).await
}

/// One file, which loads nothing from elsewhere and may run nothing but what stands in it.
#[tokio::test]
async fn the_page_is_self_contained() {
    let app = Instance::start().await;
    let page = app.call(Method::GET, "/", &[], None).await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    for foreign in [" src=", "@import", "url(", "<iframe", "<link rel=\"stylesheet\"", "innerHTML"]
    {
        assert!(!page.text.contains(foreign), "{foreign}");
    }
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for element in ["script", "style"] {
        let (_, rest) = page.text.split_once(&format!("<{element}>")).unwrap();
        let (inside, rest) = rest.split_once(&format!("</{element}>")).unwrap();
        assert!(!rest.contains(&format!("<{element}")), "one {element} only");
        let hash = BASE64.encode(&Sha256::digest(inside));
        assert!(policy.contains(&format!("{element}-src 'sha256-{hash}'")), "{policy}");
    }
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

/// A login of another site is refused before the password is looked at; the page's own gets
/// cookies and no token.
#[tokio::test]
async fn login_by_cookies() {
    let app = Instance::start().await;
    let body = json!({"username": "alice", "password": "wonderland", "delivery": "cookies"});
    for site in [None, Some(("sec-fetch-site", "cross-site"))] {
        let fields: Vec<_> = site.into_iter().chain([JSON]).collect();
        let answer = app.call(Method::POST, "/login", &fields, Some(body.to_string())).await;
        assert_eq!(answer.refusal(), (403, "cross_origin"));
        assert!(answer.cookies().is_empty());
    }
    let answer = log_in(&app).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains("sga_") && !answer.text.contains("eyJ"), "{}", answer.text);
    assert_eq!(answer.cookies().len(), 2);
}

/// A browser whose access cookie is gone is served all the same, and told of its new cookies; its
/// devices are listed, and it logs out.
#[tokio::test]
async fn renewal_on_the_way_through() {
    let app = Instance::start().await;
    let login = log_in(&app).await;
    let cookies = login.cookies();
    let refresh = cookies.iter().find(|cookie| cookie.contains("refresh")).unwrap();
    let me = app.call(Method::GET, "/me", &[("cookie", refresh)], None).await;
    assert_eq!((me.status, me.token("via").as_str()), (200, "session"));
    assert_eq!(me.headers["session-renewed"], "true");
    let both = me.cookies().join("; ");
    let list = app.call(Method::GET, "/auth/sessions", &[("cookie", &both)], None).await;
    assert_eq!(list.body["sessions"][0]["id"], login.body["session_id"]);
    assert!(!list.headers.contains_key("session-renewed"));
    let fields = [("cookie", both.as_str()), ORIGIN];
    let out = app.call(Method::POST, "/auth/logout", &fields, None).await;
    assert_eq!(out.status, 204);
    assert!(!out.headers.contains_key("session-renewed"));
    let me = app.call(Method::GET, "/me", &[("cookie", &both)], None).await;
    assert_eq!(me.refusal(), (401, "session_revoked"));
}

/// A new login in the same browser replaces the session it had (requirement 4).
#[tokio::test]
async fn a_second_login_replaces_the_first() {
    let app = Instance::start().await;
    let first = log_in(&app).await.cookies().join("; ");
    let body = json!({"username": "bob", "password": "builder", "delivery": "cookies"});
    let fields = [("cookie", first.as_str()), ORIGIN, JSON];
    let second = app.call(Method::POST, "/login", &fields, Some(body.to_string())).await;
    assert_eq!(second.status, 200);
    let me = app.call(Method::GET, "/me", &[("cookie", &first)], None).await;
    assert_eq!(me.refusal(), (401, "session_revoked"));
}
