//! The schema: up, down, up, by many at once, and under the eyes of older programs.

use std::fs;

use segue::SessionStore;
use segue::StoreErrorKind;
use segue::store::ChangeFeed;
use segue::store::MigrationState;
use segue::store::SqliteStore;

use super::key;
use super::login;
use super::number;
use super::place;
use super::rotates;
use super::run;
use super::told;

/// Up, down, up: the way back removes everything, and the way there starts afresh.
#[tokio::test]
async fn up_down_up() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    let status = store.migrate_up().await.unwrap();
    assert!(status.steps.iter().all(|step| matches!(step.state, MigrationState::Applied(_))));
    store.insert(login(key("a", 1))).await.unwrap();
    let before = store.tail().await.unwrap();
    let status = store.migrate_down(0).await.unwrap();
    assert_eq!(status.version(), 0);
    assert_eq!(
        number(&path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'segue%'").await,
        0
    );
    assert!(store.migrate_up().await.unwrap().version() > 0);
    assert!(store.load(key("a", 1)).await.unwrap().is_none());
    assert!(store.changes(&before, 1).await.unwrap().gap, "another life of the store");
    assert!(store.migrate_up().await.unwrap() == store.migration_status().await.unwrap());
}

/// Asking for the status creates no file and no table.
#[tokio::test]
async fn asking_changes_nothing() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    assert_eq!(store.migration_status().await.unwrap().version(), 0);
    store.migrate_down(0).await.unwrap();
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    assert_eq!(store.migration_status().await.unwrap().version(), 0);
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

/// Ten that start together run each step once, and all of them work.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_start_together() {
    for _ in 0..5 {
        let (_directory, path) = place();
        let starts: Vec<_> = (0..10)
            .map(|number| {
                let store = SqliteStore::open(&path);
                tokio::spawn(async move {
                    store.connect().await?;
                    store.insert(login(key("a", number))).await
                })
            })
            .collect();
        for start in starts {
            start.await.unwrap().unwrap();
        }
        assert_eq!(number(&path, "SELECT count(*) FROM segue_sessions").await, 10);
        assert_eq!(number(&path, "SELECT count(*) FROM segue_migrations").await, 1);
        assert_eq!(number(&path, "SELECT count(*) FROM segue_meta").await, 1);
    }
}

/// An older program goes on with a newer schema as long as the newer steps are additive.
#[tokio::test]
async fn additive_steps_are_lived_with() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    store.close().await;
    run(
        &path,
        "ALTER TABLE segue_sessions ADD COLUMN colour TEXT;
         INSERT INTO segue_migrations VALUES (9001, 'colours', x'00', 1, 0)",
    )
    .await;
    let store = SqliteStore::open(&path);
    assert!(rotates(&store, key("a", 1), 0).await);
    let status = store.migration_status().await.unwrap();
    assert!(status.steps.iter().any(|step| matches!(step.state, MigrationState::Newer(_))));
    let error = store.migrate_down(0).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NewerSchema);
    assert!(store.load(key("a", 1)).await.unwrap().is_some(), "nothing was taken back");
}

/// A newer schema that is not additive, and a history that was rewritten, are refused untouched.
#[tokio::test]
async fn a_schema_that_does_not_fit_is_left_alone() {
    let cases = [
        (
            "INSERT INTO segue_migrations VALUES (9001, 'colours', x'00', 0, 0)",
            StoreErrorKind::NewerSchema,
        ),
        ("UPDATE segue_migrations SET checksum = x'00'", StoreErrorKind::Corrupt),
        ("UPDATE segue_migrations SET version = -1", StoreErrorKind::Corrupt),
    ];
    for (spoil, kind) in cases {
        let (_directory, path) = place();
        let store = SqliteStore::open(&path);
        store.connect().await.unwrap();
        store.close().await;
        run(&path, spoil).await;
        let before = fs::read(&path).unwrap();
        let error = SqliteStore::open(&path).load(key("a", 1)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{}", told(&error));
        assert!(told(&error).contains(path.to_str().unwrap()));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
