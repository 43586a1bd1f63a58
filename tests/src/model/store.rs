//! What a node keeps: both logs and the real ledger over them. Equal logs share one store.

use super::log::{Log, Written};
use shared::entry::{Entry, Fact};
use shared::ids::{SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{Conflict, Ledger};
use shared::show::Standing;
use shared::time::Timestamp;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The one show.
pub const SHOW: ShowNumber = ShowNumber(1);
/// Its seats: the first begins at central, the second at the box.
pub const SEATS: [SeatId; 2] = [SeatId(1), SeatId(2)];
/// Long before the show.
pub const NOW: Timestamp = Timestamp(0);
/// Entries that are there from the start: central's, the box's.
pub const FIRST_ENTRIES: [u64; 2] = [3, 1];

/// The index of a side in pairs.
pub fn at(side: Side) -> usize {
    match side {
        Side::Central => 0,
        Side::Edge => 1,
    }
}

/// A sale of a log.
#[derive(Debug, Clone, Copy)]
pub struct Sale {
    /// The ticket.
    pub ticket: TicketId,
    /// The seat.
    pub seat: SeatId,
    /// The epoch it states.
    pub epoch: u32,
    /// Its number in the log.
    pub number: u64,
}

/// Both logs and the ledger over them, as one node has them.
#[derive(Debug)]
pub struct Store {
    /// Whose.
    pub side: Side,
    /// Its own log.
    pub own: Log,
    /// Its copy of the peer's log.
    pub peer: Log,
    /// The real ledger.
    pub ledger: Ledger,
    /// Sales in the own log.
    pub sales: Vec<Sale>,
    /// By seat: could it be held and sold here?
    pub sellable: [bool; 2],
    /// By seat: is it unknown, and this side's to settle?
    pub unknown: [bool; 2],
    /// By seat: did two persons ever put it on sale again?
    pub settled: [bool; 2],
    /// Entries that did not apply.
    pub refused: u8,
    /// An entry applied whose writer was not the register's, or whose epoch was not current.
    pub foul: bool,
    /// By seat, the epoch counted from the entries that applied, without the ledger's help.
    epochs: [u32; 2],
    order_matters: AtomicBool,
}

impl Store {
    /// Before the first entry.
    pub fn empty(side: Side) -> Self {
        Self {
            side,
            own: Log::default(),
            peer: Log::default(),
            ledger: Ledger::new(side),
            sales: Vec::new(),
            sellable: [false; 2],
            unknown: [false; 2],
            settled: [false; 2],
            refused: 0,
            foul: false,
            epochs: [0, 1],
            order_matters: AtomicBool::new(false),
        }
    }

    /// One of the two logs.
    pub fn log(&self, side: Side) -> &Log {
        if side == self.side { &self.own } else { &self.peer }
    }

    /// Have two orders of arrival ended in different states?
    pub fn order_matters(&self) -> bool {
        self.order_matters.load(Ordering::Relaxed)
    }

    /// The same logs were folded on another way: into the same state?
    pub fn compare(&self, other: &Self) {
        if self.ledger.digest() != other.ledger.digest() {
            self.order_matters.store(true, Ordering::Relaxed);
        }
    }

    /// One entry more of either log, folded on top.
    pub fn with(&self, writer: Side, written: &Arc<Written>, epoch_check: bool) -> Self {
        let (mut own, mut peer) = (self.own.clone(), self.peer.clone());
        let log = if writer == self.side { &mut own } else { &mut peer };
        *log = log.with(written.clone());
        let mut next = Self {
            own,
            peer,
            ledger: self.ledger.clone(),
            sales: self.sales.clone(),
            order_matters: AtomicBool::new(self.order_matters()),
            ..*self
        };
        let applied = if epoch_check {
            next.ledger.apply(writer, written.head.seq, &written.entry)
        } else {
            apply_at_any_epoch(&mut next.ledger, writer, written)
        };
        next.ledger.take_changes();
        match applied {
            Ok(()) => next.count(writer, &written.entry.fact),
            Err(_) => next.refused += 1,
        }
        if let (Fact::Sold { seats, .. }, true) = (&written.entry.fact, writer == self.side) {
            let number = written.head.seq;
            next.sales.extend(seats.iter().map(|line| Sale {
                ticket: line.ticket,
                seat: line.seat,
                epoch: line.epoch,
                number,
            }));
        }
        next.look();
        next
    }

    /// What the entries say by themselves: a second opinion on the ledger's registers.
    fn count(&mut self, writer: Side, fact: &Fact) {
        let mut stated = |seat: SeatId, epoch: u32| {
            let Some(current) = self.epochs.get_mut(index(seat)) else { return };
            let authority = if epoch.is_multiple_of(2) { Side::Central } else { Side::Edge };
            self.foul |= *current != epoch || authority != writer;
            if matches!(fact, Fact::HandedOver { .. }) {
                *current += 1;
            }
        };
        match fact {
            Fact::HandedOver { runs, .. } | Fact::UnknownSettled { runs, .. } => {
                runs.iter().for_each(|run| run.seats().for_each(|seat| stated(seat, run.epoch)));
            }
            Fact::Sold { seats, .. } => seats.iter().for_each(|line| stated(line.seat, line.epoch)),
            Fact::TicketFound { seat: line, .. } => stated(line.seat, line.epoch),
            _ => {}
        }
        if let Fact::UnknownSettled { runs, .. } = fact {
            for seat in runs.iter().flat_map(|run| run.seats()) {
                self.settled[index(seat)] = true;
            }
        }
    }

    fn look(&mut self) {
        let Ok(show) = self.ledger.on_sale(SHOW, NOW) else { return };
        for (index, id) in SEATS.into_iter().enumerate() {
            let seat = show.seat(id);
            self.sellable[index] = self.ledger.own_free_seat(show, id, NOW).is_ok();
            self.unknown[index] =
                seat.is_some_and(|seat| seat.standing == Standing::Unknown && seat.authority() == self.side);
        }
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        self.own == other.own && self.peer == other.peer && self.side == other.side
    }
}

impl Eq for Store {}

impl Hash for Store {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.own.hash(state);
        self.peer.hash(state);
    }
}

/// A seat's index.
pub fn index(seat: SeatId) -> usize {
    usize::from(seat != SEATS[0])
}

/// The ledger without the epoch check: whoever writes is taken for the authority at the current epoch.
fn apply_at_any_epoch(ledger: &mut Ledger, writer: Side, written: &Written) -> Result<(), Conflict> {
    let current = |seat: SeatId| ledger.show(SHOW).and_then(|show| show.seat(seat));
    let mut side = writer;
    let mut bend = |seat: SeatId, epoch: &mut u32| {
        if let Some(seat) = current(seat) {
            (*epoch, side) = (seat.epoch, seat.authority());
        }
    };
    let mut fact = written.entry.fact.clone();
    match &mut fact {
        Fact::HandedOver { runs, .. } | Fact::UnknownSettled { runs, .. } => {
            runs.iter_mut().for_each(|run| bend(run.first, &mut run.epoch));
        }
        Fact::Sold { seats, .. } => seats.iter_mut().for_each(|line| bend(line.seat, &mut line.epoch)),
        Fact::TicketFound { seat: line, .. } => bend(line.seat, &mut line.epoch),
        _ => {}
    }
    ledger.apply(side, written.head.seq, &Entry { fact, ..written.entry })
}
