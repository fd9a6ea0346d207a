//! Revoked stays revoked, takes its legacy tokens along, and is never seen by halves.

use crate::session::RevokeReason;
use crate::session::Revoked;
use crate::session::SessionRecord;
use crate::store::Change;
use crate::store::Inserted;
use crate::store::Rotated;
use crate::store::SessionPatch;
use crate::store::Store;
use crate::store::Touch;
use crate::store::Updated;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;

const REASONS: [RevokeReason; 6] = [
    RevokeReason::Administration,
    RevokeReason::Cap,
    RevokeReason::DeviceList,
    RevokeReason::Logout,
    RevokeReason::Reuse,
    RevokeReason::Superseded,
];

/// Revoking stores instant and reason, raises the revision, and answers with the row as it is now.
pub async fn revoke_stores_instant_and_reason<S: Store>(stores: &Handles<S>) {
    for (number, reason) in (1..).zip(REASONS) {
        let row = put(stores, full_row(number)).await;
        let answer = stores.first.revoke(row.key, reason, at(60)).await.answered();
        let revoked = Some(Revoked { at: at(60), reason });
        let expected = SessionRecord { revoked, revision: row.revision + 1, ..row };
        expect_row(stores, &expected).await;
        promise!(stores, answer == Some(expected), "the answer is the row, not {answer:?}");
    }
}

/// Revoked twice keeps the first instant and reason; unknown is `None`, not a fault, so that a
/// second logout succeeds (scenarios 42, 43).
pub async fn revoke_is_idempotent<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let first = stores.first.revoke(row.key, RevokeReason::Reuse, at(60)).await.answered();
    for now in [at(50), at(70)] {
        let again = stores.second.revoke(row.key, RevokeReason::Logout, now).await.answered();
        promise!(stores, again == first, "the first end is kept, not {again:?}");
    }
    expect_row(stores, &first.unwrap()).await;
    let unknown = stores.first.revoke(session_key(9), RevokeReason::Logout, at(60)).await;
    promise!(stores, unknown.answered().is_none(), "there is nothing to revoke");
    promise!(stores, load(stores, session_key(9)).await.is_none(), "revoking creates no row");
}

/// Of many revocations at once one counts, and all are told the same.
pub async fn revoke_is_won_exactly_once<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let answers = at_once((0..32).map(|number| {
        let (store, key) = (stores.either(number), row.key);
        let now = nth(number);
        async move { store.revoke(key, RevokeReason::DeviceList, now).await.answered() }
    }))
    .await;
    let end = load(stores, row.key).await;
    promise!(stores, answers.iter().all(|answer| *answer == end), "all are told of one end");
    let revision = end.map(|row| row.revision);
    promise!(stores, revision == Some(row.revision + 1), "one change was made, not {revision:?}");
}

/// One session's end is no other's (scenario 14).
pub async fn revoke_ends_one_session_only<S: Store>(stores: &Handles<S>) {
    let (stolen, other) = (put(stores, row(1)).await, put(stores, row(2)).await);
    stores.first.revoke(stolen.key, RevokeReason::Reuse, at(60)).await.answered();
    expect_row(stores, &other).await;
}

/// The legacy tokens of a session die with it: the one it was exchanged from, and those issued
/// beside it (scenario 60).
pub async fn revoke_blacklists_legacy_tokens<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let start = stores.second.tail().await.answered();
    let entries = row.legacy_entries();
    promise!(stores, entries.len() == 2, "the sample has both kinds of legacy token");
    for entry in &entries {
        promise!(stores, !is_listed(stores, entry.key).await, "{entry:?} is not listed before");
    }
    stores.first.revoke(row.key, RevokeReason::Logout, at(60)).await.answered();
    let changes = changes_since(stores, &start).await;
    promise!(stores, changes.contains(&Change::Session(row.key)), "the end is published");
    for entry in entries {
        promise!(stores, is_listed(stores, entry.key).await, "{entry:?} is blacklisted");
        promise!(stores, changes.contains(&Change::Blacklisted(entry)), "{entry:?} is published");
    }
}

/// Nothing that can be called afterwards brings a revoked session back or changes its row.
pub async fn revoked_rows_stay_revoked<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let key = row.key;
    let dead = stores.first.revoke(key, RevokeReason::Logout, at(60)).await.answered().unwrap();
    let store = &stores.second;

    let rotated = store.rotate(rotation_of(&row, at(61))).await.answered();
    promise!(stores, matches!(rotated, Rotated::Refused(_)), "revoked, but rotated: {rotated:?}");
    for revision in [row.revision, dead.revision] {
        let patch = SessionPatch { data: Some(Default::default()), ..SessionPatch::default() };
        let updated = store.update(key, revision, patch).await.answered();
        promise!(stores, updated == Updated::Gone, "revoked, but updated: {updated:?}");
    }
    let touch = Touch { key, seen_at: at(99), device: Some(device("Safari on iOS")) };
    store.touch(vec![touch]).await.answered();
    let counted = store.count_grace(key, row.generation, row.grace_uses, 0).await.answered();
    promise!(stores, !counted, "revoked, but a grace answer was counted");
    let inserted = store.insert(new_session(row)).await.answered();
    promise!(stores, matches!(inserted, Inserted::Exists(_)), "revoked, but made anew");
    expect_row(stores, &dead).await;
}

/// Whoever sees a session revoked, in its row or in the feed, also finds its legacy tokens
/// blacklisted: there is no instant between the two.
pub async fn revocation_is_never_seen_by_halves<S: Store>(stores: &Handles<S>) {
    const SESSIONS: u64 = 32;
    for number in 0..SESSIONS {
        put(stores, full_row(number)).await;
    }
    let mut place = stores.second.tail().await.answered();
    let writer = tokio::spawn({
        let store = stores.either(0);
        async move {
            for number in 0..SESSIONS {
                let key = session_key(number);
                store.revoke(key, RevokeReason::Logout, at(60)).await.answered();
            }
        }
    });
    for number in 0..SESSIONS {
        let row = full_row(number);
        loop {
            let page = stores.second.changes(&place, 100).await.answered();
            place = page.next;
            for change in page.changes {
                let Change::Session(key) = change else { continue };
                let seen = stores.second.load(key).await.answered();
                let ended = seen.is_some_and(|row| row.revoked.is_some());
                promise!(stores, ended, "the feed told of a revocation before the row did");
            }
            let seen = stores.second.load(row.key).await.answered();
            if seen.is_some_and(|row| row.revoked.is_some()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        for entry in row.legacy_entries() {
            promise!(stores, is_listed(stores, entry.key).await, "{entry:?} comes with the end");
        }
    }
    writer.await.unwrap();
}
