//! The database that central runs on, whichever engine that is.

use node::sqlite;
use node::store::Sql;
use std::path::Path;

/// Connections that requests take turns with, for reading. Clones share them.
#[derive(Clone)]
pub struct Readers(sqlite::Readers);

impl Readers {
    /// Opens `count` connections, at least one.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn open(path: &Path, count: usize) -> anyhow::Result<Self> {
        Ok(Self(sqlite::Readers::open(path, count)?))
    }

    /// Runs a query on a thread for blocking work, once a connection is free.
    ///
    /// # Errors
    /// What the query returns, or that it panicked.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.0.read(|connection| query(connection)).await
    }
}
