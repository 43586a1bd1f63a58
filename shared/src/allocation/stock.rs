//! The stock of a category: what each side has sold and has left, and what each is due of the rest.

use crate::entry::SeatsAtEpoch;
use crate::ids::Side;
use crate::seating::SeatRun;
use crate::show::{Seat, Show, Standing};
use std::time::Duration;

/// What the link history is looked at over.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The part of central's share that a bad link history moves to the edge, at most, per mille. Central's low-water mark is half its
/// share by the same reason: two sides that judge the link differently still do not give to and fro.
const MOVED_BY_HISTORY_MAX: usize = 500;

/// So many free seats are not few, in however large a hall: it bounds what a pull has to move.
const LOW_WATER_MAX: usize = 100;

/// One category's seats, counted from the replicated registers: both sides count alike where their logs are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stock {
    /// All seats of the category.
    pub seats: usize,
    /// The free seats of this side that nobody has a hold on.
    pub may_go: usize,
    /// The seats that were the edge's at the opening.
    pub opened_at_edge: usize,
    central: Counts,
    edge: Counts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    unsold: usize,
    sold: usize,
}

impl Stock {
    /// The stock of each category of the show, by its index. Costs the plan's runs and the seats that differ from the opening split.
    pub fn of_categories(show: &Show, me: Side) -> Vec<Self> {
        let mut runs: Vec<&SeatRun> = show.plan.plan.rows.iter().flat_map(|row| &row.runs).collect();
        runs.sort_unstable_by_key(|run| run.first);
        let mut stocks = vec![Self::default(); show.plan.plan.categories.len()];
        for run in &runs {
            if let Some(stock) = stocks.get_mut(usize::from(run.category)) {
                let at_edge = overlap(run, &show.facts.edge_seats);
                stock.seats += usize::from(run.count);
                stock.opened_at_edge += at_edge;
                stock.edge.unsold += at_edge;
                stock.central.unsold += usize::from(run.count) - at_edge;
            }
        }
        // Runs and touched seats both ascend.
        let mut at = 0;
        for (id, seat) in show.touched() {
            at += runs.get(at..).unwrap_or_default().partition_point(|run| end(run) <= u64::from(id.0));
            let run = runs.get(at).filter(|run| run.first <= id);
            if let Some(stock) = run.and_then(|run| stocks.get_mut(usize::from(run.category))) {
                stock.touch(show.opening(id), seat);
            }
        }
        for stock in &mut stocks {
            stock.may_go = stock.unsold(me);
        }
        for id in show.held() {
            let mine = show.seat(id).is_some_and(|seat| seat.standing == Standing::Free && seat.authority() == me);
            if let (true, Some(planned)) = (mine, show.plan.seat(id))
                && let Some(stock) = stocks.get_mut(usize::from(planned.category))
            {
                stock.may_go -= 1;
            }
        }
        stocks
    }

    fn touch(&mut self, opening: Seat, seat: Seat) {
        self.of_mut(opening.authority()).unsold -= 1;
        let counts = self.of_mut(seat.authority());
        match seat.standing {
            Standing::Free => counts.unsold += 1,
            Standing::Sold(_) => counts.sold += 1,
            Standing::Withheld | Standing::Unknown => {}
        }
    }

    fn of_mut(&mut self, side: Side) -> &mut Counts {
        match side {
            Side::Central => &mut self.central,
            Side::Edge => &mut self.edge,
        }
    }

    /// The side's seats that are not sold, held ones included.
    pub fn unsold(&self, side: Side) -> usize {
        match side {
            Side::Central => self.central.unsold,
            Side::Edge => self.edge.unsold,
        }
    }

    /// What the side is due of the unsold seats. The opening split weighs as much as the sale of the whole category would, so that
    /// the shares follow the sales slowly; a theatre whose link was away for `away` of the last 24 h gets more for its box.
    pub fn share(&self, side: Side, away: Duration) -> usize {
        let unsold = self.central.unsold + self.edge.unsold;
        let weight = (self.seats + self.central.sold + self.edge.sold).max(1);
        let central = unsold - unsold * (self.opened_at_edge + self.edge.sold) / weight;
        let moved = usize::try_from(away.as_secs() * 1000 / DAY.as_secs()).unwrap_or(usize::MAX);
        let central = central - central * moved.min(MOVED_BY_HISTORY_MAX) / 1000;
        match side {
            Side::Central => central,
            Side::Edge => unsold - central,
        }
    }

    /// What a side that runs low is filled up to: its share, in a large hall at most 200 seats.
    pub fn high_water(&self, side: Side, away: Duration) -> usize {
        self.share(side, away).min(2 * LOW_WATER_MAX)
    }

    /// Below this the side runs low: half of what it is filled up to.
    pub fn low_water(&self, side: Side, away: Duration) -> usize {
        self.high_water(side, away) / 2
    }

    /// One seat of `me` that may go has gone to the other side.
    pub(super) fn give(&mut self, me: Side) {
        self.may_go -= 1;
        self.of_mut(me).unsold -= 1;
        self.of_mut(me.peer()).unsold += 1;
    }
}

fn end(run: &SeatRun) -> u64 {
    u64::from(run.first.0) + u64::from(run.count)
}

/// How many seats of a plan's run lie in the ascending runs.
fn overlap(run: &SeatRun, others: &[SeatsAtEpoch]) -> usize {
    let until = |other: &SeatsAtEpoch| u64::from(other.first.0) + u64::from(other.count);
    let from = others.partition_point(|other| until(other) <= u64::from(run.first.0));
    let meeting = others.iter().skip(from).take_while(|other| u64::from(other.first.0) < end(run));
    let seats = meeting.map(|other| until(other).min(end(run)) - u64::from(other.first.max(run.first).0));
    usize::try_from(seats.sum::<u64>()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SeatId;

    fn stock(central: (usize, usize), edge: (usize, usize)) -> Stock {
        let counts = |(unsold, sold)| Counts { unsold, sold };
        Stock { seats: 100, may_go: 0, opened_at_edge: 25, central: counts(central), edge: counts(edge) }
    }

    fn shares(stock: Stock, away_h: u64) -> (usize, usize) {
        let away = Duration::from_secs(away_h * 3600);
        (stock.share(Side::Central, away), stock.share(Side::Edge, away))
    }

    #[test]
    fn shares_begin_as_the_split_and_follow_the_sales_slowly() {
        assert_eq!(shares(stock((75, 0), (25, 0)), 0), (75, 25));
        assert_eq!(shares(stock((25, 50), (25, 0)), 0), (42, 8));
        assert_eq!(shares(stock((75, 0), (5, 20)), 0), (50, 30));
        assert_eq!(shares(stock((0, 75), (0, 25)), 0), (0, 0));
    }

    #[test]
    fn a_bad_link_history_gives_the_box_up_to_half_of_centrals_share() {
        let stock = stock((75, 0), (25, 0));
        assert_eq!(shares(stock, 6), (57, 43));
        assert_eq!(shares(stock, 12), (38, 62));
        assert_eq!(shares(stock, 24), (38, 62));
    }

    #[test]
    fn in_a_large_hall_a_hundred_free_seats_are_not_few() {
        let counts = |unsold| Counts { unsold, sold: 0 };
        let stock =
            Stock { seats: 8_000, may_go: 0, opened_at_edge: 2_000, central: counts(6_000), edge: counts(2_000) };
        for side in [Side::Central, Side::Edge] {
            let (high, low) = (stock.high_water(side, Duration::ZERO), stock.low_water(side, Duration::ZERO));
            assert_eq!((high, low), (200, 100));
        }
    }

    #[test]
    fn seats_of_the_split_are_counted_run_by_run() {
        let others = [(3, 2), (8, 4)].map(|(first, count)| SeatsAtEpoch { first: SeatId(first), count, epoch: 1 });
        let run =
            |first, count| SeatRun { first: SeatId(first), number: 1, count, category: 0, gap: 0, accessible: false };
        for (first, count, expected) in [(1, 2, 0), (1, 3, 1), (4, 5, 2), (5, 3, 0), (1, 20, 6), (9, 1, 1), (12, 5, 0)]
        {
            assert_eq!(overlap(&run(first, count), &others), expected, "{first}+{count}");
        }
    }
}
