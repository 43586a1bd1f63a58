//! What can happen next.

use super::node::{CENTRAL, CLONE, EDGE, Holder, Who};
use shared::ids::SeatId;
use std::fmt;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Holds and sells a seat.
    Sell(Who, SeatId),
    /// Gives a seat to the other side.
    HandOver(Who, SeatId),
    /// Two persons put an unknown seat on sale again.
    Settle(Who, SeatId),
    /// Makes what it knows durable, then sends and hands out what waited for that.
    Commit(Who),
    /// The named witness stores what the box has written, which is then sent and handed out.
    Witness(Who),
    /// The next entry of the peer's log arrives, from this chain of the inbox.
    Deliver(Who, usize),
    /// The box opens a link session with central: both state their heads and judge the other's.
    Hello(Who),
    /// The box says Hello and central begins a session, but the answer is lost.
    HalfHello(Who),
    /// An old Hello of the box arrives once more: so many of central's entries are applied.
    StaleHello(Who, u64),
    /// The box hands out what its named witness, out of reach, has not stored; nothing is sent.
    HandOutAlone(Who),
    /// The box asks its named witness for its head.
    Ask(Who),
    /// Takes the next entry of its own log back.
    TakeBack(Who, Holder),
    /// Sets aside what it wrote since the split, takes this holder's end of the log, opens an incarnation on it, writes again
    /// what still applies.
    Rebase(Who, Holder),
    /// A manager's PIN opens the box with nobody to ask: a new incarnation.
    Pin(Who),
    /// Stops and starts again from its disk.
    Crash(Who),
    /// As a crash, and the last transaction is gone although it was reported durable.
    LoseTail(Who),
    /// Starts again from an older image of its disk: so many own entries, so many of the peer's.
    Restore(Who, u64, u64),
    /// A second process starts from an image of the box's disk: so many own entries, so many of the peer's.
    Clone(u64, u64),
}

fn name(who: Who) -> &'static str {
    match who {
        CENTRAL => "central",
        EDGE => "edge",
        CLONE => "clone",
        _ => "nobody",
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Sell(who, seat) => write!(f, "{} sells seat {seat}", name(who)),
            Self::HandOver(who, seat) => write!(f, "{} hands over seat {seat}", name(who)),
            Self::Settle(who, seat) => write!(f, "two persons put unknown seat {seat} on sale at {}", name(who)),
            Self::Commit(who) => write!(f, "{} commits, then sends and hands out", name(who)),
            Self::Witness(who) => write!(f, "the witness stores what {} wrote; it is sent and handed out", name(who)),
            Self::Deliver(who, _) => write!(f, "{} receives the next entry of its peer", name(who)),
            Self::Hello(who) => write!(f, "{} and central say Hello", name(who)),
            Self::HalfHello(who) => write!(f, "{} says Hello to central, whose answer is lost", name(who)),
            Self::StaleHello(who, known) => {
                write!(f, "an old Hello of {} arrives again: {known} of central's entries are applied", name(who))
            }
            Self::HandOutAlone(who) => write!(f, "{} hands out without its witness", name(who)),
            Self::Ask(who) => write!(f, "{} asks the witness", name(who)),
            Self::TakeBack(who, Holder::Peer) => write!(f, "{} takes an own entry back from its peer", name(who)),
            Self::TakeBack(who, Holder::Witness) => write!(f, "{} takes an own entry back from the witness", name(who)),
            Self::Rebase(who, Holder::Peer) => write!(f, "{} rebases on its peer's copy", name(who)),
            Self::Rebase(who, Holder::Witness) => write!(f, "{} rebases on the witness's copy", name(who)),
            Self::Pin(who) => write!(f, "a manager's PIN opens {}", name(who)),
            Self::Crash(who) => write!(f, "{} crashes and starts again", name(who)),
            Self::LoseTail(who) => write!(f, "{} crashes, loses its last transaction, starts again", name(who)),
            Self::Restore(who, own, peer) => {
                write!(f, "{} starts from an image with {own} own entries and {peer} of its peer's", name(who))
            }
            Self::Clone(own, peer) => {
                write!(f, "a clone starts from an image of the edge with {own} own entries and {peer} of its peer's")
            }
        }
    }
}
