//! What goes on between scanners and the edge while nobody looks: scans are handed in, the feed is read, voids are answered.

use super::doors::DoorWrite;
use super::invariants::Violation;
use super::node::Who;
use super::people::DOORS_OPEN_EARLY;
use super::scanner::{Page, SCANNERS};
use super::site::Site;
use shared::admission::{DoorShow, DoorTicket};
use shared::entry::TicketRef;
use shared::ids::{ScanId, TicketId};
use shared::planted::{self, Plant};
use std::collections::BTreeSet;

impl Site {
    /// Every scanner within reach turns to the edge; then the edge answers the voids that need not wait any longer.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn visit(&mut self) -> Result<(), Violation> {
        for scanner in 0..SCANNERS {
            if let Some(who) = self.scanners[scanner].talks_to() {
                self.witness(scanner, who)?;
            }
            if self.scanners[scanner].talks_to() == Some(Who::Edge) && self.edge.replica.is_some() {
                self.contact(scanner)?;
            }
        }
        self.enter_late()?;
        self.answer_voids()
    }

    /// Queued scans go up, then the feed comes down: asking for what follows a cursor says that all before it is known.
    fn contact(&mut self, scanner: usize) -> Result<(), Violation> {
        let queued: Vec<_> = self.scanners[scanner].queued().cloned().collect();
        if !queued.is_empty() {
            for scan in &queued {
                self.hand_in(scan);
                self.settle(Who::Edge)?;
            }
            if self.edge.replica.is_none() {
                return Ok(());
            }
            let delivered: Vec<ScanId> = queued.iter().map(|scan| scan.id).collect();
            self.scanners[scanner].delivered(&delivered);
        }
        let Some(page) = self.page(scanner) else { return Ok(()) };
        let device = &self.scanners[scanner];
        if !page.whole && device.cursor != self.edge.disk.doors.seen(scanner) {
            let cursor = device.cursor;
            self.edge.door_writes.push(DoorWrite::Seen(scanner, cursor));
            self.settle(Who::Edge)?;
            if self.edge.replica.is_none() {
                return Ok(());
            }
        }
        let now = self.now;
        self.scanners[scanner].take_in(page, now);
        Ok(())
    }

    fn page(&self, scanner: usize) -> Option<Page> {
        let replica = self.edge.replica.as_ref()?;
        let (ledger, doors) = (replica.ledger(), &self.edge.disk.doors);
        let incarnation = replica.heads().own.incarnation;
        let changed = doors.after(self.scanners[scanner].cursor, incarnation);
        let whole = changed.is_none();
        let changed: BTreeSet<TicketId> =
            changed.unwrap_or_else(|| ledger.tickets().map(|ticket| ticket.at.ticket).collect());
        let row = |id: TicketId| {
            let known = ledger.ticket(id)?;
            let show = ledger.show(known.at.show);
            let seat = show.map_or_else(String::new, |show| show.plan.label(known.at.seat));
            let TicketRef { show, generation, .. } = known.at;
            let ticket = known.sale.map(|_| DoorTicket { show, seat, generation, state: doors.state(known) });
            Some((known.at, ticket, doors.scans.admission(id).map(|scan| scan.admission)))
        };
        Some(Page {
            cursor: doors.end(incarnation),
            whole,
            boot: replica.boot(),
            now: self.edge.now(self.now),
            shows: ledger.shows().map(|show| (show.facts.number, DoorShow::from(show))).collect(),
            tickets: changed.into_iter().filter_map(row).collect(),
        })
    }

    /// Writes the admissions into the log that could not be written when they came.
    fn enter_late(&mut self) -> Result<(), Violation> {
        if let (true, Some(replica)) = (std::mem::take(&mut self.edge.rewound), &self.edge.replica) {
            let entered = |ticket| replica.ledger().ticket(ticket).is_some_and(|known| known.admitted.is_some());
            let gone = self.edge.disk.doors.admitted().filter(|at| !entered(at.ticket)).collect::<Vec<_>>();
            self.edge.door_writes.extend(gone.into_iter().map(DoorWrite::NotEntered));
            self.settle(Who::Edge)?;
        }
        if self.edge.disk.doors.not_entered.is_empty() || self.edge.replica.is_none() {
            return Ok(());
        }
        for (ticket, at) in self.edge.disk.doors.not_entered.clone() {
            if let Some(scan) = self.edge.disk.doors.scans.admission(ticket) {
                self.enter(ticket, at, scan.admission.at, &scan.admission.door);
            }
        }
        self.settle(Who::Edge)
    }

    fn answer_voids(&mut self) -> Result<(), Violation> {
        let now = self.edge.now(self.now);
        let node = &mut self.edge;
        let Some(replica) = node.replica.as_mut() else { return Ok(()) };
        let pending = replica.ledger().pending_voids().map(|ticket| ticket.at.ticket);
        let waiting: BTreeSet<TicketId> = pending.chain(node.disk.doors.asked.iter().copied()).collect();
        let incarnation = replica.heads().own.incarnation;
        for id in waiting {
            let Some(ticket) = replica.ledger().ticket(id).filter(|ticket| ticket.sale.is_some()) else {
                // Its sale was lost since.
                node.door_writes.push(DoorWrite::VoidAsked(id, false));
                continue;
            };
            let used = ticket.admitted.is_some();
            let show = replica.ledger().show(ticket.at.show);
            let opened = show.is_none_or(|show| show.facts.starts_at() - DOORS_OPEN_EARLY <= now);
            let waits = opened && !planted::is(Plant::VoidWithoutDoors);
            if !used && waits && !node.disk.doors.all_know(id, SCANNERS, incarnation) {
                continue;
            }
            if node.disk.doors.asked.contains(&id) {
                if !used {
                    let _refused_or_void = replica.void(id, now);
                }
                node.door_writes.push(DoorWrite::VoidAsked(id, false));
            } else {
                let _refused_or_answered = replica.answer_void(id, now);
            }
        }
        self.settle(Who::Edge)
    }
}
