//! The steps of one refresh request, and what must hold at each of them.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use segue::KeyVersion;
use segue::RefreshCause;
use segue::RefreshDecision;
use segue::RevokeReason;
use segue::SessionRecord;
use segue::SessionStore;
use segue::Timestamp;
use segue::store::Rotated;
use segue::store::Rotation;

use super::machine::KEY;
use super::machine::Model;
use super::machine::ready;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Client {
    Owner,
    Thief,
}

#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) client: Client,
    pub(super) presented: u64,
    pub(super) arrival: Timestamp,
    pub(super) key_version: KeyVersion,
    pub(super) stage: Stage,
}

#[derive(Clone, Debug)]
pub(super) enum Stage {
    Arrived,
    Decided { row: Box<SessionRecord>, at: Timestamp, decision: RefreshDecision },
    Answered(Option<u64>),
}

impl Flight {
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Answered(_))
    }
}

impl Model {
    pub(super) fn step(&mut self, index: usize) -> TestCaseResult {
        let flight = self.flights[index].clone();
        self.flights[index].stage = match flight.stage.clone() {
            Stage::Arrived => {
                let (row, now) = (self.row(), self.now);
                let decision =
                    (self.rule)(&row, flight.presented, flight.arrival, now, &self.policy, None);
                Stage::Decided { row: Box::new(row), at: now, decision }
            }
            Stage::Decided { row, at, decision } => self.write(&flight, &row, at, decision)?,
            answered @ Stage::Answered(_) => answered,
        };
        Ok(())
    }

    pub(super) fn write(
        &mut self,
        flight: &Flight,
        row: &SessionRecord,
        at: Timestamp,
        decision: RefreshDecision,
    ) -> Result<Stage, TestCaseError> {
        match decision {
            RefreshDecision::Rotate { next, .. } => {
                let rotation = Rotation {
                    key: KEY,
                    expected: row.generation,
                    next,
                    key_version: flight.key_version,
                    now: at,
                    active_after: at.saturating_sub(self.policy.idle),
                    legacy_until: None,
                };
                let Rotated::Done(row) = ready(self.store.rotate(rotation)).unwrap() else {
                    return Ok(Stage::Arrived);
                };
                self.rotations += 1;
                prop_assert!(self.begun.insert(next, at).is_none(), "{next} was begun twice");
                self.give_up(flight.presented, at);
                self.answer(flight, &row, false)
            }
            RefreshDecision::Repeat { cause } => {
                let count = self.store.count_grace(KEY, row.generation, row.grace_uses, 0);
                if !ready(count).unwrap() {
                    return Ok(Stage::Arrived);
                }
                let waited = cause == RefreshCause::LostRace;
                if !waited {
                    self.check_grace(row, at)?;
                }
                self.answer(flight, row, waited)
            }
            RefreshDecision::Reuse { cause } => {
                prop_assert!(
                    self.stolen.is_some(),
                    "honest tabs were taken for a thief: {cause:?}"
                );
                ready(self.store.revoke(KEY, RevokeReason::Reuse, self.now)).unwrap();
                self.ended = true;
                Ok(Stage::Answered(None))
            }
            _ => Ok(Stage::Answered(None)),
        }
    }

    /// The use limit is taken to be higher than the number of honest requests that meet; where the
    /// plan has more, those that did not even arrive before the rotation give up.
    pub(super) fn give_up(&mut self, presented: u64, rotated_at: Timestamp) {
        let rivals = |flight: &&mut Flight| flight.is_open() && flight.presented == presented;
        let count = self.flights.iter_mut().filter(rivals).count();
        if self.stolen.is_none() && count > self.policy.grace_uses_max as usize {
            for flight in self.flights.iter_mut().filter(rivals) {
                if flight.arrival >= rotated_at {
                    flight.stage = Stage::Answered(None);
                }
            }
        }
    }

    /// The window starts with the generation, never slides, and the count has its limit.
    pub(super) fn check_grace(&mut self, row: &SessionRecord, at: Timestamp) -> TestCaseResult {
        let age = at.since(self.begun[&row.generation]);
        prop_assert!(age < self.policy.grace_window, "a grace answer {age:?} after the rotation");
        let answers = self.grace_answers.entry(row.generation).or_default();
        *answers += 1;
        prop_assert!(*answers <= self.policy.grace_uses_max, "{answers} grace answers");
        Ok(())
    }

    /// What is answered with is the one token of a generation, and the one successor of what was
    /// presented; only who waited through several rotations is brought to the newest.
    pub(super) fn answer(
        &mut self,
        flight: &Flight,
        row: &SessionRecord,
        waited: bool,
    ) -> Result<Stage, TestCaseError> {
        prop_assert!(!self.ended, "a token was given out after the end of the session");
        let token = *self.tokens.entry(row.generation).or_insert(row.key_version);
        prop_assert_eq!(token, row.key_version, "two tokens of generation {}", row.generation);
        prop_assert!(row.generation > flight.presented, "an answer leads forward");
        if !waited {
            let first = *self.successors.entry(flight.presented).or_insert(row.generation);
            prop_assert_eq!(first, row.generation, "two successors of {}", flight.presented);
        }
        Ok(Stage::Answered(Some(row.generation)))
    }

    pub(super) fn check(&self) -> TestCaseResult {
        let row = self.row();
        prop_assert_eq!(row.generation, self.rotations, "every rotation is one generation");
        prop_assert_eq!(row.expires_at, self.expires_at, "the absolute end never moves");
        prop_assert_eq!(row.revoked.is_some(), self.ended, "the end is final");
        let begun = row.rotated_at.unwrap_or(row.created_at);
        prop_assert_eq!(Some(&begun), self.begun.get(&row.generation), "the window slid");
        Ok(())
    }
}
