//! Everything that was ever true outside of the nodes: what customers hold, who walked in, what was written. Nodes forget; this
//! does not.

use super::invariants::Written;
use super::node::Who;
use shared::admission::Guarantee;
use shared::entry::{Fact, Hash, SeatsAtEpoch, TicketRef};
use shared::ids::{HoldId, RequestId, ScanId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A ticket somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// What it is for.
    pub at: TicketRef,
    /// Who sold it.
    pub by: Who,
    /// Its sale's number and hash in the seller's log.
    pub sale: (u64, Hash),
    /// The seat's epoch at its sale.
    pub epoch: u32,
    /// The entries that told of it before, on lines that were left or at another box.
    pub earlier: Vec<(u64, Hash)>,
    /// The named witness was there when it was sold in a cut: it has the sale.
    pub promised: bool,
    /// Its holder gave it up, and the theatre agreed.
    pub ended: bool,
    /// How many disks had been put back before.
    pub rollbacks: u32,
    /// The number and hash of the entry that ended it.
    pub end: Option<(u64, Hash)>,
    /// No store has its sale any more.
    pub lost: bool,
    /// No store has its end any more.
    pub end_lost: bool,
}

/// Somebody walked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// On this ticket.
    pub at: TicketRef,
    /// At this door.
    pub scanner: usize,
    /// By this scan.
    pub scan: ScanId,
    /// What the door promised.
    pub guarantee: Guarantee,
    /// The edge has had it on disk since its disk last forgot something.
    pub known_to_edge: bool,
    /// The device decided without the edge.
    pub alone: bool,
    /// By the edge's clock the doors were shut: a device with a wrong clock let somebody in.
    pub early: bool,
}

/// Two live tickets for one seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Double {
    /// The ticket that was there.
    pub first: TicketId,
    /// The ticket that came.
    pub second: TicketId,
    /// How that could happen though nothing is wrong with the core; nothing where it must not have happened.
    pub cause: Option<Cause>,
}

/// What can bring a seat two live tickets though every rule was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The first ticket's own entry was lost before anybody else had it, and no named witness was there when it was sold.
    Unprovable,
    /// The entry was lost with its box's disk, and the box opened in a cut on the word of a witness that had been away meanwhile.
    StaleWitness,
    /// The entry was lost with the disks of both sides.
    BothDisks,
    /// Two boxes of one name ran, and each sold what was under its authority.
    Cloned,
    /// Two persons had answered for the seat, or attested that a box is off which lives.
    Overridden,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unprovable, Self::Cloned, Self::Overridden, Self::StaleWitness, Self::BothDisks];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unprovable => "unprovable",
            Self::StaleWitness => "stale_witness",
            Self::BothDisks => "both_disks",
            Self::Cloned => "cloned",
            Self::Overridden => "overridden",
        }
    }
}

/// What may excuse what otherwise must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Excuses {
    /// A disk has forgotten.
    pub forgot: bool,
    /// Two boxes ran at once.
    pub cloned: bool,
    /// A box was retired.
    pub retired: bool,
    /// A log went on as a new incarnation.
    pub reopened: bool,
    /// Both sides added a show for one screen and time.
    pub overlaps: bool,
    /// Bytes that are no message were sent, so many.
    pub garbage: usize,
}

/// The memory of one theatre.
#[derive(Debug, Default)]
pub struct Ghost {
    /// Tickets by id.
    pub tickets: BTreeMap<TicketId, Handed>,
    /// Who walked in, in order.
    pub walks: Vec<Walk>,
    /// Seats with two live tickets.
    pub doubles: Vec<Double>,
    /// What may excuse what.
    pub excuses: Excuses,
    /// Tickets in the order they were handed over.
    pub order: Vec<TicketId>,
    /// What every request was answered.
    pub answers: BTreeMap<RequestId, Vec<TicketRef>>,
    /// Its node's store time until which each hold may become tickets.
    pub holds: BTreeMap<HoldId, Timestamp>,
    /// The highest number of each log that was ever durable at its receiver.
    pub durable: BTreeMap<Side, u64>,
    /// How many disks were put back.
    pub rollbacks: u32,
    /// Heads that devices kept when persons answered for what their box had forgotten.
    pub answered: BTreeSet<Hash>,
    /// How many entries of each kind were written.
    pub tally: BTreeMap<&'static str, u64>,
    /// Boxes that opened on the word of a witness that had been away when they last wrote.
    pub stale_witnesses: u64,
    arrived: BTreeSet<Hash>,
    kept: BTreeSet<Hash>,
    writers: BTreeMap<Hash, Who>,
    passed_over: BTreeSet<Hash>,
    unheard_seats: BTreeSet<(ShowNumber, SeatId)>,
    settled: BTreeMap<(ShowNumber, SeatId), usize>,
    slots: BTreeSet<(ScreenId, u32)>,
    live: BTreeMap<(ShowNumber, SeatId), BTreeSet<TicketId>>,
    written: BTreeMap<(Side, u64), Vec<Hash>>,
    handovers: BTreeMap<(ShowNumber, SeatId, u32), Vec<Handover>>,
}

/// Where a handover is written: log, number, chain hash.
type Handover = (Side, u64, Hash);

impl Ghost {
    /// A writer has committed an entry of its own.
    pub fn wrote(&mut self, log: Side, seq: u64, hash: Hash) {
        let known = self.written.entry((log, seq)).or_default();
        if !known.contains(&hash) {
            known.push(hash);
        }
    }

    /// Did the writer ever commit this entry?
    pub fn was_written(&self, log: Side, seq: u64, hash: Hash) -> bool {
        self.written.get(&(log, seq)).is_some_and(|known| known.contains(&hash))
    }

    /// The other side has stored an entry.
    pub fn arrive(&mut self, hash: Hash) {
        self.arrived.insert(hash);
    }

    /// Has the other side ever stored this entry?
    pub fn has_arrived(&self, hash: Hash) -> bool {
        self.arrived.contains(&hash)
    }

    /// A device has stored an entry.
    pub fn keep(&mut self, hash: Hash) {
        self.kept.insert(hash);
    }

    /// Has anybody but its writer ever stored this entry?
    pub fn was_ever_elsewhere(&self, hash: Hash) -> bool {
        self.arrived.contains(&hash) || self.kept.contains(&hash)
    }

    /// A box opens on the word of a witness that knows nothing of these entries of its log; the other side had them.
    pub fn pass_over(&mut self, missing: impl Fn(u64, Hash) -> bool, last: u64) {
        self.stale_witnesses += 1;
        for ((_, seq), hashes) in self.written.range((Side::Edge, 0)..=(Side::Edge, last)) {
            let hashes = hashes.iter().filter(|hash| self.arrived.contains(hash) && missing(*seq, **hash));
            self.passed_over.extend(hashes);
        }
        let given = self.handovers.iter().filter(|(_, entries)| {
            entries.iter().any(|(log, _, hash)| *log == Side::Edge && self.passed_over.contains(hash))
        });
        self.unheard_seats.extend(given.map(|((show, seat, _), _)| (*show, *seat)));
    }

    /// Was this entry lost when a box opened on such a word?
    pub fn was_passed_over(&self, hash: Hash) -> bool {
        self.passed_over.contains(&hash)
    }

    /// Did a box that opened on such a word forget that it had given this seat away?
    pub fn is_unheard(&self, show: ShowNumber, seat: SeatId) -> bool {
        self.unheard_seats.contains(&(show, seat))
    }

    /// Did two persons put the seat on sale again after this ticket was handed over?
    pub fn was_settled_after(&self, handed: &Handed) -> bool {
        let nth = self.order.iter().position(|ticket| *ticket == handed.at.ticket);
        let settled = self.settled.get(&(handed.at.show, handed.at.seat));
        nth.zip(settled).is_some_and(|(nth, settled)| nth < *settled)
    }

    /// A node has committed an entry of its own.
    pub fn note(&mut self, who: Who, written: &Written) {
        let Written { log, seq, hash, entry, fresh } = written;
        self.wrote(*log, *seq, *hash);
        if *fresh {
            self.writers.insert(*hash, who);
        }
        if *fresh {
            *self.tally.entry(entry.fact.kind()).or_default() += 1;
        }
        match &entry.fact {
            Fact::HandedOver { show, runs, .. } | Fact::SeatsTaken { show, runs } if *fresh => {
                if matches!(entry.fact, Fact::SeatsTaken { .. }) {
                    self.settle(*show, runs);
                }
                for run in runs {
                    run.seats().for_each(|seat| self.gave(*show, seat, run.epoch, (*log, *seq, *hash)));
                }
            }
            Fact::UnknownSettled { show, runs } if *fresh => self.settle(*show, runs),
            Fact::ShowAdded(facts) if *fresh => {
                self.excuses.overlaps |= !self.slots.insert((facts.screen, facts.starts));
            }
            Fact::LogOpened { parent: Some(_), .. } => self.excuses.reopened = true,
            // What is written again, or turns up, is known by another entry from then on.
            Fact::Sold { seats, .. } => seats.iter().for_each(|line| self.sold(line.ticket, (*seq, *hash))),
            Fact::TicketFound { seat, .. } => self.sold(seat.ticket, (*seq, *hash)),
            Fact::Voided(at) | Fact::VoidAccepted(at) => self.end(at.ticket, (*seq, *hash)),
            _ => {}
        }
    }

    fn settle(&mut self, show: ShowNumber, runs: &[SeatsAtEpoch]) {
        let handed = self.order.len();
        self.settled.extend(runs.iter().flat_map(|run| run.seats()).map(|seat| ((show, seat), handed)));
    }

    fn sold(&mut self, ticket: TicketId, sale: (u64, Hash)) {
        if let Some(handed) = self.tickets.get_mut(&ticket) {
            if handed.sale != sale {
                handed.earlier.push(handed.sale);
            }
            (handed.sale, handed.lost) = (sale, false);
        }
    }

    /// A seat was given away from an epoch, by this entry.
    pub fn gave(&mut self, show: ShowNumber, seat: SeatId, epoch: u32, entry: (Side, u64, Hash)) {
        self.handovers.entry((show, seat, epoch)).or_default().push(entry);
    }

    /// The node that wrote an entry first.
    pub fn writer(&self, hash: Hash) -> Option<Who> {
        self.writers.get(&hash).copied()
    }

    /// The entries by which a seat ever left an epoch.
    pub fn given(&self, show: ShowNumber, seat: SeatId, epoch: u32) -> &[(Side, u64, Hash)] {
        self.handovers.get(&(show, seat, epoch)).map_or(&[], Vec::as_slice)
    }

    /// A ticket was handed over after its commit. Says which live ticket the seat has already.
    pub fn hand_over(&mut self, handed: Handed) -> Option<TicketId> {
        let at = handed.at;
        if self.tickets.contains_key(&at.ticket) {
            return None;
        }
        self.tickets.insert(at.ticket, handed);
        self.order.push(at.ticket);
        let live = self.live.entry((at.show, at.seat)).or_default();
        let first = live.first().copied();
        live.insert(at.ticket);
        first
    }

    /// A ticket ended, by the edge's committed word.
    fn end(&mut self, ticket: TicketId, end: (u64, Hash)) {
        if let Some(handed) = self.tickets.get_mut(&ticket) {
            (handed.ended, handed.end, handed.end_lost) = (true, Some(end), false);
            let at = handed.at;
            if let Some(live) = self.live.get_mut(&(at.show, at.seat)) {
                live.remove(&ticket);
            }
        }
    }

    /// The ticket that somebody picks.
    pub fn nth(&self, nth: usize, wanted: impl Fn(&Handed) -> bool) -> Option<Handed> {
        let wanted: Vec<&Handed> =
            self.order.iter().filter_map(|id| self.tickets.get(id)).filter(|handed| wanted(handed)).collect();
        (!wanted.is_empty()).then(|| wanted[nth % wanted.len()].clone())
    }
}
