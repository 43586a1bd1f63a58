//! One side's copy of one theatre's two logs, folded by rules of its own: who bought which seat, and what became of the ticket.

use shared::entry::{Entry, Fact};
use shared::ids::{BookingId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::seating::{Row, SeatingPlan};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A ticket as a `Sold` entry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoldTicket {
    pub(super) show: ShowNumber,
    pub(super) seat: SeatId,
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
    /// Tickets that ended.
    pub(super) ended: BTreeSet<TicketId>,
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

    fn fold(&mut self, seller: Side, fact: Fact) {
        match fact {
            Fact::PlanPublished { screen, rows, .. } => self.label_rows(screen, rows),
            Fact::ShowAdded(facts) => {
                self.screens.insert(facts.number, facts.screen);
            }
            Fact::Sold { show, booking, seats, .. } => {
                for sold in seats {
                    let ticket = SoldTicket { show, seat: sold.seat, booking, price: sold.price, seller };
                    self.sold.insert(sold.ticket, ticket);
                }
            }
            Fact::Voided(ticket) | Fact::VoidAccepted(ticket) => {
                self.ended.insert(ticket.ticket);
            }
            Fact::LogOpened { .. }
            | Fact::PriceSet { .. }
            | Fact::ShowCancelled { .. }
            | Fact::ShowClosed { .. }
            | Fact::KeyCertified { .. }
            | Fact::KeyRevoked { .. }
            | Fact::HandedOver { .. }
            | Fact::VoidRequested(_)
            | Fact::VoidRefused(_)
            | Fact::SeatReleased { .. }
            | Fact::SeatWithheld { .. }
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
