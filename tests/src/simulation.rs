//! A deterministic simulation of one central and several edges on a virtual clock and network, running the real core.
//!
//! A seed makes a [`world::World`]: weighted [`action::Action`]s become recorded events, the network loses, doubles, delays and
//! reorders, lines are cut in one or both directions, brokers forget, nodes crash before or after a commit and start again from
//! their store. The [`ghost::Ghost`] remembers every ticket ever handed to a customer. After every event the functions of
//! [`invariants`] run; at the end everything heals and must converge. The same seed gives the same trace hash.

pub mod action;
pub mod disk;
pub mod ghost;
pub mod invariants;
pub mod network;
pub mod site;
pub mod world;

pub use world::{Outcome, World};
