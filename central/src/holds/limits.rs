//! How many seats one customer may keep from the others: counted by device and by address while they are held, by contact once they
//! are booked.

use super::customer::Customer;
use super::owner::{self, Owner};
use node::problem::Problem;
use node::store::{Sql, StoreError};
use shared::ids::{HoldId, ShowId};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// Customers that are remembered before those whose holds have ended are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// How many seats are enough; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeatLimits {
    /// Held from one device, over all shows.
    pub per_device: usize,
    /// Held from one network address, over all shows: a family behind one line is several devices, a college many.
    pub per_address: usize,
    /// Booked for one contact, in one show.
    pub per_contact: usize,
}

/// A hold that stands: its seats and when it ends.
pub type Standing = (usize, Timestamp);

/// Who holds what, as far as there is a limit.
#[derive(Debug, Default)]
pub struct Holders {
    limits: SeatLimits,
    holds: BTreeMap<Owner, Vec<(ShowId, HoldId)>>,
    forget_above: usize,
}

impl Holders {
    /// Who holds what according to the store; there is no limit yet.
    ///
    /// # Errors
    /// If the store fails.
    pub fn load(conn: &dyn Sql) -> Result<Self, StoreError> {
        let mut holders = Self::default();
        for (owner, show, hold) in owner::all(conn)? {
            holders.holds.entry(owner).or_default().push((show, hold));
        }
        Ok(holders)
    }

    /// Keeps customers to so many seats from now on.
    pub fn keep_to(&mut self, limits: SeatLimits) {
        self.limits = limits;
    }

    /// How many seats are enough.
    pub fn limits(&self) -> SeatLimits {
        self.limits
    }

    /// Why this customer gets no `more` seats; nothing where they do. `standing` looks a hold up.
    pub fn refuse(
        &mut self,
        customer: &Customer,
        more: usize,
        now: Timestamp,
        standing: impl Fn(ShowId, HoldId) -> Option<Standing>,
    ) -> Option<Problem> {
        self.limited(customer).into_iter().flatten().find_map(|(owner, limit)| {
            let (mut seats, mut ends) = (0_usize, None::<Timestamp>);
            self.holds.entry(owner).and_modify(|holds| {
                holds.retain(|(show, hold)| {
                    let Some((held, until)) = standing(*show, *hold) else { return false };
                    seats = seats.saturating_add(held);
                    ends = Some(ends.map_or(until, |ends| ends.min(until)));
                    true
                });
            });
            (seats.saturating_add(more) > limit).then(|| too_many(seats, limit, ends, now))
        })
    }

    /// Whom a customer is counted as, with what is enough for each.
    fn limited(&self, customer: &Customer) -> [Option<(Owner, usize)>; 2] {
        let SeatLimits { per_device, per_address, .. } = self.limits;
        let device = customer.device.filter(|_| per_device > 0).map(|device| (Owner::from(device), per_device));
        let network = customer.network.filter(|_| per_address > 0).map(|network| (Owner::from(network), per_address));
        [device, network]
    }

    /// As whom this customer's holds are counted.
    pub fn owners(&self, customer: &Customer) -> impl Iterator<Item = Owner> + use<> {
        self.limited(customer).into_iter().flatten().map(|(owner, _)| owner)
    }

    /// Remembers who has a hold.
    pub fn note(
        &mut self,
        customer: &Customer,
        show: ShowId,
        hold: HoldId,
        standing: impl Fn(ShowId, HoldId) -> Option<Standing>,
    ) {
        for owner in self.owners(customer) {
            self.holds.entry(owner).or_default().push((show, hold));
        }
        if self.holds.len() > self.forget_above.max(REMEMBERED_MAX) {
            self.holds.retain(|_, holds| {
                holds.retain(|(show, hold)| standing(*show, *hold).is_some());
                !holds.is_empty()
            });
            // So that a crowd of honest customers is not looked through at each of their holds.
            self.forget_above = self.holds.len() * 2;
        }
    }
}

fn too_many(held: usize, limit: usize, ends: Option<Timestamp>, now: Timestamp) -> Problem {
    let detail = if held == 0 {
        format!("At most {limit} seats can be kept for one customer at a time.")
    } else {
        format!("{held} seats are kept for you already, at most {limit} can be. Book them or give some back first.")
    };
    let wait = ends.map_or(1, |ends| u32::try_from(ends.since(now).as_secs()).unwrap_or(u32::MAX).max(1));
    Problem::too_many("too_many_seats_held", detail, wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holds::customer::{Device, Network};
    use shared::ids::{ShowNumber, TheatreId};

    const LIMITS: SeatLimits = SeatLimits { per_device: 4, per_address: 6, per_contact: 0 };
    const SHOW: ShowId = ShowId { theatre: TheatreId(1), number: ShowNumber(2) };

    fn customer(device: Option<u8>, address: &str) -> Customer {
        Customer { device: device.map(|n| Device([n; 16])), network: address.parse().ok().and_then(Network::of) }
    }

    fn kept_to(limits: SeatLimits) -> Holders {
        let mut holders = Holders::default();
        holders.keep_to(limits);
        holders
    }

    /// Lines of `DEVICE ADDRESS SEATS yes|no`: who gets so many more seats. Everything that is had is held.
    fn check(lines: &str) {
        let (mut holders, mut held) = (kept_to(LIMITS), BTreeMap::new());
        let now = Timestamp(1_000);
        for (n, line) in (0_u8..).zip(lines.lines().map(str::trim).filter(|line| !line.is_empty())) {
            let columns: Vec<_> = line.split_whitespace().collect();
            let customer = customer(columns[0].parse().ok(), columns[1]);
            let seats: usize = columns[2].parse().expect("a number");
            let hold = HoldId([n; 16]);
            let standing = |_, hold| held.get(&hold).copied();
            let refused = holders.refuse(&customer, seats, now, standing);
            assert_eq!(refused.is_none(), columns[3] == "yes", "{line}");
            if refused.is_none() {
                held.insert(hold, (seats, Timestamp(61_000)));
                holders.note(&customer, SHOW, hold, |_, hold| held.get(&hold).copied());
            }
        }
    }

    #[test]
    fn a_device_holds_no_more_than_its_share() {
        check(
            "1 - 2 yes
             1 - 2 yes
             1 - 1 no
             2 - 4 yes
             - - 9 yes",
        );
    }

    #[test]
    fn an_address_holds_no_more_than_its_share_whatever_its_devices() {
        check(
            "1 203.0.113.9 4 yes
             2 203.0.113.9 2 yes
             3 203.0.113.9 1 no
             - 203.0.113.9 1 no
             3 203.0.113.8 1 yes",
        );
    }

    #[test]
    fn neighbours_of_one_prefix_are_one_address() {
        check(
            "1 2001:470::1 4 yes
             2 2001:470::2 3 no
             2 2001:470:0:1::2 3 yes",
        );
    }

    #[test]
    fn whoever_may_be_a_proxy_is_not_counted() {
        check(
            "- 127.0.0.1 9 yes
             - 127.0.0.1 9 yes
             - 10.1.2.3 9 yes
             - 10.1.2.3 9 yes
             - fd00::1 9 yes
             - fd00::1 9 yes",
        );
    }

    #[test]
    fn what_was_given_back_is_free_again_and_the_wait_is_told() {
        let (mut holders, customer, now) = (kept_to(LIMITS), customer(Some(1), "-"), Timestamp(1_000));
        let hold = HoldId([7; 16]);
        holders.note(&customer, SHOW, hold, |_, _| Some((4, Timestamp(61_000))));
        let refused = holders.refuse(&customer, 1, now, |_, _| Some((4, Timestamp(61_000))));
        let refused = refused.expect("a refusal");
        assert_eq!((refused.code(), refused.status().as_u16()), ("too_many_seats_held", 429));
        assert!(holders.refuse(&customer, 1, now, |_, _| None).is_none());
    }

    #[test]
    fn whoever_has_no_limit_is_not_remembered() {
        let limits = SeatLimits { per_address: 6, ..SeatLimits::default() };
        let (mut holders, customer) = (kept_to(limits), customer(Some(1), "-"));
        holders.note(&customer, SHOW, HoldId([7; 16]), |_, _| Some((4, Timestamp(61_000))));
        assert!(holders.holds.is_empty());
        assert!(holders.refuse(&customer, 100, Timestamp(0), |_, _| None).is_none());
    }
}
