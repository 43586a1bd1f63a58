//! Jobs of the writer: run in their batch, answered when it has ended.

use super::{Core, Tx, WriteError};
use shared::time::Timestamp;
use tokio::sync::oneshot;

/// One job of a batch.
pub(super) trait Job<C: Core>: Send {
    /// Runs it; what it answers is kept back.
    fn run(&mut self, core: &mut C, tx: &Tx<'_, C>, now: Timestamp) -> anyhow::Result<()>;

    /// Its batch has ended. A job that is dropped instead belongs to a writer that has stopped.
    fn end(self: Box<Self>, how: Result<(), WriteError>);
}

/// A job whose answer somebody waits for.
pub(super) struct Asked<J, T> {
    job: Option<J>,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, WriteError>>,
}

impl<J, T> Asked<J, T> {
    pub(super) fn new(job: J, answer: oneshot::Sender<Result<T, WriteError>>) -> Self {
        Self { job: Some(job), value: None, answer }
    }
}

impl<C, J, T> Job<C> for Asked<J, T>
where
    C: Core,
    J: FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, core: &mut C, tx: &Tx<'_, C>, now: Timestamp) -> anyhow::Result<()> {
        if let Some(job) = self.job.take() {
            self.value = Some(job(core, tx, now)?);
        }
        Ok(())
    }

    fn end(self: Box<Self>, how: Result<(), WriteError>) {
        let answer = match (how, self.value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(WriteError::Unreachable),
            (Err(error), _) => Err(error),
        };
        // A caller that has gone away does not need the answer.
        drop(self.answer.send(answer));
    }
}

/// A job whose answer nobody waits for.
pub(super) struct Posted<J> {
    job: Option<J>,
}

impl<J> Posted<J> {
    pub(super) fn new(job: J) -> Self {
        Self { job: Some(job) }
    }
}

impl<C, J> Job<C> for Posted<J>
where
    C: Core,
    J: FnOnce(&mut C, &Tx<'_, C>, Timestamp) -> anyhow::Result<()> + Send,
{
    fn run(&mut self, core: &mut C, tx: &Tx<'_, C>, now: Timestamp) -> anyhow::Result<()> {
        self.job.take().map_or(Ok(()), |job| job(core, tx, now))
    }

    fn end(self: Box<Self>, _how: Result<(), WriteError>) {}
}
