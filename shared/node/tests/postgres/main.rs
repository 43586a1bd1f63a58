//! The engine on a real PostgreSQL: what it promises the writer, and the ladder of its tables.

mod away;
mod encrypted;
mod engine;
mod ladder;
mod server;
