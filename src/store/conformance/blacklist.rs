//! The blacklist: maxima, queries, pages of the whole, and purging not before the end.

use std::collections::HashSet;
use std::time::Duration;

use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistPage;
use crate::store::BlacklistQuery;
use crate::store::Store;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;
use crate::time::Timestamp;

fn of(id: &str) -> NotBeforeScope {
    NotBeforeScope::User(user(id))
}

fn not_before(scope: NotBeforeScope, at_seconds: i64, until_seconds: i64) -> NotBefore {
    NotBefore { scope, at: at(at_seconds), until: at(until_seconds) }
}

async fn not_before_of<S: Store>(stores: &Handles<S>, id: &str) -> Option<Timestamp> {
    let query = BlacklistQuery { keys: Vec::new(), user: Some(user(id)) };
    stores.second.query_blacklist(query).await.answered().not_before
}

/// What was added is listed from every handle, alone or among other names; nothing else is
/// (scenario 57).
pub async fn blacklist_knows_what_was_added<S: Store>(stores: &Handles<S>) {
    stores.first.add_to_blacklist(Vec::new()).await.answered();
    stores.first.add_to_blacklist(vec![entry(1, at(10)), entry(2, at(20))]).await.answered();
    let cases = [(vec![], false), (vec![3], false), (vec![1], true), (vec![3, 4, 2], true)];
    for (numbers, listed) in cases {
        let keys = numbers.iter().map(|number| token(*number)).collect();
        let query = BlacklistQuery { keys, user: Some(user("alice")) };
        let answer = stores.second.query_blacklist(query).await.answered();
        let expected = BlacklistAnswer { listed, not_before: None };
        promise!(stores, answer == expected, "{numbers:?} is {expected:?}, not {answer:?}");
    }
}

/// Of two entries with one name the later end counts, in either order and in one batch.
pub async fn later_until_counts<S: Store>(stores: &Handles<S>) {
    for (number, until) in [(1, 100), (1, 50), (2, 50), (2, 100)] {
        stores.first.add_to_blacklist(vec![entry(number, at(until))]).await.answered();
    }
    let batch = vec![entry(3, at(100)), entry(3, at(50)), entry(3, at(70))];
    stores.second.add_to_blacklist(batch).await.answered();
    stores.first.purge_blacklist(at(100), 100).await.answered();
    for number in 1..=3 {
        promise!(stores, is_listed(stores, token(number)).await, "{number} lives until 100");
    }
    stores.first.purge_blacklist(just_after(at(100)), 100).await.answered();
    for number in 1..=3 {
        promise!(stores, !is_listed(stores, token(number)).await, "{number} was purged after 100");
    }
}

/// A not-before instant only rises, and every writer is told what is stored.
pub async fn not_before_takes_the_maximum<S: Store>(stores: &Handles<S>) {
    for (given, stored) in [(50, 50), (40, 50), (50, 50), (60, 60), (59, 60)] {
        for scope in [of("alice"), NotBeforeScope::All] {
            let raise = not_before(scope, given, given + 1000);
            let now = stores.first.raise_not_before(raise.clone()).await.answered();
            promise!(stores, now == at(stored), "{raise:?} leaves {}, not {now}", at(stored));
        }
        let seen = not_before_of(stores, "alice").await;
        promise!(stores, seen == Some(at(stored)), "readers see {}, not {seen:?}", at(stored));
    }
}

/// A later instant that is kept for a shorter time does not shorten what is stored.
pub async fn not_before_keeps_the_later_until<S: Store>(stores: &Handles<S>) {
    stores.first.raise_not_before(not_before(of("alice"), 10, 1000)).await.answered();
    stores.first.raise_not_before(not_before(of("alice"), 20, 500)).await.answered();
    stores.first.purge_blacklist(at(1000), 100).await.answered();
    let seen = not_before_of(stores, "alice").await;
    promise!(stores, seen == Some(at(20)), "it is kept until 1000, but is {seen:?}");
}

/// However many raise it at once, the highest stands (scenarios 33, 34).
pub async fn not_before_is_a_maximum_under_concurrency<S: Store>(stores: &Handles<S>) {
    let told = at_once((0..32).map(|number| {
        let store = stores.either(number);
        // Neither rising nor falling.
        let raise = NotBefore { at: nth(number * 13 % 32), ..not_before(of("alice"), 0, 1000) };
        async move { (raise.at, store.raise_not_before(raise).await.answered()) }
    }))
    .await;
    let fits = told.iter().all(|(given, stored)| stored >= given && *stored <= at(31));
    promise!(stores, fits, "nobody is told of less than was given: {told:?}");
    let seen = not_before_of(stores, "alice").await;
    promise!(stores, seen == Some(at(31)), "the highest stands, not {seen:?}");
}

/// A query answers with the later of the user's and the global instant (scenario 35).
pub async fn query_takes_the_maximum_of_user_and_all<S: Store>(stores: &Handles<S>) {
    stores.first.raise_not_before(not_before(of("alice"), 50, 1000)).await.answered();
    stores.first.raise_not_before(not_before(of("bob"), 10, 1000)).await.answered();
    let before = not_before_of(stores, "carol").await;
    promise!(stores, before.is_none(), "carol has none, but {before:?}");
    stores.first.raise_not_before(not_before(NotBeforeScope::All, 30, 1000)).await.answered();
    for (id, expected) in [("alice", 50), ("bob", 30), ("carol", 30)] {
        let seen = not_before_of(stores, id).await;
        promise!(stores, seen == Some(at(expected)), "{id} has {expected}, not {seen:?}");
    }
    let anonymous = BlacklistQuery::default();
    let answer = stores.second.query_blacklist(anonymous).await.answered();
    let expected = BlacklistAnswer { listed: false, not_before: Some(at(30)) };
    promise!(stores, answer == expected, "without a user the global one counts: {answer:?}");
}

async fn fill<S: Store>(stores: &Handles<S>, entries: std::ops::Range<u64>) {
    let batch = entries.map(|number| entry(number, nth(1000 + number))).collect();
    stores.first.add_to_blacklist(batch).await.answered();
}

async fn page<S: Store>(stores: &Handles<S>, after: Option<u64>, limit: u32) -> BlacklistPage {
    let page = stores.second.blacklist_page(after, limit).await.answered();
    let fits = |length: usize| u32::try_from(length).is_ok_and(|length| length <= limit);
    let bounded = fits(page.entries.len()) && fits(page.not_before.len());
    promise!(stores, bounded, "a page has at most {limit} of each kind");
    page
}

/// Pages of any size make up the whole blacklist, each entry once, as it is stored.
pub async fn blacklist_pages_neither_lose_nor_repeat<S: Store>(stores: &Handles<S>) {
    let empty = page(stores, None, 10).await;
    promise!(stores, empty == BlacklistPage::default(), "an empty blacklist has one empty page");
    fill(stores, 0..57).await;
    let mut scopes = vec![NotBeforeScope::All];
    scopes.extend((0..8).map(|number| of(&format!("user {number}"))));
    for scope in &scopes {
        stores.first.raise_not_before(not_before(scope.clone(), 10, 1000)).await.answered();
    }
    for limit in [1, 7, 57, 100] {
        let (mut after, mut entries, mut instants) = (None, Vec::new(), Vec::new());
        for turn in 0.. {
            promise!(stores, turn <= 66, "pages of {limit} come to an end");
            let page = page(stores, after, limit).await;
            entries.extend(page.entries);
            instants.extend(page.not_before);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        entries.sort_by_key(|entry| entry.until);
        let all: Vec<_> = (0..57).map(|n| entry(n, nth(1000 + n))).collect();
        promise!(stores, entries == all, "pages of {limit} make up all entries: {entries:?}");
        let found: HashSet<_> = instants.iter().map(|instant| instant.scope.clone()).collect();
        let whole = instants.len() == 9
            && found == scopes.iter().cloned().collect()
            && instants.iter().all(|one| (one.at, one.until) == (at(10), at(1000)));
        promise!(stores, whole, "pages of {limit} make up all instants: {instants:?}");
    }
}

/// What was there before the first page is found, though entries come and go meanwhile.
pub async fn blacklist_pages_are_stable_under_writes<S: Store>(stores: &Handles<S>) {
    fill(stores, 0..20).await;
    let short_lived = (100..110).map(|number| entry(number, at(0))).collect();
    stores.first.add_to_blacklist(short_lived).await.answered();
    fill(stores, 20..40).await;
    let (mut after, mut found) = (None, HashSet::<BlacklistKey>::new());
    for turn in 0..100 {
        let page = page(stores, after, 3).await;
        found.extend(page.entries.iter().map(|entry| entry.key));
        after = page.next;
        if after.is_none() {
            break;
        }
        let added = 1000 + turn;
        if turn < 20 {
            stores.first.add_to_blacklist(vec![entry(added, at(5000))]).await.answered();
            stores.first.add_to_blacklist(vec![entry(turn, at(9000))]).await.answered();
            stores.first.purge_blacklist(at(1), 2).await.answered();
        }
    }
    promise!(stores, after.is_none(), "pages come to an end though entries are added");
    let missing = (0..40).filter(|number| !found.contains(&token(*number))).count();
    promise!(stores, missing == 0, "{missing} of forty entries were never shown");
}

/// Nothing goes before its end, the end included; entries without an end never go.
pub async fn purge_never_takes_entries_early<S: Store>(stores: &Handles<S>) {
    let now = at(100);
    let entries = vec![entry(1, just_before(now)), entry(2, now), entry(3, Timestamp::MAX)];
    stores.first.add_to_blacklist(entries).await.answered();
    stores.first.raise_not_before(not_before(of("alice"), 1, 99)).await.answered();
    stores.first.raise_not_before(not_before(of("bob"), 1, 100)).await.answered();
    stores.first.raise_not_before(not_before(NotBeforeScope::All, 0, 99)).await.answered();
    let purged = stores.first.purge_blacklist(now, 100).await.answered();
    promise!(stores, purged == 3, "three entries are over, but {purged} were purged");
    for (number, kept) in [(1, false), (2, true), (3, true)] {
        let listed = is_listed(stores, token(number)).await;
        promise!(stores, listed == kept, "entry {number} is kept: {kept}, but: {listed}");
    }
    let seen = (not_before_of(stores, "alice").await, not_before_of(stores, "bob").await);
    promise!(stores, seen == (None, Some(at(1))), "alice's is over, bob's is not: {seen:?}");
}

/// A purge takes no more than it may, of both kinds together, and comes to an end.
pub async fn purge_of_the_blacklist_is_bounded<S: Store>(stores: &Handles<S>) {
    fill(stores, 0..7).await;
    for number in 0..3 {
        let scope = of(&format!("user {number}"));
        stores.first.raise_not_before(not_before(scope, 10, 1000)).await.answered();
    }
    let now = at(0).saturating_add(Duration::from_secs(5000));
    let mut purged = 0;
    for turn in 0.. {
        let batch = stores.first.purge_blacklist(now, 4).await.answered();
        promise!(stores, batch <= 4, "a purge of at most four took {batch}");
        purged += batch;
        if batch == 0 {
            break;
        }
        promise!(stores, turn < 10, "purging comes to an end");
    }
    promise!(stores, purged == 10, "ten entries are over, but {purged} were purged");
    let rest = page(stores, None, 100).await;
    promise!(stores, rest == BlacklistPage::default(), "nothing is left: {rest:?}");
}
