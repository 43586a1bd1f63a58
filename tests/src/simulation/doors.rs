//! What the edge keeps for its doors, and how it answers a scan: the tables of the box beside the ledger.

use super::codes::Codes;
use shared::admission::{
    Actor, AdmittedScan, Clock, Door, DoorFacts, DoorShow, DoorTicket, Guarantee, ScanLog, TicketState, Verdict,
    VerdictCode, VerdictKind, check,
};
use shared::entry::{Hash, TicketRef};
use shared::ids::{Incarnation, ScanId, SeatId, ShowNumber, TheatreId, TicketId};
use shared::ledger::{self, Ledger};
use shared::ticket::TicketBody;
use std::collections::{BTreeMap, BTreeSet};

/// One reading of a code at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The device's id for it.
    pub id: ScanId,
    /// The ticket, as its code says.
    pub at: TicketRef,
    /// The text that was read.
    pub code: String,
    /// The scan as it counts if it lets somebody in.
    pub entry: AdmittedScan,
    /// What the device decided by itself, if it did.
    pub alone: Option<VerdictKind>,
}

impl Scan {
    /// Somebody has walked in already.
    pub fn happened(&self) -> bool {
        self.alone == Some(VerdictKind::Admit)
    }
}

/// A change of the doors' tables.
#[derive(Debug, Clone)]
pub enum DoorWrite {
    /// A scan that let somebody in, with whether its admission is in the log.
    Admitted(TicketRef, AdmittedScan),
    /// The admission of a ticket is in the log, or will never be.
    Entered(TicketId),
    /// The admission of a ticket is in the log no more.
    NotEntered(TicketRef),
    /// A scanner has taken in the feed up to here, and handed in what it did before.
    Seen(usize, Cursor),
    /// The counter asks for a ticket's end, or asks no more.
    VoidAsked(TicketId, bool),
}

/// A position in the door feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The version of the edge's log.
    pub incarnation: Incarnation,
    /// Rows taken in.
    pub rows: usize,
    /// The chain's hash after them.
    pub hash: Hash,
}

/// The box's tables for its doors. Part of its store.
#[derive(Debug, Clone, Default)]
pub struct DoorTables {
    /// Every scan that let somebody in, by ticket.
    pub scans: ScanLog,
    /// Tickets the counter wants to end.
    pub asked: BTreeSet<TicketId>,
    /// Admissions that are not in the log yet.
    pub not_entered: BTreeMap<TicketId, TicketRef>,
    /// The door feed: tickets in the order in which they changed, with the chain's hash after each.
    feed: Vec<(TicketId, Hash)>,
    last_row: BTreeMap<TicketId, usize>,
    seen: BTreeMap<usize, Cursor>,
    admitted: BTreeMap<TicketId, TicketRef>,
    places: BTreeMap<(ShowNumber, SeatId), BTreeSet<TicketId>>,
}

impl DoorTables {
    /// Applies what a commit says of them.
    pub fn apply(&mut self, writes: &[DoorWrite], tickets: impl Iterator<Item = TicketId>) {
        for write in writes {
            match write {
                DoorWrite::Admitted(at, scan) => {
                    if self.scans.admission(at.ticket).is_none() {
                        self.not_entered.insert(at.ticket, *at);
                    }
                    self.scans.insert(at.ticket, scan.clone());
                    self.admitted.insert(at.ticket, *at);
                    self.places.entry((at.show, at.seat)).or_default().insert(at.ticket);
                    self.append(at.ticket);
                }
                DoorWrite::Entered(ticket) => {
                    self.not_entered.remove(ticket);
                }
                DoorWrite::NotEntered(at) => {
                    self.not_entered.insert(at.ticket, *at);
                }
                DoorWrite::Seen(scanner, cursor) => {
                    self.seen.insert(*scanner, *cursor);
                }
                DoorWrite::VoidAsked(ticket, asked) => {
                    if *asked {
                        self.asked.insert(*ticket)
                    } else {
                        self.asked.remove(ticket)
                    };
                    self.append(*ticket);
                }
            }
        }
        tickets.for_each(|ticket| self.append(ticket));
    }

    fn append(&mut self, ticket: TicketId) {
        let before = self.feed.last().map_or_else(Hash::default, |(_, hash)| *hash);
        // As at the box, a row is not the same if it tells another story of its ticket.
        let told = (ticket, self.asked.contains(&ticket), self.scans.admission(ticket).map(|scan| scan.admission));
        self.feed.push((ticket, before.chain(format!("{told:?}").as_bytes())));
        self.last_row.insert(ticket, self.feed.len());
    }

    /// The feed's end.
    pub fn end(&self, incarnation: Incarnation) -> Cursor {
        Cursor { incarnation, rows: self.feed.len(), hash: self.feed.last().map(|(_, hash)| *hash).unwrap_or_default() }
    }

    /// The tickets that changed after a cursor; nothing where the cursor is not on this feed.
    pub fn after(&self, cursor: Cursor, incarnation: Incarnation) -> Option<BTreeSet<TicketId>> {
        let hash = cursor.rows.checked_sub(1).map_or(Some(Hash::default()), |row| self.feed.get(row).map(|row| row.1));
        let known = cursor.incarnation == incarnation && hash == Some(cursor.hash);
        known.then(|| self.feed.iter().skip(cursor.rows).map(|(ticket, _)| *ticket).collect())
    }

    /// Has every one of so many scanners taken in the last word on a ticket, and handed in what it did before?
    pub fn all_know(&self, ticket: TicketId, scanners: usize, incarnation: Incarnation) -> bool {
        let row = self.last_row.get(&ticket).copied().unwrap_or_default();
        (0..scanners).all(|scanner| {
            self.seen.get(&scanner).is_some_and(|seen| seen.incarnation == incarnation && seen.rows >= row)
        })
    }

    /// Every ticket on which somebody was let in.
    pub fn admitted(&self) -> impl Iterator<Item = TicketRef> + '_ {
        self.admitted.values().copied()
    }

    /// How far a scanner is known to have read.
    pub fn seen(&self, scanner: usize) -> Cursor {
        self.seen.get(&scanner).copied().unwrap_or_default()
    }

    /// Has this scan been merged?
    pub fn knows(&self, scan: &Scan) -> bool {
        self.scans.scans(scan.at.ticket).contains(&scan.entry)
    }

    /// A ticket's state as the doors must know it.
    pub fn state(&self, ticket: &ledger::Ticket) -> TicketState {
        match ticket.state() {
            ledger::TicketState::Live if self.asked.contains(&ticket.at.ticket) => TicketState::VoidRequested,
            ledger::TicketState::Live => TicketState::Live,
            ledger::TicketState::VoidRequested => TicketState::VoidRequested,
            ledger::TicketState::Void => TicketState::Void,
        }
    }

    /// Answers a scan from ledger and tables; what it writes comes with the answer.
    pub fn judge(
        &self,
        scan: &Scan,
        ledger: &Ledger,
        codes: &Codes,
        clock: Clock,
        guarantee: Guarantee,
    ) -> (Verdict, Option<DoorWrite>) {
        // What happened is judged by its own time, which nobody verified.
        let clock = if scan.happened() { Clock { now: scan.entry.admission.at, verified: false } } else { clock };
        let facts = |body: &TicketBody| Ok::<_, std::convert::Infallible>(self.facts(body, scan.at, ledger));
        let door = Door::to_all_screens(codes.theatre);
        let verdict = match check(&scan.code, &codes.ring, &door, clock, guarantee, facts) {
            Ok(verdict) => verdict,
            Err(never) => match never {},
        };
        let unsigned = matches!(
            verdict.code,
            VerdictCode::Malformed | VerdictCode::BadSignature | VerdictCode::UnknownKey | VerdictCode::WrongTheatre
        );
        let asks = scan.alone.is_none() && verdict.kind() == VerdictKind::Admit;
        let merged = !unsigned && !self.knows(scan) && (scan.happened() || asks);
        (verdict, merged.then(|| DoorWrite::Admitted(scan.at, scan.entry.clone())))
    }

    fn facts(&self, body: &TicketBody, at: TicketRef, ledger: &Ledger) -> DoorFacts {
        let show = ledger.show(body.show);
        let others = self.places.get(&(at.show, at.seat)).into_iter().flatten();
        let other = others
            .filter(|ticket| **ticket != body.ticket)
            .find_map(|ticket| self.scans.admission(*ticket).map(|scan| (*ticket, scan.admission)));
        DoorFacts {
            show: show.map(DoorShow::from),
            ticket: ledger.ticket(body.ticket).filter(|ticket| ticket.sale.is_some()).map(|known| DoorTicket {
                show: known.at.show,
                seat: show.map_or_else(String::new, |show| show.plan.label(known.at.seat)),
                generation: known.at.generation,
                state: self.state(known),
            }),
            generation_max: show.and_then(|show| show.seat(at.seat)).map(|seat| seat.generation),
            admitted: self.scans.admission(body.ticket).map(|scan| scan.admission),
            seat_admitted: other,
        }
    }
}

/// Who makes scans: a device in one life of it.
pub fn actor(scanner: usize, theatre: TheatreId) -> Actor {
    Actor { device: format!("{theatre}-{scanner}"), incarnation: Incarnation(1) }
}
