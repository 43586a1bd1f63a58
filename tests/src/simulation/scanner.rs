//! A scanner at a door: what it knows by itself, what it decides when the edge does not answer, and what it hands in later.

use super::codes::Codes;
use super::doors::{self, Cursor, Scan};
use super::keeper::Keeper;
use super::node::Who;
use shared::admission::{
    Admission, AdmittedScan, Clock, Door, DoorFacts, DoorShow, DoorTicket, Guarantee, TicketState, Verdict,
    VerdictKind, check,
};
use shared::entry::{Head, TicketRef};
use shared::ids::{ScanId, SeatId, ShowNumber, TheatreId, TicketId};
use shared::planted::{self, Plant};
use shared::ticket::TicketBody;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Scanners of each theatre.
pub const SCANNERS: usize = 2;
/// The age at which a scanner calls its list stale.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// A page of the door feed.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where to read on.
    pub cursor: Cursor,
    /// Forget the list: this is all of it.
    pub whole: bool,
    /// The edge's process.
    pub boot: u64,
    /// The edge's clock.
    pub now: Timestamp,
    /// Shows.
    pub shows: Vec<(ShowNumber, DoorShow)>,
    /// Tickets with their admissions.
    pub tickets: Vec<(TicketRef, Option<DoorTicket>, Option<Admission>)>,
}

/// A device at a door. Its store is its own and never fails here.
#[derive(Debug)]
pub struct Scanner {
    /// Its number at the edge.
    pub number: usize,
    /// The edge is within reach.
    pub reaches_edge: bool,
    /// It talks to another box of the same name.
    pub turned_away: bool,
    /// What it keeps for the box.
    pub keeper: Keeper,
    /// The head it last showed to the box, and to which process of it.
    pub shown: Option<(Head, u64)>,
    /// When.
    pub shown_at: Timestamp,
    /// The head up to which it last offered to an open box all that it keeps.
    pub offered: Option<Head>,
    /// Where it stands in the feed.
    pub cursor: Cursor,
    /// The edge's process it knows.
    pub boot: Option<u64>,
    theatre: TheatreId,
    offset_ms: Option<i64>,
    synced_at: Option<Timestamp>,
    shows: BTreeMap<ShowNumber, DoorShow>,
    tickets: BTreeMap<TicketId, (TicketRef, DoorTicket)>,
    admissions: BTreeMap<TicketId, (TicketRef, Admission)>,
    kept: Vec<Scan>,
    queued: BTreeSet<ScanId>,
}

impl Scanner {
    /// A device that was just paired.
    pub fn new(number: usize, theatre: TheatreId) -> Self {
        Self {
            number,
            reaches_edge: true,
            turned_away: false,
            keeper: Keeper::default(),
            shown: None,
            shown_at: Timestamp::default(),
            offered: None,
            cursor: Cursor::default(),
            boot: None,
            theatre,
            offset_ms: None,
            synced_at: None,
            shows: BTreeMap::new(),
            tickets: BTreeMap::new(),
            admissions: BTreeMap::new(),
            kept: Vec::new(),
            queued: BTreeSet::new(),
        }
    }

    /// The box it talks to, if it does.
    pub fn talks_to(&self) -> Option<Who> {
        self.reaches_edge.then_some(if self.turned_away { Who::Other } else { Who::Edge })
    }

    /// The clock by which it judges.
    pub fn clock(&self, now: Timestamp) -> Clock {
        Clock { now: Timestamp(now.0 + self.offset_ms.unwrap_or(0)), verified: self.offset_ms.is_some() }
    }

    /// A code is held before it.
    pub fn read(&self, at: TicketRef, code: String, id: ScanId, now: Timestamp) -> Scan {
        let admission = Admission { at: self.clock(now).now, door: format!("Door {}", self.number) };
        let entry = AdmittedScan { admission, actor: doors::actor(self.number, self.theatre), id };
        Scan { id, at, code, entry, alone: None }
    }

    /// Decides without the edge, and keeps the scan for it.
    pub fn decide(&mut self, mut scan: Scan, codes: &Codes, now: Timestamp) -> Verdict {
        let clock = self.clock(now);
        let guarantee = Guarantee::alone(self.synced_at.map(|at| now.since(at)), STALE_AFTER);
        let door = Door::to_all_screens(self.theatre);
        let facts = |body: &TicketBody| Ok::<_, std::convert::Infallible>(self.facts(body, scan.at));
        let verdict = match check(&scan.code, &codes.ring, &door, clock, guarantee, facts) {
            Ok(verdict) => verdict,
            Err(never) => match never {},
        };
        scan.alone = Some(verdict.kind());
        self.note(&scan, &verdict);
        if !planted::is(Plant::ScansNotKept) {
            self.queued.insert(scan.id);
            self.kept.push(scan);
        }
        verdict
    }

    /// The edge has answered.
    pub fn hear(&mut self, scan: Scan, verdict: &Verdict) {
        let scan = Scan { alone: Some(verdict.kind()), ..scan };
        self.note(&scan, verdict);
        self.kept.push(scan);
    }

    fn note(&mut self, scan: &Scan, verdict: &Verdict) {
        if verdict.kind() == VerdictKind::Admit {
            self.note_admission(scan.at, &scan.entry.admission);
        }
    }

    fn note_admission(&mut self, at: TicketRef, admission: &Admission) {
        let known = self.admissions.entry(at.ticket).or_insert_with(|| (at, admission.clone()));
        if *admission < known.1 {
            known.1 = admission.clone();
        }
    }

    /// What it knows of a ticket by itself.
    pub fn facts(&self, body: &TicketBody, at: TicketRef) -> DoorFacts {
        let same_place = |other: &TicketRef| (other.show, other.seat) == (at.show, at.seat);
        let generations =
            self.tickets.values().filter(|(other, _)| same_place(other)).map(|(other, _)| other.generation);
        let other = self.admissions.values().find(|(other, _)| same_place(other) && other.ticket != body.ticket);
        DoorFacts {
            show: self.shows.get(&body.show).cloned(),
            ticket: self.tickets.get(&body.ticket).map(|(_, ticket)| ticket.clone()),
            generation_max: generations.max(),
            admitted: self.admissions.get(&body.ticket).map(|(_, admission)| admission.clone()),
            seat_admitted: other.map(|(other, admission)| (other.ticket, admission.clone())),
        }
    }

    /// Does it know that the ticket has ended, or that its seat was sold again?
    pub fn knows_to_refuse(&self, at: TicketRef) -> bool {
        let ended = self.tickets.get(&at.ticket).is_some_and(|(_, ticket)| ticket.state != TicketState::Live);
        let sold_again = |(other, _): &(TicketRef, DoorTicket)| {
            (other.show, other.seat) == (at.show, at.seat) && other.generation > at.generation
        };
        ended || self.tickets.values().any(sold_again)
    }

    /// The scan by which it let the ticket in.
    pub fn admitting(&self, ticket: TicketId) -> Option<&Scan> {
        self.kept.iter().find(|scan| scan.at.ticket == ticket && scan.alone == Some(VerdictKind::Admit))
    }

    /// The scans the edge has not stored.
    pub fn queued(&self) -> impl Iterator<Item = &Scan> {
        self.kept.iter().filter(|scan| self.queued.contains(&scan.id))
    }

    /// The edge has stored them.
    pub fn delivered(&mut self, scans: &[ScanId]) {
        scans.iter().for_each(|scan| {
            self.queued.remove(scan);
        });
    }

    /// Takes in a page of the feed. A new process of the edge may have forgotten: everything is offered to it again.
    pub fn take_in(&mut self, page: Page, now: Timestamp) {
        if page.whole {
            self.shows.clear();
            self.tickets.retain(|_, (_, ticket)| ticket.state != TicketState::Live);
        }
        self.shows.extend(page.shows);
        for (at, ticket, admission) in page.tickets {
            if let Some(ticket) = ticket {
                self.tickets.insert(at.ticket, (at, ticket));
            }
            if let Some(admission) = admission {
                self.note_admission(at, &admission);
            }
        }
        if self.boot.is_some_and(|boot| boot != page.boot) {
            self.queued.extend(self.kept.iter().map(|scan| scan.id));
        }
        self.boot = Some(page.boot);
        self.cursor = page.cursor;
        self.offset_ms = Some(page.now.0 - now.0);
        self.synced_at = Some(now);
    }

    /// A seat and show it has admitted somebody for, for those who count.
    pub fn admitted(&self) -> impl Iterator<Item = (ShowNumber, SeatId, TicketId)> + '_ {
        self.admissions.values().map(|(at, _)| (at.show, at.seat, at.ticket))
    }
}
