//! One side's copy of one theatre's two logs, folded by rules of its own: who bought which seat, and what became of the ticket.

use shared::entry::{Entry, Fact, SoldSeat};
use shared::ids::{BookingId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::seating::{Row, SeatingPlan};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A ticket as a `Sold` entry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoldTicket {
    pub(super) show: ShowNumber,
    pub(super) seat: SeatId,
    /// The version of the seat's sale: each is sold once.
    pub(super) generation: u16,
    pub(super) booking: BookingId,
    /// Minor units.
    pub(super) price: u32,
    pub(super) seller: Side,
}

/// One log as one side has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// The bytes, entry 1 first.
    pub(super) entries: Vec<Vec<u8>>,
    /// When each was written, by its writer.
    pub(super) written: Vec<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) central: Log,
    pub(super) edge: Log,
    screens: BTreeMap<ShowNumber, ScreenId>,
    labels: BTreeMap<(ScreenId, SeatId), String>,
    pub(super) sold: BTreeMap<TicketId, SoldTicket>,
    /// Tickets that the edge ended by itself, that central asked to end, and whose end the edge accepted.
    voided: BTreeSet<TicketId>,
    asked: BTreeSet<TicketId>,
    accepted: BTreeSet<TicketId>,
    cancelled: BTreeSet<ShowNumber>,
}

impl Book {
    pub(super) fn log(&self, side: Side) -> &Log {
        match side {
            Side::Central => &self.central,
            Side::Edge => &self.edge,
        }
    }

    /// Takes in the next entry of a log. Bytes that do not decode still count as bytes.
    pub(super) fn take(&mut self, side: Side, bytes: Vec<u8>) {
        let decoded = Entry::decode(&bytes).ok();
        let log = match side {
            Side::Central => &mut self.central,
            Side::Edge => &mut self.edge,
        };
        log.written.push(decoded.as_ref().map_or(Timestamp::default(), |entry| entry.at));
        log.entries.push(bytes);
        if let Some(entry) = decoded {
            self.fold(side, entry.fact);
        }
    }

    /// The label of a seat of a show, once plan and show are known.
    pub(super) fn label(&self, show: ShowNumber, seat: SeatId) -> Option<&str> {
        let screen = self.screens.get(&show)?;
        self.labels.get(&(*screen, seat)).map(String::as_str)
    }

    /// Tickets that ended by the word of those who may end them: the edge its own ones, central's with both sides' consent.
    pub(super) fn ended(&self) -> impl Iterator<Item = TicketId> {
        let of = |ticket: &TicketId, side| self.sold.get(ticket).is_some_and(|sold| sold.seller == side);
        let own = self.voided.iter().filter(move |ticket| of(ticket, Side::Edge));
        let agreed = self.accepted.intersection(&self.asked).filter(move |ticket| of(ticket, Side::Central));
        own.chain(agreed).copied()
    }

    /// The show will not be shown: its tickets are worth nothing.
    pub(super) fn is_cancelled(&self, show: ShowNumber) -> bool {
        self.cancelled.contains(&show)
    }

    fn fold(&mut self, writer: Side, fact: Fact) {
        match fact {
            Fact::PlanPublished { screen, rows, .. } => self.label_rows(screen, rows),
            Fact::ShowAdded(facts) => {
                self.screens.insert(facts.number, facts.screen);
            }
            Fact::Sold { show, booking, seats, .. } => {
                for sold in seats {
                    let SoldSeat { seat, generation, price, .. } = sold;
                    let ticket = SoldTicket { show, seat, generation, booking, price, seller: writer };
                    self.sold.insert(sold.ticket, ticket);
                }
            }
            Fact::TicketFound { show, booking, seat: found } => {
                let SoldSeat { seat, generation, price, .. } = found;
                let ticket = SoldTicket { show, seat, generation, booking, price, seller: writer };
                self.sold.insert(found.ticket, ticket);
            }
            Fact::Voided(ticket) if writer == Side::Edge => {
                self.voided.insert(ticket.ticket);
            }
            Fact::VoidRequested(ticket) if writer == Side::Central => {
                self.asked.insert(ticket.ticket);
            }
            Fact::VoidAccepted(ticket) if writer == Side::Edge => {
                self.accepted.insert(ticket.ticket);
            }
            Fact::ShowCancelled { show } => {
                self.cancelled.insert(show);
            }
            Fact::LogOpened { .. }
            | Fact::PriceSet { .. }
            | Fact::ShowClosed { .. }
            | Fact::KeyCertified { .. }
            | Fact::KeyRevoked { .. }
            | Fact::HandedOver { .. }
            | Fact::Voided(_)
            | Fact::VoidRequested(_)
            | Fact::VoidAccepted(_)
            | Fact::VoidRefused(_)
            | Fact::SeatReleased { .. }
            | Fact::SeatWithheld { .. }
            | Fact::UnknownSettled { .. }
            | Fact::BoxRetired { .. }
            | Fact::SeatsTaken { .. }
            | Fact::BoxReplaced { .. }
            | Fact::Admitted { .. } => {}
        }
    }

    fn label_rows(&mut self, screen: ScreenId, rows: Vec<Row>) {
        let part = SeatingPlan { version: 0, categories: Vec::new(), rows };
        for seat in part.seats() {
            self.labels.insert((screen, seat.id), seat.label());
        }
    }
}
