//! A model of one session under every interleaving: honest tabs, lost and late answers, a thief.
//!
//! Requests run in the steps of the real thing (read the row, decide, then one conditional write),
//! and the steps of different requests are interleaved at will. Two things are taken for granted:
//! a request is over within `PROCESS_MAX` of its arrival, and an honest client renews a token
//! only when it is some age, or again inside the window and under the limit when no answer came.

mod broken;
mod machine;
mod request;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::TestCaseResult;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use segue::SessionPolicy;
use segue::decide_refresh;

use self::machine::Action;
use self::machine::Model;
use self::machine::Rule;
use self::machine::WINDOW_MIN;
use self::request::Client;

fn policies() -> impl Strategy<Value = SessionPolicy> {
    let window = prop_oneof![Just(WINDOW_MIN), Just(Duration::from_secs(30))];
    let absolute = prop_oneof![1 => Just(400), 4 => Just(8_000_000)].prop_map(Duration::from_secs);
    (window, absolute, 1..6_u32).prop_map(|(grace_window, absolute, grace_uses_max)| {
        SessionPolicy { grace_window, absolute, grace_uses_max, ..SessionPolicy::default() }
    })
}

fn honest_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        20 => (1..3_u32).prop_map(|key_version| Action::Send { key_version }),
        30 => any::<usize>().prop_map(Action::Step),
        10 => any::<usize>().prop_map(Action::Deliver),
        3 => any::<usize>().prop_map(Action::Lose),
        5 => (0..3_u64).prop_map(|micros| Action::Pass(Duration::from_micros(micros))),
        5 => (0..5_000_u64).prop_map(|millis| Action::Pass(Duration::from_millis(millis))),
        5 => (10..120_u64).prop_map(|seconds| Action::Pass(Duration::from_secs(seconds))),
    ]
}

fn hostile_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        80 => honest_action(),
        15 => (1..3_u32).prop_map(|key_version| Action::SendStolen { key_version }),
        3 => Just(Action::Steal),
        1 => Just(Action::Logout),
    ]
}

fn honest(rule: Rule) -> impl Fn((SessionPolicy, Vec<Action>)) -> TestCaseResult {
    move |(policy, actions)| Model::new(rule, policy).run(&actions)
}

/// After anything that may have happened, a thief and the owner take turns.
fn hostile(rule: Rule) -> impl Fn((SessionPolicy, Vec<Action>)) -> TestCaseResult {
    move |(policy, actions)| {
        let mut model = Model::new(rule, policy);
        model.stolen = Some(0);
        model.run(&actions)?;
        let pause = model.policy.grace_window;
        for _ in 0..2 {
            for client in [Client::Owner, Client::Thief] {
                model.pass(pause)?;
                let stolen = model.stolen.unwrap_or_default();
                let presented = if client == Client::Owner { model.browser } else { stolen };
                model.refresh(client, presented)?;
            }
        }
        let over = model.ended || model.now >= model.expires_at;
        prop_assert!(over, "owner and thief went on side by side, and nobody noticed");
        for presented in [model.browser, model.stolen.unwrap_or_default(), model.rotations] {
            let answer = model.refresh(Client::Thief, presented)?;
            prop_assert_eq!(answer, None, "after the end nothing is answered");
        }
        Ok(())
    }
}

fn plans<A: Strategy<Value = Action>>(
    action: A,
) -> impl Strategy<Value = (SessionPolicy, Vec<Action>)> {
    (policies(), proptest::collection::vec(action, 1..120))
}

fn runner(cases: u32) -> TestRunner {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng)
}

/// Honest tabs that race, lose answers, get them late and in any order are never taken for a
/// thief, and end with one line of successors (scenarios 2, 3, 5, 9, 11, 15).
#[test]
fn scenario_02_honest_tabs_share_one_line_of_successors() {
    runner(512).run(&plans(honest_action()), honest(decide_refresh)).unwrap();
}

/// A thief who copied a token is found out as soon as both go on past window or count, whatever
/// happened before; nothing lives after that or after a logout (scenarios 12, 13, 31, 32).
#[test]
fn scenario_12_owner_and_thief_never_go_on_side_by_side() {
    runner(512).run(&plans(hostile_action()), hostile(decide_refresh)).unwrap();
}

/// A thief who stays within the window is found out by the count (scenario 8).
#[test]
fn scenario_08_the_count_ends_what_the_window_permits() {
    let policy = SessionPolicy { grace_uses_max: 5, ..SessionPolicy::default() };
    let mut model = Model::new(decide_refresh, policy);
    model.stolen = Some(0);
    assert_eq!(model.refresh(Client::Owner, 0).unwrap(), Some(1));
    for turn in 1..=6 {
        let answer = model.refresh(Client::Thief, 0).unwrap();
        assert_eq!(answer, (turn <= 5).then_some(1), "turn {turn}");
    }
    assert!(model.ended);
}
