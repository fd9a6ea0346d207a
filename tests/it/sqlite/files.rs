//! Files that can't be opened, and what becomes of them: nothing.

use std::fs;
use std::path::Path;

use segue::SessionStore;
use segue::StoreErrorKind;
use segue::store::ChangeFeed;
use segue::store::SqliteStore;

use super::key;
use super::login;
use super::number;
use super::place;
use super::read_all;
use super::revoke;
use super::rotates;
use super::run;
use super::told;

/// Opening fails with this kind, names the path, and leaves every byte where it was.
async fn refuses(path: &Path, kind: StoreErrorKind) -> String {
    let before = fs::read(path).ok();
    let error = SqliteStore::open(path).connect().await.unwrap_err();
    assert_eq!(error.kind(), kind, "{}", told(&error));
    assert!(told(&error).contains(path.to_str().unwrap()), "{}", told(&error));
    assert_eq!(fs::read(path).ok(), before, "the file is as it was");
    told(&error)
}

/// Opening needs no runtime and touches nothing; the first use connects.
#[test]
fn opening_does_nothing() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    assert!(!path.exists());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert!(runtime.block_on(store.load(key("a", 1))).unwrap().is_none());
    assert!(path.exists());
}

/// One handle serves one runtime after the other, and none of them when it is dropped.
#[test]
fn a_handle_outlives_its_runtime() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    for number in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            store.insert(login(key("a", number))).await.unwrap();
            assert!(rotates(&store, key("a", 0), number).await);
            assert!(store.load(key("a", number)).await.unwrap().is_some());
        });
    }
}

/// A missing directory is named and not created; once it is there, the same handle works.
#[tokio::test]
async fn a_missing_directory_is_not_created() {
    let (directory, _) = place();
    let inner = directory.path().join("missing");
    let path = inner.join("app.db");
    refuses(&path, StoreErrorKind::Unavailable).await;
    assert!(!inner.exists());
    let store = SqliteStore::open(&path);
    store.connect().await.unwrap_err();
    fs::create_dir(&inner).unwrap();
    store.connect().await.unwrap();
}

/// A directory is not a file.
#[tokio::test]
async fn a_directory_is_refused() {
    let (directory, _) = place();
    refuses(directory.path(), StoreErrorKind::Misconfigured).await;
}

/// Names that SQLite would take for something else than a file are refused or taken literally.
#[tokio::test]
async fn special_names_are_no_back_doors() {
    for name in ["", ":memory:"] {
        let error = SqliteStore::open(name).connect().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    }
    let (directory, _) = place();
    let path = directory.path().join("file:a?mode=memory");
    SqliteStore::open(&path).connect().await.unwrap();
    assert!(path.exists());
}

/// What is not a database, or not one any more, is told and not overwritten.
#[tokio::test]
async fn what_is_no_database_is_left_alone() {
    for contents in ["short", &"this is no database. ".repeat(500)] {
        let (_directory, path) = place();
        fs::write(&path, contents).unwrap();
        refuses(&path, StoreErrorKind::Corrupt).await;
    }
}

/// A damaged database is told as such, at the latest when the damaged part is read.
#[tokio::test]
async fn damage_is_told() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let error = SqliteStore::open(&path).load(key("a", 1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{}", told(&error));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// A value that segue does not write is named by its column, never shown.
#[tokio::test]
async fn foreign_values_are_not_shown() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    run(&path, "UPDATE segue_sessions SET device_address = 'hunter2'").await;
    let error = store.load(key("a", 1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(told(&error).contains("device_address"), "{}", told(&error));
    assert!(!told(&error).contains("hunter2") && !format!("{error:?}").contains("hunter2"));
}

/// A write-protected file is told at the start, not at the first login.
#[tokio::test]
async fn a_write_protected_file_is_told() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.connect().await.unwrap();
    store.close().await;
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    refuses(&path, StoreErrorKind::ReadOnly).await;
}

/// A new file, its log and its index belong to the owner alone; an existing one keeps its mode.
#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    for file in fs::read_dir(directory.path()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    let (_directory, path) = place();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    SqliteStore::open(&path).connect().await.unwrap();
    assert_eq!(mode(&path), 0o640);
}

/// The application's own tables may live in the same file.
#[tokio::test]
async fn the_applications_tables_are_left_alone() {
    let (_directory, path) = place();
    fs::write(&path, "").unwrap();
    run(&path, "CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('alice')").await;
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    store.migrate_down(0).await.unwrap();
    assert_eq!(number(&path, "SELECT count(*) FROM users").await, 1);
    assert_eq!(number(&path, "SELECT count(*) FROM sqlite_schema").await, 2, "users and sequence");
}

/// Scenario 17: after a restart rotated tokens stay dead, revoked sessions revoked, and the feed
/// goes on where it was.
#[tokio::test]
async fn scenario_17_a_restart_forgets_nothing() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path).durable();
    let mut from = store.tail().await.unwrap();
    store.insert(login(key("a", 1))).await.unwrap();
    store.insert(login(key("a", 2))).await.unwrap();
    assert!(rotates(&store, key("a", 1), 0).await);
    revoke(&store, key("a", 2)).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path);
    assert!(!rotates(&store, key("a", 1), 0).await);
    assert!(rotates(&store, key("a", 1), 1).await);
    assert!(!rotates(&store, key("a", 2), 0).await);
    assert_eq!(read_all(&store, &mut from).await.len(), 2);
}
