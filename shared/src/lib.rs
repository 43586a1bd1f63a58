//! What both sides of Usher agree on, as pure functions and data: no clock, no random source, no I/O.
//!
//! A theatre's life here: central publishes a *seating plan* ([`seating`]) and adds *shows* whose seats are split between the
//! two authorities ([`allocation`]). Each side decides *holds*, *sales*, *handovers* and *voids* over its own seats in its
//! [`ledger`], which is the fold of both sides' *entries* ([`entry`]). A sold seat becomes a *ticket* signed with a certified
//! key ([`ticket`], [`keys`]), and at the door the *admission* check ([`admission`]) says green, yellow, amber or red. A ticket that no
//! log knows any more is *found* ([`found`]). The money of the counter is kept in a [`till`] journal, the tax inside a price is data
//! with dates ([`tax`]).
//! Time, random bytes and ids are arguments everywhere.

pub mod admission;
pub mod allocation;
pub mod best;
pub mod digest;
pub mod entry;
pub mod found;
pub mod gstin;
pub mod ids;
pub mod keys;
pub mod ledger;
pub mod money;
pub mod planted;
pub mod refusal;
pub mod seating;
pub mod show;
pub mod tax;
pub mod ticket;
pub mod till;
pub mod time;
