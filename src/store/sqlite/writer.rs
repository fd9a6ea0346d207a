//! The only connection that writes: a thread that takes what is waiting and commits it together.
//!
//! SQLite has one writer at a time and a commit costs as much as a dozen updates, so whatever
//! waits while one transaction runs becomes the next one. If anything in it fails, all of it is
//! rolled back and every operation is tried again alone: the failed one does no harm to the
//! others, and in the ordinary case no savepoints have to be paid for.
//!
//! A thread and not a task: a task dies with its runtime, in the middle of a transaction; and a
//! caller who goes away leaves a whole operation or none.

use std::future::Future;
use std::pin::Pin;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use sqlx::Connection;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::store::StoreResult;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::statements::BEGIN;
use crate::store::sqlite::statements::COMMIT;
use crate::store::sqlite::statements::ROLLBACK;

/// The most operations of one transaction.
const BATCH_OPERATIONS_MAX: usize = 128;
/// The most operations that wait; more wait outside, in the order of their arrival.
const QUEUE_OPERATIONS_MAX: usize = 1024;
/// How long a transaction waits for another process's.
pub(super) const BUSY_MILLISECONDS_MAX: u64 = 400;
/// How often it looks. Far shorter than SQLite's own pauses, which let a busy process starve
/// the others.
const BUSY_PAUSE_MILLISECONDS: u64 = 1;

/// Something that writes. It may run more than once: each time but the last is rolled back.
pub(super) trait Operation: Send + Sync + 'static {
    type Output: Send + 'static;
    /// For errors.
    const NAME: &'static str;
    /// Whether it writes with one statement at most, and so needs no transaction around it.
    const ONE_STATEMENT: bool = false;
    /// Whether it may write to the feed.
    const PUBLISHES: bool = false;

    fn run(
        &self,
        connection: &mut SqliteConnection,
    ) -> impl Future<Output = StoreResult<Self::Output>> + Send;
}

/// The handle on the thread, which ends after the last handle once its queue is empty.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    published: watch::Receiver<u64>,
}

enum Message {
    Job(Box<dyn Job>),
    Stop(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread on a connection whose schema is ready. `options` open another one, should
    /// this one break.
    pub(super) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_OPERATIONS_MAX);
        let (told, published) = watch::channel(0);
        let thread = WriterThread { connection, options, told };
        thread::Builder::new().name("segue-sqlite-writer".to_owned()).spawn(move || {
            // Without this runtime there is no writer: the queue closes and its callers are told.
            if let Ok(runtime) = Builder::new_current_thread().enable_time().build() {
                runtime.block_on(thread.serve(jobs));
            }
        })?;
        Ok(Self { queue, published })
    }

    /// Has it run in a transaction, and returns when that is committed.
    pub(super) async fn write<O: Operation>(&self, operation: O) -> StoreResult<O::Output> {
        let (reply, answer) = oneshot::channel();
        let job = Task { operation, output: None, reply: Some(reply) };
        let gone = || StoreError::new(StoreErrorKind::Unavailable, O::NAME);
        self.queue.send(Message::Job(Box::new(job))).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Changes whenever something may have been written to the feed from here.
    pub(super) fn published(&self) -> watch::Receiver<u64> {
        let mut published = self.published.clone();
        published.mark_unchanged();
        published
    }

    pub(super) fn is_gone(&self) -> bool {
        self.queue.is_closed()
    }

    /// Finishes what is queued and closes the connection.
    pub(super) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.queue.send(Message::Stop(done)).await.is_ok() {
            // An error means that the thread ended otherwise: it is over in either case.
            let _ = stopped.await;
        }
    }
}

/// An operation with its caller, whatever its type.
trait Job: Send {
    fn name(&self) -> &'static str;
    fn is_one_statement(&self) -> bool;
    fn publishes(&self) -> bool;
    fn is_abandoned(&self) -> bool;
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = StoreResult<()>> + Send + 'a>>;
    fn answer(&mut self, committed: StoreResult<()>);
}

struct Task<O: Operation> {
    operation: O,
    output: Option<O::Output>,
    reply: Option<oneshot::Sender<StoreResult<O::Output>>>,
}

impl<O: Operation> Job for Task<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn is_one_statement(&self) -> bool {
        O::ONE_STATEMENT
    }

    fn publishes(&self) -> bool {
        O::PUBLISHES
    }

    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = StoreResult<()>> + Send + 'a>> {
        Box::pin(async move {
            self.output = Some(self.operation.run(connection).await?);
            Ok(())
        })
    }

    fn answer(&mut self, committed: StoreResult<()>) {
        let lost = || StoreError::new(StoreErrorKind::Other, O::NAME);
        let answer = committed.and_then(|()| self.output.take().ok_or_else(lost));
        if let Some(reply) = self.reply.take() {
            // The caller may have gone away; what was done stays done.
            let _ = reply.send(answer);
        }
    }
}

struct WriterThread {
    connection: SqliteConnection,
    options: SqliteConnectOptions,
    told: watch::Sender<u64>,
}

impl WriterThread {
    async fn serve(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut stopped = Vec::new();
        while let Some(first) = queue.recv().await {
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    // Nobody waits for it any more, and it has not begun.
                    Message::Job(job) if job.is_abandoned() => {}
                    Message::Job(job) => batch.push(job),
                    Message::Stop(done) => {
                        queue.close();
                        stopped.push(done);
                    }
                }
                next =
                    if batch.len() < BATCH_OPERATIONS_MAX { queue.try_recv().ok() } else { None };
            }
            self.write_all(batch).await;
        }
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing the SQLite writer failed");
        }
        for done in stopped {
            // Whoever asked may have gone away.
            let _ = done.send(());
        }
    }

    async fn write_all(&mut self, mut batch: Vec<Box<dyn Job>>) {
        match self.commit(&mut batch).await {
            Ok(()) => batch.iter_mut().for_each(|job| job.answer(Ok(()))),
            // Another process holds the lock: nobody here has a better chance alone.
            Err(failure) if failure.locked => {
                for job in &mut batch {
                    let error = StoreError::new(StoreErrorKind::Conflict, job.name());
                    job.answer(Err(error.with_source("another process holds the write lock")));
                }
            }
            Err(failure) => {
                if let [job] = batch.as_mut_slice() {
                    return job.answer(Err(failure.error));
                }
                tracing::debug!(error = %failure.error, "SQLite batch failed, trying one by one");
                for mut job in batch {
                    let alone = std::slice::from_mut(&mut job);
                    let committed = self.commit(alone).await.map_err(|failure| failure.error);
                    job.answer(committed);
                }
            }
        }
    }

    /// Runs all of them in one transaction, or leaves no trace of any.
    async fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        if batch.is_empty() {
            return Ok(());
        }
        let publishes = batch.iter().any(|job| job.publishes());
        match batch {
            [job] if job.is_one_statement() => self.run_alone(job.as_mut()).await?,
            _ => self.run_together(batch).await?,
        }
        if publishes {
            self.told.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(())
    }

    /// A lone statement is a transaction of its own.
    async fn run_alone(&mut self, job: &mut dyn Job) -> Result<(), Failure> {
        let mut patience = Patience::new(Duration::from_millis(BUSY_MILLISECONDS_MAX));
        loop {
            match job.run(&mut self.connection).await {
                Ok(()) => return Ok(()),
                Err(error) if patience.allows(&error).await => {}
                Err(error) => return Err(Failure { locked: is_conflict(&error), error }),
            }
        }
    }

    async fn run_together(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        self.begin().await.map_err(|error| Failure { locked: is_conflict(&error), error })?;
        let failed = |error| Failure { locked: false, error };
        for job in batch {
            if let Err(error) = job.run(&mut self.connection).await {
                self.roll_back().await;
                return Err(failed(error));
            }
        }
        if let Err(error) = query(COMMIT).execute(&mut self.connection).await {
            self.roll_back().await;
            return Err(failed(fault("commit", error)));
        }
        Ok(())
    }

    async fn begin(&mut self) -> StoreResult<()> {
        let mut patience = Patience::new(Duration::from_millis(BUSY_MILLISECONDS_MAX));
        let mut reopened = false;
        loop {
            let Err(error) = query(BEGIN).execute(&mut self.connection).await else {
                return Ok(());
            };
            let error = fault("begin", error);
            if is_conflict(&error) {
                if !patience.allows(&error).await {
                    return Err(error);
                }
            } else if reopened {
                return Err(error);
            } else {
                reopened = true;
                self.reopen().await?;
            }
        }
    }

    /// A connection that can't begin is broken, or stuck in a transaction that failed.
    async fn reopen(&mut self) -> StoreResult<()> {
        let connection = SqliteConnection::connect_with(&self.options).await;
        self.connection = connection.map_err(|error| fault("reopen SQLite database", error))?;
        Ok(())
    }

    async fn roll_back(&mut self) {
        // Some faults have rolled back already. Should this fail otherwise, the next BEGIN does
        // too, and a new connection is opened.
        if let Err(error) = query(ROLLBACK).execute(&mut self.connection).await {
            tracing::debug!(%error, "SQLite rollback had nothing to do, or failed");
        }
    }
}

/// Why a batch left no trace.
struct Failure {
    error: StoreError,
    /// Whether another process's lock was in the way.
    locked: bool,
}

/// How long a lock of another process is waited for.
pub(super) struct Patience {
    started: Instant,
    limit: Duration,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { started: Instant::now(), limit }
    }

    /// Waits a moment, unless the fault is another one or the time is over.
    pub(super) async fn allows(&mut self, error: &StoreError) -> bool {
        let again = is_conflict(error) && self.started.elapsed() < self.limit;
        if again {
            sleep(Duration::from_millis(BUSY_PAUSE_MILLISECONDS)).await;
        }
        again
    }
}

fn is_conflict(error: &StoreError) -> bool {
    error.kind() == StoreErrorKind::Conflict
}
