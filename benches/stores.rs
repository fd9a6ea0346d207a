//! What a store call costs, beside what people write by hand: rotations alone and 64 at once,
//! and loads. Prints medians of interleaved rounds and their ratios; see the ratios, the absolute
//! figures belong to the machine.
//!
//! `cargo bench --bench stores`
#![allow(clippy::unwrap_used, reason = "a benchmark that can't go on stops")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use segue::BlacklistKey;
use segue::Device;
use segue::KeyVersion;
use segue::Scopes;
use segue::SessionData;
use segue::SessionKey;
use segue::SessionRecord;
use segue::SessionStore;
use segue::SqliteStore;
use segue::Timestamp;
use segue::UserId;
use segue::store::NewSession;
use segue::store::Rotated;
use segue::store::Rotation;
use sqlx::Row;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

const ROUNDS: usize = 7;
const CALLS: u64 = 2_000;
const CALLS_TOGETHER: u64 = 8_000;
const IN_FLIGHT: u64 = 64;
const SESSIONS: u64 = 1_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("segue.db"));
    let pool = by_hand(&directory.path().join("hand.db")).await;
    for number in 0..SESSIONS {
        store.insert(login(number)).await.unwrap();
        textbook_insert(&pool, number).await;
    }
    let alone = Figures::of(CALLS, 1, &store, &pool).await;
    let together = Figures::of(CALLS_TOGETHER, IN_FLIGHT, &store, &pool).await;
    println!(
        "{:<44}{:>10}{:>12}{:>10}",
        "SQLite, WAL, synchronous=NORMAL", "us/call", "calls/s", "ratio"
    );
    alone.print("one at a time");
    together.print("64 in flight");
}

/// Microseconds a call, median of the rounds.
struct Figures {
    textbook: f64,
    rotate: f64,
    select: f64,
    load: f64,
}

impl Figures {
    async fn of(calls: u64, in_flight: u64, store: &SqliteStore, pool: &SqlitePool) -> Self {
        let mut rounds: [Vec<f64>; 4] = Default::default();
        // Everybody has a share of the sessions, so that no rotation loses.
        let generations = Generations::default();
        for _ in 0..ROUNDS {
            rounds[0].push(time(calls, in_flight, |n| textbook_rotate(pool.clone(), n)).await);
            rounds[1].push(
                time(calls, in_flight, |n| rotate(store.clone(), generations.clone(), n)).await,
            );
            rounds[2].push(time(calls, in_flight, |n| textbook_select(pool.clone(), n)).await);
            rounds[3].push(time(calls, in_flight, |n| load(store.clone(), n)).await);
        }
        let [textbook, rotate, select, load] = rounds.map(median);
        Self { textbook, rotate, select, load }
    }

    fn print(&self, how: &str) {
        let line = |what: &str, own: f64, other: f64| {
            let ratio = other / own;
            let rate = 1e6 / own;
            println!("{:<44}{own:>10.1}{rate:>12.0}{ratio:>10.2}", format!("{what}, {how}"));
        };
        line("textbook BEGIN SELECT UPDATE COMMIT", self.textbook, self.textbook);
        line("SqliteStore::rotate", self.rotate, self.textbook);
        line("SELECT by key, sqlx pool of 4", self.select, self.select);
        line("SqliteStore::load", self.load, self.select);
    }
}

async fn time<F>(calls: u64, in_flight: u64, call: impl Fn(u64) -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let started = Instant::now();
    if in_flight == 1 {
        for number in 0..calls {
            call(number % SESSIONS).await;
        }
    } else {
        // Worker `w` keeps to the sessions `w, w + in_flight, ..`.
        let share = SESSIONS / in_flight;
        let mut workers = Vec::new();
        for worker in 0..in_flight {
            let turns: Vec<F> = (0..calls / in_flight)
                .map(|turn| call(worker + in_flight * (turn % share)))
                .collect();
            workers.push(tokio::spawn(async move {
                for turn in turns {
                    turn.await;
                }
            }));
        }
        for worker in workers {
            worker.await.unwrap();
        }
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(calls).unwrap())
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

// What everybody knows: the generation each session has reached.
#[derive(Clone)]
struct Generations(Arc<Vec<AtomicU64>>);

impl Default for Generations {
    fn default() -> Self {
        Self(Arc::new((0..SESSIONS).map(|_| AtomicU64::new(u64::MAX)).collect()))
    }
}

fn key(number: u64) -> SessionKey {
    SessionKey::from_bytes(*BlacklistKey::of_jti("bench", &number.to_string()).as_bytes())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

fn login(number: u64) -> NewSession {
    let life = Duration::from_secs(90 * 24 * 3600);
    let record = SessionRecord {
        key: key(number),
        user: UserId::from(number),
        generation: 0,
        key_version: KeyVersion::FIRST,
        authenticated_at: at(-1),
        created_at: at(0),
        expires_at: at(0).saturating_add(life),
        rotated_at: None,
        grace_uses: 0,
        foreign_streak: 0,
        last_seen_at: at(0),
        revoked: None,
        scopes: Scopes::none(),
        data: SessionData::default(),
        device: Device::default(),
        exchanged_from: None,
        legacy_until: None,
        revision: 0,
    };
    NewSession { record, sessions_max: 100, idle: life, supersedes: None, exchanges_max: 5 }
}

async fn rotate(store: SqliteStore, generations: Generations, number: u64) {
    let place = &generations.0[usize::try_from(number).unwrap()];
    if place.load(Ordering::Relaxed) == u64::MAX {
        let row = store.load(key(number)).await.unwrap().unwrap();
        place.store(row.generation, Ordering::Relaxed);
    }
    let expected = place.fetch_add(1, Ordering::Relaxed);
    let rotation = Rotation {
        key: key(number),
        expected,
        next: expected + 1,
        key_version: KeyVersion::FIRST,
        now: at(1),
        active_after: at(-1),
        legacy_until: None,
    };
    assert!(matches!(store.rotate(rotation).await.unwrap(), Rotated::Done(_)));
}

async fn load(store: SqliteStore, number: u64) {
    assert!(store.load(key(number)).await.unwrap().is_some());
}

/// A table of the same width, and a pool as the books have it.
async fn by_hand(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(60))
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .unwrap();
    sqlx::raw_sql(
        "CREATE TABLE sessions (key BLOB NOT NULL PRIMARY KEY, user_id TEXT NOT NULL,
         generation INTEGER NOT NULL, expires_at INTEGER NOT NULL, rotated_at INTEGER,
         revoked_at INTEGER, data TEXT)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool
}

async fn textbook_insert(pool: &SqlitePool, number: u64) {
    sqlx::query("INSERT INTO sessions VALUES (?1, ?2, 0, ?3, NULL, NULL, NULL)")
        .bind(key(number).as_bytes().to_vec())
        .bind(number.to_string())
        .bind(at(1_000_000).as_unix_micros())
        .execute(pool)
        .await
        .unwrap();
}

async fn textbook_rotate(pool: SqlitePool, number: u64) {
    let key = key(number).as_bytes().to_vec();
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let row = sqlx::query("SELECT * FROM sessions WHERE key = ?1")
        .bind(key.clone())
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    let generation: i64 = row.get("generation");
    sqlx::query("UPDATE sessions SET generation = ?2, rotated_at = ?3 WHERE key = ?1")
        .bind(key)
        .bind(generation + 1)
        .bind(at(1).as_unix_micros())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

async fn textbook_select(pool: SqlitePool, number: u64) {
    let row = sqlx::query("SELECT * FROM sessions WHERE key = ?1")
        .bind(key(number).as_bytes().to_vec())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(row.get::<i64, _>("generation") >= 0);
}
