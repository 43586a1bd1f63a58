//! Central over HTTP, with its real store and broker and a gateway that is another program's stand-in.

mod bookings;
mod claims;
mod copies;
mod crash;
mod discovery;
mod edge;
mod failure;
mod gateway;
mod growth;
mod holds;
mod indexes;
mod limits;
mod operators;
mod overload;
mod payments;
mod plans;
#[path = "../../../shared/node/tests/postgres/server.rs"]
#[expect(clippy::disallowed_methods, reason = "a server is waited for on a thread of its own")]
mod postgres;
mod prices;
mod running;
mod server;
mod setup;
mod store;
mod weight;

/// This suite runs on the embedded engine; `tests/on_postgres.rs` runs what is not about files on the other one.
const ON_POSTGRES: bool = false;
