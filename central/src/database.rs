//! The database that central runs on, whichever engine that is.

use crate::schema::SCHEMA;
use anyhow::{Context, bail};
use node::clock::{self, StoreClock};
use node::postgres;
use node::sqlite::{self, StoreLock};
use node::store::Sql;
use node::writer::{Ended, Engine, Looked, Recovery};
use rusqlite::Connection;
use shared::time::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a start waits for the program that wrote before it: longer than a place is kept for one that says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kibibytes of pages that the writer's connection keeps: all theatres' shows of a day, where a box has those of one.
const CACHE_KIB: i32 = 64 * 1024;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// The URL of a PostgreSQL database.
    Server(String),
}

impl Place {
    /// Reads `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(store: &str) -> anyhow::Result<Self> {
        match store.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Server(store.to_owned())),
            _ => bail!("the store {store:?} is neither sqlite:PATH nor postgres://…"),
        }
    }

    /// The names of the steps by which the database would grow if it were opened.
    ///
    /// # Errors
    /// If it cannot be read, is another program's or of a newer release.
    pub fn pending(&self) -> anyhow::Result<Vec<&'static str>> {
        match self {
            Self::File(path) => sqlite::pending(path, &SCHEMA),
            Self::Server(url) => postgres::pending(&postgres::Connection::open(url)?, &SCHEMA),
        }
    }
}

impl Place {
    /// Lets the tables grow where they must; at a server while others write there.
    ///
    /// # Errors
    /// If a step fails, or a file is in use.
    pub fn grow(&self) -> anyhow::Result<()> {
        match self {
            Self::File(_) => Database::open(self).map(drop),
            Self::Server(url) => {
                postgres::migrate(&postgres::Connection::open(url)?.with_patience(Duration::MAX), &SCHEMA)
            }
        }
    }
}

/// The database, owned by whoever writes.
pub enum Database {
    /// A file, with the lock on its directory.
    Sqlite(Connection, StoreLock),
    /// A place at a PostgreSQL server.
    Postgres(Box<postgres::Store>),
}

impl Database {
    /// Opens the database for its one writer, lets its tables grow, or makes it where none is.
    ///
    /// # Errors
    /// If another program writes there, or it cannot be opened.
    pub fn open(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::File(path) => {
                let lock = sqlite::lock(path.parent().unwrap_or(Path::new("")))?;
                let connection = sqlite::open(path, &SCHEMA)?;
                connection.pragma_update(None, "cache_size", -CACHE_KIB).context("set the size of the cache")?;
                Ok(Self::Sqlite(connection, lock))
            }
            Place::Server(url) => {
                place.grow()?;
                Ok(Self::Postgres(Box::new(postgres::Store::open(url, PATIENCE)?)))
            }
        }
    }

    /// The connection, outside of any transaction.
    pub fn sql(&self) -> &dyn Sql {
        match self {
            Self::Sqlite(connection, _) => connection,
            Self::Postgres(store) => store.sql(),
        }
    }

    /// Keeps the writer's place until what is returned is dropped, while nothing is committed: others wait for it at a server.
    pub fn tenure(&self) -> Option<postgres::Tenure> {
        match self {
            Self::Sqlite(..) => None,
            Self::Postgres(store) => Some(store.tenure()),
        }
    }

    /// The clock that goes on from the last commit: the machine's on a file, the database's on a server.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn clock(&self) -> anyhow::Result<StoreClock> {
        let persisted = clock::last_persisted(self.sql()).context("read the store time")?;
        Ok(match self {
            Self::Sqlite(..) => StoreClock::starting_at(persisted),
            Self::Postgres(store) => {
                let clock = StoreClock::led(persisted);
                clock.lead(store.time().context("read the database's clock")?);
                clock
            }
        })
    }
}

impl Engine for Database {
    type Tx<'t> = dyn Sql + 't;

    fn transaction<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Self::Tx<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> Ended<T> {
        match self {
            Self::Sqlite(connection, _) => Engine::transaction(connection, clock, |tx, now| work(tx, now)),
            Self::Postgres(store) => store.transaction(clock, work),
        }
    }

    fn look<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Self::Tx<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> anyhow::Result<Looked<T>> {
        match self {
            Self::Sqlite(connection, _) => Engine::look(connection, clock, |tx, now| work(tx, now)),
            Self::Postgres(store) => store.look(clock, work),
        }
    }

    fn try_to_write(&mut self, clock: &StoreClock) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(connection, _) => connection.try_to_write(clock),
            Self::Postgres(store) => store.try_to_write(clock),
        }
    }

    fn recover(&mut self) -> Recovery {
        match self {
            Self::Sqlite(connection, _) => connection.recover(),
            Self::Postgres(store) => store.recover(),
        }
    }

    fn close(self) {
        match self {
            Self::Sqlite(connection, _lock) => Engine::close(connection),
            Self::Postgres(store) => store.close(),
        }
    }
}

/// Connections that requests take turns with, for reading. Clones share them.
#[derive(Clone)]
pub enum Readers {
    /// Of a file.
    Sqlite(sqlite::Readers),
    /// At a server.
    Postgres(postgres::Readers),
}

impl Readers {
    /// At most `count` connections, at least one.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn open(place: &Place, count: usize) -> anyhow::Result<Self> {
        Ok(match place {
            Place::File(path) => Self::Sqlite(sqlite::Readers::open(path, count)?),
            Place::Server(url) => Self::Postgres(postgres::Readers::new(url, count)),
        })
    }

    /// Runs a query on a thread for blocking work, once a connection is free.
    ///
    /// # Errors
    /// What the query returns, or that it panicked.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        match self {
            Self::Sqlite(readers) => readers.read(|connection| query(connection)).await,
            Self::Postgres(readers) => readers.read(query).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_read_or_refused() {
        assert_eq!(Place::parse("sqlite:a/b.db").expect("a file"), Place::File("a/b.db".into()));
        let url = "postgres://usher@localhost/usher";
        assert_eq!(Place::parse(url).expect("a server"), Place::Server(url.into()));
        for bad in ["", "sqlite:", "a/b.db", "postgres:usher", "mysql://localhost"] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }
}
