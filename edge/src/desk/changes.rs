//! Writing what a batch changed: the ledger's tables, and the feed rows that follow from them in the same transaction.

use super::Desk;
use crate::door::feed::{self, KeysRow, Row, ShowRow, TicketRow};
use crate::door::{departures, scans};
use node::ledger_store;
use node::view::FirstAdmission;
use rusqlite::{Connection, Transaction};
use shared::admission::{Admission, TicketState, WayOut};
use shared::ids::{ShowNumber, Side, TicketId};
use shared::ledger;
use shared::ticket::booking_code;
use shared::time::Timestamp;
use std::sync::Arc;
use sync_protocol::replica::Changes;

impl Desk {
    /// Stores the replica's changes and the feed rows they lead to. False where there was nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub fn write_changes(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<bool> {
        let changes = self.replica.take_changes();
        self.write(tx, changes, now)
    }

    /// Stores changes that were taken from the replica, as [`write_changes`](Self::write_changes) does.
    ///
    /// # Errors
    /// If the database fails.
    pub fn write(&mut self, tx: &Transaction<'_>, changes: Changes, now: Timestamp) -> anyhow::Result<bool> {
        if is_empty(&changes) && self.touched.is_empty() && !self.tells_keys {
            return Ok(false);
        }
        self.discrepancies += changes.discrepancies.len() as u64;
        let (shows, tickets): (Vec<_>, Vec<_>) = (
            changes.ledger.shows.iter().map(|(number, _)| *number).collect(),
            changes.ledger.tickets.iter().map(|ticket| ticket.at.ticket).collect(),
        );
        let keys_changed = !changes.ledger.certificates.is_empty() || !changes.ledger.revoked.is_empty();
        ledger_store::write(tx, self.replica.theatre(), changes)?;
        if keys_changed || std::mem::take(&mut self.tells_keys) {
            self.learn_keys();
            let keys = Row::Keys(self.keys_row());
            feed::append(tx, &mut self.feed, &keys)?;
        }
        for number in &shows {
            self.append_show(tx, *number)?;
        }
        self.touched.extend(tickets);
        let entered = std::mem::take(&mut self.entered);
        for ticket in std::mem::take(&mut self.touched) {
            self.append_ticket(tx, ticket, entered.contains(&ticket))?;
        }
        if !shows.is_empty() || std::mem::take(&mut self.enters_late) {
            self.enter_late(tx, now)?;
        }
        Ok(true)
    }

    /// Tells the doors how a show stands.
    ///
    /// # Errors
    /// If the database fails.
    pub fn append_show(&mut self, db: &Connection, number: ShowNumber) -> rusqlite::Result<()> {
        let Some(show) = self.replica.ledger().show(number) else { return Ok(()) };
        let zone = &self.identity.zone;
        let WayOut { exit, reentry } = departures::way_out(db, number)?;
        let row = ShowRow {
            show: number.0,
            screen: show.facts.screen.0,
            title: show.facts.title.clone(),
            starts_at: zone.rfc3339(show.facts.starts_at()),
            ends_at: zone.rfc3339(show.facts.ends_at()),
            cancelled: show.cancelled,
            exit,
            reentry,
        };
        feed::append(db, &mut self.feed, &Row::Show(row))
    }

    fn append_ticket(&mut self, db: &Connection, id: TicketId, is_news: bool) -> rusqlite::Result<()> {
        let Some(ticket) = self.replica.ledger().ticket(id) else { return Ok(()) };
        let state = self.door_state(ticket);
        let at_door = self.door_ticket(ticket);
        let zone = &self.identity.zone;
        let (left_at, gone_at) = departures::last_departures(db, id)?;
        // The log knows the first entry only: whoever came back is with the doors.
        let again = if left_at.is_some() { scans::admission_of(db, id)? } else { None };
        let admitted = again
            .map(|(_, standing)| standing.admission)
            .or_else(|| ticket.admitted.as_ref().map(|first| Admission { at: first.at, door: first.door.clone() }));
        let row = TicketRow {
            ticket: id.to_string(),
            show: at_door.show.0,
            seat: at_door.seat,
            generation: at_door.generation,
            state: state.word().to_owned(),
            admitted: admitted.map(|first| FirstAdmission { at: zone.rfc3339(first.at), door: first.door }),
            booking: ticket.sale.map(|sale| booking_code(sale.booking)),
            left_at: left_at.map(|at| zone.rfc3339(at)),
            gone_at: gone_at.map(|at| zone.rfc3339(at)),
        };
        let append = if is_news { feed::append_new } else { feed::append };
        append(db, &mut self.feed, &Row::Ticket(row))?;
        self.voids.note_row(id, state == TicketState::VoidRequested, self.feed.seq);
        Ok(())
    }

    /// What a ticket is worth at the doors: blocked as soon as its end is asked for, by either side.
    pub fn door_state(&self, ticket: &ledger::Ticket) -> TicketState {
        match ticket.state() {
            ledger::TicketState::Live if self.voids.is_asked(ticket.at.ticket) => TicketState::VoidRequested,
            ledger::TicketState::Live => TicketState::Live,
            ledger::TicketState::VoidRequested => TicketState::VoidRequested,
            ledger::TicketState::Void => TicketState::Void,
        }
    }

    /// Takes the certificates and revocations of the log into the ring, and central's new keys into the link.
    pub(super) fn learn_keys(&mut self) {
        let ledger = self.replica.ledger();
        let ring = Arc::make_mut(&mut self.ring);
        for certificate in ledger.certificates() {
            if let Err(error) = ring.add(&certificate_text(certificate)) {
                tracing::warn!(%error, "a certificate in the log is not good here");
            }
        }
        for key in ledger.revoked() {
            ring.revoke(key);
        }
        let central = self.ring.certificates().filter(|certificate| certificate.side == Side::Central);
        for certificate in central {
            self.replica.trust_peer_key(certificate.public_key);
        }
    }

    /// All certificates and revoked keys, as scanners get them.
    pub fn keys_row(&self) -> KeysRow {
        let join = &self.identity.join;
        let mut certificates = vec![join.central_certificate.clone(), join.edge_certificate.clone()];
        certificates.extend(join.previous_certificate.clone());
        for certificate in self.replica.ledger().certificates() {
            let text = certificate_text(certificate);
            if !certificates.contains(&text) {
                certificates.push(text);
            }
        }
        KeysRow { certificates, revoked_keys: self.ring.revoked().map(|key| key.to_string()).collect() }
    }
}

/// An entry carries a certificate as its text.
fn certificate_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_empty(changes: &Changes) -> bool {
    let ledger = &changes.ledger;
    changes.entries.is_empty()
        && changes.heads.is_none()
        && changes.discrepancies.is_empty()
        && changes.dead_letters.is_empty()
        && changes.rewound.is_none()
        && changes.aside.is_none()
        && changes.standings.is_empty()
        && ledger.plans.is_empty()
        && ledger.shows.is_empty()
        && ledger.seats.is_empty()
        && ledger.tickets.is_empty()
        && ledger.holds.is_empty()
        && ledger.certificates.is_empty()
        && ledger.revoked.is_empty()
}
