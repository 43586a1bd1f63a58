//! Folding facts: an entry applies iff its writer is that register's writer and its stated epoch and generation are current.

use super::forgotten::{forgotten, released};
use super::{Admission, Ledger, PlanParts, Ticket, TicketSale, VoidAnswer};
use crate::digest::record_hash;
use crate::entry::{Entry, Fact, SeatsAtEpoch, ShowFacts, SoldSeat, TicketRef};
use crate::ids::{ScreenId, SeatId, ShowNumber, Side};
use crate::planted::{self, Plant};
use crate::seating::SeatingPlan;
use crate::show::{Seat, Show, Standing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why a fact was not applied. The entry stays in its log; the conflict is a discrepancy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// This side may not write such facts.
    #[error("{kind} is not {side}'s to write")]
    NotTheWriter {
        /// The fact's kind.
        kind: String,
        /// The writer.
        side: Side,
    },
    /// The show is not known here, or known already.
    #[error("show {0} is not known here or is known already")]
    Show(ShowNumber),
    /// The screen's plan is not known, not valid, or known already.
    #[error("the seating plan of show or screen {0} is not known, not valid, or known already")]
    Plan(u32),
    /// The plan does not have the seat.
    #[error("show {0} has no seat {1}")]
    Seat(ShowNumber, SeatId),
    /// A stale epoch, or a writer who is not the seat's authority. A wrong old epoch closes its writer.
    #[error("seat {seat} of show {show} is at epoch {current}, the entry says {stated}")]
    Epoch {
        /// The show.
        show: ShowNumber,
        /// The seat.
        seat: SeatId,
        /// As known here.
        current: u32,
        /// As the entry says.
        stated: u32,
    },
    /// A stale generation.
    #[error("seat {seat} of show {show} is at generation {current}, the entry says {stated}")]
    Generation {
        /// The show.
        show: ShowNumber,
        /// The seat.
        seat: SeatId,
        /// As known here.
        current: u16,
        /// As the entry says.
        stated: u16,
    },
    /// The seat is not in the standing the fact needs.
    #[error("seat {1} of show {0} does not stand so that this could happen")]
    Standing(ShowNumber, SeatId),
    /// The ticket is not known, known already, or another's.
    #[error("the ticket for seat {1} of show {0} does not stand so that this could happen")]
    Ticket(ShowNumber, SeatId),
}

impl Ledger {
    /// Folds entry number `seq` of one writer. On `Err` nothing has changed.
    pub fn apply(&mut self, writer: Side, seq: u64, entry: &Entry) -> Result<(), Conflict> {
        let fact = &entry.fact;
        if !fact.may_be_written_by(writer) {
            return Err(Conflict::NotTheWriter { kind: fact.kind().to_owned(), side: writer });
        }
        match fact {
            Fact::LogOpened { parent, .. } => {
                if parent.is_some() {
                    self.cut(writer, seq);
                }
                Ok(())
            }
            Fact::PlanPublished { screen, version, categories, rows, complete } => {
                let key = (*screen, *version);
                let conflict = Conflict::Plan(u32::from(screen.0));
                if self.plans.contains_key(&key) {
                    return Err(conflict);
                }
                self.dirty.plan_parts.insert(key);
                let parts = self
                    .plan_parts
                    .entry(key)
                    .or_insert_with(|| PlanParts { categories: Vec::new(), rows: Vec::new() });
                parts.categories.extend(categories.iter().cloned());
                parts.rows.extend(rows.iter().cloned());
                if *complete && let Some(PlanParts { categories, rows }) = self.plan_parts.remove(&key) {
                    let plan = SeatingPlan { version: *version, categories, rows };
                    plan.check().and_then(|()| self.check_seats_stay(*screen, &plan)).map_err(|_| conflict)?;
                    self.insert_plan(*screen, plan);
                }
                Ok(())
            }
            Fact::ShowAdded(facts) => {
                self.apply_show(facts)?;
                if self.was_in_transit(writer, entry.seen) {
                    self.forget_seats(facts.number, writer.peer());
                }
                Ok(())
            }
            Fact::PriceSet { show, category, price } => {
                let before = self.show_record_hash(*show);
                let known = self.shows.get_mut(show).ok_or(Conflict::Show(*show))?;
                *known.facts.prices.get_mut(usize::from(*category)).ok_or(Conflict::Plan(show.0))? = *price;
                self.rehash_show_record(*show, before);
                Ok(())
            }
            Fact::ShowCancelled { show } => {
                let before = self.show_record_hash(*show);
                let known = self.shows.get_mut(show).ok_or(Conflict::Show(*show))?;
                known.cancelled = true;
                let screen = known.facts.screen;
                self.rehash_show_record(*show, before);
                self.judge_overlaps(screen);
                Ok(())
            }
            Fact::ShowClosed { show, .. } => self.apply_show_closed(*show),
            Fact::KeyCertified { certificate } => {
                if !self.certificates.contains(certificate) {
                    self.add_to_digest(record_hash("certificate", certificate));
                    self.certificates.push(certificate.clone());
                    self.dirty.certificates.push(certificate.clone());
                }
                Ok(())
            }
            Fact::KeyRevoked { key } => {
                if self.revoked.insert(*key) {
                    self.add_to_digest(record_hash("revoked", key));
                    self.dirty.revoked.push(*key);
                }
                Ok(())
            }
            Fact::HandedOver { show, runs, .. } => {
                let arrives_unknown = self.was_in_transit(writer, entry.seen);
                self.apply_handed_over(writer, *show, runs, arrives_unknown)
            }
            Fact::Sold { show, booking, seats, .. } => self.apply_sold(writer, *show, *booking, seats),
            Fact::Voided(at) => self.apply_voided(*at),
            Fact::VoidRequested(at) => {
                let ticket = self.sold_ticket(*at, Side::Central)?;
                let sale = ticket.sale.map(|sale| TicketSale { void_requested: true, ..sale });
                self.set_ticket(Ticket { sale, ..ticket });
                Ok(())
            }
            Fact::VoidAccepted(at) => self.apply_void_answer(*at, VoidAnswer::Accepted),
            Fact::VoidRefused(at) => self.apply_void_answer(*at, VoidAnswer::Refused),
            Fact::SeatReleased { show, seat, epoch, generation } => {
                self.apply_released(writer, *show, *seat, *epoch, *generation)
            }
            Fact::SeatWithheld { show, runs, withheld } => self.apply_withheld(writer, *show, runs, *withheld),
            Fact::Admitted { ticket, at, door } => {
                let known = self.tickets.get(&ticket.ticket).cloned();
                let known = known.unwrap_or(Ticket { at: *ticket, sale: None, admitted: None, answer: None });
                if known.at != *ticket || known.admitted.is_some() {
                    return Err(Conflict::Ticket(ticket.show, ticket.seat));
                }
                self.set_ticket(Ticket { admitted: Some(Admission { at: *at, door: door.clone() }), ..known });
                Ok(())
            }
            Fact::UnknownSettled { show, runs } => self.apply_unknown_settled(writer, *show, runs),
            Fact::TicketFound { show, booking, seat } => self.apply_ticket_found(writer, *show, *booking, *seat),
            Fact::BoxRetired { head, .. } => {
                self.retire(head.seq);
                Ok(())
            }
            Fact::SeatsTaken { show, runs } => self.apply_seats_taken(*show, runs),
            Fact::BoxReplaced { .. } => {
                self.replace();
                Ok(())
            }
        }
    }

    fn apply_show(&mut self, facts: &ShowFacts) -> Result<(), Conflict> {
        let number = facts.number;
        if self.shows.contains_key(&number) {
            return Err(Conflict::Show(number));
        }
        let plan = self.plans.get(&(facts.screen, facts.plan)).ok_or(Conflict::Plan(number.0))?.clone();
        if facts.prices.len() != plan.plan.categories.len() || facts.ends <= facts.starts {
            return Err(Conflict::Plan(number.0));
        }
        if facts.edge_seats.iter().any(|run| run.epoch != 1) {
            return Err(Conflict::Plan(number.0));
        }
        for seat in distinct(number, &facts.edge_seats)? {
            plan.seat(seat).ok_or(Conflict::Seat(number, seat))?;
        }
        self.shows.insert(number, Show::new(facts.clone(), plan));
        self.rehash_show_record(number, 0);
        self.judge_overlaps(facts.screen);
        Ok(())
    }

    /// Which shows of a screen overlap another that is not cancelled: a function of the shows known, not of their order.
    fn judge_overlaps(&mut self, screen: ScreenId) {
        let on_screen = self.shows.values().filter(|show| show.facts.screen == screen);
        let judged: Vec<(ShowNumber, bool)> = on_screen
            .map(|show| (show.facts.number, !show.cancelled && self.overlapping(&show.facts).next().is_some()))
            .collect();
        for (number, overlaps) in judged {
            if let Some(show) = self.shows.get_mut(&number)
                && show.overlaps != overlaps
            {
                show.overlaps = overlaps;
                self.dirty.shows.insert(number);
            }
        }
    }

    fn apply_show_closed(&mut self, number: ShowNumber) -> Result<(), Conflict> {
        let show = self.shows.remove(&number).ok_or(Conflict::Show(number))?;
        self.digest = self.digest.wrapping_sub(show.digest);
        self.dirty.shows.insert(number);
        self.dirty.seats.retain(|(of, _)| *of != number);
        self.tickets.retain(|_, ticket| ticket.at.show != number);
        let held: Vec<_> = show.held.values().copied().collect();
        for hold in held {
            self.forget_hold(hold);
        }
        Ok(())
    }

    fn apply_handed_over(
        &mut self,
        writer: Side,
        number: ShowNumber,
        runs: &[SeatsAtEpoch],
        arrives_unknown: bool,
    ) -> Result<(), Conflict> {
        // All or nothing: one wrong epoch rejects the whole entry.
        let mut moved = Vec::new();
        for (id, epoch) in distinct(number, runs)?.zip(epochs(runs)) {
            let seat = self.current(writer, number, id, epoch)?;
            if seat.standing != Standing::Free {
                return Err(Conflict::Standing(number, id));
            }
            let epoch = seat.epoch.checked_add(1).ok_or(Conflict::Standing(number, id))?;
            let seat = Seat { epoch, ..seat };
            moved.push((id, if arrives_unknown { forgotten(seat) } else { seat }));
        }
        for (id, seat) in moved {
            self.set_seat(number, id, seat);
        }
        Ok(())
    }

    fn apply_sold(
        &mut self,
        writer: Side,
        number: ShowNumber,
        booking: crate::ids::BookingId,
        seats: &[SoldSeat],
    ) -> Result<(), Conflict> {
        let mut sold = Vec::with_capacity(seats.len());
        let (mut places, mut tickets) = (BTreeSet::new(), BTreeSet::new());
        for line in seats {
            if !places.insert(line.seat) {
                return Err(Conflict::Standing(number, line.seat));
            }
            if !tickets.insert(line.ticket) {
                return Err(Conflict::Ticket(number, line.seat));
            }
            let seat = self.current(writer, number, line.seat, line.epoch)?;
            check_generation(number, line.seat, seat, line.generation)?;
            if seat.standing != Standing::Free {
                return Err(Conflict::Standing(number, line.seat));
            }
            let at = TicketRef { show: number, seat: line.seat, generation: line.generation, ticket: line.ticket };
            let known = self.tickets.get(&line.ticket).cloned();
            let ticket = known.unwrap_or(Ticket { at, sale: None, admitted: None, answer: None });
            if ticket.at != at || ticket.sale.is_some() {
                return Err(Conflict::Ticket(number, line.seat));
            }
            let sale = Some(TicketSale { seller: writer, booking, price: line.price, void_requested: false });
            sold.push((line.seat, Seat { standing: Standing::Sold(line.ticket), ..seat }, Ticket { sale, ..ticket }));
        }
        for (id, seat, ticket) in sold {
            self.set_seat(number, id, seat);
            self.set_ticket(ticket);
        }
        Ok(())
    }

    fn apply_voided(&mut self, at: TicketRef) -> Result<(), Conflict> {
        let ticket = self.sold_ticket(at, Side::Edge)?;
        let sale = ticket.sale.map(|sale| TicketSale { void_requested: true, ..sale });
        self.set_ticket(Ticket { sale, answer: Some(VoidAnswer::Accepted), ..ticket });
        Ok(())
    }

    fn apply_void_answer(&mut self, at: TicketRef, answer: VoidAnswer) -> Result<(), Conflict> {
        let ticket = self.sold_ticket(at, Side::Central)?;
        if ticket.answer.is_some() || !ticket.sale.is_some_and(|sale| sale.void_requested) {
            return Err(Conflict::Ticket(at.show, at.seat));
        }
        self.set_ticket(Ticket { answer: Some(answer), ..ticket });
        Ok(())
    }

    fn apply_released(
        &mut self,
        writer: Side,
        number: ShowNumber,
        id: SeatId,
        epoch: u32,
        generation: u16,
    ) -> Result<(), Conflict> {
        let seat = self.current(writer, number, id, epoch)?;
        check_generation(number, id, seat, generation)?;
        let Standing::Sold(ticket) = seat.standing else { return Err(Conflict::Standing(number, id)) };
        // No seat is resold before its void is accepted.
        let accepted = self.tickets.get(&ticket).and_then(|ticket| ticket.answer) == Some(VoidAnswer::Accepted);
        if !accepted && !planted::is(Plant::ResoldBeforeAcceptance) {
            return Err(Conflict::Ticket(number, id));
        }
        self.set_seat(number, id, released(seat));
        Ok(())
    }

    fn apply_withheld(
        &mut self,
        writer: Side,
        number: ShowNumber,
        runs: &[SeatsAtEpoch],
        withheld: bool,
    ) -> Result<(), Conflict> {
        let (from, to) =
            if withheld { (Standing::Free, Standing::Withheld) } else { (Standing::Withheld, Standing::Free) };
        let mut changed = Vec::new();
        for (id, epoch) in distinct(number, runs)?.zip(epochs(runs)) {
            let seat = self.current(writer, number, id, epoch)?;
            if seat.standing != from {
                return Err(Conflict::Standing(number, id));
            }
            changed.push((id, Seat { standing: to, ..seat }));
        }
        for (id, seat) in changed {
            self.set_seat(number, id, seat);
        }
        Ok(())
    }

    /// The seat, if the stated epoch is current and its authority is the writer.
    pub(super) fn current(&self, writer: Side, number: ShowNumber, id: SeatId, stated: u32) -> Result<Seat, Conflict> {
        let show = self.shows.get(&number).ok_or(Conflict::Show(number))?;
        let seat = show.seat(id).ok_or(Conflict::Seat(number, id))?;
        let lenient = planted::is(Plant::EpochIgnored) || planted::is(Plant::HandoverCancelled);
        if (seat.epoch != stated || seat.authority() != writer) && !lenient {
            return Err(Conflict::Epoch { show: number, seat: id, current: seat.epoch, stated });
        }
        Ok(seat)
    }

    fn sold_ticket(&self, at: TicketRef, seller: Side) -> Result<Ticket, Conflict> {
        self.tickets
            .get(&at.ticket)
            .filter(|ticket| ticket.at == at && ticket.sale.is_some_and(|sale| sale.seller == seller))
            .cloned()
            .ok_or(Conflict::Ticket(at.show, at.seat))
    }
}

/// The seats of runs that ascend without meeting: none is named twice, whoever signed the entry.
pub(super) fn distinct(show: ShowNumber, runs: &[SeatsAtEpoch]) -> Result<impl Iterator<Item = SeatId>, Conflict> {
    let mut after = 0;
    for run in runs {
        let end = run.first.0.checked_add(u32::from(run.count)).ok_or(Conflict::Seat(show, run.first))?;
        if run.first.0 < after || run.count == 0 {
            return Err(Conflict::Standing(show, run.first));
        }
        after = end;
    }
    Ok(runs.iter().flat_map(|run| run.seats()))
}

pub(super) fn epochs(runs: &[SeatsAtEpoch]) -> impl Iterator<Item = u32> {
    runs.iter().flat_map(|run| (0..run.count).map(|_| run.epoch))
}

fn check_generation(show: ShowNumber, id: SeatId, seat: Seat, stated: u16) -> Result<(), Conflict> {
    if seat.generation == stated || planted::is(Plant::GenerationUnchecked) {
        Ok(())
    } else {
        Err(Conflict::Generation { show, seat: id, current: seat.generation, stated })
    }
}
