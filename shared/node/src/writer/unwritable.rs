//! Reading on while the disk takes nothing.

use super::batch::{Batches, Next};
use super::queue::Message;
use super::{Core, Engine, Looked, Unwritable, WriteError};
use crate::http::panic_text;
use anyhow::{Context, anyhow, ensure};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Between two tries to write.
const TRY_EVERY: Duration = Duration::from_secs(1);

impl<C: Core> Batches<C> {
    /// Answers what only reads until the disk takes something again. The core is as it is on disk all the while: what wanted to write
    /// is refused, and the core loaded again. What comes over a line is sent again by whoever sent it.
    pub(super) fn only_read(&mut self, engine: &mut C::Engine, why: Unwritable) -> Next {
        self.only_reads.send_replace(Some(why));
        let next = self.read_until_written(engine, why);
        self.only_reads.send_replace(None);
        next.unwrap_or_else(Next::Fail)
    }

    fn read_until_written(&mut self, engine: &mut C::Engine, why: Unwritable) -> anyhow::Result<Next> {
        self.load_again(engine)?;
        let (since, mut tried) = (Instant::now(), Instant::now());
        loop {
            if tried.elapsed() >= TRY_EVERY {
                match engine.try_to_write(&self.clock) {
                    Ok(()) => {
                        tracing::info!(after_s = since.elapsed().as_secs(), "the disk takes what is written again");
                        return Ok(Next::GoOn);
                    }
                    Err(error) => tracing::debug!(error = format!("{error:#}"), "the disk still takes nothing"),
                }
                tried = Instant::now();
            }
            let mut job = match self.jobs.recv(Some(TRY_EVERY.saturating_sub(tried.elapsed()))) {
                Ok(Message::Job(_place, job)) => job,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(Next::Stop),
                Err(RecvTimeoutError::Timeout) => continue,
            };
            let Self { core, clock, .. } = self;
            let looked = catch_unwind(AssertUnwindSafe(|| {
                engine.look(clock, |tx, now| {
                    job.run(core, tx, now)?;
                    core.before_commit(tx, now)
                })
            }));
            match looked.map_err(|panic| anyhow!("a job panicked: {}", panic_text(panic.as_ref())))? {
                Ok(Looked { wrote: false, .. }) => self.release(vec![job]),
                Ok(Looked { wrote: true, .. }) | Err(_) => {
                    job.end(Err(WriteError::Unwritable(why)));
                    self.load_again(engine)?;
                }
            }
        }
    }

    fn load_again(&mut self, engine: &mut C::Engine) -> anyhow::Result<()> {
        let Self { core, clock, .. } = self;
        let loaded = engine.look(clock, |tx, now| core.reload(tx, now)).context("load the state as it is on disk")?;
        ensure!(!loaded.wrote, "the state cannot be loaded without writing");
        Ok(())
    }
}
