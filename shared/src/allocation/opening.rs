//! The opening split: what `ShowAdded` says of who begins with which seats.

use super::Policy;
use crate::entry::SeatsAtEpoch;
use crate::ids::SeatId;
use crate::show::PlanIndex;
use std::collections::BTreeMap;

/// Runs an opening split may name, so that `ShowAdded` stays one entry; what is left out moves by claims.
const OPENING_RUNS_MAX: usize = 300;

/// The opening split of a central-authored show: whole rows of each category, from the back, until the quota is met; a category
/// of one row gives its last seats, so that both sides can seat groups. A show flagged *on-sale rush* is split by
/// [`Policy::on_sale_rush`]; the shares later follow from the split, so that nothing else needs to know of the flag.
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
        let whole_rows = policy.whole_rows && of_category.len() > 1;
        let mut wanted = all * usize::from(policy.counter_quota_percent) / 100;
        for seats in of_category.iter().rev() {
            if wanted == 0 {
                break;
            }
            // Whole rows, but never so many that a small category has nothing left for the web.
            let take = if whole_rows { seats.len().min(all - 1) } else { seats.len().min(wanted) };
            chosen.extend(seats.iter().skip(seats.len() - take).copied());
            wanted = wanted.saturating_sub(take);
        }
    }
    chosen.sort_unstable();
    let mut runs = SeatsAtEpoch::pack(chosen.into_iter().map(|seat| (seat, 1)));
    runs.truncate(OPENING_RUNS_MAX);
    runs
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
    fn a_rush_opens_with_all_but_the_floor_at_central() {
        let plan = plan(&[(10, 0), (10, 0), (10, 0), (10, 0), (12, 1), (8, 1)]);
        let split = opening_split(&plan, Policy::default().on_sale_rush());
        assert_eq!(
            split,
            vec![
                SeatsAtEpoch { first: SeatId(37), count: 4, epoch: 1 },
                SeatsAtEpoch { first: SeatId(59), count: 2, epoch: 1 },
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
