//! The box's HTTP contract, against a real server on a real store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cli;
mod counter;
mod departures;
mod discrepancies;
mod door;
mod entries;
mod group_sales;
mod groups;
mod house;
mod line;
mod opening;
mod prices;
mod printing;
mod recovered;
mod restart;
mod rights;
mod shifts;
mod signing;
mod slips;
mod sold;
mod staff;
mod tampering;
mod till;
mod voids;
mod web;
mod witness;
