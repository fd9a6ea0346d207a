//! A store that can be made to fail, over either of the built-in ones.

use segue::AuthBuilder;
use segue::MemoryStore;
use segue::SessionRecord;
use segue::SessionStore;
use segue::StoreErrorKind;
use segue::UserId;
use segue::store::Fault;
use segue::store::FaultyStore;
use segue::store::SqliteStore;

/// The handle of a test on the store of one node.
#[derive(Clone, Debug)]
pub enum Faulty {
    Memory(FaultyStore<MemoryStore>),
    Sqlite(FaultyStore<SqliteStore>),
}

macro_rules! either_store {
    ($self:ident, $store:ident => $body:expr) => {
        match $self {
            Faulty::Memory($store) => $body,
            Faulty::Sqlite($store) => $body,
        }
    };
}

impl Faulty {
    pub fn attach(&self, builder: AuthBuilder) -> AuthBuilder {
        either_store!(self, store => builder.store(store.clone()))
    }

    /// Every call fails at once.
    pub fn break_down(&self) {
        self.inject(Fault::Fail(StoreErrorKind::Unavailable));
    }

    pub fn inject(&self, fault: Fault) {
        either_store!(self, store => store.inject(fault));
    }

    pub fn inject_only(&self, operation: &str, fault: Fault) {
        either_store!(self, store => store.inject_only(operation, fault));
    }

    pub fn inject_times(&self, operation: &str, fault: Fault, times: u32) {
        either_store!(self, store => store.inject_times(operation, fault, times));
    }

    pub fn heal(&self) {
        either_store!(self, store => store.heal());
    }

    pub async fn held(&self, calls: usize) {
        either_store!(self, store => store.held(calls).await);
    }

    pub fn calls(&self, operation: &str) -> u64 {
        either_store!(self, store => store.calls(operation))
    }

    /// The calls that requests make. Those of start-up and of the tasks in the background, which
    /// come at their own pace, do not count.
    pub fn request_calls(&self) -> u64 {
        const REQUEST: [&str; 12] = [
            "insert session",
            "load session",
            "rotate session",
            "count grace answer",
            "revoke session",
            "update session",
            "touch sessions",
            "list sessions",
            "find session",
            "add to blacklist",
            "raise not-before",
            "query blacklist",
        ];
        REQUEST.iter().map(|operation| self.calls(operation)).sum()
    }

    pub fn reset_calls(&self) {
        either_store!(self, store => store.reset_calls());
    }

    /// All rows of a user, read past the faults.
    pub async fn rows(&self, user: &str) -> Vec<SessionRecord> {
        let user = UserId::new(user).unwrap();
        either_store!(self, store => store.inner().list(&user, None, 1_000).await.unwrap())
    }

    /// The only row of a user.
    pub async fn row(&self, user: &str) -> SessionRecord {
        let mut rows = self.rows(user).await;
        assert_eq!(rows.len(), 1, "{user} has one session");
        rows.remove(0)
    }
}
