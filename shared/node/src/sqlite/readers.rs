//! Reading beside the writer.

use super::{BUSY_TIMEOUT, STATEMENTS_KEPT};
use crate::store::{READS_WAITING_MAX, ReadersBusy};
use anyhow::Context;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Opens a database that a writer has open (or had) for reading only; what it reads is what was committed.
///
/// # Errors
/// If the file cannot be opened.
pub fn open_read_only(path: &Path) -> anyhow::Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        super::keep_plans(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().with_context(|| format!("open {} for reading", path.display()))
}

/// A few read-only connections that requests take turns with. Clones share them.
#[derive(Clone)]
pub struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
    /// Who reads or waits to.
    queue: Arc<Semaphore>,
}

impl Readers {
    /// Opens `count` connections, at least one.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path, count: usize) -> anyhow::Result<Self> {
        let idle = (0..count.max(1)).map(|_| open_read_only(path)).collect::<anyhow::Result<Vec<_>>>()?;
        let queue = Arc::new(Semaphore::new(idle.len() * READS_WAITING_MAX));
        Ok(Self { turns: Arc::new(Semaphore::new(idle.len())), idle: Arc::new(Mutex::new(idle)), queue })
    }

    /// Runs a query on a thread for blocking work, once a connection is free.
    ///
    /// # Errors
    /// What the query returns, that it panicked, or [`ReadersBusy`].
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let _place = self.queue.try_acquire().map_err(|_| ReadersBusy)?;
        let turn = self.turns.clone().acquire_owned().await.context("wait for a database connection")?;
        let idle = self.idle.clone();
        let read = move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let borrowed = Borrowed { connection: Some(taken.context("no database connection is free")?), idle };
            let answer = borrowed.connection.as_ref().context("no database connection is free").and_then(query);
            drop(borrowed);
            drop(turn);
            answer
        };
        tokio::task::spawn_blocking(read).await.context("read from the database")?
    }
}

/// A connection that goes back even if the query panics.
struct Borrowed {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
