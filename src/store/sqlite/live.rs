//! An opened database: the writer, the readers and the connection that watches for changes.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteSynchronous;
use tokio::sync::Mutex;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::store::StoreResult;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::error::file_fault;
use crate::store::sqlite::error::open_fault;
use crate::store::sqlite::file;
use crate::store::sqlite::file::FileIdentity;
use crate::store::sqlite::migrate;
use crate::store::sqlite::migrate::MIGRATIONS;
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::statements::DATA_VERSION;
use crate::store::sqlite::statements::JOURNAL_MODE;
use crate::store::sqlite::statements::JOURNAL_MODE_WAL;
use crate::store::sqlite::writer::BUSY_MILLISECONDS_MAX;
use crate::store::sqlite::writer::Patience;
use crate::store::sqlite::writer::Writer;
use crate::time::wall_clock;

/// How long opening waits for others who are opening, migrating or writing.
const OPEN_SECONDS_MAX: u64 = 10;
/// The log file is cut back to this length after a checkpoint.
const JOURNAL_SIZE_BYTES_MAX: &str = "67108864";

/// What to open, and how.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Absolute, so that neither the directory of the process nor SQLite's own reading of names
    /// such as `:memory:` matters; or why there is none.
    pub(super) path: Result<PathBuf, &'static str>,
    /// Whether a commit waits for the disk.
    pub(super) durable: bool,
}

impl Settings {
    pub(super) fn path(&self) -> StoreResult<&Path> {
        match &self.path {
            Ok(path) => Ok(path),
            Err(cause) => Err(file_fault(StoreErrorKind::Misconfigured, Path::new(""), *cause)),
        }
    }

    fn options(&self, path: &Path, busy: Duration) -> SqliteConnectOptions {
        let synchronous =
            if self.durable { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(busy)
            .synchronous(synchronous)
            .pragma("journal_size_limit", JOURNAL_SIZE_BYTES_MAX)
            .thread_name(|id| format!("segue-sqlite-{id}"))
            .disable_statement_logging()
    }

    /// The writer waits for locks by itself.
    fn writing(&self, path: &Path) -> SqliteConnectOptions {
        self.options(path, Duration::ZERO)
    }

    fn reading(&self, path: &Path) -> SqliteConnectOptions {
        let busy = Duration::from_millis(BUSY_MILLISECONDS_MAX);
        self.options(path, busy).pragma("query_only", "ON")
    }

    /// A connection for the migration commands, apart from the store's own.
    pub(super) async fn connect_apart(&self) -> StoreResult<SqliteConnection> {
        let path = self.path()?;
        let options = self.options(path, Duration::from_secs(OPEN_SECONDS_MAX));
        options.connect().await.map_err(|error| open_fault(path, error))
    }
}

/// An opened database.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    monitor: Mutex<Option<SqliteConnection>>,
    identity: FileIdentity,
    path: PathBuf,
}

impl Live {
    /// Opens the file, creating it unless it was there before, and brings the schema up to date.
    pub(super) async fn open(settings: &Settings, opened_before: bool) -> StoreResult<Self> {
        let path = settings.path()?;
        file::prepare(path, opened_before)?;
        let before = FileIdentity::of(path);
        let mut patience = Patience::new(Duration::from_secs(OPEN_SECONDS_MAX));
        let connection = loop {
            match connect(settings, path, opened_before).await {
                Ok(connection) => break connection,
                Err(error) if patience.allows(&error).await => {}
                Err(error) => return Err(named(path, error)),
            }
        };
        let monitor = settings.reading(path).connect().await;
        let monitor = monitor.map_err(|error| open_fault(path, error))?;
        let writer = Writer::start(connection, settings.writing(path))
            .map_err(|error| file_fault(StoreErrorKind::Unavailable, path, error))?;
        Ok(Self {
            writer,
            readers: Readers::new(settings.reading(path)),
            monitor: Mutex::new(Some(monitor)),
            // The companions exist by now. Had the file been swapped in between, that shows.
            identity: FileIdentity::of(path).opened_as(before),
            path: path.to_owned(),
        })
    }

    /// Whether these connections lead nowhere any more: another file has taken the place of the
    /// one that was opened, or the writer has ended.
    ///
    /// # Errors
    ///
    /// If there is nothing to be opened instead.
    pub(super) fn is_over(&self) -> StoreResult<bool> {
        Ok(self.writer.is_gone() || self.identity.is_replaced_at(&self.path)?)
    }

    /// A number that changes with every commit to the file by anybody else than this connection,
    /// which never writes.
    pub(super) async fn data_version(&self) -> StoreResult<i64> {
        let operation = "watch SQLite database";
        let mut monitor = self.monitor.lock().await;
        let closed = || StoreError::new(StoreErrorKind::Unavailable, operation);
        let row = query(DATA_VERSION).fetch_one(monitor.as_mut().ok_or_else(closed)?).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| fault(operation, error))
    }

    /// Finishes what is queued and closes every connection.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        let monitor = self.monitor.lock().await.take();
        if let Some(monitor) = monitor {
            discard(monitor).await;
        }
        self.writer.stop().await;
    }
}

/// The writing connection. The schema is judged before anything is written.
async fn connect(
    settings: &Settings,
    path: &Path,
    opened_before: bool,
) -> StoreResult<SqliteConnection> {
    let connection = settings.writing(path).connect().await;
    let mut connection = connection.map_err(|error| open_fault(path, error))?;
    let applied = migrate::history(&mut connection).await?;
    if opened_before && applied.is_empty() {
        // Half of a copy, perhaps. A new schema in it would make everybody a stranger.
        let cause = "the database was replaced by one without the tables of segue";
        return Err(file_fault(StoreErrorKind::Unavailable, path, cause));
    }
    let behind = migrate::is_behind(MIGRATIONS, &applied)?;
    keep_log(&mut connection, path).await?;
    if behind {
        migrate::up(&mut connection, MIGRATIONS, wall_clock()).await?;
    } else {
        migrate::probe_write(&mut connection).await?;
    }
    Ok(connection)
}

/// Sees to it that readers and the writer do not wait for each other.
async fn keep_log(connection: &mut SqliteConnection, path: &Path) -> StoreResult<()> {
    for statement in [JOURNAL_MODE, JOURNAL_MODE_WAL] {
        let mode = query(statement).fetch_one(&mut *connection).await;
        let mode: String =
            mode.and_then(|row| row.try_get(0)).map_err(|error| open_fault(path, error))?;
        if mode == "wal" {
            return Ok(());
        }
    }
    let cause = "SQLite can't keep a write-ahead log here";
    Err(file_fault(StoreErrorKind::Misconfigured, path, cause))
}

/// The same fault with the path, if it does not name it yet.
fn named(path: &Path, error: StoreError) -> StoreError {
    if error.operation() == "open SQLite database" {
        return error;
    }
    file_fault(error.kind(), path, error)
}

/// Closes a connection; what goes wrong then concerns nobody.
pub(super) async fn discard(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a SQLite connection failed");
    }
}
