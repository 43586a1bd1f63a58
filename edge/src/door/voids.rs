//! Voids that wait for the doors. Inside the door window a ticket may end only once every paired scanner that counts has
//! taken in that it is blocked, and uploaded the scans it made before.

use super::devices;
use crate::desk::Desk;
use rusqlite::{Connection, Transaction};
use shared::ids::{ShowNumber, TicketId};
use shared::time::Timestamp;

/// A void that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingVoid {
    /// The feed row by which the doors learn that the ticket is blocked.
    pub row: u64,
}

impl Desk {
    /// Whether people may be walking in on this show's tickets now.
    pub fn in_door_window(&self, show: ShowNumber, now: Timestamp) -> bool {
        self.ledger().show(show).is_none_or(|show| {
            let (opens, closes) = (show.facts.starts_at() - self.door().early, show.facts.ends_at() + self.door().late);
            opens <= now && now <= closes
        })
    }

    /// Whether a ticket of this show may end at once: nobody is walking in, or no scanner could still admit it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn may_void_at_once(&self, db: &Connection, show: ShowNumber, now: Timestamp) -> rusqlite::Result<bool> {
        Ok(!self.in_door_window(show, now) || devices::all_seen(db, self.incarnation())?.is_none())
    }

    /// Answers every void that need not wait any longer. True if there was one.
    pub(crate) fn settle_voids(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<bool> {
        if self.pending_voids().is_empty() {
            return Ok(false);
        }
        let seen = devices::all_seen(tx, self.incarnation())?;
        let mut answered = false;
        for (id, PendingVoid { row }) in self.pending_voids() {
            let Some(ticket) = self.ledger().ticket(id) else { continue };
            let (used, show) = (ticket.admitted.is_some(), ticket.at.show);
            if !used && self.in_door_window(show, now) && seen.is_some_and(|seen| seen < row) {
                continue;
            }
            answered = true;
            if self.is_asked(id) {
                self.end_asked(tx, id, used, now)?;
            } else if let Err(refusal) = self.replica().answer_void(id, now) {
                tracing::warn!(ticket = %id, code = refusal.code(), "a void could not be answered");
            }
            self.forget_pending(id);
        }
        Ok(answered)
    }

    fn end_asked(&mut self, tx: &Transaction<'_>, id: TicketId, used: bool, now: Timestamp) -> anyhow::Result<()> {
        self.forget_asked(id);
        if used {
            tracing::warn!(ticket = %id, "a void of the counter came too late: the ticket was used");
        } else if let Err(refusal) = self.replica().void(id, now) {
            tracing::warn!(ticket = %id, code = refusal.code(), "a void of the counter could not be done");
        }
        crate::counter::void::settled(tx, id, |other| self.is_asked(other))
    }
}
