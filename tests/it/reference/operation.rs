//! Running it: flags turned live, several instances on one store, wrong settings.

use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::Instance;
use super::program::app::Reference;
use super::program::settings::Settings;

/// Everything goes back and forth by a file, without a restart, and nobody is logged out.
#[tokio::test]
async fn flags_are_turned_live() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags");
    std::fs::write(&file, "").unwrap();
    let app = Instance::start_with(&[("SEGUE_FLAGS_FILE", file.to_str().unwrap())]).await;
    let turn = |line: &str| {
        std::fs::write(&file, line).unwrap();
        app.auth.flags().reload_file().unwrap();
    };
    let login = app.alice().await;
    let (access, legacy) = (login.token("access_token"), login.token("legacy_token"));
    turn("REFRESH_TOKEN_SYSTEM=false\n");
    assert_eq!(app.me(&access).await, "sessions_off");
    assert_eq!(app.me(&legacy).await, "1 by legacy_jwt");
    let refresh = json!({"refresh_token": login.token("refresh_token")});
    assert_eq!(app.send("/auth/refresh", refresh.clone()).await.refusal(), (503, "refresh_off"));
    let second = app.alice().await;
    assert!(second.body.get("access_token").is_none());
    assert_eq!(app.me(&second.token("legacy_token")).await, "1 by legacy_jwt");
    turn("REFRESH_TOKEN_SYSTEM=true\n");
    assert_eq!(app.me(&access).await, "1 by session");
    assert_eq!(app.send("/auth/refresh", refresh).await.status, 200);
}

/// Two instances on one store know each other's sessions, and a revocation reaches the other within
/// the bound.
#[tokio::test]
async fn scenario_37_two_instances_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("shared.db").display());
    let variables = [("SEGUE_STORE", store.as_str())];
    let (one, two) =
        tokio::join!(Instance::start_with(&variables), Instance::start_with(&variables));
    let login = one.alice().await;
    let access = login.token("access_token");
    assert_eq!(two.me(&access).await, "1 by session");
    let refresh = json!({"refresh_token": login.token("refresh_token")});
    assert_eq!(two.send("/auth/refresh", refresh).await.status, 200);
    assert_eq!(two.post("/auth/logout", &access).await.status, 204);
    let revoked = Instant::now();
    while one.me(&access).await != "session_revoked" {
        assert!(revoked.elapsed() < Duration::from_secs(3), "the bound is one second");
    }
}

/// Sessions outlive a restart on the same store.
#[tokio::test]
async fn scenario_17_a_restart_keeps_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("kept.db").display());
    let variables = [("SEGUE_STORE", store.as_str())];
    let first = Instance::start_with(&variables).await;
    let (kept, gone) = (first.alice().await, first.alice().await);
    assert_eq!(first.post("/auth/logout", &gone.token("access_token")).await.status, 204);
    drop(first);
    let second = Instance::start_with(&variables).await;
    assert_eq!(second.me(&kept.token("access_token")).await, "1 by session");
    assert_eq!(second.me(&gone.token("access_token")).await, "session_revoked");
}

/// In memory it runs as well.
#[tokio::test]
async fn the_memory_store() {
    let app = Instance::start_with(&[("SEGUE_STORE", "memory:")]).await;
    assert_eq!(app.me(&app.alice().await.token("access_token")).await, "1 by session");
}

/// Without a secret one is made up and told, with a token of the old app that works.
#[tokio::test]
async fn a_made_up_secret_is_told() {
    let app = Instance::launch(&HashMap::new()).await;
    assert!(app.banner.contains("JWT_SECRET was not set"));
    let (_, rest) = app.banner.split_once("LEGACY=").unwrap();
    let token = rest.lines().next().unwrap();
    assert_eq!(app.me(token).await, "1 by legacy_jwt");
}

/// Every wrong setting is named in one message, with what is allowed and without the secret.
#[test]
fn wrong_settings() {
    let variables = HashMap::from([
        ("PORT", "web"),
        ("SEGUE_ACCESS_SECONDS", "0"),
        ("SEGUE_STORE", "mongo://user:hunter2@db"),
        ("REFRESH_TOKEN_SYSTEM", "maybe"),
        ("JWT_SECRET", "hunter2"),
    ]);
    let lookup = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let message = Settings::from_lookup(&lookup).err().unwrap().to_string();
    for name in variables.keys() {
        assert!(message.contains(name), "{name}: {message}");
    }
    assert!(!message.contains("hunter2"), "{message}");
}

/// A store that can't be opened ends the start with an error that names it.
#[tokio::test]
async fn an_unusable_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no.db");
    std::fs::write(&file, "this is a text, not a database; ".repeat(200)).unwrap();
    let store = format!("sqlite:{}", file.display());
    let lookup = |name: &str| (name == "SEGUE_STORE").then(|| store.clone());
    let (settings, builder) = Settings::from_lookup(&lookup).unwrap();
    let error = Reference::assemble(&settings, builder).await.err().unwrap().to_string();
    assert!(error.contains("no.db"), "{error}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("this is a text"));
}
