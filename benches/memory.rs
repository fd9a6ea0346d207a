//! What a session costs in memory: resident bytes per cached session, beside a table by hand.
//!
//! `cargo bench --bench memory --features sqlite [-- SESSIONS]` prints a table. Sessions live in a
//! SQLite file, so that what grows is the cache and nothing else. Linux only: it reads what the
//! kernel says is resident.

#![allow(clippy::expect_used, reason = "a benchmark that can't go on stops")]

use std::collections::HashMap;
use std::fs;
use std::time::SystemTime;

use segue::Auth;
use segue::Keyring;
use segue::SqliteStore;

const SESSIONS: usize = 200_000;
const LOGINS_AT_ONCE: usize = 64;
const GOAL_BYTES: usize = 300;

/// What an app's own table of sessions would hold at the least.
struct ByHand {
    _user: String,
    _scopes: Vec<String>,
    _created: SystemTime,
    _expires: SystemTime,
    _seen: SystemTime,
}

fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = pages.split(' ').nth(1).expect("a second field").parse().expect("a number");
    pages * 4096
}

fn grown(before: usize, sessions: usize) -> usize {
    resident_bytes().saturating_sub(before) / sessions
}

async fn log_in(auth: &Auth, users: std::ops::Range<usize>) {
    let users: Vec<usize> = users.collect();
    for some in users.chunks(LOGINS_AT_ONCE) {
        let logins = some.iter().map(|user| {
            let auth = auth.clone();
            let user = u64::try_from(*user).expect("small");
            tokio::spawn(async move { auth.login(user).await.expect("the store answers") })
        });
        for login in logins.collect::<Vec<_>>() {
            login.await.expect("no panic");
        }
    }
}

async fn cached(sessions: usize) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let auth = Auth::builder()
        .store(SqliteStore::open(folder.path().join("sessions.db")))
        .keys(Keyring::open_or_create(folder.path().join("keys")).expect("keys"))
        .sessions_cached_max(sessions * 2)
        .build()
        .expect("a sound configuration");
    auth.ready().await.expect("the store opens");
    let warm = sessions / 20;
    log_in(&auth, 0..warm).await;
    let before = resident_bytes();
    log_in(&auth, warm..warm + sessions).await;
    grown(before, sessions)
}

fn by_hand(sessions: usize) -> usize {
    let before = resident_bytes();
    let now = SystemTime::now();
    let table: HashMap<String, ByHand> = (0..sessions)
        .map(|user| {
            let session = ByHand {
                _user: user.to_string(),
                _scopes: Vec::new(),
                _created: now,
                _expires: now,
                _seen: now,
            };
            (format!("{user:064x}"), session)
        })
        .collect();
    let bytes = grown(before, sessions);
    drop(table);
    bytes
}

fn main() {
    let sessions = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(SESSIONS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cached = runtime.block_on(cached(sessions));
    let by_hand = by_hand(sessions);
    println!("{sessions} sessions, resident bytes per session");
    println!("| table                       | bytes | goal |");
    println!("|-----------------------------|-------|------|");
    println!("| segue, cached               | {cached:>5} | {GOAL_BYTES:>4} |");
    println!("| a HashMap by hand           | {by_hand:>5} |      |");
}
