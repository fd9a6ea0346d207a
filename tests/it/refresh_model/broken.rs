//! Rules and refusals that are one line away from the real ones, for the model to find out.

use std::time::Duration;

use segue::AuthErrorKind;
use segue::RefreshCause;
use segue::RefreshDecision;
use segue::SessionPolicy;
use segue::decide_refresh;

use super::honest;
use super::honest_action;
use super::hostile;
use super::hostile_action;
use super::machine::Rule;
use super::plans;
use super::runner;

/// The model is worth something only if it finds broken rules: each of these is one line away from
/// the real one.
#[test]
fn broken_rules_are_found_out() {
    let broken: [(&str, Rule); 7] = [
        ("no grace", |row, presented, arrival, now, policy, not_before| {
            let policy = SessionPolicy { grace_window: Duration::ZERO, ..policy.clone() };
            decide_refresh(row, presented, arrival, now, &policy, not_before)
        }),
        ("no mercy for who waited", |row, presented, arrival, now, policy, not_before| {
            let arrival = arrival.max(row.rotated_at.unwrap_or(arrival));
            decide_refresh(row, presented, arrival, now, policy, not_before)
        }),
        ("a window without end", |row, presented, arrival, now, policy, not_before| {
            let policy = SessionPolicy { grace_window: Duration::MAX, ..policy.clone() };
            decide_refresh(row, presented, arrival, now, &policy, not_before)
        }),
        ("a window that slides", |row, presented, arrival, now, policy, not_before| {
            // As if each answer opened it anew.
            let uses = Duration::from_secs(u64::from(row.grace_uses) * 20);
            let policy =
                SessionPolicy { grace_window: policy.grace_window + uses, ..policy.clone() };
            decide_refresh(row, presented, arrival, now, &policy, not_before)
        }),
        ("no limit of uses", |row, presented, arrival, now, policy, not_before| {
            let policy = SessionPolicy { grace_uses_max: u32::MAX, ..policy.clone() };
            decide_refresh(row, presented, arrival, now, &policy, not_before)
        }),
        ("a predecessor that rotates", |row, presented, arrival, now, policy, not_before| {
            match decide_refresh(row, presented, arrival, now, policy, not_before) {
                RefreshDecision::Repeat { cause } => {
                    RefreshDecision::Rotate { next: row.generation + 1, cause }
                }
                decision => decision,
            }
        }),
        ("a generation skipped", |row, presented, arrival, now, policy, not_before| {
            match decide_refresh(row, presented, arrival, now, policy, not_before) {
                RefreshDecision::Rotate { next, cause } => {
                    RefreshDecision::Rotate { next: next + 1, cause }
                }
                decision => decision,
            }
        }),
    ];
    for (fault, rule) in broken {
        let honest = runner(512).run(&plans(honest_action()), honest(rule));
        let found =
            honest.is_err() || runner(512).run(&plans(hostile_action()), hostile(rule)).is_err();
        assert!(found, "the model did not notice: {fault}");
    }
}

/// Older tokens that are let through, or revocations that are overlooked, are found out as well.
#[test]
fn broken_refusals_are_found_out() {
    let broken: [(&str, Rule); 2] = [
        (
            "no reuse at all",
            |row, presented, arrival, now, policy, not_before| match decide_refresh(
                row, presented, arrival, now, policy, not_before,
            ) {
                RefreshDecision::Reuse { .. } => {
                    RefreshDecision::Repeat { cause: RefreshCause::LostRace }
                }
                decision => decision,
            },
        ),
        ("theft forgiven with a refusal", |row, presented, arrival, now, policy, not_before| {
            match decide_refresh(row, presented, arrival, now, policy, not_before) {
                RefreshDecision::Reuse { .. } => {
                    RefreshDecision::Refuse(AuthErrorKind::SessionExpired)
                }
                decision => decision,
            }
        }),
    ];
    for (fault, rule) in broken {
        let found = runner(512).run(&plans(hostile_action()), hostile(rule)).is_err();
        assert!(found, "the model did not notice: {fault}");
    }
}
