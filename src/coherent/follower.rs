//! Following a store's feed: news are applied, gaps are noticed, and trust is earned.

use std::time::Duration;

use crate::coherent::coherence::Core;
use crate::store::Feed;
use crate::store::FeedPosition;
use crate::store::StoreResult;
use crate::time::Monotonic;

/// Changes asked for at once.
const CHANGES_PER_PAGE: u32 = 1_000;
/// Blacklist entries asked for at once while reading all of them.
const ENTRIES_PER_PAGE: u32 = 5_000;
/// Entries said again with one call.
const RETOLD_PER_CALL: usize = 500;
/// How often a shared store is asked for its time.
const TIME_EVERY: Duration = Duration::from_secs(30);

/// What a feed is followed for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Sessions and blacklist, in one store.
    Both,
    Blacklist,
    Sessions,
}

impl Role {
    const fn sessions(self) -> bool {
        !matches!(self, Self::Blacklist)
    }

    const fn blacklist(self) -> bool {
        !matches!(self, Self::Sessions)
    }
}

/// Where one feed has been followed to. Any older state is as good to go on from, so it may be
/// cloned, kept, and taken up by another task.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    feed: Feed,
    role: Role,
    position: Option<FeedPosition>,
    reading: Reading,
    /// Whether the store may have forgotten what was revoked lately.
    retell: bool,
    time_told_at: Option<Monotonic>,
}

/// How far the whole blacklist has been read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reading {
    Done,
    After(Option<u64>),
}

impl Follower {
    pub(super) fn new(feed: Feed, role: Role) -> Self {
        let (position, time_told_at) = (None, None);
        Self { feed, role, position, reading: Reading::Done, retell: false, time_told_at }
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }

    /// Whether the next step is due at once.
    pub(super) fn has_more(&self) -> bool {
        self.reading != Reading::Done
    }

    /// Hears everything there is to hear, and reads on in the blacklist if it is not read yet.
    /// Whether there was news.
    pub(super) async fn step(&mut self, core: &Core) -> StoreResult<bool> {
        if self.role.blacklist() && core.tasks.takes_reread() {
            self.reading = Reading::After(None);
        }
        self.ask_time(core).await?;
        let position = match self.position.take() {
            Some(position) => position,
            None => self.join(core).await?,
        };
        let news = self.catch_up(core, position).await?;
        self.read_on(core).await?;
        Ok(news)
    }

    /// Steps until memory is trusted.
    pub(super) async fn catch_up_fully(&mut self, core: &Core) -> StoreResult<()> {
        loop {
            self.step(core).await?;
            if !self.has_more() {
                // Once more: trust counts from a question sent after everything was read.
                self.step(core).await?;
                return Ok(());
            }
        }
    }

    /// Returns when there may be news, at the latest after `patience`.
    pub(super) async fn wait(&self, patience: Duration) -> StoreResult<()> {
        match &self.position {
            Some(position) => self.feed.wait(position, patience).await,
            None => Ok(()),
        }
    }

    /// Finds the end of the feed. What was read before that is not covered by it.
    async fn join(&mut self, core: &Core) -> StoreResult<FeedPosition> {
        let position = self.feed.tail().await?;
        self.begin(core);
        Ok(position)
    }

    fn begin(&mut self, core: &Core) {
        if self.role.sessions() {
            core.void_sessions();
        }
        if self.role.blacklist() {
            core.replica.begin();
            self.reading = Reading::After(None);
        }
    }

    async fn catch_up(&mut self, core: &Core, mut position: FeedPosition) -> StoreResult<bool> {
        let mut news = false;
        loop {
            core.tasks.beat();
            let sent = core.clock.read().monotonic;
            let answer = self.feed.changes(&position, CHANGES_PER_PAGE).await;
            let page = match answer {
                Ok(page) => page,
                Err(error) => {
                    self.position = Some(position);
                    return Err(error);
                }
            };
            if page.gap {
                self.report_gap(&position, &page.next);
                self.begin(core);
                self.retell = true;
            }
            for change in &page.changes {
                core.apply(change);
            }
            let moved = page.next != position;
            news |= moved;
            position = page.next;
            self.position = Some(position.clone());
            self.retell(core).await?;
            if page.at_tail {
                self.extend(core, sent);
                return Ok(news);
            }
            if !moved {
                // Neither the end nor anything to go on with: not trusted, asked again later.
                return Ok(news);
            }
        }
    }

    fn extend(&self, core: &Core, sent: Monotonic) {
        if self.role.sessions() {
            core.trust.extend(sent);
        }
        if self.role.blacklist() {
            core.replica.extend(sent);
        }
    }

    /// How long ago the end of the feed was last known, for the metric.
    pub(super) fn lag(&self, core: &Core) -> Duration {
        let at = core.clock.read().monotonic;
        if self.role.sessions() { core.trust.lag(at) } else { core.replica.lag(at) }
    }

    fn report_gap(&self, from: &FeedPosition, to: &FeedPosition) {
        let is_same_store = from.incarnation() == to.incarnation();
        tracing::warn!(
            store = self.feed.name(),
            is_same_store,
            from = from.sequence(),
            to = to.sequence(),
            "the feed has a gap; cached sessions are void and the blacklist is read again"
        );
    }

    /// Reads one page of the whole blacklist, if it is being read.
    async fn read_on(&mut self, core: &Core) -> StoreResult<()> {
        let Reading::After(after) = self.reading else { return Ok(()) };
        core.tasks.beat();
        let page = core.stores.blacklist.blacklist_page(after, ENTRIES_PER_PAGE).await?;
        core.replica.add(&page.entries);
        core.replica.raise(&page.not_before);
        if page.next.is_some() && page.next != after {
            self.reading = Reading::After(page.next);
        } else {
            self.reading = Reading::Done;
            core.replica.complete();
            tracing::debug!(entries = core.replica.len(), "the blacklist was read");
        }
        Ok(())
    }

    /// Says again what was revoked lately to a store that may have forgotten it. Idempotent, like
    /// the writes it consists of; done before anything of that store is trusted.
    async fn retell(&mut self, core: &Core) -> StoreResult<()> {
        if !self.retell {
            return Ok(());
        }
        let moment = core.clock.read();
        let kept = core.recent.all(moment.monotonic);
        if self.role.blacklist() {
            let entries: Vec<_> = kept.entries.into_iter().map(|(_, entry)| entry).collect();
            for some in entries.chunks(RETOLD_PER_CALL) {
                core.tasks.beat();
                core.stores.blacklist.add_to_blacklist(some.to_vec()).await?;
            }
            for (_, instant) in kept.instants {
                core.tasks.beat();
                core.stores.blacklist.raise_not_before(instant).await?;
            }
        }
        if self.role.sessions() {
            for (key, reason) in kept.reasons {
                core.tasks.beat();
                core.stores.sessions.revoke(key, reason, moment.now).await?;
            }
        }
        self.retell = false;
        Ok(())
    }

    /// Learns the store's time, which is the time of all nodes that share it.
    async fn ask_time(&mut self, core: &Core) -> StoreResult<()> {
        let sent = core.clock.read().monotonic;
        let is_due = self.time_told_at.is_none_or(|told| sent.since(told) >= TIME_EVERY);
        if self.feed.is_shared() && self.role.sessions() && is_due {
            core.clock.learn(self.feed.now().await?, sent);
            self.time_told_at = Some(sent);
        }
        Ok(())
    }
}
