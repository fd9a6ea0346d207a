//! A thread's own copies of the sessions it served last, so that threads which serve one hot
//! session do not wait for each other's cache lines.

use std::cell::RefCell;
use std::sync::Arc;

use crate::coherent::session::CachedSession;
use crate::coherent::session::Row;

/// Sessions a thread keeps, one to each place.
const PLACES: usize = 256;

thread_local! {
    static LOCAL: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

/// What one place holds.
#[derive(Default)]
struct Place {
    copy: Option<Copy>,
    /// Which session came by last without being kept. Only one that comes twice in a row is kept:
    /// keeping each would throw a hot one out for every one that passes, and cost two accesses to
    /// cold memory to let go of the one before.
    passing: u64,
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
    let make = || find().filter(|row| is_good(row)).map(CachedSession::new);
    let serve = |local: &RefCell<Vec<Place>>| {
        let Ok(mut places) = local.try_borrow_mut() else {
            // `f` of an outer call is asking about another session.
            return make().map(|session| f(&session));
        };
        if places.is_empty() {
            places.resize_with(PLACES, Place::default);
        }
        let place = &mut places[usize::try_from(hash).unwrap_or(0) % PLACES];
        match &place.copy {
            Some(copy) if copy.serves(table, secret) && is_good(copy.session.row()) => {
                return Some(f(&copy.session));
            }
            _ => {}
        }
        let session = make()?;
        let answer = f(&session);
        if place.passing == hash {
            place.copy = Some(Copy { table, session });
        }
        place.passing = hash;
        Some(answer)
    };
    // A thread that is ending has no copies any more: nothing is cached, then.
    LOCAL.try_with(serve).ok().flatten()
}

impl Copy {
    fn serves(&self, table: u64, secret: &[u8; 16]) -> bool {
        self.table == table && self.session.row().secret == *secret
    }
}
