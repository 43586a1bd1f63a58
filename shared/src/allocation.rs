//! Allocation: who gets which seats of a show. Pure, and run by each side over its own seats while the link is live.
//!
//! A show opens with a split ([`opening_split`]), which says how its author expects web and counter to sell. From then on each
//! side asks [`due_handover`] which of its own free seats go to the other side now. The rules, first match first:
//!
//! 1. *Remote sales cut-off*: from 15 min before the start central gives every free seat, and the edge none.
//! 2. *Return to origin*: a free seat of a later generation (its ticket is void, or it was unknown once) goes back to the side that
//!    had it at the opening, unless its present side would then run low.
//! 3. *Low-water pull*: of a category's unsold seats each side is due a [share](Stock::share), by the opening split and the sales
//!    so far. A side whose stock has fallen below half its share is filled up to it, in blocks of neighbours; in a large hall below
//!    100 seats, up to 200.
//!
//! A lapsed claim's seats have no rule of their own: they stay where they are, so that claims do not thrash, and are the first to
//! go when their first owner runs low.
//!
//! Why blocks do not go to and fro: a handover changes neither sales nor the number of unsold seats, so it changes no share. The
//! giver of a pull keeps its share, twice its own low-water mark, so nothing is pulled back. A return leaves its giver the low-water
//! mark, so it starts no pull; and a pull takes seats that a return would bring back only up to that mark. The two sides may judge
//! the link's history differently; that moves at most half of central's share, which is what its low-water mark leaves room for.

mod blocks;
mod opening;
mod stock;

use crate::ids::{SeatId, Side};
use crate::ledger::Ledger;
use crate::show::{Seat, Show, Standing};
use crate::time::Timestamp;
pub use opening::opening_split;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
pub use stock::Stock;

/// The settings of a theatre's allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The counter's part of each category at the opening, percent.
    pub counter_quota_percent: u8,
    /// The quota is filled up to whole rows; else it is met to the seat.
    pub whole_rows: bool,
    /// Below this part of a category the edge refuses web claims and gives nothing by itself, percent.
    pub counter_floor_percent: u8,
    /// Web claims may go below the floor from this long before the start.
    pub floor_ends_before_start: Duration,
    /// A side that runs low is filled up from this long before the start; until then claims do.
    pub pull_before_start: Duration,
    /// Central hands its free seats over from this long before the start.
    pub remote_sales_cutoff: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            counter_quota_percent: 25,
            whole_rows: true,
            counter_floor_percent: 10,
            floor_ends_before_start: Duration::from_secs(60 * 60),
            pull_before_start: Duration::from_secs(48 * 60 * 60),
            remote_sales_cutoff: Duration::from_secs(15 * 60),
        }
    }
}

impl Policy {
    /// For the opening of a show flagged *on-sale rush*: all but the floor begin at central.
    #[must_use]
    pub fn on_sale_rush(self) -> Self {
        Self { counter_quota_percent: self.counter_floor_percent, whole_rows: false, ..self }
    }

    fn floor(self, seats: usize) -> usize {
        seats * usize::from(self.counter_floor_percent) / 100
    }

    /// From when on web claims may go below the counter floor of a show.
    pub fn floor_ends_at(self, show: &Show) -> Timestamp {
        show.facts.starts_at() - self.floor_ends_before_start
    }
}

/// May the edge give these seats to a web claim, or would that dig into the counter floor of a category?
pub fn leaves_counter_floor(show: &Show, seats: &[SeatId], policy: Policy, now: Timestamp) -> bool {
    let claimable = claimable_seats(show, policy, now);
    let mut wanted: BTreeMap<u8, usize> = BTreeMap::new();
    for seat in seats {
        if let Some(planned) = show.plan.seat(*seat) {
            *wanted.entry(planned.category).or_default() += 1;
        }
    }
    wanted
        .into_iter()
        .all(|(category, wanted)| claimable.get(usize::from(category)).is_some_and(|most| wanted <= *most))
}

/// How many of the edge's seats a web claim may take of each category; `usize::MAX` where no floor is kept. Central does not know of
/// the holds at the box: of its own replica this says what will be refused for certain.
pub fn claimable_seats(show: &Show, policy: Policy, now: Timestamp) -> Vec<usize> {
    if policy.floor_ends_at(show) <= now {
        return vec![usize::MAX; show.plan.plan.categories.len()];
    }
    let stocks = Stock::of_categories(show, Side::Edge);
    let above_floor = |stock: &Stock| match policy.floor(stock.seats) {
        0 => usize::MAX,
        floor => stock.may_go.saturating_sub(floor),
    };
    stocks.iter().map(above_floor).collect()
}

/// The seats this side hands to the other one now, at most `room` of them. Level-triggered: asked again after they have gone, it
/// answers what is left to do. `away` is how long of the last 24 h the link was not live: the box of a theatre that is often alone
/// is given more to sell.
pub fn due_handover(
    ledger: &Ledger,
    show: &Show,
    policy: Policy,
    away: Duration,
    room: usize,
    now: Timestamp,
) -> BTreeSet<SeatId> {
    if room == 0 || ledger.on_sale(show.facts.number, now).is_err() {
        return BTreeSet::new();
    }
    let giver = Giver { show, me: ledger.side(), policy, away };
    let starts = show.facts.starts_at();
    if starts - policy.remote_sales_cutoff <= now {
        let all = show.plan.seats().map(|(id, _)| id).filter(|id| giver.me == Side::Central && giver.may_give(*id));
        return all.take(room).collect();
    }
    let strayed = giver.strayed();
    let touched = show.touched().next().is_some();
    let pulls = starts - policy.pull_before_start <= now && (touched || !away.is_zero());
    if strayed.is_empty() && !pulls {
        return BTreeSet::new();
    }
    let mut stocks = Stock::of_categories(show, giver.me);
    let mut given = giver.returns(&mut stocks, &strayed, room);
    if pulls {
        for (category, stock) in stocks.iter().enumerate() {
            let block = giver.pull(category, stock, room - given.len(), &given);
            given.extend(block);
        }
    }
    given
}

/// The side that gives of its own seats of a show.
struct Giver<'a> {
    show: &'a Show,
    me: Side,
    policy: Policy,
    away: Duration,
}

impl Giver<'_> {
    /// A free seat of this side that nobody has a hold on.
    fn may_give(&self, id: SeatId) -> bool {
        let free = |seat: Seat| seat.standing == Standing::Free && seat.authority() == self.me;
        self.show.seat(id).is_some_and(free) && self.show.held_by(id).is_none()
    }

    /// Seats of a later generation that may go, and that the other side had at the opening.
    fn strayed(&self) -> Vec<SeatId> {
        let later = self.show.touched().filter(|(_, seat)| seat.generation > 0).map(|(id, _)| id);
        later.filter(|id| self.show.opening(*id).authority() != self.me && self.may_give(*id)).collect()
    }

    /// What goes back to its origin, as long as this side does not run low itself.
    fn returns(&self, stocks: &mut [Stock], strayed: &[SeatId], room: usize) -> BTreeSet<SeatId> {
        let mut given = BTreeSet::new();
        for id in strayed.iter().take(room) {
            let category = self.show.plan.seat(*id).map(|planned| usize::from(planned.category));
            let Some(stock) = category.and_then(|category| stocks.get_mut(category)) else { continue };
            if stock.may_go > stock.low_water(self.me, Duration::ZERO).max(self.floor(stock)) {
                stock.give(self.me);
                given.insert(*id);
            }
        }
        given
    }

    /// The blocks that fill up the other side of a category, if it runs low.
    fn pull(&self, category: usize, stock: &Stock, room: usize, given: &BTreeSet<SeatId>) -> Vec<SeatId> {
        let peer = self.me.peer();
        let theirs = stock.unsold(peer);
        if theirs >= stock.low_water(peer, self.away) {
            return Vec::new();
        }
        let kept = stock.share(self.me, self.away).max(self.floor(stock));
        let spare = stock.may_go.saturating_sub(kept).min(room);
        let wanted = (stock.high_water(peer, self.away) - theirs).min(spare);
        if wanted == 0 {
            return Vec::new();
        }
        // Seats that the receiver would return go only as far as it would not.
        let low = stock.low_water(peer, Duration::ZERO).saturating_sub(theirs).min(wanted);
        blocks::choose(&blocks::of_category(self, category, given), self.me, wanted, low)
    }

    /// What the allocation leaves the counter of a category, whatever the web sells.
    fn floor(&self, stock: &Stock) -> usize {
        if self.me == Side::Edge { self.policy.floor(stock.seats) } else { 0 }
    }
}
