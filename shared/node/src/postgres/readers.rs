//! Reading beside the writer.

use super::connection::Connection;
use crate::store::{READS_WAITING_MAX, ReadersBusy, Sql};
use anyhow::Context;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// A few connections that requests take turns with; one that broke is replaced at its next turn. Clones share them.
#[derive(Clone)]
pub struct Readers {
    url: Arc<str>,
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
    /// Who reads or waits to.
    queue: Arc<Semaphore>,
}

impl Readers {
    /// Readers that connect when they are needed, at most `count` at once.
    pub fn new(url: &str, count: usize) -> Self {
        let (turns, queue) = (Semaphore::new(count.max(1)), Semaphore::new(count.max(1) * READS_WAITING_MAX));
        Self { url: url.into(), idle: Arc::default(), turns: Arc::new(turns), queue: Arc::new(queue) }
    }

    /// Runs a query on a thread for blocking work, once a connection is free.
    ///
    /// # Errors
    /// What the query returns, that it panicked, that the database cannot be reached, or [`ReadersBusy`].
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let _place = self.queue.try_acquire().map_err(|_| ReadersBusy)?;
        let turn = self.turns.clone().acquire_owned().await.context("wait for a database connection")?;
        let (idle, url) = (self.idle.clone(), self.url.clone());
        let read = move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match kept.filter(Connection::still_stands) {
                Some(connection) => connection,
                None => reader(&url)?,
            };
            let answer = query(&connection);
            if !connection.is_closed() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            drop(turn);
            answer
        };
        tokio::task::spawn_blocking(read).await.context("read from the database")?
    }
}

fn reader(url: &str) -> anyhow::Result<Connection> {
    let connection = Connection::open(url)?;
    connection.run("SET default_transaction_read_only = on").context("open a connection for reading")?;
    Ok(connection)
}
