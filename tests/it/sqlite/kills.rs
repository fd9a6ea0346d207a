//! A process that is killed in the middle of writing.

use segue::SessionStore;
use segue::store::ChangeFeed;
use segue::store::FeedPosition;
use segue::store::SqliteStore;

use super::key;
use super::login;
use super::number;
use super::place;
use super::processes::deeds;
use super::processes::start;
use super::read_all;
use super::revoke;
use super::rotates;

/// Rotates, logs in and out, in parallel, and says what it was told is done.
pub(super) async fn write_forever(store: &SqliteStore, name: &str) {
    let rotating = tokio::spawn({
        let store = store.clone();
        let key = key(&format!("rotating in {name}"), 0);
        async move {
            for generation in 0.. {
                assert!(rotates(&store, key, generation).await);
                println!("did: rotate {}", generation + 1);
            }
        }
    });
    for number in 0.. {
        store.insert(login(key(name, number))).await.unwrap();
        revoke(store, key(name, number)).await.unwrap();
        println!("did: revoke {number}");
    }
    rotating.await.unwrap();
}

/// Scenario 20: killed at any moment, the file is sound, what was acknowledged is there, and of
/// everything else either all parts are there or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_20_a_killed_process_leaves_both_or_neither() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    let start_of_feed = store.tail().await.unwrap();
    let mut revoked_before = 0;
    for (life, moment) in [1, 7, 30, 3, 80, 19].into_iter().enumerate() {
        let name = format!("life {life}");
        let rotating = key(&format!("rotating in {name}"), 0);
        store.insert(login(rotating)).await.unwrap();
        let mut child = start(&format!("write {name}"), &path);
        let mut said = deeds(&mut child);
        let mut told: Vec<_> = said.by_ref().take(moment).collect();
        child.kill().unwrap();
        told.extend(said);
        child.wait().unwrap();
        let highest = |deed: &str| {
            let numbers = told.iter().filter(|words| words[0] == deed);
            numbers.map(|words| words[1].parse::<u64>().unwrap()).max()
        };
        assert_eq!(
            number(
                &path,
                "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"
            )
            .await,
            0
        );
        let row = store.load(rotating).await.unwrap().unwrap();
        let acknowledged = highest("rotate").unwrap_or(0);
        assert!((acknowledged..=acknowledged + 1).contains(&row.generation));
        let done = highest("revoke").map_or(0, |last| last + 1);
        for number in 0..done {
            assert!(store.load(key(&name, number)).await.unwrap().unwrap().revoked.is_some());
        }
        let revoked = check_wholeness(&store, &path, &start_of_feed).await;
        assert!(revoked >= revoked_before + i64::try_from(done).unwrap());
        revoked_before = revoked;
    }
}

/// Every revoked row with its legacy token on the blacklist and both entries in the feed, and
/// nothing else. How many there are.
async fn check_wholeness(
    store: &SqliteStore,
    path: &std::path::Path,
    start_of_feed: &FeedPosition,
) -> i64 {
    let revoked =
        number(path, "SELECT count(*) FROM segue_sessions WHERE revoked_at IS NOT NULL").await;
    let listed = number(
        path,
        "SELECT count(*) FROM segue_blacklist AS entry JOIN segue_sessions AS session \
         ON session.exchanged_from = entry.key AND session.revoked_at IS NOT NULL",
    )
    .await;
    assert_eq!(listed, revoked);
    assert_eq!(number(path, "SELECT count(*) FROM segue_blacklist").await, revoked);
    let told = read_all(store, &mut start_of_feed.clone()).await.len();
    assert_eq!(i64::try_from(told).unwrap(), 2 * revoked);
    revoked
}
