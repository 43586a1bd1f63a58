//! Fault tests with the real programs: `usher-central`, `usher-edge` and the payment simulator as processes of their own, and
//! between them a Mosquitto as Debian installs it, with its default configuration on purpose: nothing may rely on what a broker
//! keeps.
//!
//! A [`campaign`] runs its faults in rounds, each in a [`house`] of its own that is set up by the programs' command lines. Its
//! lines go through TCP valves. Under a constant [`load`] of counter sales and web bookings, each of which is asked under one key
//! until it is answered, faults follow each other in an order made from the seed; after each one both sides must be live again,
//! have equal heads and digests, and go on selling. Whatever was acknowledged is a [`ghosts::Ghost`]: in the end everything is
//! stopped and the [`judge`] reads both databases against them.
//!
//! A sale that only one disk held cannot survive that disk's loss. So whoever loses a disk rests first, until another node has all
//! their sales, central or the box's named witness; or the loss is made on purpose, and the tickets that nobody else has are
//! counted apart. Every other fault hits in the middle of the sales. Every second house has a named witness.

mod broker;
mod caller;
pub mod campaign;
mod choice;
mod clone;
mod commands;
mod counter;
mod facts;
mod fault;
mod ghosts;
mod house;
mod judge;
mod load;
mod persons;
mod program;
mod programs;
mod quarantine;
mod round;
mod standing;
mod tally;
mod web;

pub use campaign::{Campaign, Counts, Summary};
pub use fault::Fault;
pub use programs::Programs;
