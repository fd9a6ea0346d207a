//! The coherent cache: revocation within a second on every node, without a read per request.
//!
//! Reading the store for every request is slow; trusting a copy for minutes is late. Here every
//! node follows the store's feed of changes, and trusts its copies for as long as it knows that it
//! has heard everything: while a question whose answer reached the end of the feed was *sent* no
//! longer ago than the staleness bound. Otherwise it reads, once per session and bound.
//!
//! ```text
//! request ─▶ with_session ──▶ this thread's copies ──▶ table ──▶ load_session ──▶ store
//!                  │               each is good while                 │
//!                  ▼               · its key's stamp stands           └─ one load at a time,
//!            judge_session         · the feed is trusted, or              detached by news
//!                  │                 it was read within the bound
//!                  ▼               · it is younger than a minute
//!               replica ◀── follower ◀── feed
//! ```
//!
//! | file | what it is for |
//! |---|---|
//! | `config.rs` | bounds and mode |
//! | `coherence.rs` | the handle |
//! | `sessions.rs` | sessions: found, loaded, forgotten |
//! | `judging.rs` | the blacklist: judged from memory, asked of the store |
//! | `stamps.rs` | the rule that voids what was read before a change |
//! | `trust.rs` | how far memory is as good as the store |
//! | `session.rs`, `memo.rs` | a cached session, and the token last verified for it |
//! | `table.rs`, `local.rs`, `absent.rs` | where sessions are kept: all threads, one thread, none |
//! | `loads.rs` | one question however many ask |
//! | `replica.rs`, `listed.rs` | the blacklist in memory |
//! | `follower.rs`, `recent.rs` | following the feed, and what is said again after a failover |
//! | `behind.rs`, `sweep.rs` | last-seen written behind, dead rows purged |
//! | `tasks.rs`, `backoff.rs` | the background tasks |
//!
//! What an attacker could try: use a session in the moment between its revocation and the news of
//! it (the bound), race a revocation with a load (the stamp), cut the node off from the feed
//! (trust ends, the store is read), or flood it with tokens (only genuine ones get this far, and
//! everything here is bounded).

mod absent;
mod backoff;
mod behind;
mod coherence;
mod config;
mod follower;
mod judging;
mod listed;
mod loads;
mod local;
mod memo;
mod recent;
mod replica;
mod session;
mod sessions;
mod stamps;
mod sweep;
mod table;
mod tasks;
#[cfg(test)]
#[cfg(feature = "test-util")]
mod tests;
mod trust;

pub(crate) use coherence::Coherence;
pub(crate) use config::CoherenceConfig;
pub(crate) use config::ReadMode;
pub(crate) use config::Stores;
pub(crate) use session::CachedSession;
