//! The writer thread's loop.

use super::{BATCH_MAX, Core, WriterMetrics};
use crate::clock::{self, StoreClock};
use crate::http::panic_text;
use anyhow::{Context, anyhow};
use prometheus_client::metrics::gauge::Gauge;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use shared::time::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long the thread sleeps at most while a timeout is set, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A core that is never satisfied by its timeout must not take the whole processor.
const TIMEOUT_PAUSE: Duration = Duration::from_millis(1);

/// Sends one answer; kept back until the commit.
pub(super) type Release = Box<dyn FnOnce()>;

type Job<C> = Box<dyn FnOnce(&mut C, &Transaction<'_>, Timestamp) -> anyhow::Result<Option<Release>> + Send>;

pub(super) enum Message<C> {
    // The place in the queue is given up first, so that whoever learns of a dropped job finds the count right.
    Job(Place, Job<C>),
    Stop,
}

/// A job's place in the queue: counted while it waits, however it leaves.
pub(super) struct Place(Gauge);

impl Place {
    pub(super) fn take(depth: &Gauge) -> Self {
        depth.inc();
        Self(depth.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.dec();
    }
}

pub(super) struct Batches<C> {
    pub(super) jobs: Receiver<Message<C>>,
    pub(super) core: C,
    pub(super) clock: StoreClock,
    pub(super) stop_reason: watch::Sender<Option<Arc<str>>>,
    pub(super) metrics: WriterMetrics,
}

impl<C: Core> Batches<C> {
    pub(super) fn run(mut self, mut connection: Connection) {
        loop {
            let (batch, last) = self.gather();
            if !batch.is_empty() || self.timeout_due() {
                let only_timeout = batch.is_empty();
                if let Err(error) = self.commit_or_panic(&mut connection, batch) {
                    return self.fail(&error);
                }
                if only_timeout && self.timeout_due() {
                    std::thread::sleep(TIMEOUT_PAUSE);
                }
            }
            if last {
                break;
            }
        }
        drop(self.jobs);
        self.stop_reason.send_replace(Some("it was shut down".into()));
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }

    /// Waits for a job or the next timeout, then takes whatever else waits. Says whether it was the last batch.
    fn gather(&self) -> (Vec<Job<C>>, bool) {
        let first = match self.core.poll_timeout() {
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => self.jobs.recv_timeout(self.clock.sleep_until(due, SLEEP_MAX)),
        };
        let mut batch = Vec::new();
        let mut next = match first {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return (batch, true),
        };
        while let Some(message) = next {
            match message {
                Message::Job(_place, job) => batch.push(job),
                Message::Stop => return (batch, true),
            }
            next = if batch.len() < BATCH_MAX { self.jobs.try_recv().ok() } else { None };
        }
        (batch, false)
    }

    fn timeout_due(&self) -> bool {
        self.core.poll_timeout().is_some_and(|due| due <= self.clock.now())
    }

    fn commit_or_panic(&mut self, connection: &mut Connection, batch: Vec<Job<C>>) -> anyhow::Result<()> {
        // After a panic the core is dropped unused except for `handle_failure`, so a broken invariant cannot be seen
        // by anybody.
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(connection, batch)));
        committed.unwrap_or_else(|panic| Err(anyhow!("a job panicked: {}", panic_text(panic.as_ref()))))
    }

    fn commit(&mut self, connection: &mut Connection, batch: Vec<Job<C>>) -> anyhow::Result<()> {
        let (count, before) = (batch.len(), connection.total_changes());
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).context("begin a transaction")?;
        let now = self.clock.now();
        if let Some(by) = self.clock.take_jump() {
            tracing::warn!(by_s = by.as_secs(), "the wall clock has jumped forward");
            self.core.handle_jump(&tx, by).context("follow a clock that jumped")?;
        }
        if self.core.poll_timeout().is_some_and(|due| due <= now) {
            self.core.handle_timeout(&tx, now).context("do what was due")?;
        }
        let mut releases = Vec::with_capacity(count);
        for job in batch {
            releases.extend(job(&mut self.core, &tx, now)?);
        }
        self.core.before_commit(&tx, now).context("write what changed")?;
        let wrote = tx.total_changes() != before;
        if wrote {
            clock::persist(&tx, now).context("write the store time")?;
        }
        let started = Instant::now();
        tx.commit().context("commit")?;
        if wrote {
            self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
            self.metrics.commits.inc();
            self.core.handle_persisted(now);
        }
        if let Ok(count) = u32::try_from(count) {
            self.metrics.batch_jobs.observe(f64::from(count));
        }
        self.core.after_commit();
        for release in releases {
            release();
        }
        Ok(())
    }

    fn fail(mut self, error: &anyhow::Error) {
        tracing::error!(error = format!("{error:#}"), "the store has stopped: nothing is written any more");
        // Once anybody knows the reason, nothing can be handed in any more and the core knows it too.
        drop(self.jobs);
        self.core.handle_failure(error);
        self.stop_reason.send_replace(Some(format!("{error:#}").into()));
    }
}
