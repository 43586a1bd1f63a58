//! The group-commit writer: one thread owns the database and the core, and answers only what is on disk.
//!
//! Jobs wait in a bounded queue, those of the line to another node in a lane of their own that is emptied first. The thread takes
//! all that wait (at most [`BATCH_MAX`]), runs them against the core in the order they came by their lane, inside one transaction, lets
//! the core write what changed, commits, and only then answers. While it commits the next batch gathers, so that a busy node writes
//! many jobs with one flush and an idle one answers at once. Where flushing is slow a batch also waits a moment for those who were just
//! answered.
//!
//! A job that fails is a store failure, not a refusal: the batch is rolled back, everybody waiting gets
//! [`WriteError::Stopped`], and the writer never goes on, because the core in memory is ahead of the disk. After
//! `Stopped` the outcome of a job is unknown to its caller; the same request id asked again after a restart tells.
//!
//! An [`Engine`] whose database can go away and come back is waited for: the jobs of the broken batch are answered with
//! [`WriteError::Unreachable`] where it is known that nothing of them was kept, and the core is loaded again. Where the commit
//! itself was lost, the engine is asked whether it was done before anybody is answered.
//!
//! A disk that is full or takes nothing any more is waited for too: what would write is answered with [`WriteError::Unwritable`], the
//! core is loaded again as it is on disk, and what only reads is answered from it meanwhile.

mod batch;
mod company;
mod engine;
mod job;
mod metrics;
mod queue;
mod unwritable;

pub use engine::{Ended, Engine, Looked, Recovery, Unwritable};

pub use metrics::WriterMetrics;

use crate::clock::StoreClock;
use crate::problem::Problem;
use batch::Batches;
use company::Company;
use job::{Asked, Job, Posted};
use queue::{Lane, Queue, Refused};
use shared::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// The most jobs of one transaction.
pub const BATCH_MAX: usize = 256;
/// Why a writer has stopped that could not say so itself.
const THREAD_ENDED: &str = "its thread ended";

/// What a core's jobs see of the transaction under way.
pub type Tx<'t, C> = <<C as Core>::Engine as Engine>::Tx<'t>;

/// What the writer thread owns beside the database: the state in memory that decides.
pub trait Core: Send + Sized + 'static {
    /// The engine of its database.
    type Engine: Engine;

    /// The wall clock has jumped forward by so much: what was to last for a while goes on lasting. Called before anything else of
    /// a batch.
    ///
    /// # Errors
    /// A store failure: the batch is rolled back and the writer stops.
    fn handle_jump(&mut self, _tx: &Tx<'_, Self>, _by: Duration) -> anyhow::Result<()> {
        Ok(())
    }

    /// Writes what the batch changed. Called once per batch, after its jobs, before its commit.
    ///
    /// # Errors
    /// A store failure: the batch is rolled back and the writer stops.
    fn before_commit(&mut self, tx: &Tx<'_, Self>, now: Timestamp) -> anyhow::Result<()>;

    /// Learns that a batch is on disk, and the store time that was written with it. Called before
    /// [`after_commit`](Self::after_commit); not called for a batch that wrote nothing.
    fn handle_persisted(&mut self, _time: Timestamp) {}

    /// Releases what waited for durability: messages, notifications, answers. Called after each commit, before the
    /// answers of the batch's jobs.
    fn after_commit(&mut self);

    /// When [`handle_timeout`](Self::handle_timeout) should be called, if at all.
    fn poll_timeout(&self) -> Option<Timestamp>;

    /// Does what is due. It has its own place in a batch, before the jobs.
    ///
    /// # Errors
    /// A store failure: the batch is rolled back and the writer stops.
    fn handle_timeout(&mut self, tx: &Tx<'_, Self>, now: Timestamp) -> anyhow::Result<()>;

    /// The database was away or its disk full, and what was not committed is lost: takes everything from the database again.
    ///
    /// # Errors
    /// If it cannot be loaded again: the writer stops.
    fn reload(&mut self, _tx: &Tx<'_, Self>, _now: Timestamp) -> anyhow::Result<()> {
        anyhow::bail!("this program cannot load its state again")
    }

    /// Learns that its memory is ahead of the disk and that nothing will be committed any more.
    fn handle_failure(&mut self, error: &anyhow::Error);
}

/// Why a job was not done, or cannot be told to have been done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The queue is full: the job was not taken, it may be asked again.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The database is away: the job was not done, it may be asked again.
    #[error("the store cannot be reached")]
    Unreachable,
    /// The database went away during the commit and has not come back yet: whether the job was done is unknown.
    #[error("the store cannot be reached, and the outcome is not known")]
    Unknown,
    /// The disk takes nothing just now: the job was not done, it may be asked again.
    #[error("the disk of the store can only be read: {}", .0.code())]
    Unwritable(Unwritable),
    /// The writer has stopped; whether the job was committed is unknown.
    #[error("the store has stopped: {reason}")]
    Stopped {
        /// What stopped it.
        reason: Arc<str>,
    },
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Overloaded => Self::overloaded(1),
            WriteError::Unreachable => {
                let detail = "The store cannot be reached just now; nothing was done. Ask again.";
                Self::unavailable("store_unreachable", detail).with_retry_after(1)
            }
            WriteError::Unknown => {
                let detail =
                    "The store cannot be reached; whether this was done is not known yet. Ask again in the same words.";
                Self::unavailable("outcome_unknown", detail).with_retry_after(2)
            }
            WriteError::Unwritable(why) => {
                let detail = match why {
                    Unwritable::DiskFull => {
                        "The disk is full: nothing can be written and nothing sold until there is room. Nothing was done."
                    }
                    Unwritable::DiskReadOnly => {
                        "The disk takes nothing any more: nothing can be sold until it does. Nothing was done."
                    }
                };
                Self::unavailable(why.code(), detail).with_retry_after(5)
            }
            WriteError::Stopped { .. } => Self::unavailable(
                "store_stopped",
                "The store has stopped; nothing can be sold here until it is restarted.",
            )
            .with_retry_after(5),
        }
    }
}

/// Hands jobs to the writer thread. Clones hand them to the same thread.
pub struct Writer<C: Core> {
    queue: Queue<C>,
    stopped: watch::Receiver<Option<Arc<str>>>,
    away: Arc<AtomicBool>,
    taken_over: Arc<AtomicBool>,
    unwritable: watch::Receiver<Option<Unwritable>>,
    metrics: WriterMetrics,
}

impl<C: Core> Clone for Writer<C> {
    fn clone(&self) -> Self {
        let (queue, stopped) = (self.queue.clone(), self.stopped.clone());
        let (away, taken_over, unwritable) = (self.away.clone(), self.taken_over.clone(), self.unwritable.clone());
        Self { queue, stopped, away, taken_over, unwritable, metrics: self.metrics.clone() }
    }
}

/// The writer thread, to be stopped when the server ends.
pub struct WriterThread {
    thread: JoinHandle<()>,
    stop: Box<dyn FnOnce() + Send>,
}

impl<C: Core> Writer<C> {
    /// Starts the thread. `capacity` is how many jobs may wait before callers are told to come back.
    ///
    /// # Errors
    /// If the operating system has no thread to give.
    pub fn start(
        engine: C::Engine,
        core: C,
        clock: StoreClock,
        capacity: usize,
    ) -> std::io::Result<(Self, WriterThread)> {
        let metrics = WriterMetrics::default();
        let (queue, jobs) = queue::queue(capacity, metrics.queue_depth.clone());
        let (stop_reason, stopped) = watch::channel(None);
        let (away, taken_over) = (Arc::default(), Arc::default());
        let (only_reads, unwritable) = watch::channel(None);
        let writer = Self { queue, stopped, away, taken_over, unwritable, metrics };
        let Self { away, taken_over, metrics, .. } = writer.clone();
        let company = Company::default();
        let batches = Batches { jobs, core, clock, stop_reason, away, taken_over, only_reads, metrics, company };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || batches.run(engine))?;
        let queue = writer.queue.clone();
        Ok((writer, WriterThread { thread, stop: Box::new(move || queue.stop()) }))
    }

    /// Runs a job and returns its answer once it is on disk.
    ///
    /// # Errors
    /// See [`WriteError`]. A job returns `Err` only for store failures; a refusal is an `Ok` value.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        self.ask(job, Lane::OfAll { room: self.queue.capacity() }).await
    }

    /// Runs a job of somebody who comes anew. It is not taken while less than a quarter of the queue is free: that is for those who
    /// have begun and would lose what they have.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    pub async fn run_for_newcomer<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        let capacity = self.queue.capacity();
        self.ask(job, Lane::OfAll { room: capacity - capacity / 4 }).await
    }

    /// [`run`](Self::run) for the line to another node: its job is done before those of all who ask for themselves, however many of
    /// them wait.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    pub async fn run_ahead<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        self.ask(job, Lane::Ahead).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<T> + Send + 'static,
        lane: Lane,
    ) -> Result<T, WriteError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Box::new(Asked::new(job, answer)), lane)?;
        match answered.await {
            Ok(answer) => answer,
            // The answer is dropped a moment before the reason is known.
            Err(_) => Err(self.stop_reason().await),
        }
    }

    /// Runs a job whose answer nobody waits for.
    ///
    /// # Errors
    /// If the job was not taken.
    pub fn post(
        &self,
        job: impl FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<()> + Send + 'static,
    ) -> Result<(), WriteError> {
        self.enqueue(Box::new(Posted::new(job)), Lane::OfAll { room: self.queue.capacity() })
    }

    /// [`post`](Self::post) for the line to another node, see [`run_ahead`](Self::run_ahead).
    ///
    /// # Errors
    /// If the job was not taken.
    pub fn post_ahead(
        &self,
        job: impl FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<()> + Send + 'static,
    ) -> Result<(), WriteError> {
        self.enqueue(Box::new(Posted::new(job)), Lane::Ahead)
    }

    /// The database is away, and the writer waits for it.
    pub fn is_store_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Why the database can only be read just now, where that is so.
    pub fn unwritable(&self) -> Option<Unwritable> {
        *self.unwritable.borrow()
    }

    /// The writer has stopped because another one has its database now.
    pub fn is_taken_over(&self) -> bool {
        self.taken_over.load(Ordering::Relaxed)
    }

    /// Why the writer has stopped, `None` while it works.
    pub fn stopped(&self) -> Option<Arc<str>> {
        self.stopped.borrow().clone()
    }

    /// Waits until the writer stops, and says why.
    pub fn until_stopped(&self) -> impl Future<Output = Arc<str>> + Send + use<C> {
        let mut stopped = self.stopped.clone();
        async move {
            let reason = stopped.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            reason.unwrap_or_else(|| THREAD_ENDED.into())
        }
    }

    /// What the thread has done so far.
    pub fn metrics(&self) -> &WriterMetrics {
        &self.metrics
    }

    fn enqueue(&self, job: Box<dyn Job<C>>, lane: Lane) -> Result<(), WriteError> {
        self.queue.offer(job, lane).map_err(|refused| match refused {
            Refused::Full => WriteError::Overloaded,
            Refused::Ended => stopped_by(self.stopped()),
        })
    }

    async fn stop_reason(&self) -> WriteError {
        WriteError::Stopped { reason: self.until_stopped().await }
    }
}

fn stopped_by(reason: Option<Arc<str>>) -> WriteError {
    WriteError::Stopped { reason: reason.unwrap_or_else(|| THREAD_ENDED.into()) }
}

impl WriterThread {
    /// Lets the jobs that wait finish, closes the database and ends the thread.
    pub async fn stop(self) {
        // The thread may be in the middle of a commit, which would block this task's worker.
        let joined = tokio::task::spawn_blocking(|| self.stop_blocking()).await;
        if joined.is_err() {
            tracing::error!("the writer thread could not be joined");
        }
    }

    /// [`stop`](Self::stop) for callers outside of tokio.
    pub fn stop_blocking(self) {
        (self.stop)();
        if self.thread.join().is_err() {
            tracing::error!("the writer thread panicked outside of a batch");
        }
    }
}

#[cfg(test)]
mod tests;
