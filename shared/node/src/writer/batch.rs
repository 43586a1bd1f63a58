//! The writer thread's loop.

use super::company::Company;
use super::job::Job;
use super::queue::{Jobs, Message};
use super::{BATCH_MAX, Core, Ended, Engine, Recovery, Unwritable, WriteError, WriterMetrics};
use crate::clock::StoreClock;
use crate::http::panic_text;
use anyhow::{Context, anyhow};
use shared::time::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long the thread sleeps at most while a timeout is set, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A core that is never satisfied by its timeout must not take the whole processor.
const TIMEOUT_PAUSE: Duration = Duration::from_millis(1);

/// Between two looks for a database that went away, at first and at most.
const AWAY_PAUSE: Duration = Duration::from_millis(50);
const AWAY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// After so long those whose commit was lost are told that its outcome is not known.
const UNKNOWN_AFTER: Duration = Duration::from_secs(5);

type Batch<C> = Vec<Box<dyn Job<C>>>;

pub(super) struct Batches<C: Core> {
    pub(super) jobs: Jobs<C>,
    pub(super) core: C,
    pub(super) clock: StoreClock,
    pub(super) stop_reason: watch::Sender<Option<Arc<str>>>,
    pub(super) away: Arc<AtomicBool>,
    pub(super) taken_over: Arc<AtomicBool>,
    pub(super) only_reads: watch::Sender<Option<Unwritable>>,
    pub(super) metrics: WriterMetrics,
    pub(super) company: Company,
}

/// Whether the writer goes on.
pub(super) enum Next {
    GoOn,
    Stop,
    Fail(anyhow::Error),
}

impl<C: Core> Batches<C> {
    pub(super) fn run(mut self, mut engine: C::Engine) {
        loop {
            let (batch, last) = self.gather();
            if !batch.is_empty() || self.timeout_due() {
                let only_timeout = batch.is_empty();
                match self.commit(&mut engine, batch) {
                    Next::GoOn => {}
                    Next::Stop => break,
                    Next::Fail(error) => return self.fail(&error),
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
        engine.close();
    }

    /// Waits for a job or the next timeout, then takes whatever else waits. Says whether it was the last batch.
    fn gather(&mut self) -> (Batch<C>, bool) {
        let wait = self.core.poll_timeout().map(|due| self.clock.sleep_until(due, SLEEP_MAX));
        let mut batch = Vec::new();
        let mut next = match self.jobs.recv(wait) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return (batch, true),
        };
        while let Some(message) = next {
            match message {
                Message::Job(_place, job) => batch.push(job),
                Message::Stop => return (batch, true),
            }
            next = if batch.len() < BATCH_MAX { self.jobs.try_recv() } else { None };
        }
        if batch.is_empty() {
            return (batch, false);
        }
        let last = self.wait_for_company(&mut batch);
        (batch, last)
    }

    /// Takes who comes within the moment that the batch waits. Says whether it was the last batch.
    fn wait_for_company(&mut self, batch: &mut Batch<C>) -> bool {
        let Some(wait) = self.company.wait(batch.len(), Instant::now()) else { return false };
        while batch.len() < wait.count {
            match self.jobs.recv(Some(wait.until.saturating_duration_since(Instant::now()))) {
                Ok(Message::Job(_place, job)) => batch.push(job),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        self.company.waited(wait, batch.len());
        false
    }

    fn timeout_due(&self) -> bool {
        self.core.poll_timeout().is_some_and(|due| due <= self.clock.now())
    }

    /// Runs a batch, commits it and answers its jobs.
    fn commit(&mut self, engine: &mut C::Engine, mut batch: Batch<C>) -> Next {
        let count = batch.len();
        // After a panic the core is dropped unused except for `handle_failure`, so a broken invariant cannot be seen
        // by anybody.
        let ended = catch_unwind(AssertUnwindSafe(|| self.transact(engine, &mut batch)));
        let ended = ended.unwrap_or_else(|panic| {
            let error = anyhow!("a job panicked: {}", panic_text(panic.as_ref()));
            Ended::RolledBack { error, away: false }
        });
        match ended {
            Ended::Committed { at, wrote, .. } => {
                if let Some(took) = wrote {
                    self.company.answered(count, took, Instant::now());
                    self.metrics.commit_seconds.observe(took.as_secs_f64());
                    self.metrics.commits.inc();
                    self.core.handle_persisted(at);
                }
                if let Ok(count) = u32::try_from(count) {
                    self.metrics.batch_jobs.observe(f64::from(count));
                }
                self.release(batch);
                Next::GoOn
            }
            Ended::RolledBack { error, away: false } => Next::Fail(error),
            Ended::TakenOver(error) => {
                end(batch, &WriteError::Unreachable);
                self.give_way(error)
            }
            Ended::RolledBack { error, away: true } => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    jobs = count,
                    "the store went away; nothing of this batch is kept"
                );
                end(batch, &WriteError::Unreachable);
                self.wait_for_store(engine, error, None)
            }
            Ended::Unwritable { error, why } => {
                tracing::error!(
                    error = format!("{error:#}"),
                    jobs = count,
                    "{}: nothing of this batch is kept, and nothing is written until that ends",
                    why.code()
                );
                end(batch, &WriteError::Unwritable(why));
                self.only_read(engine, why)
            }
            Ended::Unknown { error, at, .. } => {
                tracing::warn!(error = format!("{error:#}"), jobs = count, "the store went away during a commit");
                self.wait_for_store(engine, error, Some((batch, at)))
            }
        }
    }

    fn transact(&mut self, engine: &mut C::Engine, batch: &mut Batch<C>) -> Ended<()> {
        let Self { core, clock, .. } = self;
        engine.transaction(clock, |tx, now| {
            if let Some(by) = clock.take_jump() {
                tracing::warn!(by_s = by.as_secs(), "the clock has jumped forward");
                core.handle_jump(tx, by).context("follow a clock that jumped")?;
            }
            if core.poll_timeout().is_some_and(|due| due <= now) {
                core.handle_timeout(tx, now).context("do what was due")?;
            }
            for job in batch {
                job.run(core, tx, now)?;
            }
            core.before_commit(tx, now).context("write what changed")
        })
    }

    pub(super) fn release(&mut self, batch: Batch<C>) {
        self.core.after_commit();
        for job in batch {
            job.end(Ok(()));
        }
    }

    /// Waits until the database is back. A batch whose commit was lost is answered as it turns out; whatever was not committed is
    /// forgotten by loading the core again.
    fn wait_for_store(
        &mut self,
        engine: &mut C::Engine,
        error: anyhow::Error,
        mut lost: Option<(Batch<C>, Timestamp)>,
    ) -> Next {
        self.away.store(true, Ordering::Relaxed);
        let (since, mut pause) = (Instant::now(), AWAY_PAUSE);
        loop {
            match engine.recover() {
                Recovery::Never => return Next::Fail(error),
                Recovery::TakenOver(error) => {
                    if let Some((batch, _)) = lost.take() {
                        end(batch, &WriteError::Unknown);
                    }
                    return self.give_way(error);
                }
                Recovery::Back { committed } => {
                    if let Some((batch, at)) = lost.take() {
                        if committed {
                            tracing::info!(jobs = batch.len(), "the store is back, and has the last commit");
                            self.away.store(false, Ordering::Relaxed);
                            self.core.handle_persisted(at);
                            self.release(batch);
                            return Next::GoOn;
                        }
                        end(batch, &WriteError::Unreachable);
                    }
                    let Self { core, clock, .. } = self;
                    match engine.transaction(clock, |tx, now| core.reload(tx, now).context("load the state again")) {
                        Ended::Committed { .. } => {
                            tracing::info!(away_ms = since.elapsed().as_millis(), "the store is back");
                            self.away.store(false, Ordering::Relaxed);
                            return Next::GoOn;
                        }
                        Ended::RolledBack { error, away: false } | Ended::Unwritable { error, .. } => {
                            return Next::Fail(error);
                        }
                        Ended::TakenOver(error) => return self.give_way(error),
                        Ended::RolledBack { error, .. } | Ended::Unknown { error, .. } => {
                            tracing::debug!(error = format!("{error:#}"), "the store went away again");
                        }
                    }
                }
                Recovery::Away(error) => tracing::debug!(error = format!("{error:#}"), "the store is still away"),
            }
            if since.elapsed() >= UNKNOWN_AFTER
                && let Some((batch, _)) = lost.take()
            {
                end(batch, &WriteError::Unknown);
            }
            match self.jobs.recv(Some(pause)) {
                Ok(Message::Job(_place, job)) => job.end(Err(WriteError::Unreachable)),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Next::Stop,
                Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(AWAY_PAUSE_MAX),
            }
        }
    }

    /// Another writer goes on; nothing of what waits here is done.
    fn give_way(&mut self, error: anyhow::Error) -> Next {
        self.taken_over.store(true, Ordering::Relaxed);
        while let Some(Message::Job(_place, job)) = self.jobs.try_recv() {
            job.end(Err(WriteError::Unreachable));
        }
        Next::Fail(error)
    }

    fn fail(mut self, error: &anyhow::Error) {
        if self.taken_over.load(Ordering::Relaxed) {
            tracing::warn!(error = format!("{error:#}"), "nothing is written here any more");
        } else {
            tracing::error!(error = format!("{error:#}"), "the store has stopped: nothing is written any more");
        }
        // Once anybody knows the reason, nothing can be handed in any more and the core knows it too.
        drop(self.jobs);
        self.core.handle_failure(error);
        self.stop_reason.send_replace(Some(format!("{error:#}").into()));
    }
}

fn end<C: Core>(batch: Batch<C>, how: &WriteError) {
    for job in batch {
        job.end(Err(how.clone()));
    }
}
