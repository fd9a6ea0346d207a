//! Rows, names and instants that the promises are tried with.

use std::time::Duration;

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::device::Device;
use crate::device::Fingerprint;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::LegacyLink;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::store::BlacklistQuery;
use crate::store::Change;
use crate::store::FeedPosition;
use crate::store::Inserted;
use crate::store::NewSession;
use crate::store::Rotation;
use crate::store::Store;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::promise;
use crate::time::Timestamp;

/// Two weeks, the default.
pub(super) const IDLE: Duration = Duration::from_secs(14 * 24 * 3600);
const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
const MICRO: Duration = Duration::from_micros(1);

/// So many seconds after an instant with an odd number of microseconds.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_800_000_000_123_457 + seconds * 1_000_000)
}

pub(super) fn nth(second: u64) -> Timestamp {
    at(second.cast_signed())
}

pub(super) fn just_before(instant: Timestamp) -> Timestamp {
    instant.saturating_sub(MICRO)
}

pub(super) fn just_after(instant: Timestamp) -> Timestamp {
    instant.saturating_add(MICRO)
}

pub(super) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn version(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

/// Keys whose order has nothing to do with their numbers.
pub(super) fn session_key(number: u64) -> SessionKey {
    SessionKey::from_bytes(*token(number).as_bytes())
}

pub(super) fn token(number: u64) -> BlacklistKey {
    BlacklistKey::of_jti("conformance", &number.to_string())
}

pub(super) fn entry(number: u64, until: Timestamp) -> BlacklistEntry {
    BlacklistEntry { key: token(number), until }
}

/// A fresh login of `alice` at `at(0)`, with nothing optional.
pub(super) fn row(number: u64) -> SessionRecord {
    SessionRecord {
        key: session_key(number),
        user: user("alice"),
        generation: 0,
        key_version: KeyVersion::FIRST,
        authenticated_at: at(-1),
        created_at: at(0),
        expires_at: at(0).saturating_add(LIFE),
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
    }
}

/// The same with everything that can be there, revocation excepted.
pub(super) fn full_row(number: u64) -> SessionRecord {
    SessionRecord {
        generation: 7,
        key_version: version(3),
        rotated_at: Some(at(5)),
        grace_uses: 2,
        foreign_streak: 1,
        last_seen_at: at(9),
        scopes: Scopes::new(["orders:read", "orders:write"]).unwrap(),
        data: SessionData::new(serde_json::json!({"tenant": "north", "n": [1, null]})).unwrap(),
        device: device("Firefox on Linux"),
        exchanged_from: Some(LegacyLink { key: token(number + 1_000_000), until: at(4000) }),
        legacy_until: Some(at(3000)),
        revision: 4,
        ..row(number)
    }
}

pub(super) fn device(name: &str) -> Device {
    Device {
        name: Some(name.into()),
        address: Some("2001:db8::7".parse().unwrap()),
        fingerprint: Some(Fingerprint::from_bytes([9; 16])),
    }
}

/// An insertion that revokes nobody.
pub(super) fn new_session(record: SessionRecord) -> NewSession {
    NewSession {
        record,
        sessions_max: u32::MAX,
        idle: IDLE,
        supersedes: None,
        exchanges_max: u32::MAX,
    }
}

/// The rotation of the row as it stands, at `now`.
pub(super) fn rotation_of(row: &SessionRecord, now: Timestamp) -> Rotation {
    Rotation {
        key: row.key,
        expected: row.generation,
        next: row.generation + 1,
        key_version: row.key_version,
        now,
        active_after: now.saturating_sub(IDLE),
        legacy_until: None,
    }
}

pub(super) async fn put<S: Store>(stores: &Handles<S>, record: SessionRecord) -> SessionRecord {
    let inserted = stores.first.insert(new_session(record.clone())).await.answered();
    let created = inserted == Inserted::Created { revoked: Vec::new() };
    promise!(stores, created, "a new key is inserted and nobody revoked, not {inserted:?}");
    record
}

pub(super) async fn load<S: Store>(stores: &Handles<S>, key: SessionKey) -> Option<SessionRecord> {
    let seen = stores.first.load(key).await.answered();
    let elsewhere = stores.second.load(key).await.answered();
    promise!(stores, seen == elsewhere, "both handles see the same: {seen:?}, {elsewhere:?}");
    seen
}

/// Both handles see this row, in every field.
pub(super) async fn expect_row<S: Store>(stores: &Handles<S>, row: &SessionRecord) {
    let seen = load(stores, row.key).await;
    promise!(stores, seen.as_ref() == Some(row), "the row is {row:?}, not {seen:?}");
}

pub(super) async fn is_listed<S: Store>(stores: &Handles<S>, key: BlacklistKey) -> bool {
    let query = BlacklistQuery { keys: vec![key], user: None };
    stores.second.query_blacklist(query).await.answered().listed
}

/// Everything that was published since, which must be complete.
pub(super) async fn changes_since<S: Store>(
    stores: &Handles<S>,
    start: &FeedPosition,
) -> Vec<Change> {
    let mut after = start.clone();
    let mut all = Vec::new();
    loop {
        let page = stores.second.changes(&after, 50).await.answered();
        promise!(stores, !page.gap, "nothing is missing after {after:?}");
        all.extend(page.changes);
        if page.at_tail {
            return all;
        }
        promise!(stores, page.next != after, "a page that is not the last moves on");
        after = page.next;
    }
}
