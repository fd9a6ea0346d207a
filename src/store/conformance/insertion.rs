//! Insert-if-absent, the cap, superseding, and what a row can hold.

use std::collections::HashSet;

use crate::blacklist::NotBefore;
use crate::blacklist::NotBeforeScope;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::session::LegacyLink;
use crate::session::RevokeReason;
use crate::session::Revoked;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::BlacklistQuery;
use crate::store::Change;
use crate::store::Inserted;
use crate::store::NewSession;
use crate::store::Store;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;
use crate::time::Timestamp;

/// What is written is what is read, in every field and from every handle.
pub async fn insert_keeps_every_field<S: Store>(stores: &Handles<S>) {
    for record in [row(1), full_row(2)] {
        expect_row(stores, &put(stores, record).await).await;
    }
    let dead = SessionRecord {
        revoked: Some(Revoked { at: at(1), reason: RevokeReason::Administration }),
        ..full_row(3)
    };
    expect_row(stores, &put(stores, dead).await).await;
}

/// The bounds of every field are kept exactly (scenario 28).
pub async fn insert_keeps_extreme_values<S: Store>(stores: &Handles<S>) {
    let long = "x".repeat(SessionData::LENGTH_BYTES_MAX - 16);
    let scopes = (0..Scopes::LENGTH_BYTES_MAX / 8).map(|number| format!("{number:07}"));
    let largest = SessionRecord {
        user: user(&"u".repeat(UserId::LENGTH_BYTES_MAX)),
        generation: i64::MAX as u64,
        key_version: version(u32::MAX),
        expires_at: Timestamp::MAX,
        rotated_at: Some(Timestamp::MAX),
        grace_uses: u32::MAX,
        foreign_streak: u32::MAX,
        data: SessionData::new(serde_json::json!({"long": long})).unwrap(),
        scopes: Scopes::new(scopes).unwrap(),
        device: device(&"🦊".repeat(64)),
        legacy_until: Some(Timestamp::MAX),
        revision: i64::MAX as u64 - 1,
        ..full_row(1)
    };
    expect_row(stores, &put(stores, largest).await).await;
    let mut smallest = row(2);
    smallest.device.address = Some("192.0.2.1".parse().unwrap());
    for instant in [
        &mut smallest.authenticated_at,
        &mut smallest.created_at,
        &mut smallest.expires_at,
        &mut smallest.last_seen_at,
    ] {
        *instant = Timestamp::EPOCH;
    }
    expect_row(stores, &put(stores, smallest).await).await;
}

/// Ids are compared byte by byte: no case folding, no normalisation, no patterns, no quoting.
pub async fn odd_user_ids_are_apart<S: Store>(stores: &Handles<S>) {
    let ids = [
        "alice",
        "ALICE",
        "al_ce",
        "al%ce",
        "o'brien",
        "'; DROP TABLE segue_sessions; --",
        "\"quoted\"",
        "back\\slash",
        "a b",
        "{tag}",
        "a:b",
        "*",
        "🦊",
        "caf\u{e9}",
        "cafe\u{301}",
        "\u{212b}",
        "\u{c5}",
        "1",
        "01",
    ];
    for (number, id) in (1..).zip(ids) {
        put(stores, SessionRecord { user: user(id), ..row(number) }).await;
        let scope = NotBeforeScope::User(user(id));
        let raise = NotBefore::new(scope, nth(number), IDLE);
        stores.first.raise_not_before(raise).await.answered();
    }
    for (number, id) in (1..).zip(ids) {
        let rows = stores.second.list(&user(id), None, 10).await.answered();
        let keys: Vec<SessionKey> = rows.iter().map(|row| row.key).collect();
        promise!(stores, keys == [session_key(number)], "{id:?} has its own session only");
        promise!(stores, rows[0].user.as_str() == id, "{id:?} comes back as it was");
        let query = BlacklistQuery { keys: Vec::new(), user: Some(user(id)) };
        let answer = stores.second.query_blacklist(query).await.answered();
        let own = Some(nth(number));
        promise!(stores, answer.not_before == own, "{id:?} has its own not-before");
    }
}

/// Application data comes back whatever characters are in it.
pub async fn odd_data_survives<S: Store>(stores: &Handles<S>) {
    let data = serde_json::json!({
        "": null, "nul": "\0", "quote": "'\"\\", "fox": "🦊\u{301}", "deep": {"a": [[[1.5]]]},
        "big": u64::MAX, "negative": i64::MIN,
    });
    let data = SessionData::new(data).unwrap();
    expect_row(stores, &put(stores, SessionRecord { data, ..row(1) }).await).await;
}

/// A key that exists is reported as it is, revoked or not, and nothing at all is written.
pub async fn insert_is_if_absent<S: Store>(stores: &Handles<S>) {
    let first = put(stores, row(1)).await;
    let other = put(stores, row(2)).await;
    let again = NewSession {
        record: SessionRecord { user: user("mallory"), generation: 9, ..row(1) },
        sessions_max: 1,
        supersedes: Some(other.key),
        ..new_session(row(1))
    };
    let inserted = stores.second.insert(again.clone()).await.answered();
    let exists = inserted == Inserted::Exists(Box::new(first.clone()));
    promise!(stores, exists, "an existing row is reported, not {inserted:?}");
    expect_row(stores, &first).await;
    expect_row(stores, &other).await;
    let mallory = stores.first.list(&user("mallory"), None, 10).await.answered();
    promise!(stores, mallory.is_empty(), "a refused insert leaves nothing behind");

    let dead = stores.first.revoke(first.key, RevokeReason::Logout, at(1)).await.answered();
    let inserted = stores.second.insert(again).await.answered();
    let exists = dead.map(|row| Inserted::Exists(Box::new(row))) == Some(inserted);
    promise!(stores, exists, "a revoked row is in the way too");
}

/// Of many inserts of one key exactly one creates it (scenario 55).
pub async fn insert_is_won_exactly_once<S: Store>(stores: &Handles<S>) {
    let inserted = at_once((0..32).map(|number| {
        let store = stores.either(number);
        let record = SessionRecord { created_at: nth(number), ..row(1) };
        async move { store.insert(new_session(record)).await.answered() }
    }))
    .await;
    let created = |inserted: &&Inserted| matches!(inserted, Inserted::Created { .. });
    let winners = inserted.iter().filter(created).count();
    promise!(stores, winners == 1, "{winners} inserts of one key say that they created it");
    let winner = load(stores, row(1).key).await.unwrap();
    let agreed = inserted.iter().all(|inserted| match inserted {
        Inserted::Created { revoked } => revoked.is_empty(),
        Inserted::Exists(row) => **row == winner,
        Inserted::Crowded => false,
    });
    promise!(stores, agreed, "the others are told of the winner's row");
}

fn login(number: u64, created_at: Timestamp, sessions_max: u32) -> NewSession {
    let record = SessionRecord { created_at, last_seen_at: created_at, ..row(number) };
    NewSession { sessions_max, ..new_session(record) }
}

async fn revoked_by<S: Store>(stores: &Handles<S>, new: NewSession) -> Vec<SessionRecord> {
    match stores.first.insert(new).await.answered() {
        Inserted::Created { revoked } => revoked,
        other => panic!("broken by the {} store: a new key gets {other:?}", stores.name()),
    }
}

/// A login beyond the cap revokes the oldest live sessions, at the instant of the login.
pub async fn cap_revokes_the_oldest<S: Store>(stores: &Handles<S>) {
    for (number, created) in [(1, 30), (2, 10), (3, 20)] {
        let revoked = revoked_by(stores, login(number, at(created), 3)).await;
        promise!(stores, revoked.is_empty(), "{number} of three sessions are within the cap");
    }
    let revoked = revoked_by(stores, login(4, at(40), 3)).await;
    let end = Some(Revoked { at: at(40), reason: RevokeReason::Cap });
    let oldest = matches!(&revoked[..], [row] if row.key == session_key(2) && row.revoked == end);
    promise!(stores, oldest, "the oldest is revoked by the cap, not {revoked:?}");
    expect_row(stores, &revoked[0]).await;
    let revoked = revoked_by(stores, login(5, at(50), 2)).await;
    let keys: HashSet<SessionKey> = revoked.iter().map(|row| row.key).collect();
    let surplus = HashSet::from([session_key(3), session_key(1)]);
    promise!(stores, keys == surplus, "a lower cap revokes the whole surplus, not {revoked:?}");
}

/// Revoked, expired and idle sessions do not count, at their exact ends either.
pub async fn cap_counts_live_sessions_only<S: Store>(stores: &Handles<S>) {
    let now = at(0).saturating_add(IDLE);
    put(stores, row(1)).await;
    let seen = put(stores, SessionRecord { last_seen_at: just_after(at(0)), ..row(2) }).await;
    put(stores, SessionRecord { expires_at: now, last_seen_at: now, ..row(3) }).await;
    put(stores, SessionRecord { last_seen_at: now, ..row(4) }).await;
    stores.first.revoke(session_key(4), RevokeReason::Logout, at(1)).await.answered();
    let rotated = put(stores, SessionRecord { rotated_at: Some(at(9)), ..row(5) }).await;

    let revoked = revoked_by(stores, login(6, now, 3)).await;
    promise!(stores, revoked.is_empty(), "only two others are live, but it revoked {revoked:?}");
    let revoked = revoked_by(stores, login(7, now, 2)).await;
    let keys: HashSet<SessionKey> = revoked.iter().map(|row| row.key).collect();
    let live = HashSet::from([seen.key, rotated.key]);
    promise!(stores, keys == live, "the oldest live ones go, not {revoked:?}");
}

/// The session that is created stays, however low the cap and however late its clock.
pub async fn cap_never_takes_the_new_session<S: Store>(stores: &Handles<S>) {
    put(stores, login(1, at(100), 9).record).await;
    let revoked = revoked_by(stores, login(2, at(0), 1)).await;
    let other = matches!(&revoked[..], [row] if row.key == session_key(1));
    promise!(stores, other, "the other one goes, though it is younger, not {revoked:?}");
    let created = load(stores, session_key(2)).await;
    promise!(stores, created.is_some_and(|row| row.revoked.is_none()), "the new one lives");
}

/// One user's logins never end another's sessions.
pub async fn cap_is_per_user<S: Store>(stores: &Handles<S>) {
    let bob = put(stores, SessionRecord { user: user("bob"), ..row(1) }).await;
    let revoked = revoked_by(stores, login(2, at(10), 1)).await;
    promise!(stores, revoked.is_empty(), "bob's session is none of alice's, but {revoked:?}");
    expect_row(stores, &bob).await;
}

/// A hundred logins at once leave as many sessions as the cap says, and each ended one is
/// reported by exactly one of them.
pub async fn cap_holds_under_concurrent_logins<S: Store>(stores: &Handles<S>) {
    let answers = at_once((0..100).map(|number| {
        let store = stores.either(number);
        let new = login(number, nth(number), 10);
        async move { store.insert(new).await.answered() }
    }))
    .await;
    let rows = stores.first.list(&user("alice"), None, 1000).await.answered();
    let live = rows.iter().filter(|row| row.revoked.is_none()).count();
    promise!(stores, rows.len() == 100, "all hundred were written, not {}", rows.len());
    promise!(stores, live == 10, "ten sessions are live, not {live}");
    let reported: Vec<SessionKey> = answers
        .iter()
        .flat_map(|inserted| match inserted {
            Inserted::Created { revoked } => revoked.iter().map(|row| row.key),
            other => panic!("broken by the {} store: a new key gets {other:?}", stores.name()),
        })
        .collect();
    let distinct: HashSet<&SessionKey> = reported.iter().collect();
    let once = reported.len() == 90 && distinct.len() == 90;
    promise!(stores, once, "ninety ends are reported once each, not {}", reported.len());
}

/// The session that a login replaces is revoked with it, whoever owns it, and before the cap is
/// counted.
pub async fn superseded_session_is_revoked<S: Store>(stores: &Handles<S>) {
    let planted = put(stores, SessionRecord { user: user("mallory"), ..row(1) }).await;
    let new = NewSession { supersedes: Some(planted.key), ..login(2, at(10), 1) };
    let revoked = revoked_by(stores, new).await;
    let end = Some(Revoked { at: at(10), reason: RevokeReason::Superseded });
    let planted_went =
        matches!(&revoked[..], [row] if row.key == planted.key && row.revoked == end);
    promise!(stores, planted_went, "the planted session is revoked, not {revoked:?}");
    expect_row(stores, &revoked[0]).await;

    put(stores, login(3, at(20), 9).record).await;
    let new = NewSession { supersedes: Some(session_key(3)), ..login(4, at(30), 2) };
    let revoked = revoked_by(stores, new).await;
    let once = matches!(&revoked[..], [row] if row.key == session_key(3)
        && row.revoked.is_some_and(|end| end.reason == RevokeReason::Superseded));
    promise!(stores, once, "a replaced session makes room under the cap, but {revoked:?}");
}

/// An unknown, an already revoked or the same session is no one to replace.
pub async fn superseding_nobody_changes_nothing<S: Store>(stores: &Handles<S>) {
    put(stores, row(1)).await;
    let dead = stores.first.revoke(session_key(1), RevokeReason::Logout, at(1)).await.answered();
    for (number, supersedes) in [(2, session_key(1)), (3, session_key(99)), (4, session_key(4))] {
        let new = NewSession { supersedes: Some(supersedes), ..login(number, at(10), 9) };
        let revoked = revoked_by(stores, new).await;
        promise!(stores, revoked.is_empty(), "nobody was replaced, but {revoked:?}");
        let created = load(stores, session_key(number)).await;
        promise!(stores, created.is_some_and(|row| row.revoked.is_none()), "the new one lives");
    }
    expect_row(stores, &dead.unwrap()).await;
}

fn exchange(number: u64, of: u64, exchanges_max: u32) -> NewSession {
    let exchanged_from = Some(LegacyLink { key: token(of), until: at(4000) });
    NewSession { exchanges_max, ..new_session(SessionRecord { exchanged_from, ..row(number) }) }
}

/// One legacy token is exchanged for so many sessions and no more, dead ones included; a crowded
/// exchange writes and revokes nothing, and other tokens and logins are not concerned.
pub async fn exchanges_of_one_token_are_bounded<S: Store>(stores: &Handles<S>) {
    let plain = put(stores, row(1)).await;
    for (number, of) in [(2, 7), (3, 7), (4, 8)] {
        let revoked = revoked_by(stores, exchange(number, of, 2)).await;
        promise!(stores, revoked.is_empty(), "an exchange within its bound revokes nobody");
    }
    let dead = stores.first.revoke(session_key(2), RevokeReason::Logout, at(1)).await.answered();
    let third = NewSession { sessions_max: 1, supersedes: Some(plain.key), ..exchange(5, 7, 2) };
    let inserted = stores.second.insert(third).await.answered();
    promise!(stores, inserted == Inserted::Crowded, "two are the bound, but {inserted:?}");
    promise!(stores, load(stores, session_key(5)).await.is_none(), "crowded writes nothing");
    expect_row(stores, &plain).await;
    let again = stores.second.insert(exchange(2, 7, 2)).await.answered();
    let exists = dead.map(|row| Inserted::Exists(Box::new(row))) == Some(again);
    promise!(stores, exists, "a repeated exchange finds its row, however crowded");
    let login = NewSession { exchanges_max: 0, ..new_session(row(6)) };
    let inserted = stores.first.insert(login).await.answered();
    let created = matches!(inserted, Inserted::Created { .. });
    promise!(stores, created, "a login is no exchange, but {inserted:?}");
}

/// However many exchanges of one token meet, the bound holds (scenario 55).
pub async fn exchanges_are_bounded_under_concurrency<S: Store>(stores: &Handles<S>) {
    let answers = at_once((0..32).map(|number| {
        let store = stores.either(number);
        async move { store.insert(exchange(number, 7, 5)).await.answered() }
    }))
    .await;
    let crowded = answers.iter().filter(|inserted| **inserted == Inserted::Crowded).count();
    let rows = stores.first.list(&user("alice"), None, 100).await.answered();
    let bounded = rows.len() == 5 && crowded == 27;
    promise!(stores, bounded, "five exist and 27 are told, not {} and {crowded}", rows.len());
}

/// What an insert revokes takes its legacy tokens along, and other nodes hear of all of it.
pub async fn sessions_ended_by_a_login_are_published<S: Store>(stores: &Handles<S>) {
    let capped = put(stores, full_row(1)).await;
    let replaced = put(stores, full_row(2)).await;
    let start = stores.second.tail().await.answered();
    let new = NewSession { supersedes: Some(replaced.key), ..login(3, at(10), 1) };
    let revoked = revoked_by(stores, new).await;
    promise!(stores, revoked.len() == 2, "one by the cap, one replaced, not {revoked:?}");
    let changes = changes_since(stores, &start).await;
    for row in [capped, replaced] {
        promise!(stores, changes.contains(&Change::Session(row.key)), "{:?} is missing", row.key);
        for entry in row.legacy_entries() {
            promise!(stores, is_listed(stores, entry.key).await, "{entry:?} is blacklisted");
            promise!(stores, changes.contains(&Change::Blacklisted(entry)), "{entry:?} is told");
        }
    }
}
