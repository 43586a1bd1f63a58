//! Holds: temporary claims on this node's own seats, durable here with their deadline, never replicated.

use super::Ledger;
use crate::ids::{HoldId, SeatId, ShowNumber};
use crate::planted::{self, Plant};
use crate::refusal::Refusal;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Expired holds that are remembered.
const EXPIRED_REMEMBERED: usize = 512;

/// Who waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldKind {
    /// The counter's. Never yields.
    Counter,
    /// A web customer's.
    Web,
    /// A web customer's that still waits for a claim: yields to a counter claim.
    Tentative,
    /// A payment is under way: has its own deadline and is not renewed.
    Paying,
}

/// How long holds last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldTimes {
    /// From placing or renewing to the deadline.
    pub lasts: Duration,
    /// From placing to the last deadline a renewal may set.
    pub cap: Duration,
    /// From creating a payment to the `paying` deadline.
    pub paying: Duration,
}

impl HoldTimes {
    /// Central: 8 minutes, 20 in all, 15 while paying.
    pub const WEB: Self = Self {
        lasts: Duration::from_secs(8 * 60),
        cap: Duration::from_secs(20 * 60),
        paying: Duration::from_secs(15 * 60),
    };
    /// Counter: 3 minutes, renewed by any key, 20 in all.
    pub const COUNTER: Self = Self {
        lasts: Duration::from_secs(3 * 60),
        cap: Duration::from_secs(20 * 60),
        paying: Duration::from_secs(3 * 60),
    };
}

/// One held seat with its frozen price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSeat {
    /// The seat.
    pub seat: SeatId,
    /// The price, minor units, frozen when the hold was placed.
    pub price: u32,
}

/// A temporary claim on seats. Whoever knows its id owns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The id.
    pub id: HoldId,
    /// The show.
    pub show: ShowNumber,
    /// The seats.
    pub seats: Vec<HeldSeat>,
    /// For whom.
    pub kind: HoldKind,
    /// When it ends.
    pub deadline: Timestamp,
    /// No renewal goes beyond.
    pub cap: Timestamp,
}

impl Hold {
    /// The sum of the frozen prices, minor units.
    pub fn total_minor(&self) -> i64 {
        self.seats.iter().map(|held| i64::from(held.price)).sum()
    }
}

impl Ledger {
    /// A hold that has not ended.
    pub fn hold(&self, id: HoldId, now: Timestamp) -> Result<&Hold, Refusal> {
        match self.holds.get(&id) {
            Some(hold) if hold.deadline > now || planted::is(Plant::ExpiredHoldSold) => Ok(hold),
            Some(_) => Err(Refusal::HoldExpired),
            None if self.expired.contains(&id) => Err(Refusal::HoldExpired),
            None => Err(Refusal::UnknownHold),
        }
    }

    /// All holds, expired ones not yet taken over included.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// Places a hold on free seats of this node. Expired holds in the way are taken over in place.
    pub fn place_hold(
        &mut self,
        id: HoldId,
        number: ShowNumber,
        seats: &[SeatId],
        kind: HoldKind,
        times: HoldTimes,
        now: Timestamp,
    ) -> Result<Hold, Refusal> {
        let show = self.on_sale(number, now)?;
        let mut held = Vec::with_capacity(seats.len());
        for seat in seats {
            self.own_free_seat(show, *seat, now)?;
            let price = show.plan.seat(*seat).and_then(|planned| show.facts.prices.get(usize::from(planned.category)));
            held.push(HeldSeat { seat: *seat, price: *price.ok_or(Refusal::UnknownCategory)? });
        }
        let hold = Hold { id, show: number, seats: held, kind, deadline: now + times.lasts, cap: now + times.cap };
        let expired: Vec<HoldId> = seats.iter().filter_map(|seat| show.held_by(*seat)).collect();
        for other in expired {
            self.forget_hold(other);
            self.remember_expired(other);
        }
        self.insert_hold(hold.clone());
        Ok(hold)
    }

    /// Moves the deadline on, up to the cap.
    pub fn renew_hold(&mut self, id: HoldId, times: HoldTimes, now: Timestamp) -> Result<Hold, Refusal> {
        let hold = self.hold(id, now)?.clone();
        if hold.kind == HoldKind::Paying || hold.deadline >= hold.cap {
            return Err(Refusal::HoldCap);
        }
        let deadline = now + times.lasts;
        let deadline = if planted::is(Plant::HoldCapIgnored) { deadline } else { deadline.min(hold.cap) };
        Ok(self.replace_hold(Hold { deadline, ..hold }))
    }

    /// A payment begins: the hold gets its own deadline, which no renewal moves.
    pub fn hold_for_payment(&mut self, id: HoldId, times: HoldTimes, now: Timestamp) -> Result<Hold, Refusal> {
        let hold = self.hold(id, now)?.clone();
        if hold.kind == HoldKind::Paying {
            return Ok(hold);
        }
        let deadline = now + times.paying;
        Ok(self.replace_hold(Hold { kind: HoldKind::Paying, deadline, cap: deadline, ..hold }))
    }

    /// Gives the seats back. Releasing a hold that is gone is no fault.
    pub fn release_hold(&mut self, id: HoldId) -> Option<Hold> {
        self.forget_hold(id)
    }

    /// When the next hold ends.
    pub fn next_hold_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at).filter(|_| !planted::is(Plant::ExpiredHoldSold))
    }

    /// Removes one hold that has ended, if there is one.
    pub fn expire_hold(&mut self, now: Timestamp) -> Option<Hold> {
        let (at, id) = *self.deadlines.first()?;
        if at > now || planted::is(Plant::ExpiredHoldSold) {
            return None;
        }
        self.remember_expired(id);
        self.forget_hold(id)
    }

    /// The clock has jumped forward: each hold lasts as long as it did.
    pub fn follow_jump(&mut self, by: Duration) {
        for hold in std::mem::take(&mut self.holds).into_values() {
            self.deadlines.remove(&(hold.deadline, hold.id));
            self.insert_hold(Hold { deadline: hold.deadline + by, cap: hold.cap + by, ..hold });
        }
    }

    fn remember_expired(&mut self, id: HoldId) {
        self.expired.push_back(id);
        if self.expired.len() > EXPIRED_REMEMBERED {
            self.expired.pop_front();
        }
    }

    pub(super) fn insert_hold(&mut self, hold: Hold) {
        if let Some(show) = self.shows.get_mut(&hold.show) {
            for held in &hold.seats {
                show.held.insert(held.seat, hold.id);
            }
        }
        self.deadlines.insert((hold.deadline, hold.id));
        self.dirty.holds.insert(hold.id);
        self.holds.insert(hold.id, hold);
    }

    pub(super) fn forget_hold(&mut self, id: HoldId) -> Option<Hold> {
        let hold = self.holds.remove(&id)?;
        self.deadlines.remove(&(hold.deadline, id));
        if let Some(show) = self.shows.get_mut(&hold.show) {
            for held in &hold.seats {
                if show.held.get(&held.seat) == Some(&id) {
                    show.held.remove(&held.seat);
                }
            }
        }
        self.dirty.holds.insert(id);
        Some(hold)
    }

    fn replace_hold(&mut self, hold: Hold) -> Hold {
        self.forget_hold(hold.id);
        self.insert_hold(hold.clone());
        hold
    }
}
