//! Every store keeps every promise of the contract.

use segue::MemoryStore;
use segue::store::FaultyStore;
#[cfg(feature = "sqlite")]
use segue::store::SqliteStore;
use segue::store::conformance::Handles;

async fn fresh_memory() -> Handles<MemoryStore> {
    let store = MemoryStore::new();
    Handles::new(store.clone(), store)
}

async fn fresh_faulty() -> Handles<FaultyStore<MemoryStore>> {
    let store = FaultyStore::new(MemoryStore::new());
    Handles::new(store.clone(), store)
}

segue::conformance_suite!(memory, fresh_memory);
// A wrapper without faults behaves as what it wraps.
segue::conformance_suite!(faulty, fresh_faulty);

#[cfg(feature = "sqlite")]
async fn fresh_sqlite() -> Handles<SqliteStore> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segue.db");
    Handles::new(SqliteStore::open(&path), SqliteStore::open(&path)).keeping(directory)
}

#[cfg(feature = "sqlite")]
segue::conformance_suite!(sqlite, fresh_sqlite);
