//! What people do at a theatre: customers on the web, cashiers at the counter, managers, and those who stand at a door.

use super::action::Action;
use super::codes;
use super::doors::DoorWrite;
use super::invariants::{self, Violation};
use super::node::Who;
use super::site::{self, Site};
use rand::RngExt;
use shared::entry::OpenedBy;
use shared::ids::{BookingId, HoldId, RequestId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::HoldKind;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::Replica;
use sync_protocol::replica::Held;

/// How long before a show its doors open.
pub(super) const DOORS_OPEN_EARLY: Duration = Duration::from_secs(2 * 3600);
/// The first numbers are the shows every world begins with.
const ADDED_FROM: u32 = site::SHOWS + 1;

/// People come back with their latest baskets; what they forgot has ended.
fn latest(nth: usize, baskets: usize) -> usize {
    baskets - 1 - nth % baskets.min(3)
}

impl Site {
    /// People do something. What is refused is refused.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn act(&mut self, action: &Action) -> Result<(), Violation> {
        match *action {
            Action::Hold { who, show, first, count } => {
                let seats: Vec<_> = (0..count).map(|i| SeatId(first.0 + i)).collect();
                let kind = if who == Who::Central { HoldKind::Web } else { HoldKind::Counter };
                let now = self.now;
                let node = self.node(who);
                let own = invariants::are_own_and_free(node, show, &seats, node.now(now));
                let held = self.ask(who, |replica, at| replica.hold(show, &seats, kind, at));
                let node = self.node(who);
                match held {
                    Some(Ok(Held::Now(hold))) => node.holds.push(hold.id),
                    Some(Ok(Held::Waiting(_))) if own => {
                        let asks = Some(Refusal::SeatElsewhere);
                        invariants::invariant_own_free_seats_are_sold_without_asking(node, seats, asks)?;
                    }
                    Some(Err(refusal)) if own => {
                        invariants::invariant_own_free_seats_are_sold_without_asking(node, seats, Some(refusal))?;
                    }
                    Some(_) | None => {}
                }
                self.settle(who)
            }
            Action::Pay { who, nth } => self.with_hold(who, nth, true, |replica, hold, at| {
                let _refused_or_paying = replica.hold_for_payment(hold, at);
            }),
            Action::Renew { who, nth } => self.with_hold(who, nth, true, |replica, hold, at| {
                let _refused_or_renewed = replica.renew(hold, at);
            }),
            Action::Release { who, nth } => self.with_hold(who, nth, false, |replica, hold, _| replica.release(hold)),
            Action::Sell { who, nth } => {
                let request = RequestId(self.dice.random());
                self.sell(who, nth, request)
            }
            Action::Retry { nth } => self.ask_again(nth),
            Action::Void { nth } => self.void(nth),
            Action::Scan { scanner, nth, forged } => self.scan(scanner, nth, forged),
            Action::Withhold { who, show, seat, withheld } => {
                self.ask(who, |replica, at| replica.withhold(show, &[seat], withheld, at));
                self.settle(who)
            }
            Action::HandOver { who, show, seat } => {
                self.ask(who, |replica, at| replica.hand_over(show, &[seat], at));
                self.settle(who)
            }
            Action::Cancel { who, show } => {
                self.ask(who, |replica, at| replica.cancel_show(show, at));
                self.settle(who)
            }
            Action::AddShow { who, slot } => {
                let bit = if who == Who::Central { 0 } else { ShowNumber::EDGE_BIT };
                let show = site::facts(ShowNumber((ADDED_FROM + slot) | bit), self.setup.starts_min);
                self.ask(who, |replica, at| replica.add_show(show, at));
                self.settle(who)
            }
            Action::Offline { who, offline } => {
                self.ask(who, |replica, at| replica.work_offline(offline, at));
                self.settle(who)
            }
            Action::TakeSeats { show } => {
                self.ask(Who::Central, |replica, at| replica.take_seats(show, None, at));
                self.settle(Who::Central)
            }
            Action::Replace => {
                let key = codes::key(Side::Edge, 1).key_id();
                if self.edge.box_number == 1 {
                    self.ask(Who::Central, |replica, at| replica.replace_box(key, at));
                }
                self.settle(Who::Central)
            }
            Action::OpenUnproven { who, two } => self.open_unproven(who, two),
            Action::SettleUnknown { who, show } => self.settle_unknown(who, show),
            Action::FindTicket { nth } => self.find_ticket(nth),
            _ => Ok(()),
        }
    }

    /// Persons answer for a node. A house that refuses has no PIN for it.
    pub(super) fn open_unproven(&mut self, who: Who, two: bool) -> Result<(), Violation> {
        if !two && self.setup.refuses || who == Who::Other && self.other.is_none() {
            return Ok(());
        }
        let by = if two { OpenedBy::TwoPersons } else { OpenedBy::ManagerPin };
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        if let Some(replica) = node.replica.as_mut() {
            let opened = replica.open_unproven(by, "manager", at, &node.disk);
            let _refused_or_open = opened.expect("a store in memory can be read");
        }
        self.settle(who)
    }

    /// Two persons release unknown seats only when nobody is left who could know more: the link is live, and the named witness,
    /// if there is one, has called. They have read the lists: of a seat whose sale is listed they know.
    pub(super) fn settle_unknown(&mut self, who: Who, show: ShowNumber) -> Result<(), Violation> {
        let asked = !self.setup.witness || who == Who::Central || self.scanners[0].talks_to() == Some(who);
        if asked && self.node(who).is_live() {
            let listed = invariants::listed_sales(self);
            let seats: Vec<_> = (1..=site::SEATS).map(SeatId).filter(|seat| !listed.contains(&(show, *seat))).collect();
            self.ask(who, |replica, at| {
                let own = replica.ledger().show(show).map(|show| {
                    let is_own = |seat: &SeatId| show.seat(*seat).is_some_and(|at| at.authority() == who.side());
                    seats.into_iter().filter(is_own).collect::<Vec<_>>()
                });
                own.map(|own| replica.settle_unknown(show, Some(&own), at))
            });
        }
        self.settle(who)
    }

    /// Somebody shows a ticket whose seat nobody knows about.
    fn find_ticket(&mut self, nth: usize) -> Result<(), Violation> {
        let Some(handed) = self.ghost.nth(nth, |handed| handed.lost && !handed.ended) else { return Ok(()) };
        for who in [Who::Central, Who::Edge] {
            self.ask(who, |replica, at| replica.find_ticket(handed.at, BookingId([7; 16]), 15_000, at));
            self.settle(who)?;
        }
        Ok(())
    }

    /// Calls a command where the process runs.
    fn ask<T>(&mut self, who: Who, command: impl FnOnce(&mut Replica, Timestamp) -> T) -> Option<T> {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        node.replica.as_mut().map(|replica| command(replica, at))
    }

    fn with_hold(
        &mut self,
        who: Who,
        nth: usize,
        kept: bool,
        command: impl FnOnce(&mut Replica, HoldId, Timestamp),
    ) -> Result<(), Violation> {
        let node = self.node(who);
        if node.holds.is_empty() || node.replica.is_none() {
            return Ok(());
        }
        let index = latest(nth, node.holds.len());
        let hold = if kept { node.holds[index] } else { node.holds.remove(index) };
        self.ask(who, |replica, at| command(replica, hold, at));
        self.settle(who)
    }

    fn sell(&mut self, who: Who, nth: usize, request: RequestId) -> Result<(), Violation> {
        let node = self.node(who);
        if node.holds.is_empty() || node.replica.is_none() {
            return Ok(());
        }
        let (who, hold) = (node.who, node.holds.remove(latest(nth, node.holds.len())));
        self.requests.push((request, who, hold));
        self.request(request, who, hold)
    }

    /// A request arrives, for the first time or again: what was answered before is not done twice.
    fn request(&mut self, request: RequestId, who: Who, hold: HoldId) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(who);
        if node.replica.is_none() {
            return Ok(());
        }
        node.waiting.insert(request);
        let answered = node.disk.answers.contains_key(&request);
        let own = invariants::is_own_hold(node, hold, node.store_now(now).max(node.now(now)));
        let sold = match answered {
            false => self.ask(who, |replica, at| replica.sell(hold, BookingId([7; 16]), request, at)),
            true => None,
        };
        if let Some(sold) = sold.filter(|_| own) {
            invariants::invariant_own_free_seats_are_sold_without_asking(self.node(who), hold, sold.err())?;
        }
        let dies = self.node(who).dies.is_some();
        self.settle(who)?;
        let told = self.ghost.answers.contains_key(&request);
        let node = self.node(who);
        match own && !answered && !dies {
            true => invariants::invariant_a_sale_is_told_without_asking(node, told, node.now(now)),
            false => Ok(()),
        }
    }

    fn ask_again(&mut self, nth: usize) -> Result<(), Violation> {
        if self.requests.is_empty() {
            return Ok(());
        }
        // The latest ones are those people still ask about.
        let back = nth % self.requests.len().min(8);
        let (request, who, hold) = self.requests[self.requests.len() - 1 - back];
        self.request(request, who, hold)
    }

    fn void(&mut self, nth: usize) -> Result<(), Violation> {
        let Some(handed) = self.ghost.nth(nth, |handed| !handed.ended) else { return Ok(()) };
        let (who, at) = (handed.by, handed.at);
        if who.side() == Side::Central || self.may_void_at_once(at.show) {
            self.ask(who, |replica, now| replica.void(at.ticket, now));
        } else if who == Who::Edge && self.edge_sold(at.ticket) {
            self.edge.door_writes.push(DoorWrite::VoidAsked(at.ticket, true));
        }
        self.settle(who)
    }

    fn edge_sold(&self, ticket: TicketId) -> bool {
        let known = self.edge.replica.as_ref().and_then(|replica| replica.ledger().ticket(ticket));
        known.is_some_and(|ticket| ticket.sale.is_some_and(|sale| sale.seller == Side::Edge))
    }

    /// Nobody has walked in yet: the doors are shut.
    fn may_void_at_once(&self, show: ShowNumber) -> bool {
        let now = self.edge.now(self.now);
        let known = self.edge.replica.as_ref().and_then(|replica| replica.ledger().show(show));
        known.is_some_and(|show| now < show.facts.starts_at() - DOORS_OPEN_EARLY)
    }
}
