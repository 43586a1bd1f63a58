//! The pipe end to end: our link through our broker and through Debian's Mosquitto, with friends and with enemies.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod encrypted;
mod hostile_bytes;
mod hostile_edge;
mod large;
mod mosquitto;
mod plain;
