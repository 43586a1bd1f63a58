//! Everything customers were ever told, kept outside of all nodes.

use shared::entry::TicketRef;
use shared::ids::{SeatId, ShowNumber, Side, TicketId};
use std::collections::{BTreeMap, BTreeSet};

/// A ticket somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handed {
    /// What it is for.
    pub at: TicketRef,
    /// Who sold it.
    pub seller: Side,
    /// Its holder gave it up, and the theatre agreed.
    pub ended: bool,
}

/// The memory of one theatre's customers.
#[derive(Debug, Default)]
pub struct Ghost {
    tickets: BTreeMap<TicketId, Handed>,
    live: BTreeMap<(ShowNumber, SeatId), BTreeSet<TicketId>>,
}

impl Ghost {
    /// A ticket was handed over after its commit.
    pub fn handed(&mut self, at: TicketRef, seller: Side) {
        self.tickets.insert(at.ticket, Handed { at, seller, ended: false });
        self.live.entry((at.show, at.seat)).or_default().insert(at.ticket);
    }

    /// A ticket ended, by the edge's committed word.
    pub fn ended(&mut self, ticket: TicketId) {
        if let Some(handed) = self.tickets.get_mut(&ticket) {
            handed.ended = true;
            if let Some(live) = self.live.get_mut(&(handed.at.show, handed.at.seat)) {
                live.remove(&ticket);
            }
        }
    }

    /// All tickets, live and ended.
    pub fn tickets(&self) -> impl Iterator<Item = &Handed> {
        self.tickets.values()
    }

    /// Seats with more than one live ticket.
    pub fn sold_twice(&self) -> impl Iterator<Item = (ShowNumber, SeatId)> + '_ {
        self.live.iter().filter(|(_, tickets)| tickets.len() > 1).map(|(seat, _)| *seat)
    }
}
