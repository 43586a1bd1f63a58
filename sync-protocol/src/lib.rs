//! The conversation between a theatre's edge and central, sans-IO: time, bytes and randomness are arguments.
//!
//! Each node has one [`Replica`] per theatre: the seat ledger, both logs' heads and the link session in one owner. A shell feeds
//! it what arrives and asks what to do next:
//!
//! 1. *Commands* (`hold`, `sell`, `void`, `admit`, `add_show`, …) decide, append entries to the own log and apply them.
//! 2. [`Replica::handle_connected`], [`Replica::handle_disconnected`], [`Replica::handle_message`] and
//!    [`Replica::handle_timeout`] tell what happened; [`Replica::poll_timeout`] says when to call the last one.
//! 3. [`Replica::take_changes`] drains what must be stored, in one transaction with everything else the shell keeps.
//! 4. [`Replica::poll_transmit`] gives the messages that may leave **after** that transaction has committed.
//! 5. [`Replica::poll_event`] tells the shell what became of things: claims settled, facts applied, the link's state.
//!
//! Life of a link session: the edge says [`message::Hello`]; both sides name what they have applied; entries flow in
//! [`message::Batch`]es and are acknowledged after the receiver's commit; once each side has applied the head the other stated
//! and digests agree, the link is `Live` and seats may be claimed. Silence makes it `Suspect`, then `LockedDown`: each side goes
//! on with its own seats. Nothing here depends on the pipe keeping, ordering or delivering anything.
//!
//! `PROTOCOL.md` beside this crate states the rules; each is in one place of the code.

mod claims;
mod cuts;
pub mod envelope;
pub mod gate;
mod inbox;
pub mod link;
pub mod link_history;
pub mod log;
pub mod message;
mod outbox;
pub mod randomness;
pub mod replica;
pub mod settings;
pub mod witness;

pub use link::LinkState;
pub use replica::Replica;
pub use settings::Settings;
