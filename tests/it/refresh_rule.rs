//! The refresh rule as a table: every row of its documentation, at every boundary.

use std::time::Duration;

use segue::AuthErrorKind;
use segue::Device;
use segue::KeyVersion;
use segue::RefreshCause;
use segue::RefreshDecision;
use segue::ReuseCause;
use segue::RevokeReason;
use segue::Revoked;
use segue::Scopes;
use segue::SessionData;
use segue::SessionKey;
use segue::SessionPolicy;
use segue::SessionRecord;
use segue::Timestamp;
use segue::UserId;
use segue::decide_refresh;

const CONCURRENT: RefreshDecision =
    RefreshDecision::Repeat { cause: RefreshCause::ConcurrentRefresh };
const LOST_RACE: RefreshDecision = RefreshDecision::Repeat { cause: RefreshCause::LostRace };
const OLDER: RefreshDecision = RefreshDecision::Reuse { cause: ReuseCause::OlderGeneration };
const TOO_LATE: RefreshDecision =
    RefreshDecision::Reuse { cause: ReuseCause::PredecessorAfterWindow };
const TOO_OFTEN: RefreshDecision = RefreshDecision::Reuse { cause: ReuseCause::UseLimit };
const REVOKED: RefreshDecision = RefreshDecision::Refuse(AuthErrorKind::SessionRevoked);
const OVER: RefreshDecision = RefreshDecision::Refuse(AuthErrorKind::SessionExpired);
const MAX: u64 = i64::MAX as u64;

const fn rotated(next: u64) -> RefreshDecision {
    RefreshDecision::Rotate { next, cause: RefreshCause::Rotated }
}

const fn behind(next: u64) -> RefreshDecision {
    RefreshDecision::Rotate { next, cause: RefreshCause::StoreBehind }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

fn before(instant: Timestamp) -> Timestamp {
    instant.saturating_sub(Duration::from_micros(1))
}

/// A live session at generation 5 that rotated at 100.
fn row() -> SessionRecord {
    SessionRecord {
        key: SessionKey::from_bytes([7; 32]),
        user: UserId::from(1_u64),
        generation: 5,
        key_version: KeyVersion::FIRST,
        authenticated_at: at(-1),
        created_at: at(0),
        expires_at: at(9000),
        rotated_at: Some(at(100)),
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

fn policy() -> SessionPolicy {
    SessionPolicy {
        grace_window: Duration::from_secs(30),
        grace_uses_max: 3,
        idle: Duration::from_secs(1000),
        ..SessionPolicy::default()
    }
}

/// What is decided when the request is judged the moment it arrives.
fn decide(row: &SessionRecord, presented: u64, now: Timestamp) -> RefreshDecision {
    decide_refresh(row, presented, now, now, &policy(), None)
}

/// The current generation rotates; the counter never passes its end (scenarios 1, 16, 28).
#[test]
fn scenario_28_the_current_generation_rotates_without_wrapping() {
    let with = |generation| SessionRecord { generation, ..row() };
    let cases = [
        (5, 5, at(200), rotated(6)),
        // Again within the instant of the last rotation, and after the clock was set back.
        (5, 5, at(100), rotated(6)),
        (5, 5, at(50), rotated(6)),
        (0, 0, at(200), rotated(1)),
        (MAX - 1, MAX - 1, at(200), rotated(MAX)),
        (MAX, MAX, at(200), OVER),
        (5, MAX, at(200), OVER),
        (5, u64::MAX, at(200), OVER),
        (MAX, MAX - 1, at(110), CONCURRENT),
        (MAX, MAX - 2, at(110), OLDER),
    ];
    for (stored, presented, now, expected) in cases {
        let decision = decide(&with(stored), presented, now);
        assert_eq!(decision, expected, "{presented} presented, {stored} stored, at {now}");
    }
}

/// The predecessor is answered from the rotation on until just before the window's end, which
/// stays where it is however often it is used (scenarios 5, 6, 9, 13).
#[test]
fn scenario_06_the_window_ends_exactly() {
    let end = at(130);
    for grace_uses in [0, 2] {
        let row = SessionRecord { grace_uses, ..row() };
        for (now, expected) in [
            (at(100), CONCURRENT),
            (at(115), CONCURRENT),
            (before(end), CONCURRENT),
            (end, TOO_LATE),
            (at(8000), TOO_LATE),
        ] {
            let row = SessionRecord { last_seen_at: now, ..row.clone() };
            assert_eq!(decide(&row, 4, now), expected, "{grace_uses} uses, at {now}");
        }
    }
}

/// Inside the window the predecessor is answered so often and no more (scenario 8).
#[test]
fn scenario_08_the_use_limit_is_exact() {
    for (grace_uses, expected) in
        [(0, CONCURRENT), (2, CONCURRENT), (3, TOO_OFTEN), (4, TOO_OFTEN), (u32::MAX, TOO_OFTEN)]
    {
        let row = SessionRecord { grace_uses, ..row() };
        assert_eq!(decide(&row, 4, at(110)), expected, "{grace_uses} uses");
    }
    let never = SessionPolicy { grace_uses_max: 0, ..policy() };
    assert_eq!(decide_refresh(&row(), 4, at(110), at(110), &never, None), TOO_OFTEN);
}

/// Anything older than the predecessor is reuse, inside the window too (scenario 7).
#[test]
fn scenario_07_older_than_the_predecessor_is_reuse() {
    for presented in 0..4 {
        for now in [at(100), at(110), at(500)] {
            assert_eq!(decide(&row(), presented, now), OLDER, "{presented} at {now}");
        }
    }
}

/// A request that arrived before the rotation which beat it waited: never reuse, whatever the
/// window, the count and the number of rotations say. Arriving with the rotation is no such wait.
#[test]
fn who_arrived_before_the_rotation_lost_a_race() {
    let worn = SessionRecord { grace_uses: 3, ..row() };
    let closed = SessionPolicy { grace_window: Duration::ZERO, ..policy() };
    for (presented, arrival, now, expected) in [
        (4, at(99), at(110), LOST_RACE),
        (4, before(at(100)), at(110), LOST_RACE),
        (4, before(at(100)), at(500), LOST_RACE),
        (3, before(at(100)), at(110), LOST_RACE),
        (4, at(100), at(500), TOO_LATE),
        (3, at(100), at(110), OLDER),
    ] {
        for (row, policy) in [(&worn, policy()), (&row(), closed.clone())] {
            let decision = decide_refresh(row, presented, arrival, now, &policy, None);
            let reuse = matches!(decision, RefreshDecision::Reuse { .. });
            let wanted = matches!(expected, RefreshDecision::Reuse { .. });
            assert_eq!(reuse, wanted, "{presented} arrived {arrival}, judged {now}");
            assert!(wanted || decision == LOST_RACE, "{decision:?}");
        }
        let decision = decide_refresh(&row(), presented, arrival, now, &policy(), None);
        assert_eq!(decision, expected, "{presented} arrived {arrival}, judged {now}");
    }
}

/// Without a window the predecessor is reuse from the instant of the rotation on (scenario 4).
#[test]
fn scenario_04_without_a_window_only_races_are_forgiven() {
    let closed = SessionPolicy { grace_window: Duration::ZERO, ..policy() };
    let decide = |arrival, now| decide_refresh(&row(), 4, arrival, now, &closed, None);
    assert_eq!(decide(before(at(100)), at(100)), LOST_RACE);
    assert_eq!(decide(at(100), at(100)), TOO_LATE);
}

/// A clock that is set back within the window neither accuses anybody nor opens it again
/// (scenario 73).
#[test]
fn scenario_73_a_clock_set_back_does_not_extend_the_window() {
    // Judged before the rotation it already sees.
    assert_eq!(decide(&row(), 4, at(90)), LOST_RACE);
    assert_eq!(decide_refresh(&row(), 4, at(101), at(90), &policy(), None), CONCURRENT);
    // The window still ends thirty seconds after the stored instant.
    assert_eq!(decide(&row(), 4, before(at(130))), CONCURRENT);
    assert_eq!(decide(&row(), 4, at(130)), TOO_LATE);
}

/// A generation ahead of the row was issued and forgotten: it goes on from there, without alarm
/// (scenario 18).
#[test]
fn scenario_18_a_store_that_went_back_catches_up() {
    for (presented, expected) in [(6, behind(7)), (100, behind(101)), (MAX - 1, behind(MAX))] {
        assert_eq!(decide(&row(), presented, at(110)), expected, "{presented}");
    }
}

/// A row that was rotated but lost the instant is judged from its creation.
#[test]
fn a_missing_rotation_instant_counts_as_creation() {
    let row = SessionRecord { rotated_at: None, ..row() };
    assert_eq!(decide(&row, 4, before(at(30))), CONCURRENT);
    assert_eq!(decide(&row, 4, at(30)), TOO_LATE);
}

/// What is over is refused before anything else is looked at, and nothing is revoked by it
/// (scenarios 10, 31, 34).
#[test]
fn scenario_10_what_is_over_is_refused_whatever_is_presented() {
    let revoked =
        SessionRecord { revoked: Some(Revoked { at: at(1), reason: RevokeReason::Cap }), ..row() };
    let expired = SessionRecord { expires_at: at(110), ..row() };
    let idle = SessionRecord { rotated_at: Some(at(-890)), ..row() };
    let idle = SessionRecord { created_at: at(-890), last_seen_at: at(-890), ..idle };
    let both = SessionRecord { expires_at: at(110), ..revoked.clone() };
    for presented in [0, 3, 4, 5, 6, MAX, u64::MAX] {
        for arrival in [at(-900), at(50), at(110)] {
            let decide = |row: &SessionRecord, not_before| {
                decide_refresh(row, presented, arrival, at(110), &policy(), not_before)
            };
            let cases = [
                (&revoked, None, REVOKED),
                (&expired, None, OVER),
                (&idle, None, OVER),
                (&both, None, REVOKED),
                (&row(), Some(at(-1)), REVOKED),
                (&row(), Some(at(500)), REVOKED),
                (&expired, Some(at(-1)), REVOKED),
            ];
            for (number, (row, not_before, expected)) in cases.into_iter().enumerate() {
                assert_eq!(decide(row, not_before), expected, "case {number}, {presented}");
            }
        }
    }
}

/// Ends are exclusive, and equality with a not-before instant means dead (scenario 34).
#[test]
fn scenario_34_a_session_lives_until_just_before_its_ends() {
    let expiring = SessionRecord { expires_at: at(200), ..row() };
    assert_eq!(decide(&expiring, 5, before(at(200))), rotated(6));
    assert_eq!(decide(&expiring, 5, at(200)), OVER);

    for active in [
        SessionRecord { rotated_at: Some(at(300)), ..row() },
        SessionRecord { last_seen_at: at(300), ..row() },
        SessionRecord { created_at: at(300), rotated_at: None, ..row() },
    ] {
        assert_eq!(decide(&active, 5, before(at(1300))), rotated(6));
        assert_eq!(decide(&active, 5, at(1300)), OVER);
    }

    let decide = |not_before| decide_refresh(&row(), 5, at(110), at(110), &policy(), not_before);
    assert_eq!(decide(Some(before(at(-1)))), rotated(6));
    assert_eq!(decide(Some(at(-1))), REVOKED);
}
