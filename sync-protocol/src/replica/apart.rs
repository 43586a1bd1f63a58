//! Entries that belong to no log any more: never applied, and never dropped silently.

use super::{DeadLetter, DiscrepancyKind, Replica};
use crate::inbox::Arrived;
use crate::log::{EntrySource, UnreadableLog};
use shared::entry::Fact;
use shared::ids::Side;
use shared::planted::{self, Plant};
use shared::time::Timestamp;

/// Entries beyond a cut that are listed until the next start.
const APART_LISTED_MAX: usize = 10_000;

impl Replica {
    /// Entries of an incarnation that was cut before them, and of the other branch of a forked log, are never applied, and never
    /// dropped silently.
    pub(super) fn list_apart(&mut self, log: Side, arrived: Vec<Arrived>, now: Timestamp) {
        if planted::is(Plant::BeyondCutDropped) {
            return;
        }
        for Arrived { head, bytes, entry } in arrived {
            if self.apart_listed.len() < APART_LISTED_MAX && self.apart_listed.insert(head.hash) {
                let fact = entry.ok().map(|entry| entry.fact);
                self.list(log, head.seq, DiscrepancyKind::BeyondCut { fact }, now);
                self.dead_letters.push(DeadLetter {
                    at: now,
                    why: format!("entry {} is beyond a cut, or of another branch", head.seq),
                    bytes,
                });
            }
        }
    }

    /// Entries of the own log that a device keeps of a line this node has left: those whose sale is not known otherwise.
    pub(super) fn list_left(
        &mut self,
        arrived: Vec<Arrived>,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        if planted::is(Plant::BeyondCutDropped) {
            return Ok(());
        }
        for Arrived { head, bytes, entry } in arrived {
            let here = self.logs(source).head_at(self.me, head.seq)? == Some(head);
            let known = match entry.as_ref().map(|entry| &entry.fact) {
                Ok(Fact::Sold { seats, .. }) => {
                    seats.iter().all(|line| self.ledger.ticket(line.ticket).is_some_and(|ticket| ticket.sale.is_some()))
                }
                Ok(Fact::LogOpened { .. } | Fact::HandedOver { .. }) => true,
                Ok(_) | Err(_) => self.heads.recovery.abandoned.contains(&Some(head.incarnation)),
            };
            if !here && !known && self.apart_listed.len() < APART_LISTED_MAX && self.apart_listed.insert(head.hash) {
                let fact = entry.ok().map(|entry| entry.fact);
                self.list(self.me, head.seq, DiscrepancyKind::BeyondCut { fact }, now);
                self.dead_letters.push(DeadLetter {
                    at: now,
                    why: format!("entry {} is beyond a cut", head.seq),
                    bytes,
                });
            }
        }
        Ok(())
    }
}
