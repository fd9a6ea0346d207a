//! Several processes on one file.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use segue::SessionKey;
use segue::SessionStore;
use segue::store::Change;
use segue::store::ChangeFeed;
use segue::store::Rotated;
use segue::store::SqliteStore;

use super::GENEROUS;
use super::key;
use super::login;
use super::place;
use super::read_all;
use super::revoke;
use super::rotation;

const ROLE: &str = "SEGUE_TEST_SQLITE_ROLE";
const PATH: &str = "SEGUE_TEST_SQLITE_PATH";
const ROUNDS: u64 = 150;
const SHARED: u64 = 4;

/// Starts this very program as another process that plays `role` on the file.
pub(super) fn start(role: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::processes::another_process", "--nocapture"])
        .env(ROLE, role)
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What it says that it did: lines of words after a mark.
pub(super) fn deeds(child: &mut Child) -> impl Iterator<Item = Vec<String>> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| {
        let (_, deed) = line.split_once("did: ")?;
        Some(deed.split(' ').map(str::to_owned).collect())
    })
}

/// The other side of the tests here; by itself it does nothing and passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process() {
    let (Ok(role), Some(path)) = (std::env::var(ROLE), std::env::var_os(PATH)) else { return };
    let store = SqliteStore::open(PathBuf::from(path));
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("hammer", name) => hammer(&store, name).await,
        ("answer", _) => answer(&store).await,
        ("write", name) => super::kills::write_forever(&store, name).await,
        (other, _) => panic!("{other}"),
    }
}

/// Rotates sessions that everybody rotates, and logs its own in and out.
async fn hammer(store: &SqliteStore, name: &str) {
    for round in 0..ROUNDS {
        let shared = key("shared", round % SHARED);
        let generation = store.load(shared).await.unwrap().unwrap().generation;
        if let Rotated::Done(row) = store.rotate(rotation(shared, generation)).await.unwrap() {
            println!("did: rotate {} {}", round % SHARED, row.generation);
        }
        if round.is_multiple_of(5) {
            store.insert(login(key(name, round))).await.unwrap();
            revoke(store, key(name, round)).await.unwrap();
        }
    }
}

/// Two processes and this one: one winner a generation, a dense feed, nothing missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_one_file() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    for number in 0..SHARED {
        store.insert(login(key("shared", number))).await.unwrap();
    }
    let mut from = store.tail().await.unwrap();
    let mut children = ["one", "two"].map(|name| start(&format!("hammer {name}"), &path));
    let readers = children.each_mut().map(|child| {
        let deeds = deeds(child);
        tokio::task::spawn_blocking(move || deeds.collect::<Vec<_>>())
    });
    let own = tokio::spawn({
        let store = store.clone();
        async move { hammer(&store, "three").await }
    });
    let mut expected: HashSet<SessionKey> = ["one", "two", "three"]
        .iter()
        .flat_map(|name| (0..ROUNDS).step_by(5).map(|round| key(name, round)))
        .collect();
    let started = Instant::now();
    while !expected.is_empty() {
        assert!(started.elapsed() < 2 * GENEROUS, "{} were never told", expected.len());
        store.wait(&from, GENEROUS).await.unwrap();
        for change in read_all(&store, &mut from).await {
            if let Change::Session(key) = change {
                assert!(expected.remove(&key), "told twice or never done");
            }
        }
    }
    own.await.unwrap();
    let mut winners: HashMap<(String, u64), u32> = HashMap::new();
    for (child, reader) in children.iter_mut().zip(readers) {
        for deed in reader.await.unwrap() {
            *winners.entry((deed[1].clone(), deed[2].parse().unwrap())).or_default() += 1;
        }
        assert!(child.wait().unwrap().success());
    }
    assert!(winners.values().all(|times| *times == 1), "one winner a generation");
    for number in 0..SHARED {
        let row = store.load(key("shared", number)).await.unwrap().unwrap();
        let won = winners.keys().filter(|(name, _)| *name == number.to_string());
        let highest = won.clone().map(|(_, generation)| *generation).max().unwrap();
        assert!(row.generation >= highest && won.count() > 0);
    }
}

const EXCHANGES: u64 = 20;

/// Revokes its partner for every session that it is told of.
async fn answer(store: &SqliteStore) {
    let mut from = store.tail().await.unwrap();
    println!("did: listen");
    let mut answered = 0;
    while answered < EXCHANGES {
        store.wait(&from, GENEROUS).await.unwrap();
        for change in read_all(store, &mut from).await {
            if change == Change::Session(key("question", answered)) {
                revoke(store, key("answer", answered)).await.unwrap();
                answered += 1;
            }
        }
    }
}

/// Each process hears of what the other does while it waits, there and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_hear_each_other() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path);
    for number in 0..EXCHANGES {
        store.insert(login(key("question", number))).await.unwrap();
        store.insert(login(key("answer", number))).await.unwrap();
    }
    let mut from = store.tail().await.unwrap();
    let mut child = start("answer", &path);
    let mut said = deeds(&mut child);
    assert!(said.next().is_some());
    for number in 0..EXCHANGES {
        revoke(&store, key("question", number)).await.unwrap();
        let mut heard = Vec::new();
        let started = Instant::now();
        while !heard.contains(&Change::Session(key("answer", number))) {
            assert!(started.elapsed() < GENEROUS, "no answer to {number}");
            store.wait(&from, GENEROUS).await.unwrap();
            heard.extend(read_all(&store, &mut from).await);
        }
    }
    assert_eq!(said.count(), 0);
    assert!(child.wait().unwrap().success());
}
