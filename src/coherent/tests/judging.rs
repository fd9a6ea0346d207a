//! What is kept of sessions, in how many copies, and how it is judged.

use super::*;
use crate::coherent::ReadMode;
use crate::error::AuthErrorKind;
use crate::error::StoreErrorKind;
use crate::session::RevokeReason;
use crate::store::Fault;

/// A store that fails is an error for everybody who asked, never absence, and is asked again.
#[tokio::test]
async fn a_store_fault_is_never_absence() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.store.inject_only("load session", Fault::Fail(StoreErrorKind::Unavailable));
    let load = || node.cache.core().load_session(secret(1), key(1), node.moment());
    let error = load().await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (StoreErrorKind::Unavailable, "load session"));
    assert!(std::error::Error::source(&error).is_some());
    assert!(load().await.is_err());
    node.store.heal();
    assert!(load().await.unwrap().is_some());
}

/// With `stale_ok` a cached session outlives an outage for so long, and no longer.
#[tokio::test]
async fn stale_answers_end_with_their_bound() {
    let mode = ReadMode::StaleOk(Duration::from_secs(300));
    let node = Node::with(CoherenceConfig { mode, ..CoherenceConfig::default() }).await;
    insert(&node.store, 1).await;
    node.load(1).await;
    node.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    node.hand.advance(Duration::from_secs(59));
    assert!(node.is_cached(1));
    node.hand.advance(Duration::from_secs(241));
    let stale = node.load(1).await.unwrap();
    assert_eq!(node.cache.judge_session(&stale, node.moment()), None);
    node.hand.advance(Duration::from_micros(1));
    let late = node.cache.core().load_session(secret(1), key(1), node.moment()).await;
    assert!(late.is_err());
}

/// With `stale_ok` a revocation that was heard still counts.
#[tokio::test]
async fn stale_answers_do_not_revive() {
    let mode = ReadMode::StaleOk(Duration::from_secs(300));
    let node = Node::with(CoherenceConfig { mode, ..CoherenceConfig::default() }).await;
    insert(&node.store, 1).await;
    node.load(1).await;
    node.cache.note_revoked(key(1), RevokeReason::Logout);
    node.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    assert!(node.cache.core().load_session(secret(1), key(1), node.moment()).await.is_err());
}

/// In read-through mode every request reads, and nothing is kept.
#[tokio::test]
async fn read_through_always_reads() {
    let mode = ReadMode::ReadThrough;
    let node = Node::with(CoherenceConfig { mode, ..CoherenceConfig::default() }).await;
    insert(&node.store, 1).await;
    for expected in 1..=3 {
        let session = node.load(1).await.unwrap();
        assert_eq!(node.cache.judge_session(&session, node.moment()), None);
        assert!(!node.is_cached(1));
        assert_eq!(node.loads(), expected);
    }
    assert_eq!(node.store.calls("query blacklist"), 3);
}

/// A session that does not exist is asked for once per bound.
#[tokio::test]
async fn absence_is_remembered_shortly() {
    let node = Node::new().await;
    assert!(node.load(1).await.is_none());
    assert!(node.load(1).await.is_none());
    assert_eq!(node.loads(), 1);
    node.hand.advance(SECOND + Duration::from_micros(1));
    assert!(node.load(1).await.is_none());
    assert_eq!(node.loads(), 2);
    insert(&node.store, 1).await;
    node.cache.forget_session(key(1));
    assert!(node.load(1).await.is_some());
}

/// The cache never holds more than it may, and what is used stays usable.
#[tokio::test]
async fn the_cache_is_bounded() {
    let config = CoherenceConfig { sessions_max: 32, ..CoherenceConfig::default() };
    let node = Node::with(config).await;
    for number in 0..=u8::MAX {
        insert(&node.store, number).await;
        assert!(node.load(number).await.is_some());
        assert!(node.cache.core().table.len() <= 32);
    }
}

/// A cache of no size caches nothing, and works.
#[tokio::test]
async fn a_cache_may_be_empty() {
    let config = CoherenceConfig { sessions_max: 0, ..CoherenceConfig::default() };
    let node = Node::with(config).await;
    insert(&node.store, 1).await;
    assert!(node.load(1).await.is_some());
    assert!(!node.is_cached(1));
}

/// A session put in after a login is found, unless there was news of it since.
#[tokio::test]
async fn what_is_put_in_obeys_the_same_rule() {
    let node = Node::new().await;
    for has_news in [false, true] {
        let asked = node.cache.asking(&key(1));
        insert(&node.store, 1).await;
        if has_news {
            node.cache.forget_session(key(1));
        }
        node.cache.put_session(secret(1), &record(1), asked);
        assert_eq!(node.is_cached(1), !has_news);
    }
    assert_eq!(node.loads(), 0);
}

/// Copies that another thread keeps are void with the original.
#[tokio::test]
async fn other_threads_forget_too() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    node.load(1).await;
    let (ask, asked) = std::sync::mpsc::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel::<bool>();
    let (cache, moment) = (node.cache.clone(), node.moment());
    let thread = std::thread::spawn(move || {
        for () in asked {
            tell.send(cache.with_session(&secret(1), moment, |_| ()).is_some()).unwrap();
        }
    });
    let is_cached_there = || {
        ask.send(()).unwrap();
        told.recv().unwrap()
    };
    // Seen twice, it is kept there.
    assert!(is_cached_there() && is_cached_there() && is_cached_there());
    node.cache.forget_session(key(1));
    assert!(!is_cached_there());
    drop(ask);
    thread.join().unwrap();
}

/// Two caches in one process do not see each other's sessions.
#[tokio::test]
async fn caches_are_apart() {
    let (one, other) = (Node::new().await, Node::new().await);
    insert(&one.store, 1).await;
    one.load(1).await;
    assert!(one.is_cached(1));
    assert!(!other.is_cached(1));
}

/// Looking at one session while looking at another one works.
#[tokio::test]
async fn looking_may_be_nested() {
    let node = Node::new().await;
    for number in [1, 2] {
        insert(&node.store, number).await;
        node.load(number).await;
    }
    let both = node.cache.with_session(&secret(1), node.moment(), |_| node.is_cached(2));
    assert_eq!(both, Some(true));
}

/// The token last verified is recognised after the row was read again, and in other copies.
#[tokio::test]
async fn a_verified_token_stays_known() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let mut token = [7; 66];
    token[4..20].copy_from_slice(&secret(1));
    let end = START.saturating_add(Duration::from_secs(600));
    node.load(1).await.unwrap().remember_token(&token, end, 3);
    let is_known = || {
        let known = |session: &CachedSession| session.is_verified(&token, 3, node.moment().now);
        node.cache.with_session(&secret(1), node.moment(), known)
    };
    assert_eq!(is_known(), Some(true));
    node.hand.advance(Duration::from_secs(61));
    node.follow().await;
    assert_eq!(is_known(), None);
    node.load(1).await;
    assert_eq!(is_known(), Some(true));
}

/// A row is judged by the rule of the record it was made from.
#[tokio::test]
async fn cached_rows_are_judged_like_records() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let cached = node.load(1).await.unwrap();
    let record = record(1);
    let idle = Duration::from_secs(60);
    let micro = Duration::from_micros(1);
    let last = record.expires_at;
    for now in [START, START.saturating_add(idle), last.saturating_sub(micro), last] {
        for at in [None, Some(START.saturating_sub(micro)), Some(START)] {
            for idle in [idle, Duration::from_secs(365 * 24 * 3600)] {
                let expected = record.refusal(now, idle, at);
                assert_eq!(cached.refusal(now, idle, at), expected, "{now} {at:?}");
            }
        }
    }
    assert_eq!(cached.last_active_at(), record.last_active_at());
    assert_eq!(cached.principal().user_id(), &record.user);
    assert_eq!(cached.principal().session_id(), Some(record.id()));
}

/// Devices are told apart by fingerprint and by network; unknown ones are not.
#[tokio::test]
async fn devices_are_compared() {
    let node = Node::new().await;
    let at = |address: &str, mark: u8| Device {
        name: None,
        address: Some(address.parse().unwrap()),
        fingerprint: Some(crate::device::Fingerprint::from_bytes([mark; 16])),
    };
    let mut record = record(1);
    record.device = at("2001:db8:1:100::1", 1);
    let asked = node.cache.asking(&record.key);
    node.cache.put_session(secret(1), &record, asked);
    let compare = |device: &Device| {
        node.cache
            .with_session(&secret(1), node.moment(), |session| {
                (session.has_other_fingerprint(device), session.has_other_network(device))
            })
            .unwrap()
    };
    assert_eq!(compare(&at("2001:db8:1:1ff::2", 1)), (false, false));
    assert_eq!(compare(&at("2001:db8:1:200::1", 2)), (true, true));
    assert_eq!(compare(&at("192.0.2.1", 1)), (false, true));
    assert_eq!(compare(&Device::default()), (false, false));
}

/// A session is over when it was idle, and when a not-before instant is not earlier than it.
#[tokio::test]
async fn judging_covers_idle_and_not_before() {
    let node = Node::new().await;
    insert(&node.store, 1).await;
    let session = node.load(1).await.unwrap();
    let judge = || node.cache.judge_session(&session, node.moment());
    assert_eq!(judge(), None);
    let instant = not_before(NotBeforeScope::User(user("7")), START.saturating_sub(SECOND));
    node.cache.apply_local(&crate::store::Change::NotBefore(instant));
    assert_eq!(judge(), None, "authenticated later");
    let instant = not_before(NotBeforeScope::User(user("7")), START);
    node.cache.apply_local(&crate::store::Change::NotBefore(instant));
    assert_eq!(judge(), Some(AuthErrorKind::SessionRevoked), "equality means dead");
}
