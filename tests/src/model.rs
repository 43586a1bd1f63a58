//! An exhaustive check of the authority protocol: one central, one or two processes of a box, two seats, and every order in which
//! they can sell, hand over, commit, send, deliver, crash, forget and be cloned, within the bounds of a [`setting::Setting`].
//!
//! What a node decides and how it folds entries is the real code of `shared`: a node is two logs of real entries, volatile and
//! durable, and the real ledger over them. Around it lies a model of what PROTOCOL.md says of sessions, the boot gate, the way
//! back to a lost log, the named witness and incarnations. The pipe loses, doubles and reorders: whatever was sent in a session
//! may arrive at any time later in it, or never. [`run::check`] explores a setting whole, [`run::catch`] looks for the shortest
//! way to a failure with one [`setting::Rule`] left out, which must exist.
//!
//! Wider than the protocol: seats are handed over whenever they are free, not only while the link is live; a disk may go back to
//! any state it went through. Narrower: no claims, no voids, no holds that last (a hold is placed and sold in one step); a fork
//! stays; central knows when its database is an older one (a database that loses commits unnoticed is not central's promise);
//! the witness forgets nothing.

pub mod action;
pub mod command;
pub mod exchange;
pub mod fault;
pub mod ghost;
pub mod healing;
pub mod invariants;
pub mod log;
pub mod node;
pub mod run;
pub mod setting;
pub mod store;
pub mod stores;
pub mod theatre;

pub use run::{Explored, Violation, catch, check};
pub use setting::{Rule, Setting};
pub use theatre::Theatre;
