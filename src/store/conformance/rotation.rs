//! The compare-and-swap on the generation, its races, and the counting of grace answers.

use std::time::Duration;

use crate::session::RevokeReason;
use crate::session::Revoked;
use crate::session::SessionRecord;
use crate::store::Rotated;
use crate::store::Rotation;
use crate::store::Store;
use crate::store::Touch;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;

async fn expect_done<S: Store>(stores: &Handles<S>, rotation: Rotation) -> SessionRecord {
    match stores.first.rotate(rotation).await.answered() {
        Rotated::Done(row) => *row,
        refused @ Rotated::Refused(_) => {
            panic!("broken by the {} store: it should rotate, not {refused:?}", stores.name())
        }
    }
}

async fn expect_refused<S: Store>(stores: &Handles<S>, rotation: Rotation, row: &SessionRecord) {
    let rotated = stores.first.rotate(rotation).await.answered();
    let refused = rotated == Rotated::Refused(Some(Box::new(row.clone())));
    promise!(stores, refused, "the rotation is refused with the row as it is, not {rotated:?}");
    expect_row(stores, row).await;
}

/// A rotation sets generation, key version and instant, opens a new grace count, and leaves all
/// else alone: neither the absolute end nor the proof of identity moves (scenarios 1, 11).
pub async fn rotate_swaps_the_generation<S: Store>(stores: &Handles<S>) {
    let before = put(stores, full_row(1)).await;
    let rotation = Rotation { key_version: version(5), ..rotation_of(&before, at(60)) };
    let done = expect_done(stores, rotation).await;
    let expected = SessionRecord {
        generation: 8,
        key_version: version(5),
        rotated_at: Some(at(60)),
        grace_uses: 0,
        ..before
    };
    promise!(stores, done == expected, "the row is {expected:?}, not {done:?}");
    expect_row(stores, &expected).await;
}

/// Sixty-four refreshes of one generation on two nodes: one rotates, the others are shown the row
/// that it left, and nobody gets an error (scenarios 2, 3, 22).
pub async fn rotate_is_won_exactly_once<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let answers = at_once((0..64).map(|number| {
        let store = stores.either(number);
        let rotation = rotation_of(&row, nth(number));
        async move { store.rotate(rotation).await.answered() }
    }))
    .await;
    let winners: Vec<&SessionRecord> = answers
        .iter()
        .filter_map(|rotated| if let Rotated::Done(row) = rotated { Some(&**row) } else { None })
        .collect();
    promise!(stores, winners.len() == 1, "{} callers won one generation", winners.len());
    promise!(stores, winners[0].generation == 1, "one increment is stored");
    expect_row(stores, winners[0]).await;
    let agreed = answers.iter().all(|rotated| match rotated {
        Rotated::Refused(seen) => seen.as_deref() == Some(winners[0]),
        Rotated::Done(_) => true,
    });
    promise!(stores, agreed, "whoever lost sees the winner's row");
}

/// A generation that is not the stored one swaps nothing, whether behind or ahead (scenario 6).
pub async fn rotate_demands_the_expected_generation<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    for expected in [0, 6, 8, i64::MAX as u64 - 1] {
        let rotation = Rotation { expected, next: expected + 1, ..rotation_of(&row, at(60)) };
        expect_refused(stores, rotation, &row).await;
    }
}

/// The next generation may lie further ahead, for a store that lost some (scenario 18).
pub async fn rotate_can_catch_up<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let done = expect_done(stores, Rotation { next: 12, ..rotation_of(&row, at(60)) }).await;
    promise!(stores, done.generation == 12, "generation 12 is stored, not {}", done.generation);
}

/// What was revoked before never rotates (scenario 31).
pub async fn rotate_refuses_revoked_rows<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let dead = stores.second.revoke(row.key, RevokeReason::Logout, at(50)).await.answered();
    expect_refused(stores, rotation_of(&row, at(60)), &dead.unwrap()).await;
}

/// The absolute end is exclusive: at it the session is over, just before it is not (scenario 10).
pub async fn rotate_refuses_expired_rows<S: Store>(stores: &Handles<S>) {
    let row = put(stores, SessionRecord { expires_at: at(100), ..row(1) }).await;
    expect_refused(stores, rotation_of(&row, at(101)), &row).await;
    expect_refused(stores, rotation_of(&row, at(100)), &row).await;
    expect_done(stores, rotation_of(&row, just_before(at(100)))).await;
}

/// The row must have been active *after* the instant, by creation, use or rotation.
pub async fn rotate_refuses_idle_rows<S: Store>(stores: &Handles<S>) {
    let active = at(100);
    let cases = [
        SessionRecord { created_at: active, ..row(1) },
        SessionRecord { last_seen_at: active, ..row(2) },
        SessionRecord { rotated_at: Some(active), ..row(3) },
    ];
    for case in cases {
        let row = put(stores, case).await;
        let rotation = rotation_of(&row, at(200));
        expect_refused(stores, Rotation { active_after: active, ..rotation.clone() }, &row).await;
        let active_after = just_before(active);
        expect_done(stores, Rotation { active_after, ..rotation }).await;
    }
    let row = put(stores, row(4)).await;
    let touch = Touch { key: row.key, seen_at: just_after(active), device: None };
    stores.first.touch(vec![touch]).await.answered();
    expect_done(stores, Rotation { active_after: active, ..rotation_of(&row, at(200)) }).await;
}

/// A session that does not exist is refused without a row, and none appears.
pub async fn rotate_of_nothing_is_refused<S: Store>(stores: &Handles<S>) {
    let rotated = stores.first.rotate(rotation_of(&row(1), at(1))).await.answered();
    promise!(stores, rotated == Rotated::Refused(None), "there is no row, but {rotated:?}");
    promise!(stores, load(stores, row(1).key).await.is_none(), "a rotation creates no row");
}

/// The end of the legacy tokens issued beside a session moves later only.
pub async fn rotate_never_moves_legacy_until_earlier<S: Store>(stores: &Handles<S>) {
    let mut row = put(stores, row(1)).await;
    let steps = [
        (None, None),
        (Some(at(500)), Some(at(500))),
        (Some(at(400)), Some(at(500))),
        (None, Some(at(500))),
        (Some(at(600)), Some(at(600))),
    ];
    for (given, stored) in steps {
        let rotation = Rotation { legacy_until: given, ..rotation_of(&row, at(60)) };
        row = expect_done(stores, rotation).await;
        let kept = row.legacy_until == stored;
        promise!(stores, kept, "{given:?} leaves {stored:?}, not {:?}", row.legacy_until);
    }
}

/// The streak of foreign devices outlives a rotation only if the generation that ends had a grace
/// answer: it counts consecutive ones.
pub async fn rotate_ends_the_foreign_streak<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let row = expect_done(stores, rotation_of(&row, at(60))).await;
    promise!(stores, row.foreign_streak == 1, "answered and foreign: the streak goes on");
    let row = expect_done(stores, rotation_of(&row, at(61))).await;
    promise!(stores, row.foreign_streak == 0, "nobody was answered: the streak is over");
}

/// Rotations within one instant are told apart by the counter alone (scenario 16).
pub async fn rotations_in_one_instant_are_apart<S: Store>(stores: &Handles<S>) {
    let first = put(stores, row(1)).await;
    let second = expect_done(stores, rotation_of(&first, at(60))).await;
    let third = expect_done(stores, rotation_of(&second, at(60))).await;
    promise!(stores, third.generation == 2, "two rotations make two generations");
    expect_refused(stores, rotation_of(&first, at(60)), &third).await;
    expect_refused(stores, rotation_of(&second, at(60)), &third).await;
}

/// The highest generations neither wrap nor lose precision (scenario 28).
pub async fn generations_do_not_wrap<S: Store>(stores: &Handles<S>) {
    let high = i64::MAX as u64 - 2;
    let row = put(stores, SessionRecord { generation: high, ..row(1) }).await;
    let row = expect_done(stores, rotation_of(&row, at(60))).await;
    let row = expect_done(stores, rotation_of(&row, at(61))).await;
    promise!(stores, row.generation == i64::MAX as u64, "the last generation is reached exactly");
    expect_row(stores, &row).await;
}

/// A revocation that follows a rotation kills the new generation (scenario 32).
pub async fn revoke_after_rotate_kills_the_new_generation<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let rotated = expect_done(stores, rotation_of(&row, at(60))).await;
    stores.second.revoke(row.key, RevokeReason::Logout, at(60)).await.answered();
    let revoked = Some(Revoked { at: at(60), reason: RevokeReason::Logout });
    let dead = SessionRecord { revoked, revision: rotated.revision + 1, ..rotated.clone() };
    expect_row(stores, &dead).await;
    expect_refused(stores, rotation_of(&rotated, at(61)), &dead).await;
}

/// However refresh and logout meet, afterwards nothing lives (scenarios 31, 32, 33).
pub async fn racing_rotation_and_revocation_end_revoked<S: Store>(stores: &Handles<S>) {
    for number in 0..32 {
        let row = put(stores, row(number)).await;
        let (key, rotation) = (row.key, rotation_of(&row, at(60)));
        let (rotating, revoking) = (stores.either(number), stores.either(number + 1));
        let rotating = tokio::spawn(async move { rotating.rotate(rotation).await.answered() });
        let revoking = tokio::spawn(async move {
            revoking.revoke(key, RevokeReason::Logout, at(60)).await.answered()
        });
        let (rotated, revoked) = (rotating.await.unwrap(), revoking.await.unwrap());
        let end = load(stores, key).await.unwrap();
        promise!(stores, end.revoked.is_some(), "a refresh in flight brought a session back");
        promise!(stores, revoked.as_ref() == Some(&end), "nothing changes after the revocation");
        let won = matches!(rotated, Rotated::Done(_));
        promise!(stores, end.generation == u64::from(won), "the answer is what was stored");
    }
}

/// A grace answer is counted against what was seen, and nothing but its counters changes: neither
/// window nor expiry moves (scenarios 9, 11).
pub async fn count_grace_is_a_compare_and_swap<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let store = &stores.first;
    for (generation, uses) in [(6, 2), (8, 2), (7, 1), (7, 3)] {
        let counted = store.count_grace(row.key, generation, uses, 9).await.answered();
        promise!(stores, !counted, "{uses} uses of {generation} is not what is stored");
    }
    let counted = store.count_grace(row.key, 7, 2, 5).await.answered();
    promise!(stores, counted, "what was seen is what is stored");
    let expected = SessionRecord { grace_uses: 3, foreign_streak: 5, ..row };
    expect_row(stores, &expected).await;
    let unknown = store.count_grace(session_key(99), 0, 0, 0).await.answered();
    promise!(stores, !unknown, "a session that does not exist has no grace answers");
}

/// Of many who saw the same count one is counted, so the limit can't be overrun (scenario 8).
pub async fn count_grace_is_won_exactly_once<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let answers = at_once((0..32).map(|number| {
        let (store, key) = (stores.either(number), row.key);
        async move { store.count_grace(key, 7, 2, 1).await.answered() }
    }))
    .await;
    let winners = answers.into_iter().filter(|won| *won).count();
    promise!(stores, winners == 1, "{winners} grace answers were counted as one");
    expect_row(stores, &SessionRecord { grace_uses: 3, ..row }).await;
}

/// Neither a rotation nor a revocation in between leaves room for a grace answer (scenario 31).
pub async fn count_grace_is_lost_to_rotation_and_revocation<S: Store>(stores: &Handles<S>) {
    let rotated = put(stores, row(1)).await;
    expect_done(stores, rotation_of(&rotated, at(0).saturating_add(Duration::from_secs(1)))).await;
    let counted = stores.first.count_grace(rotated.key, 0, 0, 0).await.answered();
    promise!(stores, !counted, "the generation that was seen is gone");
    let dead = put(stores, row(2)).await;
    stores.second.revoke(dead.key, RevokeReason::Logout, at(1)).await.answered();
    let counted = stores.first.count_grace(dead.key, 0, 0, 0).await.answered();
    promise!(stores, !counted, "a revoked session gives no grace answers");
}
