//! The door device: verdicts on signed tickets, with or without a network.
//!
//! The life of a scan:
//! 1. The code is read and its signature checked against the certificates kept here. What is malformed, false or of another
//!    theatre is answered at once ([`shared::admission::read`]).
//! 2. If the edge is within reach it is asked, for at most 300 ms: its answer is SHARED, once in the whole theatre. Its
//!    admissions are noted here too.
//! 3. Else the device decides by what it knows, SOLO (or STALE when that is old), writes the scan down and only then answers.
//!
//! Beside that one task ([`sync`]) keeps up with the edge: it uploads the queued scans, under the ids they were made with,
//! until the edge acknowledges them, and reads the door feed into the store, page and cursor in one transaction. Asking for the
//! next page acknowledges the last one, and says that every scan made before is uploaded; hence that order.
//!
//! A second task ([`witness`]) keeps what the edge would lose with its disk.
//!
//! It sells nothing, holds no secret key, and keeps neither names nor numbers of buyers.

pub mod access;
mod ask;
mod book;
pub mod cli;
pub mod config;
mod contact;
mod departures;
mod edge;
mod frames;
mod group;
mod lock;
mod lookup;
mod metrics;
mod overrides;
pub mod page;
pub mod pairing;
mod reader;
mod router;
mod scan;
mod server;
mod short_code;
mod status;
mod store;
mod sync;
mod verdicts;
mod witness;

pub use book::Book;
pub use config::Config;
pub use pairing::pair;
pub use server::run;
pub use store::SCHEMA;
