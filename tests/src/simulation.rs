//! A deterministic simulation of one central and several edges on a virtual clock and network, running the real core.
//!
//! A seed makes a [`setup::Setup`] and a list of [`event::Event`]s: weighted [`action::Action`]s with everything that chance
//! decides about them, so that a run can be played again from its record, or from a part of it; a [`story::Story`] tells some of
//! them in the order in which they hurt. The network loses, doubles,
//! delays and reorders, lines are cut in one or both directions and flap, brokers forget and end sessions, nodes crash before or
//! after a commit, scanners are alone, clocks jump. The [`ghost::Ghost`] remembers every ticket ever handed to a customer and
//! everybody who walked in. At and after every commit the functions of [`invariants`] run; at the end everything heals and must
//! converge. The same seed gives the same trace hash. A violation is shrunk to the shortest list of events that still gives it.

#![expect(
    clippy::unwrap_in_result,
    reason = "what is in memory can be read; what goes wrong here is a fault of the simulation"
)]

pub mod action;
pub mod codes;
pub mod disk;
pub mod doors;
pub mod entrance;
pub mod event;
pub mod faults;
pub mod ghost;
pub mod invariants;
pub mod keeper;
pub mod losses;
pub mod network;
pub mod node;
pub mod people;
pub mod plants;
pub mod regressions;
pub mod scanner;
pub mod seeds;
pub mod setup;
pub mod shrink;
pub mod site;
pub mod step;
pub mod story;
pub mod visits;
pub mod witnesses;
pub mod world;

pub use world::{Outcome, World};
