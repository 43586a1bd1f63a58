//! Decisions: a command against the registers gives the fact to append, or a refusal. Nothing here changes state.

use super::{HoldKind, Ledger, Ticket, TicketState};
use crate::entry::{Fact, SeatsAtEpoch, ShowFacts, SoldSeat, TicketRef};
use crate::ids::{BookingId, ClaimId, HoldId, RequestId, SeatId, ShowNumber, Side, TicketId};
use crate::planted::{self, Plant};
use crate::refusal::Refusal;
use crate::show::{Seat, Show, Standing};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// The most seats one hold or sale may ask for.
pub const SEATS_PER_REQUEST_MAX: usize = 10;
/// The most seats of a group that the counter sells at once: as one entry they are far from the limit of its bytes.
pub const GROUP_SEATS_MAX: usize = 60;

/// One line of a sale that was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaleLine {
    /// The ticket with its seat.
    pub at: TicketRef,
    /// The price, minor units.
    pub price: u32,
}

impl Ledger {
    /// The show, if seats of it may be sold now. Sale ends with the show.
    pub fn on_sale(&self, number: ShowNumber, now: Timestamp) -> Result<&Show, Refusal> {
        let show = self.shows.get(&number).ok_or(Refusal::UnknownShow)?;
        if show.cancelled && !planted::is(Plant::CancelledShowSold) {
            Err(Refusal::ShowCancelled)
        } else if show.overlaps {
            Err(Refusal::ShowOverlaps)
        } else if show.facts.ends_at() <= now {
            Err(Refusal::ShowEnded)
        } else {
            Ok(show)
        }
    }

    /// Refuses no seats, more than so many, one twice, or one the plan does not have.
    pub fn check_request(&self, show: &Show, seats: &[SeatId], most: usize) -> Result<(), Refusal> {
        let distinct: BTreeSet<_> = seats.iter().collect();
        if seats.is_empty() || seats.len() > most || distinct.len() != seats.len() {
            return Err(Refusal::BadSeatCount);
        }
        let known = seats.iter().all(|seat| show.plan.seat(*seat).is_some());
        if known { Ok(()) } else { Err(Refusal::UnknownSeat) }
    }

    /// The seat, if this node has authority over it and could hold it now. An expired hold is not in the way.
    pub fn own_free_seat(&self, show: &Show, id: SeatId, now: Timestamp) -> Result<Seat, Refusal> {
        let seat = show.seat(id).ok_or(Refusal::UnknownSeat)?;
        match seat.standing {
            Standing::Sold(_) => return Err(Refusal::SeatSold),
            Standing::Withheld => return Err(Refusal::SeatWithheld),
            Standing::Unknown => return Err(Refusal::SeatUnknown),
            Standing::Free => {}
        }
        if seat.authority() != self.me && !planted::is(Plant::EpochIgnored) {
            return Err(Refusal::SeatElsewhere);
        }
        match show.held_by(id).and_then(|hold| self.holds.get(&hold)) {
            Some(hold) if hold.deadline > now => Err(Refusal::SeatHeld),
            Some(_) | None => Ok(seat),
        }
    }

    /// Sells a hold. `tickets` supplies one random id per seat.
    pub fn sell(
        &self,
        hold: HoldId,
        booking: BookingId,
        request: RequestId,
        mut tickets: impl FnMut() -> TicketId,
        now: Timestamp,
    ) -> Result<(Fact, Vec<SaleLine>), Refusal> {
        let hold = self.hold(hold, now)?;
        if hold.kind == HoldKind::Tentative {
            return Err(Refusal::SeatInTransit);
        }
        let number = hold.show;
        let show = self.on_sale(number, now)?;
        let mut seats = Vec::with_capacity(hold.seats.len());
        let mut lines = Vec::with_capacity(hold.seats.len());
        for held in &hold.seats {
            let seat = show.seat(held.seat).ok_or(Refusal::UnknownSeat)?;
            if seat.authority() != self.me && !planted::is(Plant::EpochIgnored)
                || seat.standing != Standing::Free
                || show.held_by(held.seat) != Some(hold.id)
            {
                return Err(Refusal::UnknownHold);
            }
            let (ticket, generation) = (tickets(), seat.generation);
            seats.push(SoldSeat { seat: held.seat, epoch: seat.epoch, generation, ticket, price: held.price });
            let at = TicketRef { show: number, seat: held.seat, generation, ticket };
            lines.push(SaleLine { at, price: held.price });
        }
        Ok((Fact::Sold { show: number, booking, request, seats }, lines))
    }

    /// Gives own free seats to the other side. A tentative web hold yields to a claim of the counter; others stand.
    /// Returns the fact and the tentative holds that must be released with it.
    pub fn hand_over(
        &self,
        number: ShowNumber,
        seats: &[SeatId],
        claim: Option<ClaimId>,
        now: Timestamp,
    ) -> Result<(Fact, Vec<HoldId>), Refusal> {
        let show = self.on_sale(number, now)?;
        let mut yielded = BTreeSet::new();
        let mut pairs = BTreeSet::new();
        for id in seats {
            let seat = match self.own_free_seat(show, *id, now) {
                Ok(seat) => seat,
                Err(Refusal::SeatHeld) => {
                    let tentative = show.held_by(*id).and_then(|hold| self.holds.get(&hold));
                    let tentative = tentative.filter(|hold| {
                        hold.kind == HoldKind::Tentative && self.me == Side::Central
                            || planted::is(Plant::HeldSeatHandedOver)
                    });
                    yielded.insert(tentative.ok_or(Refusal::SeatHeld)?.id);
                    show.seat(*id).ok_or(Refusal::UnknownSeat)?
                }
                Err(refusal) => return Err(refusal),
            };
            // An expired hold that nobody took over yet goes with the seat.
            yielded.extend(show.held_by(*id));
            pairs.insert((*id, seat.epoch));
        }
        if pairs.is_empty() {
            return Err(Refusal::BadSeatCount);
        }
        let runs = SeatsAtEpoch::pack(pairs);
        Ok((Fact::HandedOver { show: number, runs, claim }, yielded.into_iter().collect()))
    }

    /// Withholds own free seats, or gives withheld ones back to sale.
    pub fn withhold(
        &self,
        number: ShowNumber,
        seats: &[SeatId],
        withheld: bool,
        now: Timestamp,
    ) -> Result<Fact, Refusal> {
        let show = self.on_sale(number, now)?;
        let mut pairs = BTreeSet::new();
        for id in seats {
            let seat = if withheld {
                self.own_free_seat(show, *id, now)?
            } else {
                let seat = show.seat(*id).ok_or(Refusal::UnknownSeat)?;
                if seat.authority() != self.me {
                    return Err(Refusal::SeatElsewhere);
                }
                if seat.standing == Standing::Withheld { seat } else { return Err(Refusal::SeatNotWithheld) }
            };
            pairs.insert((*id, seat.epoch));
        }
        if pairs.is_empty() {
            return Err(Refusal::BadSeatCount);
        }
        Ok(Fact::SeatWithheld { show: number, runs: SeatsAtEpoch::pack(pairs), withheld })
    }

    /// Ends a ticket that this node sold: the edge voids at once, central asks.
    pub fn void(&self, ticket: TicketId) -> Result<Fact, Refusal> {
        let ticket = self.tickets.get(&ticket).ok_or(Refusal::UnknownTicket)?;
        if ticket.sale.map(|sale| sale.seller) != Some(self.me) {
            return Err(Refusal::NotTheSeller);
        }
        match ticket.state() {
            TicketState::Void => Err(Refusal::AlreadyVoid),
            TicketState::VoidRequested => Err(Refusal::VoidPending),
            TicketState::Live if ticket.admitted.is_some() => Err(Refusal::AlreadyAdmitted),
            TicketState::Live if self.me == Side::Edge => Ok(Fact::Voided(ticket.at)),
            TicketState::Live => Ok(Fact::VoidRequested(ticket.at)),
        }
    }

    /// The edge's answer to a void request: refused once the ticket was used.
    pub fn answer_void(&self, ticket: TicketId) -> Result<Fact, Refusal> {
        let ticket = self.tickets.get(&ticket).ok_or(Refusal::UnknownTicket)?;
        match ticket.state() {
            TicketState::VoidRequested if ticket.admitted.is_some() && !planted::is(Plant::UsedTicketEnded) => {
                Ok(Fact::VoidRefused(ticket.at))
            }
            TicketState::VoidRequested => Ok(Fact::VoidAccepted(ticket.at)),
            TicketState::Void => Err(Refusal::AlreadyVoid),
            TicketState::Live => Err(Refusal::UnknownTicket),
        }
    }

    /// Tickets whose void waits for the edge's answer.
    pub fn pending_voids(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.values().filter(|ticket| ticket.state() == TicketState::VoidRequested)
    }

    /// Frees a seat whose ticket is void, at the next generation.
    pub fn release_seat(&self, number: ShowNumber, id: SeatId) -> Result<Fact, Refusal> {
        let seat = self.shows.get(&number).ok_or(Refusal::UnknownShow)?.seat(id).ok_or(Refusal::UnknownSeat)?;
        if seat.authority() != self.me {
            return Err(Refusal::SeatElsewhere);
        }
        let Standing::Sold(ticket) = seat.standing else { return Err(Refusal::UnknownTicket) };
        match self.tickets.get(&ticket).map(Ticket::state) {
            Some(TicketState::Void) => {
                Ok(Fact::SeatReleased { show: number, seat: id, epoch: seat.epoch, generation: seat.generation })
            }
            Some(TicketState::VoidRequested) if planted::is(Plant::ResoldBeforeAcceptance) => {
                Ok(Fact::SeatReleased { show: number, seat: id, epoch: seat.epoch, generation: seat.generation })
            }
            Some(TicketState::VoidRequested) => Err(Refusal::VoidPending),
            Some(TicketState::Live) | None => Err(Refusal::SeatSold),
        }
    }

    /// An accepted entry of a ticket, once.
    pub fn admit(&self, ticket: TicketRef, at: Timestamp, door: String) -> Result<Fact, Refusal> {
        match self.tickets.get(&ticket.ticket) {
            Some(known) if known.at != ticket => Err(Refusal::UnknownTicket),
            Some(known) if known.admitted.is_some() => Err(Refusal::AlreadyAdmitted),
            Some(_) | None => Ok(Fact::Admitted { ticket, at, door }),
        }
    }

    /// A new show of this side.
    pub fn add_show(&self, facts: ShowFacts) -> Result<Fact, Refusal> {
        if facts.number.author() != self.me || self.shows.contains_key(&facts.number) {
            return Err(Refusal::UnknownShow);
        }
        let plan = self.plans.get(&(facts.screen, facts.plan)).ok_or(Refusal::UnknownPlan)?;
        if facts.prices.len() != plan.plan.categories.len() || facts.ends <= facts.starts {
            return Err(Refusal::UnknownCategory);
        }
        if self.overlapping(&facts).next().is_some() {
            return Err(Refusal::ShowOverlaps);
        }
        Ok(Fact::ShowAdded(facts))
    }

    pub(super) fn overlapping<'a>(&'a self, facts: &'a ShowFacts) -> impl Iterator<Item = ShowNumber> + 'a {
        let same_screen = self.shows.values().filter(move |show| !show.cancelled && show.facts.screen == facts.screen);
        same_screen
            .filter(move |show| show.facts.number != facts.number)
            .filter(move |show| show.facts.starts < facts.ends && facts.starts < show.facts.ends)
            .map(|show| show.facts.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;

    #[test]
    fn the_largest_group_is_one_entry() {
        let at_its_longest = SoldSeat {
            seat: SeatId(u32::MAX),
            epoch: u32::MAX,
            generation: u16::MAX,
            ticket: TicketId([u8::MAX; 8]),
            price: u32::MAX,
        };
        let (show, booking, request) = (ShowNumber(u32::MAX), BookingId([u8::MAX; 16]), RequestId([u8::MAX; 8]));
        let fact = Fact::Sold { show, booking, request, seats: vec![at_its_longest; GROUP_SEATS_MAX] };
        let entry = Entry { at: Timestamp(i64::MAX), seen: u64::MAX, fact };
        assert!(entry.encode().is_ok_and(|bytes| bytes.len() < 2_048));
    }
}
