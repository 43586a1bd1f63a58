//! The box's HTTP contract, against a real server on a real store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cli;
mod counter;
mod departures;
mod discrepancies;
mod door;
mod entries;
mod groups;
mod house;
mod line;
mod opening;
mod printing;
mod restart;
mod rights;
mod shifts;
mod signing;
mod slips;
mod sold;
mod staff;
mod till;
mod voids;
mod witness;
