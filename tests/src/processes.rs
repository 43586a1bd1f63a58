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
//! A sale that only the box's own disk held cannot survive that disk's loss. So the tills rest, and central has everything, before
//! a box is put back to an old copy; every other fault hits in the middle of the sales.

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
mod program;
mod programs;
mod round;
mod standing;
mod tally;
mod web;

pub use campaign::{Campaign, Counts, Summary};
pub use fault::Fault;
pub use programs::Programs;
