//! The decision table: what a request gets, by its credentials, the phase of the rollout and the
//! state of the store. Each row is checked through `AuthLayer::dual()`.

mod credentials;

use segue::SessionPolicy;
use segue::store::Fault;

use self::Credential::L;
use self::Credential::Opaque;
use self::Credential::S;
use self::Legacy::*;
use self::Phase::*;
use self::Place::*;
use self::Session::*;
use self::Store::*;
use self::credentials::make;
use crate::harness::Answer;
use crate::harness::Ask;
use crate::harness::HOUR;
use crate::harness::MINUTE;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::dual;

const USER: &str = "alice";
const OTHER_USER: &str = "bob";

/// A session's access token, and what has become of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Session {
    Live,
    /// The token is past its end; the session is not.
    Expired,
    /// The session was not used for too long.
    Idle,
    /// The session is as old as sessions get.
    Absolute,
    Revoked,
    /// Revoked because an old refresh token came back.
    Reused,
    WrongMac,
    UnknownKey,
    Garbage,
    /// Genuine, but the store knows nothing of it.
    MissingRow,
    /// A refresh token where an access token belongs.
    Refresh,
}

/// A token of the system being replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Legacy {
    Good,
    /// Good, and somebody else's than the session beside it.
    Other,
    PastEnd,
    Forged,
    NoJwt,
    ListedByJti,
    ListedByHash,
    /// Issued beside a session that was revoked.
    ListedBySid,
    /// Issued before everything of its user was revoked.
    BeforeUser,
    /// Issued before everything was revoked.
    BeforeAll,
    TooOld,
    NoIat,
    NoExp,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Header,
    Cookie,
}

#[derive(Clone, Copy, Debug)]
enum Credential {
    S(Session, Place),
    L(Legacy, Place),
    /// A bearer token of a kind that nobody here knows.
    Opaque,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Both,
    Half,
    Drain,
    /// `REFRESH_TOKEN_SYSTEM=false`
    NoSessions,
    /// `LEGACY_JWT=false`
    NoLegacy,
    CutOver,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Store {
    /// Up, and the same request was served a moment ago.
    Warm,
    /// Up, and the node has heard of nothing but the feed.
    Miss,
    /// Up, and the node has just started.
    Cold,
    /// Down since a moment ago.
    DownWarm,
    /// Down for longer than the staleness bound.
    DownStale,
    /// Down for longer than `LEGACY_STALE_OK`.
    DownLong,
    /// Down since the node started.
    DownCold,
    /// Never answers, for longer than the staleness bound.
    Hanging,
}

/// Credentials, phase, store; verdict, cookies cleared, store calls.
type Row = (&'static [Credential], Phase, Store, &'static str, &'static str, u64);

/// What needs no store to be refused, in whatever state it is.
#[rustfmt::skip]
const REFUSED_AT_ONCE: &[(&[Credential], &str, &str)] = &[
    (&[],                                            "401 missing_credential", "kept"),
    (&[S(Expired, Header)],                          "401 token_expired",      "kept"),
    (&[S(Expired, Cookie)],                          "401 token_expired",      "access"),
    (&[S(Idle, Header)],                             "401 token_expired",      "kept"),
    (&[S(Idle, Cookie)],                             "401 token_expired",      "access"),
    (&[S(Absolute, Header)],                         "401 token_expired",      "kept"),
    (&[S(Absolute, Cookie)],                         "401 token_expired",      "access"),
    (&[S(WrongMac, Header)],                         "401 invalid_token",      "kept"),
    (&[S(WrongMac, Cookie)],                         "401 invalid_token",      "access"),
    (&[S(Garbage, Header)],                          "401 invalid_token",      "kept"),
    (&[S(Garbage, Cookie)],                          "401 invalid_token",      "access"),
    (&[S(UnknownKey, Header)],                       "401 unknown_key",        "kept"),
    (&[S(UnknownKey, Cookie)],                       "401 unknown_key",        "kept"),
    (&[S(Refresh, Header)],                          "401 invalid_token",      "kept"),
    (&[S(Refresh, Cookie)],                          "401 invalid_token",      "access"),
    (&[Opaque],                                      "401 invalid_token",      "kept"),
    (&[L(PastEnd, Header)],                          "401 token_expired",      "kept"),
    (&[L(PastEnd, Cookie)],                          "401 token_expired",      "kept"),
    (&[L(Forged, Header)],                           "401 invalid_token",      "kept"),
    (&[L(Forged, Cookie)],                           "401 invalid_token",      "kept"),
    (&[L(NoJwt, Header)],                            "401 invalid_token",      "kept"),
    (&[L(TooOld, Header)],                           "401 token_too_old",      "kept"),
    (&[L(NoIat, Header)],                            "401 token_too_old",      "kept"),
    (&[L(NoExp, Header)],                            "401 invalid_token",      "kept"),
    (&[S(WrongMac, Header), L(Good, Cookie)],        "401 invalid_token",      "kept"),
    (&[S(WrongMac, Cookie), L(Good, Header)],        "401 invalid_token",      "access"),
    (&[S(Garbage, Cookie), L(Good, Header)],         "401 invalid_token",      "access"),
    (&[S(UnknownKey, Cookie), L(Good, Header)],      "401 unknown_key",        "kept"),
    (&[S(Refresh, Header), L(Good, Cookie)],         "401 invalid_token",      "kept"),
    (&[S(Refresh, Header), S(Live, Cookie)],         "401 invalid_token",      "kept"),
    (&[S(Expired, Header), L(PastEnd, Cookie)],      "401 token_expired",      "kept"),
    (&[S(Expired, Cookie), L(Forged, Header)],       "401 token_expired",      "access"),
    (&[S(Expired, Header), S(Live, Cookie)],         "401 token_expired",      "kept"),
    (&[Opaque, S(Live, Cookie)],                     "401 invalid_token",      "kept"),
    (&[S(Live, Header), L(Good, Header)],            "400 invalid_request",    "kept"),
    (&[S(Live, Header), S(Live, Header)],            "400 invalid_request",    "kept"),
];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // A session alone: every phase but the emergency stop accepts it.
    (&[S(Live, Header)],     Both,       Warm,      "200 session",           "kept",   0),
    (&[S(Live, Cookie)],     Both,       Warm,      "200 session",           "kept",   0),
    (&[S(Live, Header)],     Half,       Warm,      "200 session",           "kept",   0),
    (&[S(Live, Header)],     Drain,      Warm,      "200 session",           "kept",   0),
    (&[S(Live, Header)],     NoLegacy,   Warm,      "200 session",           "kept",   0),
    (&[S(Live, Header)],     CutOver,    Warm,      "200 session",           "kept",   0),
    (&[S(Live, Header)],     NoSessions, Warm,      "401 sessions_off",      "kept",   0),
    (&[S(Live, Cookie)],     NoSessions, Warm,      "401 sessions_off",      "kept",   0),
    (&[S(Live, Cookie)],     NoSessions, DownCold,  "401 sessions_off",      "kept",   0),
    // The store is asked once; without the feed's news also for the not-before instants.
    (&[S(Live, Header)],     Both,       Miss,      "200 session",           "kept",   1),
    (&[S(Live, Header)],     Both,       Cold,      "200 session",           "kept",   2),
    // Without the store: memory within the bound, then nobody can tell.
    (&[S(Live, Header)],     Both,       DownWarm,  "200 session",           "kept",   0),
    (&[S(Live, Cookie)],     Both,       DownStale, "503 store_unavailable", "kept",   1),
    (&[S(Live, Cookie)],     Both,       DownLong,  "503 store_unavailable", "kept",   1),
    (&[S(Live, Cookie)],     Both,       DownCold,  "503 store_unavailable", "kept",   1),
    (&[S(Live, Cookie)],     Both,       Hanging,   "503 store_unavailable", "kept",   1),
    // Revoked: what is known is refused from memory, what can't be known is not.
    (&[S(Revoked, Header)],  Both,       Miss,      "401 session_revoked",   "kept",   1),
    (&[S(Revoked, Cookie)],  Both,       Miss,      "401 session_revoked",   "both",   1),
    (&[S(Revoked, Cookie)],  Both,       Warm,      "401 session_revoked",   "both",   0),
    (&[S(Revoked, Cookie)],  Both,       Cold,      "401 session_revoked",   "both",   2),
    (&[S(Revoked, Cookie)],  Drain,      Miss,      "401 session_revoked",   "both",   1),
    (&[S(Revoked, Cookie)],  Both,       DownCold,  "503 store_unavailable", "kept",   1),
    (&[S(Revoked, Cookie)],  NoSessions, Warm,      "401 sessions_off",      "kept",   0),
    (&[S(Reused, Header)],   Both,       Miss,      "401 session_revoked",   "kept",   1),
    (&[S(Reused, Cookie)],   Both,       Miss,      "401 session_revoked",   "both",   1),
    (&[S(MissingRow, Cookie)], Both,     Miss,      "401 session_expired",   "both",   1),
    (&[S(MissingRow, Header)], Both,     Warm,      "401 session_expired",   "kept",   0),
    (&[S(MissingRow, Cookie)], Both,     DownCold,  "503 store_unavailable", "kept",   1),

    // A legacy token alone: every phase that accepts legacy tokens.
    (&[L(Good, Header)],     Both,       Warm,      "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Cookie)],     Both,       Warm,      "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Header)],     Half,       Warm,      "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Header)],     Drain,      Warm,      "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Header)],     NoSessions, Warm,      "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Header)],     NoLegacy,   Warm,      "401 legacy_off",        "kept",   0),
    (&[L(Good, Cookie)],     NoLegacy,   DownCold,  "401 legacy_off",        "kept",   0),
    (&[L(Good, Header)],     CutOver,    Warm,      "401 cut_over_passed",   "kept",   0),
    (&[L(NoIat, Header)],    CutOver,    Warm,      "401 cut_over_passed",   "kept",   0),
    (&[L(Good, Header)],     Both,       Miss,      "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Header)],     Both,       Cold,      "200 legacy_jwt",        "kept",   1),
    // Without the store: the last blacklist counts for LEGACY_STALE_OK.
    (&[L(Good, Header)],     Both,       DownWarm,  "200 legacy_jwt",        "kept",   0),
    (&[L(Good, Header)],     Both,       DownStale, "200 legacy_jwt",        "kept",   1),
    (&[L(Good, Header)],     Both,       Hanging,   "200 legacy_jwt",        "kept",   1),
    (&[L(Good, Header)],     Both,       DownLong,  "503 store_unavailable", "kept",   1),
    (&[L(Good, Cookie)],     Both,       DownCold,  "503 store_unavailable", "kept",   1),
    (&[L(Good, Header)],     NoSessions, DownLong,  "503 store_unavailable", "kept",   1),
    // Killed tokens.
    (&[L(ListedByJti, Header)],  Both,   Miss,      "401 token_revoked",     "kept",   0),
    (&[L(ListedByHash, Header)], Both,   Miss,      "401 token_revoked",     "kept",   0),
    (&[L(ListedBySid, Header)],  Both,   Miss,      "401 token_revoked",     "kept",   0),
    (&[L(BeforeUser, Header)],   Both,   Miss,      "401 token_revoked",     "kept",   0),
    (&[L(BeforeAll, Header)],    Both,   Miss,      "401 token_revoked",     "kept",   0),
    (&[L(ListedByJti, Cookie)],  Both,   Cold,      "401 token_revoked",     "kept",   1),
    (&[L(BeforeUser, Cookie)],   Both,   Cold,      "401 token_revoked",     "kept",   1),
    (&[L(ListedByHash, Header)], Both,   DownStale, "401 token_revoked",     "kept",   0),
    (&[L(ListedBySid, Header)],  Both,   DownLong,  "401 token_revoked",     "kept",   0),
    (&[L(BeforeUser, Header)],   Both,   DownStale, "401 token_revoked",     "kept",   1),
    (&[L(ListedByJti, Header)],  Both,   DownCold,  "503 store_unavailable", "kept",   1),
    (&[L(ListedBySid, Header)],  NoSessions, Miss,  "401 token_revoked",     "kept",   0),

    // Both, of one user: new first.
    (&[S(Live, Header), L(Good, Cookie)],    Both, Warm, "200 session",      "kept",   0),
    (&[S(Live, Cookie), L(Good, Header)],    Both, Warm, "200 session",      "kept",   0),
    (&[S(Live, Cookie), L(Good, Cookie)],    Both, Warm, "200 session",      "kept",   0),
    (&[S(Live, Header), L(PastEnd, Cookie)], Both, Warm, "200 session",      "kept",   0),
    (&[S(Live, Header), L(Forged, Cookie)],  Both, Warm, "200 session",      "kept",   0),
    (&[S(Live, Header), L(ListedByJti, Cookie)], Both, Warm, "200 session",  "kept",   0),
    (&[S(Live, Header), L(Good, Cookie)], NoLegacy, Warm, "200 session",     "kept",   0),
    (&[S(Live, Header), L(Good, Cookie)], CutOver, Warm, "200 session",      "kept",   0),
    // Of two users: nobody's.
    (&[S(Live, Header), L(Other, Cookie)],   Both, Warm, "401 identity_mismatch", "kept", 0),
    (&[S(Live, Cookie), L(Other, Header)],   Both, Warm, "401 identity_mismatch", "kept", 0),
    (&[S(Expired, Header), L(Other, Cookie)], Both, Warm, "401 identity_mismatch", "kept", 0),
    (&[S(Live, Header), L(Other, Cookie)], NoLegacy, Warm, "200 session",    "kept",   0),
    // Merely expired: the legacy token answers.
    (&[S(Expired, Header), L(Good, Cookie)], Both, Warm, "200 legacy_jwt",   "kept",   0),
    (&[S(Expired, Cookie), L(Good, Header)], Both, Miss, "200 legacy_jwt",   "access", 1),
    (&[S(Idle, Cookie), L(Good, Header)],    Both, Miss, "200 legacy_jwt",   "both",   1),
    (&[S(Absolute, Cookie), L(Good, Header)], Both, Miss, "200 legacy_jwt",  "both",   1),
    (&[S(Expired, Cookie), L(ListedByHash, Header)], Both, Miss, "401 token_expired", "access", 0),
    (&[S(Expired, Cookie), L(Good, Header)], NoLegacy, Miss, "401 token_expired", "access", 0),
    (&[S(Expired, Cookie), L(Good, Header)], CutOver, Miss, "401 token_expired", "access", 0),
    // Revoked is final, whatever stands beside it.
    (&[S(Revoked, Cookie), L(Good, Header)], Both, Miss, "401 session_revoked", "both", 1),
    (&[S(Revoked, Header), L(Good, Cookie)], Both, Warm, "401 session_revoked", "kept", 0),
    (&[S(Reused, Cookie), L(Good, Cookie)],  Both, Miss, "401 session_revoked", "both", 1),
    (&[S(MissingRow, Cookie), L(Good, Header)], Both, Miss, "401 session_expired", "both", 1),
    // Who can't be judged is not judged by the weaker half.
    (&[S(Live, Cookie), L(Good, Header)], Both, DownStale, "503 store_unavailable", "kept", 1),
    (&[S(Live, Cookie), L(Good, Header)], Both, DownCold, "503 store_unavailable", "kept", 1),
    (&[S(Live, Cookie), L(Good, Header)], Both, Hanging, "503 store_unavailable", "kept", 1),
    (&[S(Expired, Cookie), L(Good, Header)], Both, DownCold, "503 store_unavailable", "kept", 1),
    (&[S(Live, Cookie), L(Good, Header)], Both, DownWarm, "200 session",     "kept",   0),
    // The emergency stop: a session counts as absent beside a legacy token.
    (&[S(Live, Cookie), L(Good, Header)],    NoSessions, Warm, "200 legacy_jwt", "kept", 0),
    (&[S(Revoked, Cookie), L(Good, Header)], NoSessions, Warm, "200 legacy_jwt", "kept", 0),
    (&[S(Live, Cookie), L(Other, Header)],   NoSessions, Warm, "200 legacy_jwt", "kept", 0),
    (&[S(Live, Cookie), L(PastEnd, Header)], NoSessions, Warm, "401 token_expired", "kept", 0),
    (&[S(Live, Cookie), L(Good, Header)],    NoSessions, DownLong, "503 store_unavailable", "kept", 1),
    // Two sessions: the bearer wins.
    (&[S(Live, Header), S(Revoked, Cookie)], Both, Warm, "200 session",      "kept",   0),
    (&[S(Revoked, Header), S(Live, Cookie)], Both, Warm, "401 session_revoked", "kept", 0),
];

/// Every row of the table, through the layer.
#[tokio::test(start_paused = true)]
async fn every_row_of_the_table_holds() {
    let mut failures = Vec::new();
    for row in TABLE {
        failures.extend(check(row).await);
    }
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

/// What can be refused without the store is refused without it, whatever its state.
#[tokio::test(start_paused = true)]
async fn garbage_forged_and_expired_never_reach_the_store() {
    let mut failures = Vec::new();
    for (credentials, verdict, cookies) in REFUSED_AT_ONCE {
        for store in [Warm, Miss, Cold, DownStale, DownCold, Hanging] {
            failures.extend(check(&(credentials, Both, store, verdict, cookies, 0)).await);
        }
    }
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

/// No row of the table takes a cookie for a fault that is not the credential's, or answers a fault
/// of the store with 401.
#[test]
fn store_faults_take_nothing() {
    for (credentials, _, store, verdict, cookies, _) in TABLE {
        let innocent = verdict.starts_with("503")
            || ["sessions_off", "unknown_key"].iter().any(|code| verdict.ends_with(code));
        assert!(!innocent || *cookies == "kept", "{credentials:?} {store:?}");
    }
}

async fn check(row: &Row) -> Option<String> {
    let (credentials, phase, store, verdict, cookies, calls) = *row;
    let (answer, counted) = ask(credentials, phase, store).await;
    let told = answer.headers.contains_key("retry-after") == (answer.status == 503);
    let challenged = answer.headers.contains_key("www-authenticate") == (answer.status == 401)
        || answer.status == 400;
    let seen = (answer.verdict(), answer.cleared(), counted);
    let whole = told && challenged && answer.user().is_none_or(|user| is_user(credentials, user));
    (!whole || seen != (verdict.to_owned(), cookies, calls))
        .then(|| format!("{credentials:?} {phase:?} {store:?}\n    wanted {verdict} {cookies} {calls}\n    got    {} {} {}", seen.0, seen.1, seen.2))
}

fn is_user(credentials: &[Credential], user: &str) -> bool {
    let other = credentials.iter().any(|credential| matches!(credential, L(Other, _)));
    user == USER || (other && user == OTHER_USER)
}

async fn ask(credentials: &[Credential], phase: Phase, store: Store) -> (Answer, u64) {
    let world = World::memory();
    let policy = SessionPolicy { idle: 30 * MINUTE, absolute: HOUR, ..SessionPolicy::default() };
    let maker = world.node_with(|builder| dual(builder.policy(policy.clone()))).await;
    let node = world.cold_node_with(|builder| builder.policy(policy));
    let texts = make(&world, &maker, credentials).await;
    node.flags(phase.flags());
    let request = || put_together(credentials, &texts);
    if !matches!(store, Cold | DownCold) {
        node.settle().await;
    }
    if !matches!(store, Miss | Cold | DownCold) {
        request().send(&node).await;
    }
    match store {
        Warm | Miss | Cold => {}
        DownWarm | DownCold => node.store.break_down(),
        DownStale => {
            node.store.break_down();
            world.clock.advance(2 * SECOND);
        }
        DownLong => {
            node.store.break_down();
            world.clock.advance(6 * MINUTE);
        }
        Hanging => {
            node.store.inject(Fault::Hang);
            world.clock.advance(2 * SECOND);
        }
    }
    node.store.reset_calls();
    let answer = request().send(&node).await;
    (answer, node.store.request_calls())
}

impl Phase {
    const fn flags(self) -> &'static str {
        match self {
            Both => "REFRESH_TOKEN_SYSTEM=true LEGACY_JWT=true",
            Half => "REFRESH_TOKEN_SYSTEM=50% LEGACY_JWT=true",
            Drain => "REFRESH_TOKEN_SYSTEM=drain LEGACY_JWT=true",
            NoSessions => "REFRESH_TOKEN_SYSTEM=false LEGACY_JWT=true",
            NoLegacy => "REFRESH_TOKEN_SYSTEM=true LEGACY_JWT=false",
            CutOver => "LEGACY_JWT_UNTIL=2027-01-15T08:00:00Z",
        }
    }
}

fn put_together(credentials: &[Credential], texts: &[String]) -> Ask {
    let mut ask = Ask::get();
    for (credential, text) in credentials.iter().zip(texts) {
        ask = match credential {
            S(_, Header) | L(_, Header) | Opaque => ask.bearer(text),
            S(_, Cookie) => ask.access_cookie(text),
            L(_, Cookie) => ask.legacy_cookie(text),
        };
    }
    ask
}
