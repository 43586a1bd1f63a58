//! What is not known after a log was cut: a node that came back without its last entries, or a box that is gone for good.
//!
//! A cut makes every unsold seat under the cut side's authority `Unknown`, its next generation beyond any the lost entries can
//! have used. Seats that were on their way to that side belong to it all the same: they become `Unknown` at the cut where they
//! had left, and as they arrive where they had not; so the fold does not depend on the order of arrival. A sold seat stays
//! sold; if its ticket ends after the cut, the seat comes back as unknown.

use super::apply::{Conflict, distinct, epochs};
use super::{Ledger, Ticket, TicketSale};
use crate::entry::{Fact, SeatsAtEpoch, SoldSeat, TicketRef};
use crate::ids::{BookingId, SeatId, ShowNumber, Side};
use crate::planted::{self, Plant};
use crate::refusal::Refusal;
use crate::show::{Seat, Standing};
use serde::{Deserialize, Serialize};

/// Generations left to what was lost: the next sale of an unknown seat is beyond them.
pub const GENERATIONS_SKIPPED: u16 = 16;

/// Where the logs were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks {
    /// The number at which central's log went on after its last cut, 0 for none.
    pub central: u64,
    /// The number at which the edge's log went on, or may go on, after its last cut, 0 for none.
    pub edge: u64,
    /// The box is retired and no other one goes on with its log yet: central may take its unknown seats.
    pub retired: bool,
}

impl Marks {
    fn of(self, side: Side) -> u64 {
        match side {
            Side::Central => self.central,
            Side::Edge => self.edge,
        }
    }
}

/// The seat after a cut.
pub(super) fn forgotten(seat: Seat) -> Seat {
    if planted::is(Plant::SeatsFreeAfterCut) {
        return seat;
    }
    match seat.standing {
        Standing::Free | Standing::Withheld => Seat {
            standing: Standing::Unknown,
            generation: seat.generation.saturating_add(GENERATIONS_SKIPPED),
            ..seat
        },
        Standing::Sold(_) => Seat { doubtful: true, ..seat },
        Standing::Unknown => seat,
    }
}

/// The seat after its ticket has ended.
pub(super) fn released(seat: Seat) -> Seat {
    let free = Seat { standing: Standing::Free, doubtful: false, ..seat };
    if planted::is(Plant::GenerationUnchecked) {
        return free;
    }
    if seat.doubtful { forgotten(free) } else { Seat { generation: seat.generation.saturating_add(1), ..free } }
}

impl Ledger {
    /// The side's log goes on with entry `seq` after a cut.
    pub(super) fn cut(&mut self, side: Side, seq: u64) {
        match side {
            Side::Central => self.marks.central = seq,
            Side::Edge => self.marks.edge = seq,
        }
        self.dirty.marks = true;
        let shows: Vec<ShowNumber> = self.shows.keys().copied().collect();
        for show in shows {
            self.forget_seats(show, side);
        }
    }

    /// The unsold seats of a show under one side's authority are unknown from now on.
    pub(super) fn forget_seats(&mut self, number: ShowNumber, side: Side) {
        let Some(show) = self.shows.get(&number) else { return };
        let seats = show.plan.seats().filter_map(|(id, _)| Some((id, show.seat(id)?)));
        let lost: Vec<(SeatId, Seat)> = seats
            .filter(|(_, seat)| seat.authority() == side)
            .map(|(id, seat)| (id, seat, forgotten(seat)))
            .filter(|(_, before, after)| before != after)
            .map(|(id, _, after)| (id, after))
            .collect();
        for (id, seat) in lost {
            let hold = self.shows.get(&number).and_then(|show| show.held_by(id));
            if let Some(hold) = hold {
                self.forget_hold(hold);
            }
            self.set_seat(number, id, seat);
        }
    }

    /// Did the writer give these seats without knowing of the other side's last cut?
    pub(super) fn was_in_transit(&self, writer: Side, seen: u64) -> bool {
        seen < self.marks.of(writer.peer()) && !planted::is(Plant::TransitFreeAfterCut)
    }

    /// The box is gone: its log ends with entry `last`.
    pub(super) fn retire(&mut self, last: u64) {
        self.cut(Side::Edge, last.saturating_add(1));
        self.marks.retired = true;
    }

    /// Another box goes on with the log.
    pub(super) fn replace(&mut self) {
        self.marks.retired = false;
        self.dirty.marks = true;
    }

    pub(super) fn apply_unknown_settled(
        &mut self,
        writer: Side,
        number: ShowNumber,
        runs: &[SeatsAtEpoch],
    ) -> Result<(), Conflict> {
        let mut settled = Vec::new();
        for (id, epoch) in distinct(number, runs)?.zip(epochs(runs)) {
            let seat = self.current(writer, number, id, epoch)?;
            if seat.standing != Standing::Unknown {
                return Err(Conflict::Standing(number, id));
            }
            settled.push((id, Seat { standing: Standing::Free, ..seat }));
        }
        for (id, seat) in settled {
            self.set_seat(number, id, seat);
        }
        Ok(())
    }

    pub(super) fn apply_ticket_found(
        &mut self,
        writer: Side,
        number: ShowNumber,
        booking: BookingId,
        line: SoldSeat,
    ) -> Result<(), Conflict> {
        let seat = self.current(writer, number, line.seat, line.epoch)?;
        if seat.standing != Standing::Unknown {
            return Err(Conflict::Standing(number, line.seat));
        }
        let at = TicketRef { show: number, seat: line.seat, generation: line.generation, ticket: line.ticket };
        let known = self.tickets.get(&line.ticket).cloned();
        let ticket = known.unwrap_or(Ticket { at, sale: None, admitted: None, answer: None });
        if ticket.at != at || ticket.sale.is_some() {
            return Err(Conflict::Ticket(number, line.seat));
        }
        let sale = Some(TicketSale { seller: writer, booking, price: line.price, void_requested: false });
        // What followed this sale is still forgotten: the seat may have been given back and sold again.
        self.set_seat(number, line.seat, Seat { standing: Standing::Sold(line.ticket), doubtful: true, ..seat });
        self.set_ticket(Ticket { sale, ..ticket });
        Ok(())
    }

    pub(super) fn apply_seats_taken(&mut self, number: ShowNumber, runs: &[SeatsAtEpoch]) -> Result<(), Conflict> {
        let mut taken = Vec::new();
        for (id, epoch) in distinct(number, runs)?.zip(epochs(runs)) {
            // The only move that is not the giver's: the giver is gone, and nobody has its place yet.
            let seat = self.current(Side::Edge, number, id, epoch)?;
            if seat.standing != Standing::Unknown || !self.marks.retired {
                return Err(Conflict::Standing(number, id));
            }
            let epoch = seat.epoch.checked_add(1).ok_or(Conflict::Standing(number, id))?;
            taken.push((id, Seat { epoch, standing: Standing::Free, ..seat }));
        }
        for (id, seat) in taken {
            self.set_seat(number, id, seat);
        }
        Ok(())
    }

    /// Puts unknown seats on sale again: all of a show's under this node's authority, or those named.
    ///
    /// # Errors
    /// `unknown_show`, `unknown_seat`, `seat_elsewhere`, `bad_seat_count` where none is unknown.
    pub fn settle_unknown(&self, number: ShowNumber, seats: Option<&[SeatId]>) -> Result<Fact, Refusal> {
        let runs = self.unknown_runs(number, seats, self.me)?;
        Ok(Fact::UnknownSettled { show: number, runs })
    }

    /// Moves unknown seats of a retired box to central: all of a show's, or those named.
    ///
    /// # Errors
    /// `not_the_seller` anywhere but at central with the box retired; otherwise as [`Ledger::settle_unknown`].
    pub fn take_seats(&self, number: ShowNumber, seats: Option<&[SeatId]>) -> Result<Fact, Refusal> {
        if self.me != Side::Central || !self.marks.retired {
            return Err(Refusal::NotTheSeller);
        }
        let runs = self.unknown_runs(number, seats, Side::Edge)?;
        Ok(Fact::SeatsTaken { show: number, runs })
    }

    /// Marks an unknown seat sold to a ticket that has turned up.
    ///
    /// # Errors
    /// `unknown_show`, `unknown_seat`, `ticket_known` where it has its sale already, `unknown_ticket` where it is another seat's,
    /// `seat_elsewhere`, `seat_not_unknown`.
    pub fn find_ticket(&self, at: TicketRef, booking: BookingId, price: u32) -> Result<Fact, Refusal> {
        let show = self.shows.get(&at.show).ok_or(Refusal::UnknownShow)?;
        let seat = show.seat(at.seat).ok_or(Refusal::UnknownSeat)?;
        match self.tickets.get(&at.ticket) {
            Some(known) if known.at != at => return Err(Refusal::UnknownTicket),
            Some(known) if known.sale.is_some() => return Err(Refusal::TicketKnown),
            Some(_) | None => {}
        }
        if seat.authority() != self.me {
            return Err(Refusal::SeatElsewhere);
        }
        if seat.standing != Standing::Unknown {
            return Err(Refusal::SeatNotUnknown);
        }
        let seat = SoldSeat { seat: at.seat, epoch: seat.epoch, generation: at.generation, ticket: at.ticket, price };
        Ok(Fact::TicketFound { show: at.show, booking, seat })
    }

    /// How many seats of shows not over are unknown under this node's authority, by show.
    pub fn unknown_seats(&self) -> impl Iterator<Item = (ShowNumber, usize)> + '_ {
        self.shows.values().filter_map(|show| {
            let unknown = show.touched().filter(|(_, seat)| seat.standing == Standing::Unknown);
            let count = unknown.filter(|(_, seat)| seat.authority() == self.me).count();
            (count > 0).then_some((show.facts.number, count))
        })
    }

    fn unknown_runs(
        &self,
        number: ShowNumber,
        seats: Option<&[SeatId]>,
        authority: Side,
    ) -> Result<Vec<SeatsAtEpoch>, Refusal> {
        let show = self.shows.get(&number).ok_or(Refusal::UnknownShow)?;
        let is_unknown = |seat: &Seat| seat.standing == Standing::Unknown && seat.authority() == authority;
        let mut pairs = Vec::new();
        match seats {
            None => {
                pairs.extend(show.touched().filter(|(_, seat)| is_unknown(seat)).map(|(id, seat)| (id, seat.epoch)))
            }
            Some(named) => {
                for id in named {
                    let seat = show.seat(*id).ok_or(Refusal::UnknownSeat)?;
                    if seat.authority() != authority {
                        return Err(Refusal::SeatElsewhere);
                    }
                    if is_unknown(&seat) {
                        pairs.push((*id, seat.epoch));
                    }
                }
                pairs.sort_unstable();
                pairs.dedup();
            }
        }
        if pairs.is_empty() { Err(Refusal::BadSeatCount) } else { Ok(SeatsAtEpoch::pack(pairs)) }
    }
}
