//! Scenarios of rotation: one successor for everybody, whatever order things happen in.

use std::time::Duration;

use segue::AuthErrorKind;
use segue::RefreshCause;
use segue::SessionPolicy;
use segue::StoreErrorKind;
use segue::TokenPair;
use segue::store::Fault;

use crate::harness::DAY;
use crate::harness::HOUR;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::either;

pub fn refresh_token(pair: &TokenPair) -> &str {
    pair.refresh.expose()
}

async fn accepts(node: &Node, pair: &TokenPair) {
    assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
}

either! {
    /// A refresh gives another token, one generation up, of the same session, whose end stays.
    scenario_01_a_refresh_rotates, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let before = node.store.row("alice").await;
        node.pass(MINUTE).await;
        let second = node.refresh(refresh_token(&first)).await.unwrap();
        assert_ne!(refresh_token(&first), refresh_token(&second));
        assert_eq!(second.cause, Some(RefreshCause::Rotated));
        assert_eq!(second.session_id, first.session_id);
        let after = node.store.row("alice").await;
        assert_eq!((before.generation, after.generation), (0, 1));
        assert_eq!(after.rotated_at, Some(world.clock.now()));
        assert_eq!(after.expires_at, before.expires_at);
        let answer = node.bearer(second.access.expose()).await;
        assert_eq!(answer.principal.unwrap().session_id(), Some(first.session_id));
    }
}

either! {
    /// Two tabs that refresh at once both go on with the one successor.
    scenario_02_two_tabs_share_a_successor, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let (one, two) = tokio::join!(
            node.refresh(refresh_token(&first)),
            node.refresh(refresh_token(&first))
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(refresh_token(&one), refresh_token(&two));
        assert_eq!(node.store.row("alice").await.generation, 1);
        accepts(&node, &one).await;
        accepts(&node, &two).await;
    }
}

either! {
    /// 64 parallel refreshes over four nodes: one rotation, 63 repeats, no fault, no accusation.
    scenario_03_many_nodes_rotate_once, world => {
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(world.node().await);
        }
        let token = refresh_token(&nodes[0].login("alice").await).to_owned();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..64 {
            let (node, token) = (nodes[index % 4].clone(), token.clone());
            tasks.spawn(async move { node.refresh(&token).await });
        }
        let answers: Vec<TokenPair> =
            tasks.join_all().await.into_iter().collect::<Result<_, _>>().unwrap();
        let rotated = |pair: &&TokenPair| pair.cause == Some(RefreshCause::Rotated);
        assert_eq!(answers.iter().filter(rotated).count(), 1);
        assert!(answers.iter().all(|pair| refresh_token(pair) == refresh_token(&answers[0])));
        let row = nodes[0].store.row("alice").await;
        assert_eq!((row.generation, row.revoked), (1, None));
    }
}

/// Without a grace window a request that merely lost the race is still no thief; a replay is.
#[tokio::test]
async fn scenario_04_losing_a_race_is_no_reuse() {
    let world = World::memory();
    let policy = SessionPolicy { grace_window: Duration::ZERO, ..SessionPolicy::default() };
    let slow = world.node_with(|builder| builder.policy(policy.clone())).await;
    let fast = world.node_with(|builder| builder.policy(policy)).await;
    let first = slow.login("alice").await;
    slow.store.inject_only("rotate session", Fault::HoldCall);
    let late = tokio::spawn({
        let (slow, token) = (slow.clone(), refresh_token(&first).to_owned());
        async move { slow.refresh(&token).await }
    });
    slow.store.held(1).await;
    world.clock.advance(SECOND);
    let won = fast.refresh(refresh_token(&first)).await.unwrap();
    world.clock.advance(SECOND);
    slow.store.heal();
    let lost = late.await.unwrap().unwrap();
    assert_eq!(lost.cause, Some(RefreshCause::LostRace));
    assert_eq!(refresh_token(&lost), refresh_token(&won));
    assert_eq!(fast.store.row("alice").await.revoked, None);
    let replay = fast.refresh(refresh_token(&first)).await.unwrap_err();
    assert_eq!(replay, AuthErrorKind::RefreshReused);
}

either! {
    /// The answer got lost: asking again within the window gives the same successor.
    scenario_05_a_lost_answer_is_given_again, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let lost = node.refresh(refresh_token(&first)).await.unwrap();
        node.pass(10 * SECOND).await;
        let again = node.refresh(refresh_token(&first)).await.unwrap();
        assert_eq!(again.cause, Some(RefreshCause::ConcurrentRefresh));
        assert_eq!(refresh_token(&again), refresh_token(&lost));
        accepts(&node, &again).await;
        let next = node.refresh(refresh_token(&again)).await.unwrap();
        assert_eq!(next.cause, Some(RefreshCause::Rotated));
    }
}

either! {
    /// After the window the predecessor is reuse: the session ends, on every way in.
    scenario_06_a_late_replay_ends_the_session, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let second = node.refresh(refresh_token(&first)).await.unwrap();
        node.pass(30 * SECOND).await;
        let replay = node.refresh(refresh_token(&first)).await.unwrap_err();
        assert_eq!(replay, AuthErrorKind::RefreshReused);
        let answer = node.bearer(second.access.expose()).await;
        assert_eq!(answer.verdict(), "401 session_revoked");
        assert!(answer.body.contains(r#""code":"session_revoked""#), "{}", answer.body);
        let after = node.refresh(refresh_token(&second)).await.unwrap_err();
        assert_eq!(after, AuthErrorKind::SessionRevoked);
    }
}

either! {
    /// Older than the predecessor is reuse, also inside the predecessor's window, and also on a
    /// node that answered for it a moment ago and has not heard of the rotation since.
    scenario_07_older_than_the_predecessor_is_reuse, world => {
        let (one, two) = (world.node().await, world.node().await);
        for replay in [&one, &two] {
            let first = one.login("alice").await;
            let second = one.refresh(refresh_token(&first)).await.unwrap();
            two.refresh(refresh_token(&second)).await.unwrap();
            let refused = replay.refresh(refresh_token(&first)).await.unwrap_err();
            assert_eq!(refused, AuthErrorKind::RefreshReused);
        }
    }
}

either! {
    /// The predecessor is answered so often and not once more, whoever answers.
    scenario_08_grace_is_counted, world => {
        let policy = SessionPolicy { grace_uses_max: 4, ..SessionPolicy::default() };
        let one = world.node_with(|builder| builder.policy(policy.clone())).await;
        let two = world.node_with(|builder| builder.policy(policy)).await;
        for (node, answered_by_others) in [(&one, 0), (&two, 0), (&one, 2)] {
            let first = one.login("alice").await;
            one.refresh(refresh_token(&first)).await.unwrap();
            for _ in 0..answered_by_others {
                two.refresh(refresh_token(&first)).await.unwrap();
            }
            for _ in answered_by_others..4 {
                node.refresh(refresh_token(&first)).await.unwrap();
            }
            let once_more = node.refresh(refresh_token(&first)).await.unwrap_err();
            assert_eq!(once_more, AuthErrorKind::RefreshReused);
        }
    }
}

either! {
    /// The window opens with the rotation, and answering in it does not move its end.
    scenario_09_the_window_never_slides, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        node.refresh(refresh_token(&first)).await.unwrap();
        for _ in 0..2 {
            node.pass(14 * SECOND).await;
            node.refresh(refresh_token(&first)).await.unwrap();
        }
        node.pass(2 * SECOND).await;
        let late = node.refresh(refresh_token(&first)).await.unwrap_err();
        assert_eq!(late, AuthErrorKind::RefreshReused);
    }
}

either! {
    /// A session past its end is over inside the window too, and nobody is accused of anything.
    scenario_10_the_end_counts_inside_the_window, world => {
        let policy = SessionPolicy { absolute: HOUR, ..SessionPolicy::default() };
        let node = world.node_with(|builder| builder.policy(policy)).await;
        let first = node.login("alice").await;
        node.pass(HOUR - 10 * SECOND).await;
        let second = node.refresh(refresh_token(&first)).await.unwrap();
        assert_eq!(second.session_expires_in, 10 * SECOND);
        assert_eq!(second.expires_in, 10 * SECOND);
        node.pass(10 * SECOND).await;
        for token in [refresh_token(&first), refresh_token(&second)] {
            let refused = node.refresh(token).await.unwrap_err();
            assert_eq!(refused, AuthErrorKind::SessionExpired);
        }
        assert_eq!(node.store.row("alice").await.revoked, None);
    }
}

either! {
    /// A repeat extends nothing: neither the end nor the idle time.
    scenario_11_a_repeat_extends_nothing, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        node.refresh(refresh_token(&first)).await.unwrap();
        let before = node.store.row("alice").await;
        node.pass(20 * SECOND).await;
        node.refresh(refresh_token(&first)).await.unwrap();
        let after = node.store.row("alice").await;
        assert_eq!(after.expires_at, before.expires_at);
        assert_eq!(after.last_active_at(), before.last_active_at());
        assert_eq!(after.generation, before.generation);
    }
}

either! {
    /// The thief was first: the victim's replay ends the session for both.
    scenario_13_the_victims_replay_ends_the_thief, world => {
        let node = world.node().await;
        let stolen = node.login("alice").await;
        let thief = node.refresh(refresh_token(&stolen)).await.unwrap();
        node.pass(5 * MINUTE).await;
        let thief = node.refresh(refresh_token(&thief)).await.unwrap();
        let victim = node.refresh(refresh_token(&stolen)).await.unwrap_err();
        assert_eq!(victim, AuthErrorKind::RefreshReused);
        assert_eq!(
            node.bearer(thief.access.expose()).await.verdict(),
            "401 session_revoked"
        );
        assert!(node.refresh(refresh_token(&thief)).await.is_err());
    }
}

either! {
    /// Theft in one browser leaves the user's other browser alone.
    scenario_14_the_other_browser_stays, world => {
        let node = world.node().await;
        let (stolen, other) = (node.login("alice").await, node.login("alice").await);
        node.refresh(refresh_token(&stolen)).await.unwrap();
        node.pass(MINUTE).await;
        node.refresh(refresh_token(&stolen)).await.unwrap_err();
        accepts(&node, &other).await;
        accepts(&node, &node.refresh(refresh_token(&other)).await.unwrap()).await;
    }
}

either! {
    /// Answers that arrive in reverse order do no harm: they hold the same refresh token, and an
    /// access token is not refused for its generation.
    scenario_15_late_cookies_do_no_harm, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let early = node.refresh(refresh_token(&first)).await.unwrap();
        node.pass(SECOND).await;
        let late = node.refresh(refresh_token(&first)).await.unwrap();
        accepts(&node, &first).await;
        accepts(&node, &early).await;
        let next = node.refresh(refresh_token(&early)).await.unwrap();
        assert_eq!(refresh_token(&early), refresh_token(&late));
        accepts(&node, &next).await;
        accepts(&node, &late).await;
    }
}

either! {
    /// Rotations within one microsecond are told apart: detection does not hang on the clock.
    scenario_16_the_clock_decides_nothing, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let second = node.refresh(refresh_token(&first)).await.unwrap();
        node.refresh(refresh_token(&second)).await.unwrap();
        let replay = node.refresh(refresh_token(&first)).await.unwrap_err();
        assert_eq!(replay, AuthErrorKind::RefreshReused);
    }
}

/// Spent tokens stay spent, and live sessions live, when every process starts anew.
#[tokio::test]
async fn scenario_17_spent_tokens_stay_spent_after_a_restart() {
    let world = World::sqlite();
    let node = world.node().await;
    let (spent, alive) = (node.login("alice").await, node.login("bob").await);
    node.refresh(refresh_token(&spent)).await.unwrap();
    let revoked = node.login("carol").await;
    let carol = segue::UserId::new("carol").unwrap();
    node.auth.revoke_user(&carol).await.unwrap();
    drop(node);
    world.clock.advance(MINUTE);

    let node = world.node().await;
    accepts(&node, &alive).await;
    assert_eq!(node.bearer(revoked.access.expose()).await.verdict(), "401 session_revoked");
    let replay = node.refresh(refresh_token(&spent)).await.unwrap_err();
    assert_eq!(replay, AuthErrorKind::RefreshReused);
    accepts(&node, &node.refresh(refresh_token(&alive)).await.unwrap()).await;
}

either! {
    /// A spent token is recognised weeks later, however often the sweeper went round.
    scenario_23_replays_are_recognised_for_the_sessions_life, world => {
        let node = world.node().await;
        let first = node.login("alice").await;
        let mut pair = node.refresh(refresh_token(&first)).await.unwrap();
        for _ in 0..6 {
            node.pass(10 * DAY).await;
            node.auth.sweep().await.unwrap();
            pair = node.refresh(refresh_token(&pair)).await.unwrap();
        }
        let replay = node.refresh(refresh_token(&first)).await.unwrap_err();
        assert_eq!(replay, AuthErrorKind::RefreshReused);
    }
}

/// A token of another deployment is refused without harm to anybody.
#[tokio::test]
async fn scenario_24_foreign_tokens_harm_nobody() {
    let (world, other) = (World::memory(), World::memory());
    let (node, foreign) = (world.node().await, other.node().await);
    let (own, stranger) = (node.login("alice").await, foreign.login("alice").await);
    let refused = node.refresh(refresh_token(&stranger)).await.unwrap_err();
    assert_eq!(refused, AuthErrorKind::InvalidToken);
    let newer = World::with_keys_of_version(9);
    let unknown = newer.node().await.login("alice").await;
    let refused = node.refresh(refresh_token(&unknown)).await.unwrap_err();
    assert_eq!(refused, AuthErrorKind::UnknownKey);
    accepts(&node, &own).await;
}

/// What is malformed or forged is refused before anything looks at the store.
#[tokio::test]
async fn scenario_29_and_30_garbage_reaches_no_store() {
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    let token = refresh_token(&pair);
    let spoilt = |at: usize| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut bad: Vec<String> = (4..token.len()).map(spoilt).collect();
    let upper = token.replacen("sgr_", "SGR_", 1);
    bad.extend([format!("{token}="), format!("{token}A"), format!(" {token}"), upper]);
    bad.extend(["", "sgr_", "sgr_!", "\u{0}", &token[..token.len() - 1]].map(str::to_owned));
    bad.push(pair.access.expose().to_owned());
    bad.push("A".repeat(1_000_000));
    node.store.reset_calls();
    for token in bad {
        let refused = node.refresh(&token).await.unwrap_err();
        let shown: String = token.chars().take(100).collect();
        let definite = matches!(refused, AuthErrorKind::InvalidToken | AuthErrorKind::UnknownKey);
        assert!(definite, "{shown}: {refused:?}");
    }
    assert_eq!(node.store.request_calls(), 0);
}

/// A conflict is tried again, quietly; one that never ends is a 503, and nobody is revoked.
#[tokio::test(start_paused = true)]
async fn scenario_22_conflicts_are_retried() {
    let world = World::memory();
    let node = world.node().await;
    let first = node.login("alice").await;
    let conflict = Fault::Fail(StoreErrorKind::Conflict);
    node.store.inject_times("rotate session", conflict, 2);
    let second = node.refresh(refresh_token(&first)).await.unwrap();
    assert_eq!(second.cause, Some(RefreshCause::Rotated));
    node.store.inject_only("rotate session", conflict);
    let refused = node.refresh(refresh_token(&second)).await.unwrap_err();
    assert_eq!(refused, AuthErrorKind::StoreUnavailable);
    node.store.heal();
    assert_eq!(node.store.row("alice").await.revoked, None);
    node.refresh(refresh_token(&second)).await.unwrap();
}
