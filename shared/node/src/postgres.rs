//! PostgreSQL as an engine: one connection that a writer thread owns, and a few for reading beside it.
//!
//! A connection has a small runtime of its own, so that it is used like SQLite's: from one thread that waits. Statements are the
//! same text as SQLite's; `?1` becomes `$1` when a statement is prepared, once for each connection.

mod connection;
mod engine;
mod migrate;
mod readers;
mod statement;
mod tenure;
mod tls;
mod together;
mod unsent;
mod value;

pub use connection::Connection;
pub use engine::{Candidate, Place, Store, is_away};
pub use migrate::{migrate, pending};
pub use readers::Readers;
pub use tenure::Tenure;

/// What the server says, not only that it said something.
pub(crate) fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => error.to_string(),
    }
}
