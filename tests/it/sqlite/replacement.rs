//! Databases that are swapped or restored under a running process.

use std::fs;
use std::time::Duration;

use segue::SessionStore;
use segue::StoreErrorKind;
use segue::store::ChangeFeed;
use segue::store::SqliteStore;

use super::GENEROUS;
use super::key;
use super::login;
use super::place;
use super::read_all;
use super::revoke;
use super::run;
use super::told;

/// A backup that is moved into place is noticed: the feed tells a gap, and reads see the backup.
#[cfg(unix)]
#[tokio::test]
async fn a_swapped_file_is_noticed() {
    let (_directory, path) = place();
    let (_elsewhere, backup) = place();
    let other = SqliteStore::open(&backup);
    other.insert(login(key("backup", 1))).await.unwrap();
    other.close().await;
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    revoke(&store, key("a", 1)).await.unwrap();
    let end = store.tail().await.unwrap();
    let waiting = tokio::spawn({
        let (store, end) = (store.clone(), end.clone());
        async move { store.wait(&end, GENEROUS).await }
    });
    fs::rename(&backup, &path).unwrap();
    for _ in 0..2 {
        let error = store.load(key("a", 1)).await.unwrap_err();
        assert!(told(&error).contains("-wal"), "SQLite would mix old log and new database");
    }
    fs::remove_file(path.with_extension("db-wal")).unwrap();
    fs::remove_file(path.with_extension("db-shm")).unwrap();
    // Woken by the change, or by the fault while it was half done.
    let _ = waiting.await.unwrap();
    let page = store.changes(&end, 10).await.unwrap();
    assert!(page.gap && page.next.incarnation() != end.incarnation());
    assert!(store.load(key("backup", 1)).await.unwrap().is_some());
    assert!(store.load(key("a", 1)).await.unwrap().is_none());
}

/// A restore in place takes the feed back to lower numbers: whoever waits wakes, and is told.
#[tokio::test]
async fn a_rewind_is_noticed() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    for number in 0..3 {
        store.insert(login(key("a", number))).await.unwrap();
        revoke(&store, key("a", number)).await.unwrap();
    }
    let end = store.tail().await.unwrap();
    let waiting = tokio::spawn({
        let (store, end) = (store.clone(), end.clone());
        async move { store.wait(&end, GENEROUS).await }
    });
    run(
        &path,
        "DELETE FROM segue_changes WHERE sequence > 2;
         UPDATE sqlite_sequence SET seq = 2 WHERE name = 'segue_changes'",
    )
    .await;
    waiting.await.unwrap().unwrap();
    let page = store.changes(&end, 10).await.unwrap();
    assert!(page.gap && page.next.sequence() == 2);
}

/// Half a copy is no new database: an empty file, or one without our tables, in the place of one
/// that had them is a fault and stays as it is.
#[cfg(unix)]
#[tokio::test]
async fn half_a_copy_is_not_filled() {
    let (directory, path) = place();
    let store = SqliteStore::open(&path);
    store.connect().await.unwrap();
    store.close().await;
    let new = directory.path().join("new");
    fs::write(&new, "").unwrap();
    fs::rename(&new, &path).unwrap();
    let error = store.load(key("a", 1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    run(&path, "CREATE TABLE users (name TEXT)").await;
    let before = fs::read(&path).unwrap();
    let error = store.load(key("a", 1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// A file that vanished is a fault, not an empty database, and nothing is written into the void.
#[cfg(unix)]
#[tokio::test]
async fn a_vanished_file_is_missed() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        let error = store.load(key("a", 1)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        revoke(&store, key("a", 1)).await.unwrap_err();
        store.close().await;
    }
    assert!(!path.exists());
}

/// An entry of a kind that only newer versions know is a gap, not nothing.
#[tokio::test]
async fn entries_from_the_future_are_gaps() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    let mut from = store.tail().await.unwrap();
    run(&path, "INSERT INTO segue_changes (kind) VALUES ('newer')").await;
    store.wait(&from, Duration::from_secs(5)).await.unwrap();
    let page = store.changes(&from, 10).await.unwrap();
    assert!(page.gap && page.changes.is_empty());
    from = page.next;
    assert!(read_all(&store, &mut from).await.is_empty());
}
