//! Updates conditional on the revision, and signs of life that only move forward.

use crate::device::Device;
use crate::device::Fingerprint;
use crate::session::RevokeReason;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::SessionPatch;
use crate::store::Store;
use crate::store::Touch;
use crate::store::Updated;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;

fn data(tenant: &str) -> SessionData {
    SessionData::new(serde_json::json!({"tenant": tenant})).unwrap()
}

/// Each part of a patch changes its own field and raises the revision; what it leaves out stays.
pub async fn update_changes_what_the_patch_names<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let none = SessionPatch::default();
    let scopes = Scopes::new(["admin"]).unwrap();
    let cases = [
        (none.clone(), row.clone()),
        (
            SessionPatch { scopes: Some(scopes.clone()), ..none.clone() },
            SessionRecord { scopes: scopes.clone(), ..row.clone() },
        ),
        (
            SessionPatch { data: Some(SessionData::default()), ..none.clone() },
            SessionRecord { scopes: scopes.clone(), data: SessionData::default(), ..row.clone() },
        ),
        (
            SessionPatch {
                authenticated_at: Some(at(70)),
                device: Some(Device::default()),
                scopes: Some(Scopes::none()),
                data: Some(data("south")),
            },
            SessionRecord {
                authenticated_at: at(70),
                device: Device::default(),
                scopes: Scopes::none(),
                data: data("south"),
                ..row.clone()
            },
        ),
    ];
    for (revision, (patch, expected)) in (row.revision..).zip(cases) {
        let expected = SessionRecord { revision: revision + 1, ..expected };
        let updated = stores.first.update(row.key, revision, patch.clone()).await.answered();
        let done = updated == Updated::Done(Box::new(expected.clone()));
        promise!(stores, done, "{patch:?} leaves {expected:?}, not {updated:?}");
        expect_row(stores, &expected).await;
    }
}

/// Another revision, older or newer, changes nothing and is answered with the row as it is.
pub async fn update_is_conditional_on_the_revision<S: Store>(stores: &Handles<S>) {
    let row = put(stores, full_row(1)).await;
    let patch = SessionPatch { data: Some(data("south")), ..SessionPatch::default() };
    for revision in [0, row.revision - 1, row.revision + 1] {
        let updated = stores.first.update(row.key, revision, patch.clone()).await.answered();
        let conflict = updated == Updated::Conflict(Box::new(row.clone()));
        promise!(stores, conflict, "revision {revision} is not stored, but {updated:?}");
    }
    expect_row(stores, &row).await;
}

/// Of many updates of one revision exactly one is written: no change is lost silently.
pub async fn update_is_won_exactly_once<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let answers = at_once((0..32).map(|number| {
        let (store, key, revision) = (stores.either(number), row.key, row.revision);
        let data = Some(data(&number.to_string()));
        let patch = SessionPatch { data, ..SessionPatch::default() };
        async move { store.update(key, revision, patch).await.answered() }
    }))
    .await;
    let end = Box::new(load(stores, row.key).await.unwrap());
    let done = answers.iter().filter(|answer| **answer == Updated::Done(end.clone())).count();
    let lost = answers.iter().filter(|answer| **answer == Updated::Conflict(end.clone())).count();
    promise!(stores, (done, lost) == (1, 31), "one of 32 wins, not {done}; {lost} are told so");
}

/// Revoked and unknown sessions can't be changed, and no row appears.
pub async fn update_of_the_dead_is_gone<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let dead = stores.second.revoke(row.key, RevokeReason::Cap, at(1)).await.answered().unwrap();
    for (key, revision) in
        [(dead.key, row.revision), (dead.key, dead.revision), (session_key(9), 0)]
    {
        let updated = stores.first.update(key, revision, SessionPatch::default()).await.answered();
        promise!(stores, updated == Updated::Gone, "{key:?} is gone, but {updated:?}");
    }
    expect_row(stores, &dead).await;
    promise!(stores, load(stores, session_key(9)).await.is_none(), "an update creates no row");
}

/// An update in flight never brings a revoked session back (scenario 33).
pub async fn racing_update_and_revocation_end_revoked<S: Store>(stores: &Handles<S>) {
    for number in 0..32 {
        let row = put(stores, row(number)).await;
        let (updating, revoking) = (stores.either(number), stores.either(number + 1));
        let patch = SessionPatch { data: Some(data("south")), ..SessionPatch::default() };
        let key = row.key;
        let updating = tokio::spawn(async move { updating.update(key, 0, patch).await.answered() });
        let revoking = tokio::spawn(async move {
            revoking.revoke(key, RevokeReason::Logout, at(60)).await.answered()
        });
        let (updated, revoked) = (updating.await.unwrap(), revoking.await.unwrap());
        let end = load(stores, key).await.unwrap();
        promise!(stores, end.revoked.is_some(), "an update in flight brought a session back");
        promise!(stores, revoked.as_ref() == Some(&end), "nothing changes after the revocation");
        let written = matches!(updated, Updated::Done(_));
        promise!(stores, written == (end.data == data("south")), "the answer is what was stored");
        promise!(stores, written || updated == Updated::Gone, "revoked is gone, not {updated:?}");
    }
}

/// A proof of identity moves later only, or a not-before instant would miss the session.
pub async fn authenticated_at_never_moves_earlier<S: Store>(stores: &Handles<S>) {
    let mut row = put(stores, row(1)).await;
    for (given, stored) in [(at(-2), at(-1)), (at(50), at(50)), (at(49), at(50))] {
        let patch = SessionPatch { authenticated_at: Some(given), ..SessionPatch::default() };
        let updated = stores.first.update(row.key, row.revision, patch).await.answered();
        row.authenticated_at = stored;
        row.revision += 1;
        let done = updated == Updated::Done(Box::new(row.clone()));
        promise!(stores, done, "{given} leaves {stored}, not {updated:?}");
    }
}

/// A rotation is no change of contents: an update that was prepared before it still fits.
pub async fn rotation_does_not_disturb_updates<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    stores.first.rotate(rotation_of(&row, at(60))).await.answered();
    let touch = Touch { key: row.key, seen_at: at(61), device: None };
    stores.first.touch(vec![touch]).await.answered();
    let patch = SessionPatch { data: Some(data("south")), ..SessionPatch::default() };
    let updated = stores.first.update(row.key, row.revision, patch).await.answered();
    let Updated::Done(updated) = updated else { panic!("the revision is unchanged: {updated:?}") };
    let merged = updated.generation == 1 && updated.last_seen_at == at(61);
    promise!(stores, merged, "an update takes no rotation and no use back: {updated:?}");
}

/// Last-seen moves forward and never back; an older sign of life changes nothing at all.
pub async fn touch_moves_forward_only<S: Store>(stores: &Handles<S>) {
    let mut row = put(stores, full_row(1)).await;
    let touch = |seconds, device| Touch { key: row.key, seen_at: at(seconds), device };
    let phone = device("Safari on iOS");
    stores.first.touch(vec![touch(60, None)]).await.answered();
    row.last_seen_at = at(60);
    expect_row(stores, &row).await;
    stores.first.touch(vec![touch(70, Some(phone.clone()))]).await.answered();
    let touches = vec![touch(69, Some(Device::default())), touch(70, Some(Device::default()))];
    stores.second.touch(touches).await.answered();
    expect_row(stores, &SessionRecord { last_seen_at: at(70), device: phone, ..row.clone() }).await;
}

/// A sign of life from another device moves name and address; the fingerprint of the device that
/// the session was opened on stays, and an unknown one is filled in (scenario 25).
pub async fn touch_keeps_the_fingerprint<S: Store>(stores: &Handles<S>) {
    let own = device("Firefox on Linux");
    let other = Device {
        name: Some("curl".into()),
        address: "192.0.2.1".parse().ok(),
        fingerprint: Some(Fingerprint::from_bytes([4; 16])),
    };
    let blank = Device { fingerprint: None, ..other.clone() };
    let cases = [(own.clone(), &other), (own.clone(), &blank), (Device::default(), &other)];
    for (number, (stored, seen)) in (1..).zip(cases) {
        let fingerprint = stored.fingerprint.or(seen.fingerprint);
        let row = put(stores, SessionRecord { device: stored, ..row(number) }).await;
        let touch = Touch { key: row.key, seen_at: at(60), device: Some(seen.clone()) };
        stores.first.touch(vec![touch]).await.answered();
        let device = Device { fingerprint, ..seen.clone() };
        expect_row(stores, &SessionRecord { last_seen_at: at(60), device, ..row }).await;
    }
}

/// Of several signs of life of one session in one batch the latest counts, in any order.
pub async fn touch_takes_the_latest_of_a_batch<S: Store>(stores: &Handles<S>) {
    let row = put(stores, row(1)).await;
    let touches = [(30, "b"), (50, "c"), (10, "a")].map(|(seconds, name)| Touch {
        key: row.key,
        seen_at: at(seconds),
        device: Some(device(name)),
    });
    stores.first.touch(touches.to_vec()).await.answered();
    expect_row(stores, &SessionRecord { last_seen_at: at(50), device: device("c"), ..row }).await;
}

/// A late sign of life writes no row and changes no revoked one, whatever else is in its batch
/// (scenario 33).
pub async fn touch_never_resurrects<S: Store>(stores: &Handles<S>) {
    let (row_1, row_2) = (put(stores, row(1)).await, put(stores, row(2)).await);
    let dead = stores.first.revoke(row_1.key, RevokeReason::Logout, at(1)).await.answered();
    let touches = [row_1.key, session_key(9), row_2.key].map(|key| Touch {
        key,
        seen_at: at(60),
        device: Some(device("Safari on iOS")),
    });
    stores.second.touch(touches.to_vec()).await.answered();
    expect_row(stores, &dead.unwrap()).await;
    promise!(stores, load(stores, session_key(9)).await.is_none(), "a touch creates no row");
    let live = SessionRecord { last_seen_at: at(60), device: device("Safari on iOS"), ..row_2 };
    expect_row(stores, &live).await;
    stores.first.touch(Vec::new()).await.answered();
}

/// A batch of many sessions is written whole.
pub async fn touch_takes_large_batches<S: Store>(stores: &Handles<S>) {
    const SESSIONS: u64 = 300;
    for number in 0..SESSIONS {
        put(stores, row(number)).await;
    }
    let touch = |number| Touch { key: session_key(number), seen_at: at(60), device: None };
    stores.first.touch((0..SESSIONS).map(touch).collect()).await.answered();
    let rows = stores.second.list(&user("alice"), None, 1000).await.answered();
    let seen = rows.iter().filter(|row| row.last_seen_at == at(60)).count();
    promise!(stores, rows.len() == 300 && seen == 300, "{seen} of 300 were touched");
}
