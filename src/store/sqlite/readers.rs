//! A few connections that only read. Not a general pool: a connection needs no test before use, no
//! timer and no runtime of its own, so it serves any runtime, and costs nothing but the query.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;

use sqlx::Connection;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::store::StoreResult;
use crate::store::sqlite::error::fault;

/// The most connections that read at once.
const READERS_MAX: usize = 4;

/// The connections, opened when they are needed first.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Semaphore,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self { options, idle: Mutex::default(), permits: Semaphore::new(READERS_MAX) }
    }

    /// A connection for one query.
    pub(super) async fn take(&self, operation: &'static str) -> StoreResult<Reader<'_>> {
        let closed = |_| StoreError::new(StoreErrorKind::Unavailable, operation);
        let permit = self.permits.acquire().await.map_err(closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options)
                .await
                .map_err(|error| fault(operation, error))?,
        };
        Ok(Reader { readers: self, _permit: permit, connection, operation })
    }

    /// Closes what is idle, and refuses from now on.
    pub(super) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "closing a SQLite reader failed");
            }
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// A connection that is lent.
pub(super) struct Reader<'a> {
    readers: &'a Readers,
    _permit: SemaphorePermit<'a>,
    connection: SqliteConnection,
    operation: &'static str,
}

impl Reader<'_> {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Gives the connection back after success. After a fault, and if the caller went away in the
    /// middle, nobody knows its state: then it is closed, and the next one is new.
    pub(super) fn finish<T>(self, result: sqlx::Result<T>) -> StoreResult<T> {
        let value = result.map_err(|error| fault(self.operation, error))?;
        if !self.readers.permits.is_closed() {
            let idle = self.readers.idle.lock();
            idle.unwrap_or_else(PoisonError::into_inner).push(self.connection);
        }
        Ok(value)
    }
}
