//! Allocation: who gets which seats of a show. Pure, and run by each side over its own seats.

use crate::entry::SeatsAtEpoch;
use crate::ids::SeatId;
use crate::ledger::Ledger;
use crate::show::{PlanIndex, Show, Standing};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The settings of a theatre's allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The counter's part of each category at the opening, percent.
    pub counter_quota_percent: u8,
    /// Below this part of a category the edge refuses web claims, percent.
    pub counter_floor_percent: u8,
    /// The floor is lifted this long before the start.
    pub floor_ends_before_start: Duration,
    /// Central hands its free seats over from this long before the start.
    pub remote_sales_cutoff: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            counter_quota_percent: 25,
            counter_floor_percent: 10,
            floor_ends_before_start: Duration::from_secs(60 * 60),
            remote_sales_cutoff: Duration::from_secs(15 * 60),
        }
    }
}

/// Runs an opening split may name, so that `ShowAdded` stays one entry; what is left out moves by claims.
const OPENING_RUNS_MAX: usize = 300;

/// The opening split of a central-authored show: whole rows of each category, from the back, until the quota is met; a category
/// of one row gives its last seats, so that both sides can seat groups.
pub fn opening_split(plan: &PlanIndex, policy: Policy) -> Vec<SeatsAtEpoch> {
    let mut rows: BTreeMap<(u8, usize), Vec<SeatId>> = BTreeMap::new();
    for (id, seat) in plan.seats() {
        rows.entry((seat.category, seat.row_index)).or_default().push(id);
    }
    let mut chosen = Vec::new();
    for category in 0..plan.plan.categories.len() {
        let of_category: Vec<&Vec<SeatId>> =
            rows.iter().filter(|((c, _), _)| usize::from(*c) == category).map(|(_, seats)| seats).collect();
        let all: usize = of_category.iter().map(|seats| seats.len()).sum();
        let mut wanted = all * usize::from(policy.counter_quota_percent) / 100;
        for seats in of_category.iter().rev() {
            if wanted == 0 {
                break;
            }
            // Whole rows, but never so many that a small category has nothing left for the web.
            let take = if of_category.len() == 1 { wanted } else { seats.len().min(all - 1) };
            chosen.extend(seats.iter().skip(seats.len() - take.min(seats.len())).copied());
            wanted = wanted.saturating_sub(take);
        }
    }
    chosen.sort_unstable();
    let mut runs = SeatsAtEpoch::pack(chosen.into_iter().map(|seat| (seat, 1)));
    runs.truncate(OPENING_RUNS_MAX);
    runs
}

/// May the edge give these seats to a web claim, or would that dig into the counter floor of a category?
pub fn leaves_counter_floor(ledger: &Ledger, show: &Show, seats: &[SeatId], policy: Policy, now: Timestamp) -> bool {
    if show.facts.starts_at() - policy.floor_ends_before_start <= now {
        return true;
    }
    let mut wanted: BTreeMap<u8, usize> = BTreeMap::new();
    for seat in seats {
        if let Some(planned) = show.plan.seat(*seat) {
            *wanted.entry(planned.category).or_default() += 1;
        }
    }
    wanted.into_iter().all(|(category, wanted)| {
        let of_category = || show.plan.seats().filter(|(_, planned)| planned.category == category);
        let floor = of_category().count() * usize::from(policy.counter_floor_percent) / 100;
        let free = of_category().filter(|(id, _)| ledger.own_free_seat(show, *id, now).is_ok()).count();
        free.saturating_sub(wanted) >= floor
    })
}

/// The free seats central hands over at the remote sales cut-off, at most `max`, lowest ids first.
pub fn remote_sales_cutoff(ledger: &Ledger, show: &Show, policy: Policy, max: usize, now: Timestamp) -> Vec<SeatId> {
    let due = show.facts.starts_at() - policy.remote_sales_cutoff <= now;
    if !due || ledger.on_sale(show.facts.number, now).is_err() {
        return Vec::new();
    }
    let free =
        show.plan.seats().map(|(id, _)| id).filter(|id| {
            show.seat(*id).is_some_and(|seat| seat.standing == Standing::Free) && show.held_by(*id).is_none()
        });
    free.filter(|id| ledger.own_free_seat(show, *id, now).is_ok()).take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seating::{Row, SeatRun, SeatingPlan};

    fn plan(rows: &[(u16, u8)]) -> PlanIndex {
        let mut first = 1;
        let rows = rows.iter().enumerate().map(|(i, (count, category))| {
            let run = SeatRun {
                first: SeatId(first),
                number: 1,
                count: *count,
                category: *category,
                gap: 0,
                accessible: false,
            };
            first += u32::from(*count);
            Row { label: char::from(b'A' + i as u8).to_string(), runs: vec![run] }
        });
        PlanIndex::new(SeatingPlan {
            version: 1,
            categories: vec!["Silver".into(), "Gold".into()],
            rows: rows.collect(),
        })
    }

    fn count(runs: &[SeatsAtEpoch]) -> u16 {
        runs.iter().map(|run| run.count).sum()
    }

    #[test]
    fn the_opening_split_gives_whole_rows_of_each_category_to_the_counter() {
        let plan = plan(&[(10, 0), (10, 0), (10, 0), (10, 0), (8, 1), (8, 1), (8, 1), (8, 1)]);
        let split = opening_split(&plan, Policy::default());
        assert_eq!(
            split,
            vec![
                SeatsAtEpoch { first: SeatId(31), count: 10, epoch: 1 },
                SeatsAtEpoch { first: SeatId(65), count: 8, epoch: 1 },
            ]
        );
    }

    #[test]
    fn a_category_of_one_row_gives_its_last_seats() {
        let split = opening_split(&plan(&[(8, 0), (4, 1)]), Policy::default());
        assert_eq!(count(&split), 3);
    }

    #[test]
    fn neither_side_gets_everything() {
        for rows in [vec![(1, 0), (1, 1)], vec![(2, 0), (2, 0), (3, 1)]] {
            let plan = plan(&rows);
            assert!(usize::from(count(&opening_split(&plan, Policy::default()))) < plan.plan.seats_count());
        }
    }
}
