//! The same suite on PostgreSQL: holds, claims, bookings, payments, cancellations, the line to a box, what operators settle, and what happens when the store
//! fails; and what is done to a database at a server only.

#[path = "api/backup.rs"]
mod backup;
#[path = "api/bookings.rs"]
mod bookings;
#[path = "api/claims.rs"]
mod claims;
#[path = "api/discovery.rs"]
mod discovery;
#[path = "api/edge.rs"]
mod edge;
#[path = "api/failure.rs"]
mod failure;
#[path = "api/gateway.rs"]
mod gateway;
#[path = "api/growth.rs"]
mod growth;
#[path = "api/holds.rs"]
mod holds;
#[path = "api/indexes.rs"]
mod indexes;
#[path = "api/limits.rs"]
mod limits;
#[path = "api/operators.rs"]
mod operators;
#[path = "api/overload.rs"]
mod overload;
#[path = "api/payments.rs"]
mod payments;
#[path = "api/plans.rs"]
mod plans;
#[path = "api/pool.rs"]
mod pool;
#[path = "../../shared/node/tests/postgres/server.rs"]
#[expect(clippy::disallowed_methods, reason = "a server is waited for on a thread of its own")]
mod postgres;
#[path = "api/prices.rs"]
mod prices;
#[path = "api/running.rs"]
mod running;
#[path = "api/server.rs"]
mod server;
#[path = "api/store.rs"]
mod store;

const ON_POSTGRES: bool = true;
