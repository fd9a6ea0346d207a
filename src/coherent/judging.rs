//! The blacklist: judged from memory, asked of the store.

use std::sync::Arc;
use std::time::Duration;

use crate::blacklist::BlacklistKey;
use crate::coherent::CachedSession;
use crate::coherent::coherence::Core;
use crate::coherent::coherence::unshare;
use crate::error::AuthErrorKind;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::session::RevokeReason;
use crate::store::BlacklistAnswer;
use crate::store::BlacklistQuery;
use crate::store::Change;
use crate::store::StoreResult;
use crate::time::Moment;
use crate::time::Monotonic;
use crate::time::Timestamp;

/// A revocation is worth remembering for as long as the feed keeps it.
const RECENT: Duration = Duration::from_secs(600);

/// What is asked of the store: questions that are the same are asked once.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Question {
    keys: Vec<BlacklistKey>,
    user: Option<UserId>,
}

impl Core {
    pub(super) fn replica_is_trusted(&self, at: Monotonic) -> bool {
        self.config.is_cached() && self.replica.is_trusted(at, self.config.trust())
    }

    pub(super) fn judge_session(
        &self,
        session: &CachedSession,
        moment: Moment,
    ) -> Option<AuthErrorKind> {
        let (now, idle) = (moment.now, self.config.idle);
        // Before judging: what is added meanwhile makes the memo void.
        let epoch = self.replica.epoch();
        let mut not_before = None;
        if !session.is_judged(epoch) {
            not_before = self.replica.not_before(Some(session.user()));
            if !session.is_dead_by(not_before) {
                session.note_judged(epoch);
            }
        }
        session.refusal(now, idle, not_before).or_else(|| {
            let known = self.replica_is_trusted(moment.monotonic)
                || session.was_checked_within(moment.monotonic, self.config.trust());
            (!known).then_some(AuthErrorKind::StoreUnavailable)
        })
    }

    pub(super) fn judge_blacklist(
        &self,
        keys: &[BlacklistKey],
        user: Option<&UserId>,
        moment: Moment,
    ) -> Option<BlacklistAnswer> {
        // Before looking: an answer that is complete now was complete enough then.
        let trusted = self.replica_is_trusted(moment.monotonic);
        let answer = self.replica.look_up(keys, user);
        (trusted || answer.listed).then_some(answer)
    }

    pub(super) async fn query_blacklist(
        &self,
        query: BlacklistQuery,
        moment: Moment,
        stale_ok: Duration,
    ) -> StoreResult<BlacklistAnswer> {
        if let Some(answer) = self.judge_blacklist(&query.keys, query.user.as_ref(), moment) {
            return Ok(answer);
        }
        let question = Question { keys: query.keys, user: query.user };
        match self.ask_blacklist(&question).await {
            Ok(answer) => Ok(self.merge(answer, &question)),
            Err(_) if self.replica.was_complete_within(moment.monotonic, stale_ok) => {
                Ok(self.replica.look_up(&question.keys, question.user.as_ref()))
            }
            Err(error) => Err(error),
        }
    }

    /// What the store and memory know at this moment.
    pub(super) async fn query_store(&self, query: BlacklistQuery) -> StoreResult<BlacklistAnswer> {
        let question = Question { keys: query.keys, user: query.user };
        let answer = self.send(&question).await?;
        Ok(self.merge(answer, &question))
    }

    /// The user's not-before instant as the store and memory know it.
    pub(super) async fn ask_not_before(&self, user: &UserId) -> StoreResult<Option<Timestamp>> {
        let query = BlacklistQuery { keys: Vec::new(), user: Some(user.clone()) };
        Ok(self.query_store(query).await?.not_before)
    }

    async fn ask_blacklist(&self, question: &Question) -> StoreResult<BlacklistAnswer> {
        if !self.config.is_cached() {
            return self.send(question).await;
        }
        let (epoch, now) = (self.replica.epoch(), self.clock.read().monotonic);
        let ask = || async {
            let _turn = self.turn("query blacklist").await.map_err(Arc::new)?;
            self.send(question).await.map_err(Arc::new)
        };
        let bound = self.config.staleness_max;
        let answer = self.questions.join(question.clone(), epoch, now, bound, ask).await;
        answer.map_err(|error| unshare(&error))
    }

    async fn send(&self, question: &Question) -> StoreResult<BlacklistAnswer> {
        let query = BlacklistQuery { keys: question.keys.clone(), user: question.user.clone() };
        self.stores.blacklist.query_blacklist(query).await
    }

    /// What memory lists stays listed, and the later instant counts: the store may have failed
    /// over to a replica that lags behind.
    fn merge(&self, answer: BlacklistAnswer, question: &Question) -> BlacklistAnswer {
        let known = self.replica.look_up(&question.keys, question.user.as_ref());
        BlacklistAnswer {
            listed: answer.listed || known.listed,
            not_before: answer.not_before.max(known.not_before),
        }
    }

    /// Takes in a change: this node's own, or one from the feed.
    pub(super) fn apply(&self, change: &Change) {
        let at = self.clock.read().monotonic;
        match change {
            Change::Blacklisted(entry) => {
                if self.replica.add(std::slice::from_ref(entry)) {
                    self.recent.note_entry(*entry, at);
                }
            }
            Change::NotBefore(instant) => {
                if self.replica.raise(std::slice::from_ref(instant)) {
                    self.recent.note_not_before(instant.clone(), at);
                }
            }
            Change::Session(key) => self.forget_session(key),
        }
    }

    /// Keeps a revocation that was met, if it happened lately.
    pub(super) fn note_if_recent(&self, key: SessionKey, reason: RevokeReason, at: Timestamp) {
        let moment = self.clock.read();
        if moment.now.since(at) <= RECENT {
            self.recent.note_revoked(key, reason, moment.monotonic);
            self.behind.forget(&key);
        }
    }
}
