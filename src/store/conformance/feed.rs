//! The change feed: order, gaps, waking, what is published and what is not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::session::RevokeReason;
use crate::store::Change;
use crate::store::FeedPosition;
use crate::store::KeyRegistration;
use crate::store::SessionPatch;
use crate::store::Store;
use crate::store::Touch;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;

/// What never takes so long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// Connecting twice, from several handles at once, is as good as once.
pub async fn connect_may_be_repeated<S: Store>(stores: &Handles<S>) {
    at_once((0..8).map(|number| {
        let store = stores.either(number);
        async move { store.connect().await.answered() }
    }))
    .await;
    expect_row(stores, &put(stores, row(1)).await).await;
    stores.second.connect().await.answered();
    expect_row(stores, &row(1)).await;
}

/// Two nodes that ask for the store's time are told the same, up to the time it takes to ask.
pub async fn handles_tell_one_time<S: Store>(stores: &Handles<S>) {
    let first = stores.first.now().await.answered();
    let second = stores.second.now().await.answered();
    let apart = second.since(first).max(first.since(second));
    promise!(stores, apart < HANGS, "two handles are {apart:?} apart");
}

/// Nothing comes after the end, and the end is the same place for every handle.
pub async fn feed_ends_at_its_tail<S: Store>(stores: &Handles<S>) {
    for turn in 0..2 {
        let tail = stores.first.tail().await.answered();
        let elsewhere = stores.second.tail().await.answered();
        promise!(stores, tail == elsewhere, "one end: {tail:?}, {elsewhere:?}");
        let page = stores.second.changes(&tail, 10).await.answered();
        let end = page.changes.is_empty() && page.at_tail && !page.gap && page.next == tail;
        promise!(stores, end, "nothing comes after the end, but {page:?}");
        stores.first.add_to_blacklist(vec![entry(turn, at(10))]).await.answered();
        let moved = stores.first.tail().await.answered();
        promise!(stores, moved != tail, "a change moves the end");
    }
}

/// Changes come in the order of their writing, in pages of any size, and `at_tail` says when
/// there are no more.
pub async fn changes_come_in_order<S: Store>(stores: &Handles<S>) {
    let start = stores.first.tail().await.answered();
    let mut expected = Vec::new();
    for number in 0..12 {
        let entry = entry(number, at(10));
        stores.either(number).add_to_blacklist(vec![entry]).await.answered();
        expected.push(Change::Blacklisted(entry));
    }
    for limit in [1, 5, 12, 13] {
        let (mut after, mut seen) = (start.clone(), Vec::new());
        loop {
            let page = stores.second.changes(&after, limit).await.answered();
            let bounded = u32::try_from(page.changes.len()).is_ok_and(|length| length <= limit);
            promise!(stores, bounded && !page.gap, "at most {limit}, and no gap: {page:?}");
            seen.extend(page.changes);
            after = page.next;
            if page.at_tail {
                break;
            }
            promise!(stores, seen.len() < 12, "pages of {limit} end where the feed ends");
        }
        promise!(stores, seen == expected, "pages of {limit} are in order, not {seen:?}");
    }
}

/// Whatever other nodes must hear of is published, once, with what is stored now.
pub async fn changes_of_contents_are_published<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let start = stores.first.tail().await.answered();
    let patch = SessionPatch { authenticated_at: Some(at(5)), ..SessionPatch::default() };
    stores.first.update(row.key, row.revision, patch).await.answered();
    stores.second.revoke(row.key, RevokeReason::Logout, at(6)).await.answered();
    stores.first.add_to_blacklist(vec![entry(1, at(10)), entry(2, at(20))]).await.answered();
    let raise = |scope, seconds| NotBefore { scope, at: at(seconds), until: at(1000) };
    let alice = raise(NotBeforeScope::User(user("alice")), 7);
    let all = raise(NotBeforeScope::All, 8);
    stores.first.raise_not_before(alice.clone()).await.answered();
    stores.second.raise_not_before(all.clone()).await.answered();
    let changes = changes_since(stores, &start).await;
    let expected = [
        Change::Session(row.key),
        Change::Session(row.key),
        Change::Blacklisted(entry(1, at(10))),
        Change::Blacklisted(entry(2, at(20))),
        Change::NotBefore(alice),
        Change::NotBefore(all),
    ];
    promise!(stores, changes == expected, "the feed tells {expected:?}, not {changes:?}");
}

/// Generations, grace answers and signs of life are not published: no node's cache depends on
/// them, and they are most of all writes. Neither is what changed nothing.
pub async fn rotation_and_use_are_not_published<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let dead = put(stores, full_row(2)).await;
    stores.first.revoke(dead.key, RevokeReason::Logout, at(1)).await.answered();
    let raise = |seconds| NotBefore { scope: NotBeforeScope::All, at: at(seconds), until: at(99) };
    stores.first.raise_not_before(raise(10)).await.answered();
    let start = stores.first.tail().await.answered();

    stores.first.rotate(rotation_of(&row, at(60))).await.answered();
    stores.first.count_grace(row.key, 1, 0, 1).await.answered();
    let touch = Touch { key: row.key, seen_at: at(70), device: Some(device("phone")) };
    stores.first.touch(vec![touch]).await.answered();
    stores.first.revoke(dead.key, RevokeReason::Reuse, at(80)).await.answered();
    stores.first.update(dead.key, 0, SessionPatch::default()).await.answered();
    stores.first.update(row.key, 77, SessionPatch::default()).await.answered();
    stores.first.raise_not_before(raise(9)).await.answered();
    let keys = KeyRegistration { checks: vec![(version(1), [1; 16])], exchange: version(1) };
    stores.first.register_keys(keys).await.answered();
    let changes = changes_since(stores, &start).await;
    promise!(stores, changes.is_empty(), "nobody needs to hear of {changes:?}");
}

/// Many writers on both nodes, and a reader that follows meanwhile: it sees every change once,
/// nothing turns up before a place it has passed, and a second reader sees the same order.
pub async fn no_change_is_skipped_under_concurrency<S: Store>(stores: &Handles<S>) {
    const WRITERS: u64 = 16;
    const CHANGES: u64 = 16;
    let start = stores.first.tail().await.answered();
    let reader = tokio::spawn(follow(stores.either(1), start.clone(), WRITERS * CHANGES));
    at_once((0..WRITERS).map(|writer| {
        let store = stores.either(writer);
        async move {
            for change in 0..CHANGES {
                let entry = entry(writer * CHANGES + change, at(10));
                store.add_to_blacklist(vec![entry]).await.answered();
            }
        }
    }))
    .await;
    let seen = reader.await.unwrap();
    let tokens: HashSet<_> = seen
        .iter()
        .map(|change| if let Change::Blacklisted(entry) = change { Some(entry.key) } else { None })
        .collect();
    promise!(stores, seen.len() == 256 && tokens.len() == 256, "{} changes seen", tokens.len());
    let later = changes_since(stores, &start).await;
    promise!(stores, seen == later, "two readers see one order");
}

/// Reads until so many changes were seen, waiting in between as a node does.
async fn follow<S: Store>(store: Arc<S>, start: FeedPosition, count: u64) -> Vec<Change> {
    let (mut after, mut seen) = (start, Vec::new());
    let reading = async {
        while u64::try_from(seen.len()).is_ok_and(|length| length < count) {
            let page = store.changes(&after, 7).await.answered();
            assert!(!page.gap, "a reader that keeps up misses nothing");
            seen.extend(page.changes);
            after = page.next;
            if page.at_tail {
                store.wait(&after, Duration::from_millis(100)).await.answered();
            }
        }
    };
    let read = timeout(HANGS, reading).await;
    assert!(read.is_ok(), "the reader saw {} of {count} changes and then no more", seen.len());
    seen
}

/// A change made through one handle wakes whoever waits on another, long before its patience ends
/// (scenario 37).
pub async fn wait_wakes_on_a_change<S: Store>(stores: &Handles<S>) {
    let tail = stores.second.tail().await.answered();
    let waiter = tokio::spawn({
        let (store, tail) = (stores.either(1), tail.clone());
        async move { store.wait(&tail, HANGS * 10).await.answered() }
    });
    tokio::task::yield_now().await;
    stores.first.add_to_blacklist(vec![entry(1, at(10))]).await.answered();
    promise!(stores, timeout(HANGS, waiter).await.is_ok(), "a change wakes the reader");
    // Whoever is behind does not wait at all.
    let again = timeout(HANGS, stores.second.wait(&tail, HANGS * 10)).await;
    promise!(stores, again.is_ok(), "with something to read there is nothing to wait for");
}

/// Without a change a wait is over when its patience is (scenario 38).
pub async fn wait_returns_by_patience<S: Store>(stores: &Handles<S>) {
    let tail = stores.second.tail().await.answered();
    for patience in [Duration::ZERO, Duration::from_millis(5)] {
        let waited = timeout(HANGS, stores.second.wait(&tail, patience)).await;
        promise!(stores, waited.is_ok(), "a wait of {patience:?} comes to an end");
    }
}

/// A purge leaves what was published just before it.
pub async fn purge_keeps_recent_changes<S: Store>(stores: &Handles<S>) {
    let start = stores.first.tail().await.answered();
    stores.first.add_to_blacklist(vec![entry(1, at(10))]).await.answered();
    let now = stores.first.now().await.answered();
    for minutes in 0..10 {
        let later = now.saturating_add(Duration::from_secs(minutes * 60));
        stores.first.purge_blacklist(later, 100).await.answered();
        let changes = changes_since(stores, &start).await;
        promise!(stores, !changes.is_empty(), "a change of {minutes} minutes ago is still there");
    }
}

/// A reader that was away for long either still gets everything or is told of the gap; after a
/// gap it goes on from the place it is given.
pub async fn long_absence_is_no_silent_gap<S: Store>(stores: &Handles<S>) {
    let start = stores.first.tail().await.answered();
    for number in 0..5 {
        stores.first.add_to_blacklist(vec![entry(number, at(10))]).await.answered();
    }
    let now = stores.first.now().await.answered();
    for days in [0, 1, 400, 401] {
        let later = now.saturating_add(Duration::from_secs(days * 86_400));
        stores.first.purge_blacklist(later, 100).await.answered();
    }
    let page = stores.second.changes(&start, 100).await.answered();
    let told = page.gap || page.changes.len() == 5;
    promise!(stores, told, "five changes or a gap, not {page:?}");
    stores.first.add_to_blacklist(vec![entry(9, at(10))]).await.answered();
    let changes = changes_since(stores, &page.next).await;
    let last = changes.last() == Some(&Change::Blacklisted(entry(9, at(10))));
    promise!(stores, last, "after a gap the feed goes on, not with {changes:?}");
}

/// A place in another life of the store, or beyond its end, is a gap: somebody emptied, restored
/// or rewound it (scenario 18).
pub async fn unknown_places_are_gaps<S: Store>(stores: &Handles<S>) {
    stores.first.add_to_blacklist(vec![entry(1, at(10))]).await.answered();
    let tail = stores.first.tail().await.answered();
    let unknown = [
        FeedPosition::new(tail.incarnation() ^ 1, tail.sequence()),
        FeedPosition::new(tail.incarnation() ^ 1, 0),
        FeedPosition::new(tail.incarnation(), tail.sequence() + 1000),
    ];
    for place in unknown {
        let page = stores.second.changes(&place, 10).await.answered();
        promise!(stores, page.gap, "{place:?} is no place in this feed, but {page:?}");
        changes_since(stores, &page.next).await;
    }
}

/// What one handle wrote is what another reads next, row, blacklist and feed (scenario 17).
pub async fn changes_are_seen_by_every_handle<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let (one, other) = (&stores.first, &stores.second);
    for turn in 0..10_u64 {
        let (writer, reader) = if turn % 2 == 0 { (one, other) } else { (other, one) };
        let before = reader.load(row.key).await.answered().unwrap();
        let now = nth(60 + turn);
        writer.rotate(rotation_of(&before, now)).await.answered();
        let after = reader.load(row.key).await.answered().unwrap();
        promise!(stores, after.rotated_at == Some(now), "a rotation is seen at once");
    }
    other.revoke(row.key, RevokeReason::Logout, at(90)).await.answered();
    let seen = one.load(row.key).await.answered();
    promise!(stores, seen.is_some_and(|row| row.revoked.is_some()), "so is a revocation");
}
