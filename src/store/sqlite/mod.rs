//! The embedded store: one SQLite file, shared by the processes of one machine.
//!
//! | file | does |
//! |---|---|
//! | `live` | opens the file: connections, schema |
//! | `file` | creates the file, and knows it again |
//! | `migrate` | runs the planned migrations |
//! | `writer` | commits what is waiting, together |
//! | `readers` | lends connections that only read |
//! | `sessions`, `session_writes`, `keys`, `blacklist`, `feed` | the three contracts |
//! | `statements`, `rows`, `error` | SQL, its rows, its faults |

mod blacklist;
mod error;
mod feed;
mod file;
mod keys;
mod live;
mod migrate;
mod readers;
mod rows;
mod session_writes;
mod sessions;
mod statements;
mod writer;
#[cfg(test)]
mod writer_faults;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use tokio::sync::OnceCell;

use crate::store::StoreResult;
use crate::store::sql;
use crate::store::sql::MigrationStatus;
use crate::store::sqlite::live::Live;
use crate::store::sqlite::live::Settings;
use crate::store::sqlite::live::discard;
use crate::store::sqlite::migrate::MIGRATIONS;

/// A store in one SQLite file: nothing to install, nothing to run.
///
/// For a single machine. Several processes may use the file at once, each through its own
/// `SqliteStore`; each sees what the others write within about 25 milliseconds. A network file
/// system is no place for it.
///
/// [`open`](Self::open) does nothing but remember the path, so it works outside a runtime; the
/// first use connects, creates the file and its schema, and reports what is wrong with them. A
/// fault is not remembered: the next use tries again. Clones are handles on the same connections.
/// The handle serves any runtime, also several one after the other: its work is done on threads
/// of its own. The last handle that is dropped ends them, after what was queued.
///
/// The file may be the application's own database: tables begin with `segue_`. It is switched to
/// write-ahead logging, which is permanent and which other programs that have the file open
/// notice. A new file belongs to its owner alone (mode 0600); an existing one keeps its mode. The
/// directory must exist.
///
/// # Durability
///
/// What was acknowledged survives the death of the process at any instant. It also survives a loss
/// of power if the store is [`durable`](Self::durable), which waits for the disk at every commit.
/// Without, the last moments before a loss of power may be missing: the file is sound, but a
/// revocation of that moment has to be repeated, and a session that was rotated then is recognised
/// as ahead of its store and goes on.
///
/// # What an attacker could try
///
/// Read the file: it holds digests of what clients hold, no usable token, but also user ids,
/// addresses and device names. Keep it and its `-wal` companion as private as the database of the
/// application, and its backups with it. Restore an old backup: revoked sessions are live again,
/// so raise the global not-before instant afterwards.
///
/// ```
/// use segue::SqliteStore;
/// use segue::store::ChangeFeed;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.db");
/// let store = SqliteStore::open(path); // no file yet
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// store.connect().await?; // the first use would do the same
/// # Ok::<_, segue::StoreError>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteStore(Arc<Shared>);

struct Shared {
    settings: Settings,
    // Replaced as a whole once what it holds is over.
    live: Mutex<Arc<OnceCell<Arc<Live>>>>,
    opened_before: AtomicBool,
}

impl SqliteStore {
    /// The store in the file at this path, relative to the directory the process is in now.
    ///
    /// There is no in-memory database (`:memory:`), which could not be shared by the connections
    /// of one store: use [`MemoryStore`](crate::MemoryStore).
    #[must_use]
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let absolute = match path.to_str() {
            None => Err("the path of a SQLite database must be UTF-8"),
            Some("") => Err("the path of the SQLite database is empty"),
            Some(":memory:") => Err("there is no SQLite store in memory: use MemoryStore"),
            Some(_) => std::path::absolute(path).map_err(|_| "the path can't be made absolute"),
        };
        Self::with(Settings { path: absolute, durable: false })
    }

    /// Waits for the disk at every commit, so that nothing acknowledged is lost with the power.
    ///
    /// Costs one disk flush for each group of writes: about 0.1 ms on a good disk, 10 ms on a
    /// bad one.
    #[must_use]
    pub fn durable(self) -> Self {
        Self::with(Settings { durable: true, ..self.0.settings.clone() })
    }

    /// Runs every missing step of the schema. Connecting does the same; this is for deployments
    /// that do it beforehand.
    ///
    /// # Errors
    ///
    /// As for connecting: see [`StoreErrorKind`](crate::StoreErrorKind). Either all missing steps
    /// were run or none.
    pub async fn migrate_up(&self) -> StoreResult<MigrationStatus> {
        self.live().await?;
        self.migration_status().await
    }

    /// Takes back every step after version `to`, newest first, **with the data in their tables**:
    /// `0` removes everything of segue's from the file.
    ///
    /// For going back to an older version of segue, which this version has to prepare, since only
    /// it knows how. Stop the other processes first: what they do meanwhile fails. The next use of
    /// the store runs the missing steps again.
    ///
    /// # Errors
    ///
    /// [`NewerSchema`](crate::StoreErrorKind::NewerSchema) if a step after `to` is unknown to this
    /// version. Either all steps were taken back or none.
    pub async fn migrate_down(&self, to: u32) -> StoreResult<MigrationStatus> {
        self.close().await;
        if !self.0.settings.path()?.exists() {
            return self.migration_status().await;
        }
        let mut connection = self.0.settings.connect_apart().await?;
        let done = migrate::down(&mut connection, MIGRATIONS, to).await;
        discard(connection).await;
        done?;
        self.0.opened_before.store(false, Ordering::Relaxed);
        self.migration_status().await
    }

    /// Which steps of the schema were run. Changes nothing; a file that does not exist has none.
    ///
    /// # Errors
    ///
    /// If the file can't be opened or is no database.
    pub async fn migration_status(&self) -> StoreResult<MigrationStatus> {
        if !self.0.settings.path()?.exists() {
            return Ok(sql::status(MIGRATIONS, &[]));
        }
        let mut connection = self.0.settings.connect_apart().await?;
        let applied = migrate::history(&mut connection).await;
        discard(connection).await;
        Ok(sql::status(MIGRATIONS, &applied?))
    }

    /// Finishes what is queued and closes every connection, for all clones.
    ///
    /// Dropping the last handle does the same without waiting for it. The next use opens the file
    /// again.
    pub async fn close(&self) {
        let cell = std::mem::take(&mut *self.cell());
        if let Some(live) = cell.get() {
            live.close().await;
        }
    }

    fn with(settings: Settings) -> Self {
        Self(Arc::new(Shared {
            settings,
            live: Mutex::default(),
            opened_before: AtomicBool::new(false),
        }))
    }

    /// The opened database, after a look whether it still is the one at the path; opens it at the
    /// first use.
    async fn live(&self) -> StoreResult<Arc<Live>> {
        let cell = Arc::clone(&self.cell());
        let live = cell.get_or_try_init(|| self.open_live()).await?;
        if !live.is_over()? {
            return Ok(Arc::clone(live));
        }
        self.forget(live);
        let cell = Arc::clone(&self.cell());
        cell.get_or_try_init(|| self.open_live()).await.cloned()
    }

    async fn open_live(&self) -> StoreResult<Arc<Live>> {
        let opened_before = self.0.opened_before.load(Ordering::Relaxed);
        let live = Live::open(&self.0.settings, opened_before).await?;
        self.0.opened_before.store(true, Ordering::Relaxed);
        Ok(Arc::new(live))
    }

    /// Opens anew at the next look, unless somebody has done so already.
    fn forget(&self, over: &Arc<Live>) {
        let mut cell = self.cell();
        if cell.get().is_some_and(|live| Arc::ptr_eq(live, over)) {
            *cell = Arc::default();
        }
    }

    fn cell(&self) -> std::sync::MutexGuard<'_, Arc<OnceCell<Arc<Live>>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { path, durable } = &self.0.settings;
        let path = path.as_deref().unwrap_or(Path::new(""));
        f.debug_struct("SqliteStore").field("path", &path).field("durable", durable).finish()
    }
}
