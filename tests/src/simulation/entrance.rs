//! What happens at a door: a code is shown, the device asks the edge or decides alone, and somebody walks in or does not.

use super::action::Forgery;
use super::codes;
use super::doors::{DoorWrite, Scan};
use super::ghost::Walk;
use super::invariants::{self, Violation};
use super::node::Who;
use super::people::DOORS_OPEN_EARLY;
use super::site::{self, Site};
use rand::RngExt;
use shared::admission::{Clock, Guarantee, Reading, Verdict, VerdictKind, read};
use shared::entry::TicketRef;
use shared::ids::{ScanId, SeatId, Side, TicketId};
use shared::keys::SecretKey;
use shared::time::Timestamp;
use std::time::Duration;

/// How long after a start an answer at the door is not called SHARED while some scanner was not heard.
const HEARING_LASTS: Duration = Duration::from_secs(60);
/// Characters at the end of a code that say nothing but its signature.
const SIGNATURE_CHARS: usize = 100;

/// What a code says that somebody made of a genuine ticket.
fn claimed(at: TicketRef, forged: Option<Forgery>) -> TicketRef {
    match forged {
        None | Some(Forgery::Key) => at,
        Some(Forgery::Seat) => TicketRef { seat: SeatId(at.seat.0 % site::SEATS + 1), ..at },
        Some(Forgery::Ticket(ticket)) => TicketRef { ticket, ..at },
    }
}

impl Site {
    /// Somebody shows a ticket at a door, or what is none.
    pub(super) fn scan(&mut self, scanner: usize, nth: usize, forged: Option<Forgery>) -> Result<(), Violation> {
        let Some(handed) = self.ghost.nth(nth, |_| true) else { return Ok(()) };
        let id = ScanId(self.dice.random());
        let code = self.code(handed.at, handed.by.side(), forged);
        let at = claimed(handed.at, forged);
        let device = &self.scanners[scanner];
        let scan = device.read(at, code, id, self.now);
        let door = shared::admission::Door::to_all_screens(self.codes.theatre);
        let clock = device.clock(self.now);
        let mut alone = false;
        let verdict = match read(&scan.code, &self.codes.ring, &door, clock, Guarantee::Stale) {
            Reading::Answered(verdict) => verdict,
            Reading::Genuine(_) => match self.ask_edge(scanner, &scan)? {
                Some(verdict) => {
                    self.scanners[scanner].hear(scan.clone(), &verdict);
                    verdict
                }
                None => {
                    alone = true;
                    self.scanners[scanner].decide(scan.clone(), &self.codes, self.now)
                }
            },
        };
        self.trace.update(verdict.code.code().as_bytes());
        if verdict.kind() == VerdictKind::Admit {
            self.walk_in(scanner, &scan, (&verdict, alone), forged)?;
        }
        Ok(())
    }

    fn code(&self, at: TicketRef, seller: Side, forged: Option<Forgery>) -> String {
        let (plan, show) = (site::plan(), site::facts(at.show, self.setup.starts_min));
        match forged {
            None => self.codes.code(at, &plan, &show, &codes::key(seller, 0)),
            Some(Forgery::Key) => self.codes.code(at, &plan, &show, &SecretKey::from_seed(&[77; 32])),
            Some(Forgery::Seat | Forgery::Ticket(_)) => {
                let key = codes::key(seller, 0);
                let claimed = self.codes.code(claimed(at, forged), &plan, &show, &key);
                // The key's id and the signature of a genuine one, which are there for everybody to read.
                let genuine = self.codes.code(at, &plan, &show, &key);
                let (body, signature) = (claimed.len() - SIGNATURE_CHARS, genuine.len() - SIGNATURE_CHARS);
                format!("{}{}", &claimed[..body], &genuine[signature..])
            }
        }
    }

    /// Asks the edge. No answer where it is out of reach, down, or dies over it.
    fn ask_edge(&mut self, scanner: usize, scan: &Scan) -> Result<Option<Verdict>, Violation> {
        if self.scanners[scanner].talks_to() != Some(Who::Edge) {
            return Ok(None);
        }
        // An edge whose disk is older than this door's own admission must hear of that first.
        if let Some(earlier) = self.scanners[scanner].admitting(scan.at.ticket).cloned() {
            self.hand_in(&earlier);
            self.settle(Who::Edge)?;
        }
        let Some(verdict) = self.hand_in(scan) else { return Ok(None) };
        self.settle(Who::Edge)?;
        Ok(self.edge.replica.is_some().then_some(verdict))
    }

    /// The edge takes a scan in, to be committed.
    pub(super) fn hand_in(&mut self, scan: &Scan) -> Option<Verdict> {
        let guarantee = self.edge_guarantee();
        let now = self.edge.now(self.now);
        let node = &mut self.edge;
        let replica = node.replica.as_mut()?;
        let clock = Clock { now, verified: true };
        let (verdict, write) = node.disk.doors.judge(scan, replica.ledger(), &self.codes, clock, guarantee);
        if let Some(write) = write {
            node.door_writes.push(write);
            let first = node.disk.doors.scans.admission(scan.at.ticket).is_none();
            if first {
                self.enter(scan.at.ticket, scan.at, scan.entry.admission.at, &scan.entry.admission.door);
            }
        }
        Some(verdict)
    }

    /// Writes an admission into the log, unless the show is not known yet or the log may not grow.
    pub(super) fn enter(&mut self, ticket: TicketId, at: TicketRef, when: Timestamp, door: &str) {
        let now = self.edge.now(self.now);
        let node = &mut self.edge;
        let Some(replica) = node.replica.as_mut() else { return };
        if replica.ledger().show(at.show).is_none() {
            return;
        }
        let entered = replica.admit(at, when, door.to_owned(), now);
        if entered != Err(shared::refusal::Refusal::Closed) {
            node.door_writes.push(DoorWrite::Entered(ticket));
        }
    }

    fn edge_guarantee(&self) -> Guarantee {
        let Some(replica) = &self.edge.replica else { return Guarantee::Stale };
        let heard = self.scanners.iter().all(|scanner| scanner.boot == Some(replica.boot()));
        let long = self.now.since(self.edge.started) >= HEARING_LASTS;
        if replica.can_sell() && (heard || long) { Guarantee::Shared } else { Guarantee::Solo }
    }

    fn walk_in(
        &mut self,
        scanner: usize,
        scan: &Scan,
        (verdict, alone): (&Verdict, bool),
        forged: Option<Forgery>,
    ) -> Result<(), Violation> {
        let known_to_edge = self.edge.disk.doors.knows(scan);
        let opens = site::facts(scan.at.show, self.setup.starts_min).starts_at() - DOORS_OPEN_EARLY;
        let early = self.edge.now(self.now) < opens;
        let guarantee = verdict.guarantee;
        let walk = Walk { at: scan.at, scanner, scan: scan.id, guarantee, known_to_edge, alone, early };
        invariants::invariant_no_forged_or_ended_ticket_is_admitted(self, &walk, forged)?;
        invariants::invariant_a_ticket_is_admitted_once_where_doors_are_connected(self, &walk)?;
        self.ghost.walks.push(walk);
        Ok(())
    }
}
