//! Commands of this node's people: sell, void, admit, withhold, and what a show is made of.

use super::Replica;
use crate::link::LinkState;
use crate::settings::Settings;
use shared::allocation::{self, Policy};
use shared::entry::{ENTRY_BYTES_MAX, Fact, ShowFacts, TicketRef};
use shared::ids::{BookingId, ClaimId, HoldId, KeyId, RequestId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{SaleLine, Ticket};
use shared::planted::{self, Plant};
use shared::refusal::Refusal;
use shared::seating::{Row, SeatingPlan};
use shared::show::PlanIndex;
use shared::time::Timestamp;

/// Bytes of the rows in one `PlanPublished` entry, so that it stays under the entry's limit.
const PLAN_BYTES_PER_ENTRY: usize = ENTRY_BYTES_MAX - 512;
/// Runs of one `SeatWithheld` entry, likewise.
const RUNS_PER_ENTRY_MAX: usize = 250;
/// Characters kept of a door's name.
const DOOR_CHARS_MAX: usize = 40;

impl Replica {
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
