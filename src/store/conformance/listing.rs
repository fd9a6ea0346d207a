//! Lists of a user's sessions, lookup by public id, and purging of rows.

use std::collections::HashSet;
use std::time::Duration;

use crate::id::SessionKey;
use crate::session::LegacyLink;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::PageAfter;
use crate::store::Store;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;

/// Rows come back whatever their state; judging them is not the store's business. What was never
/// written is not found.
pub async fn load_returns_dead_rows<S: Store>(stores: &Handles<S>) {
    let expired = put(stores, SessionRecord { expires_at: at(-1_000_000), ..row(1) }).await;
    expect_row(stores, &expired).await;
    put(stores, row(2)).await;
    let dead = stores.first.revoke(session_key(2), RevokeReason::Logout, at(1)).await.answered();
    expect_row(stores, &dead.unwrap()).await;
    promise!(stores, load(stores, session_key(3)).await.is_none(), "a key never written is free");
}

/// A user's list has all rows of that user, dead ones included, newest first, and nobody else's.
pub async fn list_is_newest_first<S: Store>(stores: &Handles<S>) {
    for (number, created) in [(1, 20), (2, 40), (3, 10), (4, 30)] {
        put(stores, SessionRecord { created_at: at(created), ..row(number) }).await;
    }
    put(stores, SessionRecord { user: user("bob"), created_at: at(25), ..row(5) }).await;
    stores.first.revoke(session_key(4), RevokeReason::Logout, at(50)).await.answered();
    let rows = stores.second.list(&user("alice"), None, 100).await.answered();
    let keys: Vec<SessionKey> = rows.iter().map(|row| row.key).collect();
    let expected = [2, 4, 1, 3].map(session_key);
    promise!(stores, keys == expected, "newest first is {expected:?}, not {keys:?}");
    for row in rows {
        expect_row(stores, &row).await;
    }
    let nobody = stores.first.list(&user("carol"), None, 100).await.answered();
    promise!(stores, nobody.is_empty(), "a user without sessions has an empty list");
}

async fn pages<S: Store>(stores: &Handles<S>, limit: u32) -> Vec<SessionRecord> {
    let mut all: Vec<SessionRecord> = Vec::new();
    loop {
        let after = all.last().map(|row| PageAfter { created_at: row.created_at, id: row.id() });
        let page = stores.second.list(&user("alice"), after, limit).await.answered();
        let bounded = u32::try_from(page.len()).is_ok_and(|length| length <= limit);
        promise!(stores, bounded, "a page has at most {limit} rows, not {}", page.len());
        if page.is_empty() {
            return all;
        }
        all.extend(page);
        promise!(stores, all.len() <= 100, "pages come to an end");
    }
}

/// Pages of any size make up the whole list, also where many sessions began at one instant
/// (scenario 76).
pub async fn list_pages_neither_lose_nor_repeat<S: Store>(stores: &Handles<S>) {
    for number in 0..25 {
        let created_at = nth(number / 10);
        put(stores, SessionRecord { created_at, ..row(number) }).await;
    }
    let whole = stores.first.list(&user("alice"), None, 100).await.answered();
    let distinct: HashSet<SessionKey> = whole.iter().map(|row| row.key).collect();
    promise!(stores, whole.len() == 25 && distinct.len() == 25, "25 sessions are listed once");
    for limit in [1, 2, 7, 25, 26] {
        let paged = pages(stores, limit).await;
        promise!(stores, paged == whole, "pages of {limit} make up the list");
    }
}

/// A login between two pages does not shift them.
pub async fn list_pages_are_stable_under_logins<S: Store>(stores: &Handles<S>) {
    for number in 0..6 {
        put(stores, SessionRecord { created_at: nth(number), ..row(number) }).await;
    }
    let first = stores.first.list(&user("alice"), None, 3).await.answered();
    put(stores, SessionRecord { created_at: at(100), ..row(99) }).await;
    let after = first.last().map(|row| PageAfter { created_at: row.created_at, id: row.id() });
    let rest = stores.first.list(&user("alice"), after, 3).await.answered();
    let keys: Vec<SessionKey> = first.iter().chain(&rest).map(|row| row.key).collect();
    promise!(stores, keys == [5, 4, 3, 2, 1, 0].map(session_key), "pages shifted: {keys:?}");
}

/// A public id is found by its owner, dead or alive; for anybody else it does not exist.
pub async fn find_answers_the_owner_only<S: Store>(stores: &Handles<S>) {
    let row_1 = put(stores, full_row(1)).await;
    let own = stores.second.find(&user("alice"), row_1.id()).await.answered();
    promise!(stores, own.as_ref() == Some(&row_1), "the owner finds the session, not {own:?}");
    for other in ["bob", "ALICE", "alice2"] {
        let found = stores.second.find(&user(other), row_1.id()).await.answered();
        promise!(stores, found.is_none(), "{other} finds somebody else's session");
    }
    let unknown = stores.second.find(&user("alice"), row(2).id()).await.answered();
    promise!(stores, unknown.is_none(), "an id that was never written is not found");
    let dead = stores.first.revoke(row_1.key, RevokeReason::Logout, at(60)).await.answered();
    let found = stores.second.find(&user("alice"), row_1.id()).await.answered();
    promise!(stores, found == dead, "a revoked session is found as it is, not {found:?}");
}

/// Rows go from their end on and not before; a revoked row stays until then, so that its spent
/// tokens are still recognised (scenario 23).
pub async fn purge_waits_for_the_end<S: Store>(stores: &Handles<S>) {
    let now = at(1000);
    let over = put(stores, SessionRecord { expires_at: now, ..row(1) }).await;
    let live = put(stores, SessionRecord { expires_at: just_after(now), ..row(2) }).await;
    put(stores, row(3)).await;
    let dead = stores.first.revoke(session_key(3), RevokeReason::Logout, at(1)).await.answered();
    let purged = stores.first.purge_sessions(now, 100).await.answered();
    promise!(stores, purged == 1, "one row is over, but {purged} were purged");
    promise!(stores, load(stores, over.key).await.is_none(), "what is over is gone");
    let rows = stores.first.list(&over.user, None, 100).await.answered();
    promise!(stores, rows.iter().all(|row| row.key != over.key), "it is in no list either");
    let found = stores.first.find(&over.user, over.id()).await.answered();
    promise!(stores, found.is_none(), "it is not found either");
    expect_row(stores, &live).await;
    expect_row(stores, &dead.unwrap()).await;
}

/// A row that was exchanged for a legacy token stays until that token's end, or the token could
/// be exchanged again.
pub async fn purge_keeps_exchanged_rows_until_the_links_end<S: Store>(stores: &Handles<S>) {
    let until = at(2000);
    let exchanged_from = Some(LegacyLink { key: token(1), until });
    let row = put(stores, SessionRecord { expires_at: at(1000), exchanged_from, ..row(1) }).await;
    stores.first.revoke(row.key, RevokeReason::Logout, at(10)).await.answered();
    let purged = stores.first.purge_sessions(just_before(until), 100).await.answered();
    promise!(stores, purged == 0, "the link still lives, but {purged} rows were purged");
    promise!(stores, load(stores, row.key).await.is_some(), "the exchanged row is kept");
    let purged = stores.first.purge_sessions(until, 100).await.answered();
    promise!(stores, purged == 1, "at the link's end one row goes, not {purged}");
}

/// A purge takes no more than it may, says how many, and comes to an end.
pub async fn purge_of_sessions_is_bounded<S: Store>(stores: &Handles<S>) {
    for number in 0..10 {
        let expires_at = nth(10 + number);
        put(stores, SessionRecord { expires_at, ..row(number) }).await;
    }
    let now = at(0).saturating_add(Duration::from_secs(100));
    let mut batches = Vec::new();
    for _ in 0..5 {
        batches.push(stores.first.purge_sessions(now, 4).await.answered());
    }
    promise!(stores, batches == [4, 4, 2, 0, 0], "ten rows go in fours, not in {batches:?}");
}
