//! Holding seats: which ones, of which side, and for how long.

use super::{Event, Replica, SeatState};
use crate::claims::Asked;
use crate::link::LinkState;
use shared::allocation::leaves_counter_floor;
use shared::best::{Wish, best_available, best_for_group};
use shared::ids::{ClaimId, HoldId, SeatId, ShowNumber, Side};
use shared::ledger::{GROUP_SEATS_MAX, Hold, HoldKind, SEATS_PER_REQUEST_MAX};
use shared::planted::{self, Plant};
use shared::refusal::Refusal;
use shared::show::Show;
use shared::time::Timestamp;

/// What became of asking for a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It stands.
    Now(Hold),
    /// Some seats are being claimed from the other side; [`Event::ClaimSettled`] tells.
    Waiting(HoldId),
}

impl Replica {
    /// Holds seats, all or none. Seats of the other side are claimed first, if the link is live.
    pub fn hold(
        &mut self,
        show: ShowNumber,
        seats: &[SeatId],
        kind: HoldKind,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        self.hold_traced(show, seats, kind, None, now)
    }

    /// [`hold`](Self::hold) for a request with a number of its own, under which it can be followed to the other side: whoever makes
    /// those numbers never makes one twice.
    pub fn hold_traced(
        &mut self,
        show: ShowNumber,
        seats: &[SeatId],
        kind: HoldKind,
        request: Option<ClaimId>,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        self.hold_at_most(SEATS_PER_REQUEST_MAX, show, seats, kind, request, now)
    }

    /// Holds the seats of a group for the counter.
    ///
    /// # Errors
    /// Those of [`Self::hold`].
    pub fn hold_for_group(
        &mut self,
        show: ShowNumber,
        seats: &[SeatId],
        request: Option<ClaimId>,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        self.hold_at_most(GROUP_SEATS_MAX, show, seats, HoldKind::Counter, request, now)
    }

    fn hold_at_most(
        &mut self,
        most: usize,
        show: ShowNumber,
        seats: &[SeatId],
        kind: HoldKind,
        request: Option<ClaimId>,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        self.may_sell()?;
        let known = self.ledger.on_sale(show, now)?;
        self.ledger.check_request(known, seats, most)?;
        let (mut own, mut wanted) = (Vec::new(), Vec::new());
        for seat in seats {
            match self.ledger.own_free_seat(known, *seat, now) {
                Ok(_) => own.push(*seat),
                Err(Refusal::SeatElsewhere) => wanted.push(*seat),
                Err(refusal) => return Err(refusal),
            }
        }
        let id = HoldId::at(now, self.random.bytes());
        if planted::is(Plant::OwnSeatsRefusedInACut) && !self.link.is_live() {
            return Err(Refusal::LinkDown);
        }
        if wanted.is_empty() {
            let hold = self.ledger.place_hold(id, show, seats, kind, self.settings.holds, now)?;
            self.events.push_back(Event::HoldsChanged(show));
            return Ok(Held::Now(hold));
        }
        if self.link.state != LinkState::Live {
            return Err(Refusal::SeatElsewhere);
        }
        if !self.link.peer_can_sell {
            return Err(Refusal::PeerClosed);
        }
        if wanted.iter().any(|seat| self.is_in_transit(show, *seat) || self.claims.is_asked_for(show, *seat)) {
            return Err(Refusal::SeatInTransit);
        }
        let claim = request.unwrap_or_else(|| ClaimId(self.random.bytes()));
        let deadline = now + self.settings.claim_wait;
        let asked = Asked { hold: id, show, own: own.clone(), wanted, kind, deadline };
        self.claims.ask(claim, asked)?;
        if !own.is_empty() {
            // A web hold that waits yields to the counter; a counter hold never yields.
            let waiting = if kind == HoldKind::Counter { HoldKind::Counter } else { HoldKind::Tentative };
            self.ledger.place_hold(id, show, &own, waiting, self.settings.holds, now)?;
            self.events.push_back(Event::HoldsChanged(show));
        }
        Ok(Held::Waiting(id))
    }

    /// The best seats for every wish: among the own seats first, and only where none fit among the other side's too.
    pub fn best(&self, show: ShowNumber, wishes: &[Wish], now: Timestamp) -> Result<Vec<SeatId>, Refusal> {
        let known = self.ledger.on_sale(show, now)?;
        let count = wishes.iter().try_fold(0_usize, |sum, wish| sum.checked_add(wish.count));
        let is_count = |wish: &Wish| wish.count > 0 && wish.accessible <= wish.count;
        if !matches!(count, Some(1..=SEATS_PER_REQUEST_MAX)) || !wishes.iter().all(is_count) {
            return Err(Refusal::BadSeatCount);
        }
        self.own_first(known, now, |free| best_available(&known.plan, wishes, free))
    }

    /// The best seats for a group, own ones first as [`best`](Self::best) has it.
    ///
    /// # Errors
    /// `bad_seat_count`, `no_seats_together`.
    pub fn best_for_group(
        &self,
        show: ShowNumber,
        count: usize,
        category: Option<u8>,
        now: Timestamp,
    ) -> Result<Vec<SeatId>, Refusal> {
        let known = self.ledger.on_sale(show, now)?;
        if !(1..=GROUP_SEATS_MAX).contains(&count) {
            return Err(Refusal::BadSeatCount);
        }
        self.own_first(known, now, |free| best_for_group(&known.plan, count, category, free))
    }

    /// What is picked among the own free seats, or, where nothing is, among those of the other side too.
    fn own_first(
        &self,
        known: &Show,
        now: Timestamp,
        pick: impl Fn(&dyn Fn(SeatId) -> bool) -> Option<Vec<SeatId>>,
    ) -> Result<Vec<SeatId>, Refusal> {
        let show = known.facts.number;
        let own = |seat| self.ledger.own_free_seat(known, seat, now).is_ok();
        if let Some(seats) = pick(&own) {
            return Ok(seats);
        }
        let states = self.seat_states(known, now);
        let is_claimable = |seat| states.of(seat) == (SeatState::Free, true) && !self.claims.is_asked_for(show, seat);
        let either = |seat| own(seat) || is_claimable(seat);
        let seats = self.link.is_live().then(|| pick(&either)).flatten().ok_or(Refusal::NoSeatsTogether)?;
        let claimed: Vec<SeatId> = seats.iter().copied().filter(|seat| !own(*seat)).collect();
        // What the box would refuse for certain is not proposed.
        let given = self.me == Side::Edge || leaves_counter_floor(known, &claimed, self.settings.policy, now);
        if given { Ok(seats) } else { Err(Refusal::NoSeatsTogether) }
    }

    /// Moves a hold's deadline on.
    pub fn renew(&mut self, hold: HoldId, now: Timestamp) -> Result<Hold, Refusal> {
        self.ledger.renew_hold(hold, self.settings.holds, now)
    }

    /// A payment begins for a hold.
    pub fn hold_for_payment(&mut self, hold: HoldId, now: Timestamp) -> Result<Hold, Refusal> {
        self.ledger.hold_for_payment(hold, self.settings.holds, now)
    }

    /// Gives a hold's seats back. No fault if it is gone.
    pub fn release(&mut self, hold: HoldId) {
        self.claims.forget_hold(hold);
        if let Some(hold) = self.ledger.release_hold(hold) {
            self.events.push_back(Event::HoldsChanged(hold.show));
        }
    }
}
