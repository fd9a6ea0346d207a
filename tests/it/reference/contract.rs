//! Login, me, refresh, list, revoke: the lines that are printed for pasting.

use http::Method;
use serde_json::json;

use super::Instance;

/// From login to a revoked session, as a newcomer pastes it.
#[tokio::test]
async fn from_login_to_a_revoked_session() {
    let app = Instance::start().await;
    let health = app.call(Method::GET, "/health", &[], None).await;
    assert_eq!(health.status, 200);

    let login = app.alice().await;
    assert_eq!(login.headers["cache-control"], "no-store");
    assert_eq!(login.body["token_type"], "Bearer");
    assert_eq!(login.body["expires_in"], 600);
    let (access, session) = (login.token("access_token"), login.token("session_id"));

    let me = app.get("/me", &access).await;
    let expected = json!({"user_id": "1", "via": "session", "session_id": session, "scopes": []});
    assert_eq!((me.status, me.body), (200, expected));

    let refreshed =
        app.send("/auth/refresh", json!({"refresh_token": login.token("refresh_token")})).await;
    assert_eq!(refreshed.status, 200);
    let access = refreshed.token("access_token");
    assert_eq!(refreshed.token("session_id"), session);

    let list = app.get("/auth/sessions", &access).await;
    assert_eq!(list.body["sessions"][0]["id"], session);
    assert_eq!(list.body["sessions"][0]["current"], true);
    assert_eq!(list.body["sessions"][0]["address"], "127.0.0.1");

    let gone = app.delete(&format!("/auth/sessions/{session}"), &access).await;
    assert_eq!(gone.status, 204);
    assert_eq!(app.get("/me", &access).await.refusal(), (401, "session_revoked"));
    assert_eq!(app.me(&refreshed.token("legacy_token")).await, "token_revoked");
}

/// The demo users with their ids and scopes; what only an administrator may is refused to others.
#[tokio::test]
async fn the_demo_users() {
    let app = Instance::start().await;
    let table =
        [("alice", "wonderland", "1"), ("bob", "builder", "2"), ("admin", "admin-demo", "3")];
    for (name, password, id) in table {
        let access = app.login(name, password).await.token("access_token");
        let me = app.get("/me", &access).await;
        assert_eq!(me.body["user_id"], id, "{name}");
        let scopes = if name == "admin" { json!(["admin"]) } else { json!([]) };
        assert_eq!(me.body["scopes"], scopes);
        let admin = app.post("/admin/users/2/sign-out", &access).await;
        if name == "admin" {
            assert_eq!(admin.status, 204);
        } else {
            assert_eq!(admin.refusal(), (403, "insufficient_scope"));
            let challenge = admin.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.ends_with(r#"scope="admin""#), "{challenge}");
        }
    }
}

/// A wrong password and an unknown name are one and the same answer; nonsense is no login either.
#[tokio::test]
async fn wrong_logins() {
    let app = Instance::start().await;
    let wrong = app.login("alice", "wonderwall").await;
    assert_eq!(wrong.refusal(), (401, "wrong_credentials"));
    assert_eq!(wrong.headers["www-authenticate"], "Bearer");
    for (name, password) in [("nobody", "wonderland"), ("", ""), ("alice' OR 1=1 --", "x")] {
        let other = app.login(name, password).await;
        assert_eq!((other.status, &other.text), (wrong.status, &wrong.text), "{name}");
    }
    assert_eq!(app.send("/login", json!({"username": "alice"})).await.status, 422);
    assert_eq!(app.send("/login", json!([])).await.status, 422);
    let long = app.login("alice", &"x".repeat(10_000)).await;
    assert_eq!(long.status, 413);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let form = app.call(Method::POST, "/login", &form, Some("username=alice".to_owned())).await;
    assert_eq!(form.refusal(), (415, "invalid_input"));
    assert_eq!(
        app.call(Method::GET, "/me", &[], None).await.refusal(),
        (401, "missing_credential")
    );
}

/// Logging out ends the session and the legacy token beside it, and is done twice as well.
#[tokio::test]
async fn logout() {
    let app = Instance::start().await;
    let login = app.alice().await;
    let access = login.token("access_token");
    for _ in 0..2 {
        assert_eq!(app.post("/auth/logout", &access).await.status, 204);
    }
    assert_eq!(app.me(&access).await, "session_revoked");
    assert_eq!(app.me(&login.token("legacy_token")).await, "token_revoked");
    let refresh = json!({"refresh_token": login.token("refresh_token")});
    assert_eq!(app.send("/auth/refresh", refresh).await.refusal(), (401, "session_revoked"));
}

/// The banner names everything a newcomer needs, and no secret that was configured.
#[tokio::test]
async fn the_banner() {
    let app = Instance::start().await;
    let url = format!("http://{}", app.address);
    for part in [&*url, "alice / wonderland", "bob / builder", "admin / admin-demo", "curl -s"] {
        assert!(app.banner.contains(part), "{part}");
    }
    assert!(!app.banner.contains(super::SECRET));
    assert!(!app.banner.contains("LEGACY=eyJ"));
}
