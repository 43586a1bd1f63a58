//! What persons settle after a log was cut: unknown seats, found tickets, a box that is gone for good.

use super::{DiscrepancyKind, Replica};
use shared::entry::{Fact, TicketRef};
use shared::ids::{BookingId, KeyId, SeatId, ShowNumber, Side};
use shared::refusal::Refusal;
use shared::time::Timestamp;

/// Runs of one entry that moves or settles seats, so that it stays under the entry's limit.
const RUNS_PER_ENTRY_MAX: usize = 250;

impl Replica {
    /// Puts unknown seats of a show on sale again: those named, or all under this node's authority.
    ///
    /// # Errors
    /// `closed`, and those of [`shared::ledger::Ledger::settle_unknown`].
    pub fn settle_unknown(
        &mut self,
        show: ShowNumber,
        seats: Option<&[SeatId]>,
        now: Timestamp,
    ) -> Result<usize, Refusal> {
        self.may_sell()?;
        let Fact::UnknownSettled { runs, .. } = self.ledger.settle_unknown(show, seats)? else { return Ok(0) };
        let count = runs.iter().map(|run| usize::from(run.count)).sum();
        for runs in runs.chunks(RUNS_PER_ENTRY_MAX) {
            self.append(Fact::UnknownSettled { show, runs: runs.to_vec() }, now)?;
        }
        Ok(count)
    }

    /// Marks an unknown seat sold to a ticket that has turned up. One whose seat is not in doubt is listed, once.
    ///
    /// # Errors
    /// `closed`, and those of [`shared::ledger::Ledger::find_ticket`].
    pub fn find_ticket(
        &mut self,
        at: TicketRef,
        booking: BookingId,
        price: u32,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.may_sell()?;
        match self.ledger.find_ticket(at, booking, price) {
            Ok(fact) => self.append(fact, now),
            Err(refusal) => {
                if refusal == Refusal::SeatNotUnknown && self.found_listed.insert(at.ticket) {
                    self.list(self.me, self.heads.own.seq, DiscrepancyKind::TicketFoundLate { ticket: at }, now);
                }
                Err(refusal)
            }
        }
    }

    /// Two persons attest that the box is off for good: its key is revoked and its log ends with what central has of it.
    ///
    /// # Errors
    /// `not_the_seller` anywhere but at central; `closed`.
    pub fn retire_box(&mut self, key: KeyId, now: Timestamp) -> Result<(), Refusal> {
        if self.me != Side::Central {
            return Err(Refusal::NotTheSeller);
        }
        self.may_sell()?;
        self.append(Fact::KeyRevoked { key }, now)?;
        self.append(Fact::BoxRetired { key, head: self.heads.peer }, now)
    }

    /// A new box may go on with the log of the retired one.
    ///
    /// # Errors
    /// `not_the_seller` anywhere but at central, or where no box is retired; `closed`.
    pub fn replace_box(&mut self, key: KeyId, now: Timestamp) -> Result<(), Refusal> {
        if self.me != Side::Central || !self.ledger.marks().retired {
            return Err(Refusal::NotTheSeller);
        }
        self.append(Fact::BoxReplaced { key }, now)
    }

    /// Moves unknown seats of a retired box to central: those named, or all of a show's.
    ///
    /// # Errors
    /// `closed`, and those of [`shared::ledger::Ledger::take_seats`].
    pub fn take_seats(&mut self, show: ShowNumber, seats: Option<&[SeatId]>, now: Timestamp) -> Result<usize, Refusal> {
        self.may_sell()?;
        let Fact::SeatsTaken { runs, .. } = self.ledger.take_seats(show, seats)? else { return Ok(0) };
        let count = runs.iter().map(|run| usize::from(run.count)).sum();
        for runs in runs.chunks(RUNS_PER_ENTRY_MAX) {
            self.append(Fact::SeatsTaken { show, runs: runs.to_vec() }, now)?;
        }
        Ok(count)
    }
}
