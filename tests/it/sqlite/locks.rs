//! Locks that others hold, callers who go away, and operations that fail in the middle.

use std::time::Duration;
use std::time::Instant;

use segue::SessionStore;
use segue::StoreErrorKind;
use segue::store::ChangeFeed;
use segue::store::SqliteStore;
use sqlx::Connection;

use super::at;
use super::key;
use super::login;
use super::number;
use super::place;
use super::raw;
use super::read_all;
use super::revoke;
use super::rotates;
use super::rotation;
use super::run;

/// The default bound on a store call.
const BOUND: Duration = Duration::from_secs(1);

/// Scenario 21: with the lock in foreign hands, writes are refused as retryable within the bound,
/// reads go on, and everything works again afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_21_a_foreign_lock_is_waited_for_within_the_bound() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    let mut stuck = raw(&path).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut stuck).await.unwrap();
    let started = Instant::now();
    let writes: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                match number % 2 {
                    0 => store.rotate(rotation(key("a", 1), 0)).await.map(drop),
                    _ => revoke(&store, key("a", 1)).await,
                }
            })
        })
        .collect();
    assert!(store.load(key("a", 1)).await.unwrap().unwrap().revoked.is_none());
    for write in writes {
        let error = write.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert!(error.is_retryable());
    }
    assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
    SqliteStore::open(&path).connect().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut stuck).await.unwrap();
    assert!(rotates(&store, key("a", 1), 0).await);
}

/// A lock that is let go within the bound delays, and refuses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_lock_only_delays() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    let mut other = raw(&path).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { rotates(&store, key("a", 1), 0).await }
    });
    while !waiting.is_finished() {
        // Lets go as soon as the other side had a chance to run into the lock.
        store.load(key("a", 1)).await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut other).await.ok();
    }
    assert!(waiting.await.unwrap());
}

/// Operations that fail in the middle leave nothing behind, do no harm to those committed with
/// them, and draw no number of the feed; also where SQLite rolls the whole transaction back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failing_operations_leave_no_trace() {
    for trigger in [
        "CREATE TRIGGER poison BEFORE INSERT ON segue_changes
         WHEN new.key = (SELECT key FROM segue_sessions WHERE device_name = 'poison')
         BEGIN SELECT RAISE(ABORT, 'poison'); END",
        "CREATE TRIGGER poison BEFORE INSERT ON segue_changes
         WHEN new.key = (SELECT key FROM segue_sessions WHERE device_name = 'poison')
         BEGIN SELECT RAISE(ROLLBACK, 'poison'); END",
    ] {
        let (_directory, path) = place();
        let store = SqliteStore::open(&path);
        let mut from = store.tail().await.unwrap();
        for number in 0..100 {
            let mut new = login(key("a", number));
            new.record.device.name = (number == 50).then(|| "poison".into());
            store.insert(new).await.unwrap();
        }
        run(&path, trigger).await;
        let revocations: Vec<_> = (0..100)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { revoke(&store, key("a", number)).await.is_ok() })
            })
            .collect();
        let mut done = 0;
        for revocation in revocations {
            done += usize::from(revocation.await.unwrap());
        }
        assert_eq!(done, 99);
        assert!(store.load(key("a", 50)).await.unwrap().unwrap().revoked.is_none());
        assert_eq!(read_all(&store, &mut from).await.len(), 2 * 99);
        assert_eq!(number(&path, "SELECT count(*) FROM segue_blacklist").await, 99);
    }
}

/// A caller who goes away at any moment leaves a whole operation or none: the row, its legacy
/// token and both entries of the feed, or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_callers_leave_no_halves() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    let mut from = store.tail().await.unwrap();
    for number in 0..200 {
        store.insert(login(key("a", number))).await.unwrap();
    }
    let mut running = Vec::new();
    for number in 0..200_u64 {
        let task = tokio::spawn({
            let store = store.clone();
            async move { revoke(&store, key("a", number)).await }
        });
        if number.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        if number.is_multiple_of(2) {
            task.abort();
        } else {
            running.push(task);
        }
    }
    for task in running {
        task.await.unwrap().unwrap();
    }
    store.close().await;
    let revoked = number(&path, "SELECT count(*) FROM segue_sessions WHERE revoked_at > 0").await;
    assert!(revoked >= 100);
    assert_eq!(number(&path, "SELECT count(*) FROM segue_blacklist").await, revoked);
    let told = read_all(&store, &mut from).await.len();
    assert_eq!(i64::try_from(told).unwrap(), 2 * revoked);
}

/// Dropping the last handle finishes what is queued.
#[tokio::test]
async fn dropping_finishes_what_is_queued() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    for number in 0..50 {
        store.insert(login(key("a", number))).await.unwrap();
    }
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { rotates(&store, key("a", number), 0).await })
        })
        .collect();
    drop(store);
    for task in tasks {
        assert!(task.await.unwrap());
    }
    let rotated = "SELECT count(*) FROM segue_sessions WHERE generation = 1";
    assert_eq!(number(&path, rotated).await, 50);
}

/// A closed store opens again at the next use.
#[tokio::test]
async fn closing_is_not_the_end() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    store.insert(login(key("a", 1))).await.unwrap();
    store.close().await;
    store.close().await;
    assert!(rotates(&store, key("a", 1), 0).await);
}

/// A reader that falls behind the trimmed feed is told; one that is at its end is not.
#[tokio::test]
async fn trimming_is_told() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    use segue::store::BlacklistStore;
    let start = store.tail().await.unwrap();
    for number in 0..10 {
        store.insert(login(key("a", number))).await.unwrap();
        revoke(&store, key("a", number)).await.unwrap();
    }
    let end = store.tail().await.unwrap();
    store.purge_blacklist(at(0), 100).await.unwrap();
    store.purge_blacklist(at(599), 100).await.unwrap();
    assert!(!store.changes(&start, 1).await.unwrap().gap);
    store.purge_blacklist(at(600), 5).await.unwrap();
    assert!(store.changes(&start, 1).await.unwrap().gap);
    assert_eq!(number(&path, "SELECT min(sequence) FROM segue_changes").await, 6, "bounded");
    for _ in 0..3 {
        store.purge_blacklist(at(600), 5).await.unwrap();
    }
    assert_eq!(number(&path, "SELECT count(*) FROM segue_changes").await, 0);
    assert!(!store.changes(&end, 1).await.unwrap().gap);
    store.insert(login(key("a", 11))).await.unwrap();
    revoke(&store, key("a", 11)).await.unwrap();
    assert_eq!(store.changes(&end, 10).await.unwrap().changes.len(), 2, "numbers go on");
}

/// Counters that SQL can't hold are refused, and nothing is written.
#[tokio::test]
async fn counters_that_do_not_fit_are_refused() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    let mut new = login(key("a", 1));
    new.record.generation = u64::MAX;
    assert_eq!(store.insert(new).await.unwrap_err().kind(), StoreErrorKind::Other);
    assert!(store.load(key("a", 1)).await.unwrap().is_none());
    store.rotate(rotation(key("a", 1), u64::MAX - 1)).await.unwrap_err();
    let mut connection = raw(&path).await;
    connection.ping().await.unwrap();
}
