//! Voids that wait for the doors. Once the doors have opened a ticket may end only after every paired scanner that counts has
//! taken in that it is blocked, and uploaded the scans it made before.

use super::{devices, feed};
use crate::counter::void::{self, Outcome};
use crate::desk::Desk;
use crate::till::refunds;
use anyhow::Context;
use rusqlite::{Connection, Transaction};
use shared::ids::{ShowNumber, TicketId};
use shared::ledger::{Ledger, TicketState};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::replica::Closed;

/// The voids of both sides that wait.
#[derive(Debug, Default)]
pub struct Voids {
    /// Tickets whose end the counter asked for. The ledger does not know of it until it is done.
    asked: BTreeSet<TicketId>,
    /// Every blocked ticket, with the feed row by which the doors learn that it is.
    blocked: BTreeMap<TicketId, u64>,
}

impl Voids {
    /// Finds the voids that waited when the box went down.
    ///
    /// # Errors
    /// If the database fails.
    pub fn load(db: &Connection, ledger: &Ledger) -> anyhow::Result<Self> {
        let mut asked = void::asked(db).context("find the voids that wait")?;
        asked.retain(|id| ledger.ticket(*id).is_some_and(|known| known.state() == TicketState::Live));
        let theirs = ledger.pending_voids().map(|ticket| ticket.at.ticket);
        let waiting = theirs.chain(asked.iter().copied());
        let blocked =
            waiting.map(|id| Ok((id, feed::last_row(db, &id.to_string())?))).collect::<anyhow::Result<_>>()?;
        Ok(Self { asked, blocked })
    }

    /// The counter asks for the ticket's end.
    pub fn ask(&mut self, ticket: TicketId) {
        self.asked.insert(ticket);
    }

    /// Whether the counter asked for the ticket's end.
    pub fn is_asked(&self, ticket: TicketId) -> bool {
        self.asked.contains(&ticket)
    }

    /// The counter's void is done, or came too late. False if there was none.
    pub fn forget_asked(&mut self, ticket: TicketId) -> bool {
        self.asked.remove(&ticket)
    }

    /// The doors learn by this row whether the ticket is blocked.
    pub fn note_row(&mut self, ticket: TicketId, blocked: bool, row: u64) {
        if blocked {
            self.blocked.entry(ticket).or_insert(row);
        } else {
            self.blocked.remove(&ticket);
        }
    }
}

impl Desk {
    /// Whether people may have walked in on this show's tickets. A scanner that was alone uploads what it admitted even
    /// after the show.
    fn doors_have_opened(&self, show: ShowNumber, now: Timestamp) -> bool {
        let show = self.replica().ledger().show(show);
        show.is_none_or(|show| show.facts.starts_at() - self.door().early <= now)
    }

    /// Whether a ticket of this show may end at once: nobody has walked in yet, or no scanner could have admitted it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn may_void_at_once(&self, db: &Connection, show: ShowNumber, now: Timestamp) -> rusqlite::Result<bool> {
        Ok(!self.doors_have_opened(show, now) || devices::all_seen(db, self.incarnation())?.is_none())
    }

    /// Answers every void that need not wait any longer. True if there was one.
    pub(crate) fn settle_voids(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<bool> {
        if self.voids().blocked.is_empty() {
            return Ok(false);
        }
        let seen = devices::all_seen(tx, self.incarnation())?;
        let mut answered = false;
        for (id, row) in self.voids().blocked.clone() {
            let Some(ticket) = self.replica().ledger().ticket(id) else { continue };
            let (used, show) = (ticket.admitted.is_some(), ticket.at.show);
            if !used && self.doors_have_opened(show, now) && seen.is_some_and(|seen| seen < row) {
                continue;
            }
            // A box that is closed writes no void, and one that cannot prove its log no answer either: they wait until it is open again.
            let (asked_here, closed) = (self.voids().is_asked(id), self.replica().heads().closed);
            if asked_here && !used && !self.replica().can_sell()
                || !asked_here && closed.is_some_and(Closed::stops_the_log)
            {
                continue;
            }
            answered = true;
            self.voids_mut().blocked.remove(&id);
            if asked_here {
                self.end_asked(tx, id, used, now)?;
            } else if let Err(refusal) = self.replica_mut().answer_void(id, now) {
                tracing::warn!(ticket = %id, code = refusal.code(), "a void could not be answered");
            }
        }
        Ok(answered)
    }

    fn end_asked(&mut self, tx: &Transaction<'_>, id: TicketId, used: bool, now: Timestamp) -> anyhow::Result<()> {
        self.forget_asked(id);
        if used {
            tracing::warn!(ticket = %id, "a void of the counter came too late: the ticket was used");
            void::ended(tx, id, Outcome::Used, now)?;
        } else if let Err(refusal) = self.replica_mut().void(id, now) {
            tracing::warn!(ticket = %id, code = refusal.code(), "a void of the counter could not be done");
        } else {
            refunds::owe(tx, id, now)?;
            void::ended(tx, id, Outcome::Void, now)?;
        }
        Ok(())
    }
}
