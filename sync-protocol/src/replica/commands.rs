//! Commands of this node's people: hold, sell, void, admit, withhold, and what a show is made of.

use super::{Event, Replica};
use crate::claims::Asked;
use crate::link::LinkState;
use crate::settings::Settings;
use shared::allocation::{self, Policy};
use shared::best::{Wish, best_available, best_for_group};
use shared::entry::{ENTRY_BYTES_MAX, Fact, ShowFacts, TicketRef};
use shared::ids::{BookingId, ClaimId, HoldId, KeyId, RequestId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{GROUP_SEATS_MAX, Hold, HoldKind, SEATS_PER_REQUEST_MAX, SaleLine, Ticket};
use shared::planted::{self, Plant};
use shared::refusal::Refusal;
use shared::seating::{Row, SeatingPlan};
use shared::show::{PlanIndex, Show, Standing};
use shared::time::Timestamp;

/// Bytes of the rows in one `PlanPublished` entry, so that it stays under the entry's limit.
const PLAN_BYTES_PER_ENTRY: usize = ENTRY_BYTES_MAX - 512;
/// Runs of one `SeatWithheld` entry, likewise.
const RUNS_PER_ENTRY_MAX: usize = 250;
/// Characters kept of a door's name.
const DOOR_CHARS_MAX: usize = 40;

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
        let claimable = |seat| {
            known.seat(seat).is_some_and(|at| at.standing == Standing::Free && at.authority() != self.me)
                && !self.is_in_transit(show, seat)
                && !self.claims.is_asked_for(show, seat)
        };
        let either = |seat| own(seat) || claimable(seat);
        let seats = self.link.is_live().then(|| pick(&either)).flatten();
        seats.ok_or(Refusal::NoSeatsTogether)
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

    /// Sells a hold: the entry, one ticket a seat.
    pub fn sell(
        &mut self,
        hold: HoldId,
        booking: BookingId,
        request: RequestId,
        now: Timestamp,
    ) -> Result<Vec<SaleLine>, Refusal> {
        self.sell_at(hold, booking, request, |price| price, now)
    }

    /// Sells a hold for nothing: what the log tells of it is what was paid.
    ///
    /// # Errors
    /// Those of [`Self::sell`].
    pub fn give_away(
        &mut self,
        hold: HoldId,
        booking: BookingId,
        request: RequestId,
        now: Timestamp,
    ) -> Result<Vec<SaleLine>, Refusal> {
        self.sell_at(hold, booking, request, |_| 0, now)
    }

    fn sell_at(
        &mut self,
        hold: HoldId,
        booking: BookingId,
        request: RequestId,
        charged: fn(u32) -> u32,
        now: Timestamp,
    ) -> Result<Vec<SaleLine>, Refusal> {
        self.may_sell()?;
        let (mut fact, mut lines) = self.ledger.sell(hold, booking, request, || TicketId(self.random.bytes()), now)?;
        if let Fact::Sold { seats, .. } = &mut fact {
            seats.iter_mut().for_each(|seat| seat.price = charged(seat.price));
        }
        lines.iter_mut().for_each(|line| line.price = charged(line.price));
        self.append(fact, now)?;
        self.ledger.release_hold(hold);
        Ok(lines)
    }

    /// May a sale that was answered before be answered again? Only while its tickets stand in the book: a sale that was set aside
    /// and could not be written again is listed for persons, and gives nobody a ticket.
    ///
    /// # Errors
    /// `sale_set_aside`; `closed` while its entries may still come back.
    pub fn sell_again(&self, tickets: &[TicketId]) -> Result<(), Refusal> {
        let stands = |ticket| self.ledger.ticket(ticket).is_some_and(|ticket| ticket.sale.is_some());
        if tickets.iter().copied().all(stands) {
            return Ok(());
        }
        self.may_sell()?;
        Err(Refusal::SaleSetAside)
    }

    /// Ends a ticket this side sold. At the edge the ticket is void at once and its seat free; central asks and waits.
    pub fn void(&mut self, ticket: TicketId, now: Timestamp) -> Result<Ticket, Refusal> {
        self.may_sell()?;
        let fact = self.ledger.void(ticket)?;
        self.append(fact, now)?;
        if self.me == Side::Edge || planted::is(Plant::ResoldBeforeAcceptance) {
            self.release_void_seat(ticket, now);
        }
        self.ledger.ticket(ticket).cloned().ok_or(Refusal::UnknownTicket)
    }

    /// The edge's answer to a void request, once the doors know it: accepted, or refused where the ticket was used.
    pub fn answer_void(&mut self, ticket: TicketId, now: Timestamp) -> Result<Ticket, Refusal> {
        if self.me != Side::Edge {
            return Err(Refusal::NotTheSeller);
        }
        let fact = self.ledger.answer_void(ticket)?;
        self.append(fact, now)?;
        self.ledger.ticket(ticket).cloned().ok_or(Refusal::UnknownTicket)
    }

    /// Records an accepted entry. Doors go on while the node is closed.
    pub fn admit(&mut self, ticket: TicketRef, at: Timestamp, door: String, now: Timestamp) -> Result<(), Refusal> {
        let door = door.chars().take(DOOR_CHARS_MAX).collect();
        let fact = self.ledger.admit(ticket, at, door)?;
        self.append(fact, now)
    }

    /// Publishes a seating plan, in as many entries as it takes.
    pub fn publish_plan(&mut self, screen: ScreenId, plan: &SeatingPlan, now: Timestamp) -> Result<(), Refusal> {
        if self.me != Side::Central || self.ledger.plan(screen, plan.version).is_some() {
            return Err(Refusal::UnknownPlan);
        }
        self.may_sell()?;
        plan.check().map_err(|_| Refusal::BadPlan)?;
        self.ledger.check_seats_stay(screen, plan).map_err(|_| Refusal::PlanMovesSeats)?;
        for part in plan_parts(screen, plan)? {
            self.append(part, now)?;
        }
        Ok(())
    }

    /// Adds a show of this side. Central splits its seats by the policy; the edge keeps all of its own shows' seats.
    pub fn add_show(&mut self, facts: ShowFacts, now: Timestamp) -> Result<(), Refusal> {
        self.add_split_show(facts, self.settings.policy, now)
    }

    /// Adds a show of central that will be stormed when its sale opens: all but the counter's floor begins with the web.
    pub fn add_rushed_show(&mut self, facts: ShowFacts, now: Timestamp) -> Result<(), Refusal> {
        self.add_split_show(facts, self.settings.policy.on_sale_rush(), now)
    }

    fn add_split_show(&mut self, facts: ShowFacts, policy: Policy, now: Timestamp) -> Result<(), Refusal> {
        self.may_sell()?;
        let plan = self.ledger.plan(facts.screen, facts.plan).ok_or(Refusal::UnknownPlan)?;
        let edge_seats = match self.me {
            // A box that is gone sells nothing.
            Side::Central if self.ledger.marks().retired => Vec::new(),
            Side::Central => allocation::opening_split(plan, policy),
            Side::Edge => all_at_edge(plan),
        };
        let fact = self.ledger.add_show(ShowFacts { edge_seats, ..facts })?;
        self.append(fact, now)
    }

    /// Cancels a show, for ever.
    pub fn cancel_show(&mut self, show: ShowNumber, now: Timestamp) -> Result<(), Refusal> {
        let known = self.ledger.show(show).ok_or(Refusal::UnknownShow)?;
        if known.cancelled {
            return Err(Refusal::ShowCancelled);
        }
        self.append(Fact::ShowCancelled { show }, now)
    }

    /// Sets what a category's seats of a show cost from now on, minor units. Seats that are held keep their price.
    pub fn set_price(&mut self, show: ShowNumber, category: u8, price: u32, now: Timestamp) -> Result<(), Refusal> {
        self.may_sell()?;
        let known = self.ledger.on_sale(show, now)?;
        match known.facts.prices.get(usize::from(category)) {
            None => Err(Refusal::UnknownCategory),
            Some(before) if *before == price => Ok(()),
            Some(_) => self.append(Fact::PriceSet { show, category, price }, now),
        }
    }

    /// Withholds own free seats, or gives withheld ones back to sale.
    pub fn withhold(
        &mut self,
        show: ShowNumber,
        seats: &[SeatId],
        withheld: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.may_sell()?;
        let Fact::SeatWithheld { runs, .. } = self.ledger.withhold(show, seats, withheld, now)? else {
            return Err(Refusal::UnknownSeat);
        };
        for runs in runs.chunks(RUNS_PER_ENTRY_MAX) {
            self.append(Fact::SeatWithheld { show, runs: runs.to_vec(), withheld }, now)?;
        }
        Ok(())
    }

    /// Hands own free seats to the other side, as an allocation decides.
    pub fn hand_over(&mut self, show: ShowNumber, seats: &[SeatId], now: Timestamp) -> Result<(), Refusal> {
        self.give(show, seats, None, now)
    }

    /// Makes a root-signed certificate known on both sides.
    pub fn certify_key(&mut self, certificate: Vec<u8>, now: Timestamp) -> Result<(), Refusal> {
        if self.me != Side::Central {
            return Err(Refusal::NotTheSeller);
        }
        if self.ledger.certificates().contains(&certificate) {
            return Ok(());
        }
        self.append(Fact::KeyCertified { certificate }, now)
    }

    /// Does a side of this theatre sign with this key now? Without it that side could not be heard, or would close.
    pub fn signs_now(&self, key: KeyId) -> bool {
        let only_of_peer = self.keys.peer.iter().all(|known| known.key_id() == key) && !self.keys.peer.is_empty();
        self.keys.own.key_id() == key || only_of_peer
    }

    /// Revokes a key on both sides: what it signs is believed no more, and its tickets count only where a list has them. A side
    /// that signs with it closes.
    ///
    /// # Errors
    /// `not_the_seller` anywhere but at central; `closed`.
    pub fn revoke_key(&mut self, key: KeyId, now: Timestamp) -> Result<(), Refusal> {
        if self.me != Side::Central {
            return Err(Refusal::NotTheSeller);
        }
        self.append(Fact::KeyRevoked { key }, now)
    }

    /// "Work offline": the link stays locked down until it is switched back.
    pub fn work_offline(&mut self, on: bool, now: Timestamp) {
        self.link.work_offline = on;
        if on {
            self.end_session(LinkState::LockedDown, now);
        } else {
            self.link.hello_due = self.link.connected;
        }
    }

    pub(super) fn give(
        &mut self,
        show: ShowNumber,
        seats: &[SeatId],
        claim: Option<ClaimId>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.may_sell()?;
        if !self.link.is_live() && !planted::is(Plant::MovedWithoutLink) {
            return Err(Refusal::LinkDown);
        }
        if !self.link.peer_can_sell {
            return Err(Refusal::PeerClosed);
        }
        if self.in_transit_count() + seats.len() > Settings::IN_TRANSIT_MAX {
            return Err(Refusal::TooManyInTransit);
        }
        let (fact, yielded) = self.ledger.hand_over(show, seats, claim, now)?;
        self.append(fact, now)?;
        for hold in yielded {
            self.ledger.release_hold(hold);
        }
        Ok(())
    }

    pub(super) fn release_void_seat(&mut self, ticket: TicketId, now: Timestamp) {
        let Some(at) = self.ledger.ticket(ticket).map(|ticket| ticket.at).filter(|_| self.can_sell()) else { return };
        if let Ok(fact) = self.ledger.release_seat(at.show, at.seat) {
            let _closed_and_listed_if_it_does_not_apply = self.append(fact, now);
        }
    }

    pub(super) fn may_sell(&self) -> Result<(), Refusal> {
        if self.can_sell() || planted::is(Plant::ClosedNodeSells) { Ok(()) } else { Err(Refusal::Closed) }
    }
}

/// A plan as entries that each hold it in part.
fn plan_parts(screen: ScreenId, plan: &SeatingPlan) -> Result<Vec<Fact>, Refusal> {
    let mut parts: Vec<Vec<Row>> = vec![Vec::new()];
    let mut size = 0;
    for row in &plan.rows {
        let row_size = postcard::to_extend(row, Vec::new()).map_err(|_| Refusal::BadPlan)?.len();
        if row_size > PLAN_BYTES_PER_ENTRY {
            return Err(Refusal::TooLarge);
        }
        if size + row_size > PLAN_BYTES_PER_ENTRY {
            parts.push(Vec::new());
            size = 0;
        }
        size += row_size;
        if let Some(part) = parts.last_mut() {
            part.push(row.clone());
        }
    }
    if plan.categories.iter().map(String::len).sum::<usize>() > ENTRY_BYTES_MAX - PLAN_BYTES_PER_ENTRY - 128 {
        return Err(Refusal::TooLarge);
    }
    let (version, last) = (plan.version, parts.len() - 1);
    let part = |(i, rows)| {
        let categories = if i == 0 { plan.categories.clone() } else { Vec::new() };
        Fact::PlanPublished { screen, version, categories, rows, complete: i == last }
    };
    Ok(parts.into_iter().enumerate().map(part).collect())
}

fn all_at_edge(plan: &PlanIndex) -> Vec<shared::entry::SeatsAtEpoch> {
    shared::entry::SeatsAtEpoch::pack(plan.seats().map(|(id, _)| (id, 1)))
}
