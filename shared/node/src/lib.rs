//! What every Usher program is as a program: the shell around a core that knows no clock, disk or network.
//!
//! The life of a server, in the order its `run` goes through it:
//! 1. `main` reads flags, variables and file into its configuration ([`config`]), sets up log output and the
//!    cryptography provider ([`telemetry`]) and listens for signals ([`shutdown`]). Only `main` reads the environment.
//! 2. The database is opened or refused ([`sqlite`], at central also `postgres`, both behind [`store`]), store time goes on from the last commit ([`clock`]), the core is
//!    loaded ([`ledger_store`]) and handed with the connection to the one thread that writes ([`writer`]).
//! 3. The link connects ([`mqtt`], at central also [`broker`]); every message becomes a job of the writer, and
//!    everything the core wants sent leaves after the commit that it follows from.
//! 4. Requests are served ([`http`], [`health`], [`openapi`], [`problem`], [`idempotency`]): a write is a job of the
//!    writer, a read goes to a published view ([`view`]) or a read-only connection.
//! 5. The shutdown signal ends streams, drains requests, then the link, and last the writer.
//!
//! Nothing here is global to the process except what [`telemetry`] sets up: many servers run in one process in tests.

pub mod broker;
pub mod checkup;
pub mod clock;
pub mod config;
pub mod design;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod ledger_store;
pub mod mqtt;
pub mod openapi;
#[cfg(feature = "paper")]
pub mod paper;
pub mod pin;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod problem;
pub mod random;
pub mod replica_view;
pub mod shutdown;
pub mod sqlite;
pub mod store;
pub mod telemetry;
pub mod view;
pub mod writer;
pub mod zone;
