//! What no node knows: every ticket that was ever handed to a customer, whatever became of its entry.

use super::node::{CENTRAL, EDGE, Who};
use super::store::{Sale, Store, index};
use super::theatre::{State, Theatre};
use shared::entry::Fact;
use shared::ids::{SeatId, Side, TicketId};

/// What a ticket is to the tickets that were sold before it for the same seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handed {
    /// The only one.
    Alone,
    /// The second one of a seat that two persons had put on sale: a logged override.
    Overridden,
    /// The second one, of a box that runs twice, without a named witness.
    Cloned,
    /// The second one: the box's disk forgot the first one's entry, nobody else has it, and no named witness was in reach.
    Unprovable,
    /// The second one, and there is no excuse.
    Twice,
}

/// A ticket in a customer's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The ticket.
    pub ticket: TicketId,
    /// The seat.
    pub seat: SeatId,
    /// Who sold it.
    pub seller: Who,
    /// It was sold after two persons had put the unknown seat on sale.
    pub overridden: bool,
    /// It was handed out although the named witness had not stored its sale.
    pub alone: bool,
    /// What it is to the tickets before it.
    pub handed: Handed,
}

/// Claims about single steps that did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Wrongs {
    /// A seat was sold although a `HandedOver` of it at that epoch was durable somewhere.
    pub sold_after_handover: bool,
    /// A ticket was handed out that its seller's disk does not know as sold by the seat's authority.
    pub sold_before_durable: bool,
    /// An ack named more than the receiver's disk has.
    pub acked_before_durable: bool,
}

impl State {
    /// Hands out the tickets of `who`'s sales that may be: those up to entry `last` of its own log.
    pub fn hand_out(&mut self, theatre: &Theatre, who: Who, store: &Store, last: u64, alone: bool) {
        for sale in store.sales.iter().filter(|sale| sale.number <= last) {
            if self.tickets.iter().any(|ticket| ticket.ticket == sale.ticket) {
                continue;
            }
            let overridden = store.settled[index(sale.seat)];
            let handed = self.judge(theatre, who, *sale, overridden);
            self.wrongs.sold_before_durable |= !self.is_durably_sold(who, *sale);
            let excused = overridden || (self.runs_twice() && !theatre.setting.witness);
            self.wrongs.sold_after_handover |= !excused && self.is_handed_over(who, *sale);
            self.tickets.push(Ticket { ticket: sale.ticket, seat: sale.seat, seller: who, overridden, alone, handed });
        }
        self.tickets.sort();
    }

    fn judge(&self, theatre: &Theatre, who: Who, sale: Sale, overridden: bool) -> Handed {
        let earlier = self.tickets.iter().filter(|ticket| ticket.seat == sale.seat);
        let judged = earlier.map(|first| {
            if overridden || first.overridden {
                Handed::Overridden
            } else if !theatre.setting.witness && self.runs_twice() && (who >= EDGE || first.seller >= EDGE) {
                Handed::Cloned
            } else if first.seller != CENTRAL
                && self.nodes[first.seller].forgot
                && (first.alone || !theatre.setting.witness)
                && !self.is_held(first.ticket)
            {
                Handed::Unprovable
            } else {
                Handed::Twice
            }
        });
        judged.max().unwrap_or(Handed::Alone)
    }

    fn runs_twice(&self) -> bool {
        self.nodes.len() > EDGE + 1
    }

    /// Does anybody still have the entry of the ticket's sale?
    fn is_held(&self, ticket: TicketId) -> bool {
        let sold = |fact: &Fact| match fact {
            Fact::Sold { seats, .. } => seats.iter().any(|line| line.ticket == ticket),
            Fact::TicketFound { seat, .. } => seat.ticket == ticket,
            _ => false,
        };
        let mut logs = self.nodes.iter().flat_map(|node| [&node.memory, &node.disk]).flat_map(|s| [&s.own, &s.peer]);
        let witness = self.witness.iter();
        logs.any(|log| log.entries().any(|written| sold(&written.entry.fact)))
            || witness.flat_map(|log| log.entries()).any(|written| sold(&written.entry.fact))
    }

    fn is_durably_sold(&self, who: Who, sale: Sale) -> bool {
        let disk = &self.nodes[who].disk;
        let known = disk.ledger.ticket(sale.ticket).and_then(|ticket| ticket.sale);
        let authority = if sale.epoch.is_multiple_of(2) { Side::Central } else { Side::Edge };
        known.is_some_and(|known| known.seller == disk.side) && authority == disk.side
    }

    /// Is there an entry, durable with the seller, its peer or its witness, by which it gave the seat away at the epoch at which
    /// it now sells it?
    fn is_handed_over(&self, who: Who, sale: Sale) -> bool {
        let gives = |fact: &Fact| match fact {
            Fact::HandedOver { runs, .. } => {
                runs.iter().any(|run| run.epoch == sale.epoch && run.seats().any(|seat| seat == sale.seat))
            }
            _ => false,
        };
        let side = self.nodes[who].side();
        let others = self.nodes.iter().enumerate().filter(|(other, node)| *other == who || node.side() != side);
        let mut logs = others.map(|(_, node)| node.disk.log(side));
        let witness = self.witness.iter().filter(|_| who != CENTRAL);
        logs.any(|log| log.entries().any(|written| gives(&written.entry.fact)))
            || witness.flat_map(|log| log.entries()).any(|written| gives(&written.entry.fact))
    }
}
