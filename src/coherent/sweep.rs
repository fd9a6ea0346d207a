//! The sweeper: purges dead rows, a bounded batch at a time.

use tokio::task::yield_now;

use crate::coherent::coherence::Core;
use crate::store::StoreResult;
use crate::time::Timestamp;
use crate::trace::gauge;

/// Rows deleted with one call, so that no other writer waits long.
const ROWS_PER_CALL: u32 = 500;
/// Calls in one round and kind; what is left waits for the next.
const CALLS_MAX: u32 = 200;

/// What one round purged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Swept {
    pub(crate) sessions: u64,
    pub(crate) blacklist: u64,
}

impl Core {
    pub(super) async fn sweep(&self, now: Timestamp) -> StoreResult<Swept> {
        if self.replica.purge(now) {
            self.tasks.want_reread();
        }
        gauge!("segue_cache_sessions", as_f64(self.table.len()));
        gauge!("segue_cache_blacklist_entries", as_f64(self.replica.len()));
        let stores = &self.stores;
        let mut swept = Swept::default();
        for _ in 0..CALLS_MAX {
            let purged = stores.sessions.purge_sessions(now, ROWS_PER_CALL).await?;
            swept.sessions += purged;
            if purged < u64::from(ROWS_PER_CALL) {
                break;
            }
            yield_now().await;
        }
        for _ in 0..CALLS_MAX {
            let purged = stores.blacklist.purge_blacklist(now, ROWS_PER_CALL).await?;
            swept.blacklist += purged;
            if purged < u64::from(ROWS_PER_CALL) {
                break;
            }
            yield_now().await;
        }
        Ok(swept)
    }
}

/// Exact up to four billion, more than any table here holds.
fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
