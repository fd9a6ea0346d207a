//! A store, a clock and a keyring that several nodes share.

use segue::Auth;
use segue::AuthBuilder;
use segue::Clock;
use segue::FlagSet;
use segue::Flags;
use segue::KeyVersion;
use segue::Keyring;
use segue::ManualClock;
use segue::MemoryStore;
use segue::store::FaultyStore;
use segue::store::SqliteStore;
use tempfile::TempDir;

use super::Faulty;
use super::Node;
use super::START;
use super::legacy::legacy_verifier;

/// What the nodes of one test have in common.
#[derive(Debug)]
pub struct World {
    pub clock: ManualClock,
    pub keys: Keyring,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(MemoryStore),
    Sqlite(TempDir),
}

impl World {
    pub fn memory() -> Self {
        let clock = ManualClock::at(START);
        let store = MemoryStore::with_clock(clock.clock());
        Self::at(clock, Place::Memory(store))
    }

    /// Every node opens the file for itself, as processes do.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::at(ManualClock::at(START), Place::Sqlite(directory))
    }

    fn at(clock: ManualClock, place: Place) -> Self {
        let keys = Keyring::generate(KeyVersion::FIRST).unwrap();
        Self { clock, keys, place }
    }

    /// Another, empty store whose nodes have these keys.
    pub fn with_keys(keys: Keyring) -> Self {
        Self { keys, ..Self::memory() }
    }

    /// Another, empty store whose nodes have a fresh key of this version.
    pub fn with_keys_of_version(version: u32) -> Self {
        Self::with_keys(Keyring::generate(KeyVersion::new(version).unwrap()).unwrap())
    }

    /// A node that is ready: joined to the feed, keys registered.
    pub async fn node(&self) -> Node {
        self.node_with(|builder| builder).await
    }

    pub async fn node_with(&self, change: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Node {
        let node = self.cold_node_with(change);
        node.settle().await;
        node
    }

    /// A node that has asked its store nothing yet.
    pub fn cold_node_with(&self, change: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Node {
        self.node_at(self.clock.clock(), change)
    }

    /// A node with legacy sources of its own, or none.
    pub fn node_of(&self, builder: AuthBuilder) -> Node {
        self.assemble(builder.clock(self.clock.clock()), |builder| builder)
    }

    /// A node that goes by a clock of its own.
    pub fn node_at(&self, clock: Clock, change: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Node {
        self.assemble(Auth::builder().legacy(legacy_verifier()).clock(clock), change)
    }

    fn assemble(
        &self,
        builder: AuthBuilder,
        change: impl FnOnce(AuthBuilder) -> AuthBuilder,
    ) -> Node {
        let store = self.store();
        let flags = Flags::fixed(FlagSet::default());
        let builder = store.attach(builder).keys(self.keys.clone()).flags(flags);
        Node { auth: change(builder).build().unwrap(), store, clock: self.clock.clone() }
    }

    /// Another handle on the store, with faults of its own.
    pub fn store(&self) -> Faulty {
        match &self.place {
            Place::Memory(store) => Faulty::Memory(FaultyStore::new(store.clone())),
            Place::Sqlite(_) => {
                Faulty::Sqlite(FaultyStore::new(SqliteStore::open(self.path().unwrap())))
            }
        }
    }

    /// The file, where there is one.
    pub fn path(&self) -> Option<std::path::PathBuf> {
        match &self.place {
            Place::Memory(_) => None,
            Place::Sqlite(directory) => Some(directory.path().join("segue.db")),
        }
    }
}

/// Makes two tests of one: on the memory store, and on SQLite.
macro_rules! either {
    ($(#[$documentation:meta])* $name:ident, $world:ident => $body:block) => {
        mod $name {
            use super::*;

            async fn test($world: World) $body

            $(#[$documentation])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn memory() {
                test(World::memory()).await;
            }

            $(#[$documentation])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(World::sqlite()).await;
            }
        }
    };
}

pub(crate) use either;
