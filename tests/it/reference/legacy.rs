//! The old tokens: accepted, issued beside sessions, exchanged, until they are refused.

use serde_json::json;

use super::Instance;
use crate::forge;

/// A token as another program makes it: for user 1, from a minute ago, for an hour.
fn made_elsewhere(app: &Instance) -> String {
    let now = app.auth.clock().now().as_unix_seconds();
    let claims = json!({"id": 1, "iat": now - 60, "exp": now + 3600});
    forge::with_claims(claims.to_string())
}

/// A token made by another program works until it is blacklisted.
#[tokio::test]
async fn until_it_is_blacklisted() {
    let app = Instance::start().await;
    let token = made_elsewhere(&app);
    let me = app.get("/me", &token).await;
    let expected = json!({"user_id": "1", "via": "legacy_jwt", "session_id": null, "scopes": []});
    assert_eq!((me.status, me.body), (200, expected));
    assert_eq!(me.headers["deprecation"], "@0");
    assert_eq!(app.post("/auth/logout", &token).await.status, 204);
    assert_eq!(app.get("/me", &token).await.refusal(), (401, "token_revoked"));
}

/// The old login answers as it always did.
#[tokio::test]
async fn the_old_login() {
    let app = Instance::start().await;
    let credentials = json!({"username": "bob", "password": "builder"});
    let answer = app.send("/legacy/login", credentials).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.as_object().unwrap().len(), 1);
    let token = answer.token("token");
    assert_eq!(app.me(&token).await, "2 by legacy_jwt");
    let payload = token.split('.').nth(1).unwrap();
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let names: Vec<_> = claims.as_object().unwrap().keys().collect();
    assert_eq!(claims["id"], 2);
    assert_eq!(names, ["exp", "iat", "id"]);
    let wrong = app.send("/legacy/login", json!({"username": "bob", "password": "x"})).await;
    assert_eq!(wrong.refusal(), (401, "wrong_credentials"));
}

/// The cut-over ends them all, and the dual issue with them; sessions go on.
#[tokio::test]
async fn until_the_cut_over() {
    let past = [("LEGACY_JWT_UNTIL", "2020-01-01T00:00:00Z")];
    let app = Instance::start_with(&past).await;
    assert_eq!(app.me(&made_elsewhere(&app)).await, "cut_over_passed");
    let login = app.alice().await;
    assert!(login.body.get("legacy_token").is_none());
    assert_eq!(app.me(&login.token("access_token")).await, "1 by session");

    let off = Instance::start_with(&[("LEGACY_JWT", "false")]).await;
    assert_eq!(off.me(&made_elsewhere(&off)).await, "legacy_off");
    assert!(off.alice().await.body.get("legacy_token").is_none());

    let future = Instance::start_with(&[("LEGACY_JWT_UNTIL", "2099-01-01T00:00:00Z")]).await;
    let me = future.get("/me", &made_elsewhere(&future)).await;
    assert_eq!(me.headers["sunset"], "Thu, 01 Jan 2099 00:00:00 GMT");
}

/// Dual issue: the legacy token beside a session is as good as the old ones, and dies with the
/// session.
#[tokio::test]
async fn dual_issue() {
    let app = Instance::start().await;
    let login = app.alice().await;
    let (access, legacy) = (login.token("access_token"), login.token("legacy_token"));
    assert_eq!(app.me(&legacy).await, "1 by legacy_jwt");
    assert_eq!(app.post("/auth/logout", &access).await.status, 204);
    assert_eq!(app.me(&legacy).await, "token_revoked");
}

/// An old token becomes a session without a password.
#[tokio::test]
async fn exchange() {
    let app = Instance::start().await;
    let token = made_elsewhere(&app);
    let pair = app.post("/auth/exchange", &token).await;
    assert_eq!(pair.status, 200);
    assert_eq!(app.me(&pair.token("access_token")).await, "1 by session");
    let again = app.send("/auth/exchange", json!({"token": token})).await;
    assert_eq!(again.token("session_id"), pair.token("session_id"));
}

/// A user who is gone is refused with a good token (scenario 39).
#[tokio::test]
async fn scenario_39_unknown_users() {
    let app = Instance::start().await;
    let now = app.auth.clock().now().as_unix_seconds();
    let claims = json!({"id": 99, "iat": now - 60, "exp": now + 3600}).to_string();
    assert_eq!(app.me(&forge::with_claims(claims)).await, "user_disabled");
}

/// Issuer, audience and user claim are what old tokens are made with, too.
#[tokio::test]
async fn configured_claims() {
    let app = Instance::start_with(&[
        ("JWT_ISSUER", "https://old.example.com"),
        ("JWT_AUDIENCE", "app, other"),
        ("JWT_USER_CLAIM", "uid"),
    ])
    .await;
    let login = app.alice().await;
    assert_eq!(app.me(&login.token("legacy_token")).await, "1 by legacy_jwt");
    assert_eq!(app.me(&made_elsewhere(&app)).await, "invalid_token");
}
