//! A thread's own copies of the sessions it served last, so that threads which serve one hot
//! session do not wait for each other's cache lines.

use std::cell::RefCell;
use std::sync::Arc;

use crate::coherent::session::CachedSession;
use crate::coherent::session::Row;

/// Sessions a thread keeps, one to each place.
const PLACES: usize = 256;

thread_local! {
    static LOCAL: RefCell<Vec<Option<Copy>>> = const { RefCell::new(Vec::new()) };
}

struct Copy {
    /// Which table it is of: threads serve several.
    table: u64,
    session: CachedSession,
}

/// Hands the session to `f`: the thread's own copy if it is good, else one made from what `find`
/// returns. `None` if there is none that is good.
///
/// A copy is judged by `is_good` each time, so that nothing has to be told to other threads when a
/// session changes.
pub(super) fn with<R>(
    table: u64,
    hash: u64,
    secret: &[u8; 16],
    is_good: impl Fn(&Row) -> bool,
    find: impl FnOnce() -> Option<Arc<Row>>,
    f: impl FnOnce(&CachedSession) -> R,
) -> Option<R> {
    let serve = |local: &RefCell<Vec<Option<Copy>>>| {
        let Ok(mut places) = local.try_borrow_mut() else {
            // `f` of an outer call is asking about another session.
            let row = find().filter(|row| is_good(row))?;
            return Some(f(&CachedSession::new(row)));
        };
        if places.is_empty() {
            places.resize_with(PLACES, || None);
        }
        let place = &mut places[usize::try_from(hash).unwrap_or(0) % PLACES];
        let copy = match place {
            Some(copy) if copy.serves(table, secret) && is_good(copy.session.row()) => copy,
            place => {
                let row = find().filter(|row| is_good(row))?;
                place.insert(Copy { table, session: CachedSession::new(row) })
            }
        };
        Some(f(&copy.session))
    };
    // A thread that is ending has no copies any more: nothing is cached, then.
    LOCAL.try_with(serve).ok().flatten()
}

impl Copy {
    fn serves(&self, table: u64, secret: &[u8; 16]) -> bool {
        self.table == table && self.session.row().secret == *secret
    }
}
