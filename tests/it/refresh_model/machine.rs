//! The session, its clients and the time between them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use segue::Device;
use segue::KeyVersion;
use segue::MemoryStore;
use segue::RefreshDecision;
use segue::RevokeReason;
use segue::Scopes;
use segue::SessionData;
use segue::SessionKey;
use segue::SessionPolicy;
use segue::SessionRecord;
use segue::SessionStore;
use segue::Timestamp;
use segue::UserId;
use segue::store::Inserted;
use segue::store::NewSession;

use super::request::Client;
use super::request::Flight;
use super::request::Stage;

pub(super) const KEY: SessionKey = SessionKey::from_bytes([7; 32]);
pub(super) const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
/// The longest time from a request's arrival to its last write.
pub(super) const PROCESS_MAX: Duration = Duration::from_secs(5);
/// Honest requests meet within this window: one may take so long from its decision to its write,
/// and another, which arrived just before that write, as long again.
pub(super) const WINDOW_MIN: Duration = Duration::from_secs(2 * PROCESS_MAX.as_secs() + 1);
/// An honest client does not renew a token that is younger.
pub(super) const RENEW_AFTER: Duration = Duration::from_secs(60);
pub(super) const FLIGHTS_MAX: usize = 10;

pub(super) type Rule = fn(
    &SessionRecord,
    u64,
    Timestamp,
    Timestamp,
    &SessionPolicy,
    Option<Timestamp>,
) -> RefreshDecision;

#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A tab of the owner refreshes with what the browser has.
    Send {
        key_version: u32,
    },
    /// The thief refreshes with what the thief has.
    SendStolen {
        key_version: u32,
    },
    /// The thief copies what the browser has.
    Steal,
    /// One step of one request.
    Step(usize),
    /// An answer reaches its client, in any order.
    Deliver(usize),
    /// An answer gets lost.
    Lose(usize),
    /// Time passes; requests that would take too long are finished first.
    Pass(Duration),
    Logout,
}

pub(super) struct Model {
    pub(super) store: MemoryStore,
    pub(super) rule: Rule,
    pub(super) policy: SessionPolicy,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) flights: Vec<Flight>,
    pub(super) browser: u64,
    pub(super) stolen: Option<u64>,
    pub(super) ended: bool,
    pub(super) rotations: u64,
    // What is known of each generation: its token's key version, and when it began.
    pub(super) tokens: BTreeMap<u64, KeyVersion>,
    pub(super) begun: BTreeMap<u64, Timestamp>,
    // What was answered to each presented generation, waiters apart.
    pub(super) successors: BTreeMap<u64, u64>,
    pub(super) grace_answers: BTreeMap<u64, u32>,
}

impl Model {
    pub(super) fn new(rule: Rule, policy: SessionPolicy) -> Self {
        let store = MemoryStore::new();
        let expires_at = START.saturating_add(policy.absolute);
        let record = SessionRecord {
            key: KEY,
            user: UserId::from(1_u64),
            generation: 0,
            key_version: KeyVersion::FIRST,
            authenticated_at: START,
            created_at: START,
            expires_at,
            rotated_at: None,
            grace_uses: 0,
            foreign_streak: 0,
            last_seen_at: START,
            revoked: None,
            scopes: Scopes::none(),
            data: SessionData::default(),
            device: Device::default(),
            exchanged_from: None,
            legacy_until: None,
            revision: 0,
        };
        let new = NewSession {
            record,
            sessions_max: 1,
            idle: policy.idle,
            supersedes: None,
            exchanges_max: 1,
        };
        let inserted = ready(store.insert(new)).unwrap();
        assert_eq!(inserted, Inserted::Created { revoked: Vec::new() });
        Self {
            store,
            rule,
            policy,
            now: START.saturating_add(RENEW_AFTER),
            expires_at,
            flights: Vec::new(),
            browser: 0,
            stolen: None,
            ended: false,
            rotations: 0,
            tokens: BTreeMap::from([(0, KeyVersion::FIRST)]),
            begun: BTreeMap::from([(0, START)]),
            successors: BTreeMap::new(),
            grace_answers: BTreeMap::new(),
        }
    }

    pub(super) fn row(&self) -> SessionRecord {
        ready(self.store.load(KEY)).unwrap().unwrap()
    }

    pub(super) fn run(&mut self, actions: &[Action]) -> TestCaseResult {
        for action in actions {
            self.act(action)?;
            self.check()?;
        }
        while !self.flights.is_empty() {
            self.finish(0)?;
            self.deliver(0);
        }
        self.check()
    }

    pub(super) fn act(&mut self, action: &Action) -> TestCaseResult {
        match *action {
            Action::Send { key_version } => {
                if self.stolen.is_some() || self.is_honest() {
                    self.send(Client::Owner, self.browser, key_version);
                }
            }
            Action::SendStolen { key_version } => {
                if let Some(presented) = self.stolen {
                    self.send(Client::Thief, presented, key_version);
                }
            }
            Action::Steal => self.stolen = Some(self.browser),
            Action::Step(index) => {
                if !self.flights.is_empty() {
                    self.step(index % self.flights.len())?;
                }
            }
            Action::Deliver(index) => self.deliver(index),
            Action::Lose(index) => {
                if let Some(index) = self.answered(index) {
                    self.flights.remove(index);
                }
            }
            Action::Pass(span) => self.pass(span)?,
            Action::Logout => {
                ready(self.store.revoke(KEY, RevokeReason::Logout, self.now)).unwrap();
                self.ended = true;
            }
        }
        Ok(())
    }

    /// Whether an honest browser would refresh now: its token is the current one and has aged, or
    /// it is the predecessor and is tried again while window and count last.
    pub(super) fn is_honest(&self) -> bool {
        let row = self.row();
        let age = self.now.since(row.rotated_at.unwrap_or(row.created_at));
        let waiting = self.flights.iter().filter(|flight| flight.is_open()).count();
        let answers = row.grace_uses + u32::try_from(waiting).unwrap();
        (self.browser == row.generation && age >= RENEW_AFTER)
            || (self.browser + 1 == row.generation
                && age + PROCESS_MAX < self.policy.grace_window
                && answers < self.policy.grace_uses_max)
    }

    pub(super) fn send(&mut self, client: Client, presented: u64, key_version: u32) {
        if self.flights.len() < FLIGHTS_MAX {
            let key_version = KeyVersion::new(key_version).unwrap();
            let (arrival, stage) = (self.now, Stage::Arrived);
            self.flights.push(Flight { client, presented, arrival, key_version, stage });
        }
    }

    pub(super) fn answered(&self, index: usize) -> Option<usize> {
        let index = index.checked_rem(self.flights.len())?;
        matches!(self.flights[index].stage, Stage::Answered(_)).then_some(index)
    }

    pub(super) fn deliver(&mut self, index: usize) {
        let Some(index) = self.answered(index) else { return };
        let flight = self.flights.remove(index);
        if let Stage::Answered(Some(generation)) = flight.stage {
            match flight.client {
                Client::Owner => self.browser = generation,
                Client::Thief => self.stolen = Some(generation),
            }
        }
    }

    pub(super) fn finish(&mut self, index: usize) -> TestCaseResult {
        for _ in 0..100 {
            if !self.flights[index].is_open() {
                return Ok(());
            }
            self.step(index)?;
        }
        prop_assert!(false, "a request that nobody disturbs comes to an end");
        Ok(())
    }

    pub(super) fn pass(&mut self, span: Duration) -> TestCaseResult {
        let later = self.now.saturating_add(span);
        for index in 0..self.flights.len() {
            if later > self.flights[index].arrival.saturating_add(PROCESS_MAX) {
                self.finish(index)?;
            }
        }
        self.now = later;
        Ok(())
    }

    /// One refresh from beginning to end. What it was answered.
    pub(super) fn refresh(
        &mut self,
        client: Client,
        presented: u64,
    ) -> Result<Option<u64>, TestCaseError> {
        self.send(client, presented, 1);
        let index = self.flights.len() - 1;
        self.finish(index)?;
        self.check()?;
        let Stage::Answered(answer) = self.flights[index].stage else { unreachable!() };
        self.deliver(index);
        Ok(answer)
    }
}

/// The answer of a future that never waits, as those of the memory store.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the memory store never waits"),
    }
}
