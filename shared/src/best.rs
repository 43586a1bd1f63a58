//! Best available: neighbouring free seats, as central and as far back as people like, leaving no orphan single.

use crate::ids::SeatId;
use crate::show::PlanIndex;
use std::collections::BTreeMap;

/// Where people like to sit: this part of the way from the screen to the last row, percent.
const LIKED_ROW_PERCENT: i64 = 65;
/// How much worse a choice is that leaves a single free seat between neighbours.
const ORPHAN_PENALTY: i64 = 1_000;

/// Picks `count` free neighbours of one row, optionally of one category. `free` says which seats may be taken; `skip` passes
/// over that many better choices (next best). Nothing where no row has that many together.
pub fn best_available(
    plan: &PlanIndex,
    count: usize,
    category: Option<u8>,
    skip: usize,
    free: impl Fn(SeatId) -> bool,
) -> Option<Vec<SeatId>> {
    if count == 0 {
        return None;
    }
    let mut rows: BTreeMap<usize, Vec<(u16, SeatId)>> = BTreeMap::new();
    let mut widest = 0;
    for (id, seat) in plan.seats() {
        widest = widest.max(seat.column);
        if free(id) && category.is_none_or(|wanted| wanted == seat.category) {
            rows.entry(seat.row_index).or_default().push((seat.column, id));
        }
    }
    let liked_row = i64::try_from(plan.plan.rows.len()).ok()? * LIKED_ROW_PERCENT / 100;
    let centre = i64::from(widest); // twice the middle column
    let mut choices = Vec::new();
    rows.values_mut().for_each(|seats| seats.sort_unstable());
    for (row, seats) in &rows {
        for block in seats.chunk_by(|a, b| a.0.checked_add(1) == Some(b.0)) {
            for (start, window) in block.windows(count).enumerate() {
                let (left, right) = (start, block.len() - start - count);
                let orphans = i64::from(left == 1) + i64::from(right == 1);
                let (first, last) = (i64::from(window[0].0), i64::from(window[count - 1].0));
                let off_centre = (first + last - centre).abs();
                let off_row = (i64::try_from(*row).ok()? - liked_row).abs() * 3;
                let cost = orphans * ORPHAN_PENALTY + off_centre + off_row;
                choices.push((cost, row, first, window));
            }
        }
    }
    if choices.is_empty() {
        return None;
    }
    let wanted = skip % choices.len();
    let (_, (_, _, _, window), _) = choices.select_nth_unstable(wanted);
    Some(window.iter().map(|(_, id)| *id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seating::{Row, SeatRun, SeatingPlan};

    /// Rows of `.` (free), `x` (taken) and ` ` (aisle); answers the labels chosen.
    fn check(rows: &[&str], count: usize, expected: &str) {
        let (mut next, mut taken) = (1, Vec::new());
        let rows = rows.iter().enumerate().map(|(i, text)| {
            let (mut runs, mut gap, mut number) = (Vec::new(), 0, 0);
            for c in text.chars() {
                if c == ' ' {
                    gap += 1;
                    continue;
                }
                number += 1;
                if c == 'x' {
                    taken.push(SeatId(next));
                }
                runs.push(SeatRun { first: SeatId(next), number, count: 1, category: 0, gap, accessible: false });
                (next, gap) = (next + 1, 0);
            }
            Row { label: char::from(b'A' + i as u8).to_string(), runs }
        });
        let plan = PlanIndex::new(SeatingPlan { version: 1, categories: vec!["Silver".into()], rows: rows.collect() });
        let chosen = best_available(&plan, count, None, 0, |seat| !taken.contains(&seat));
        let labels: Vec<_> = chosen.unwrap_or_default().into_iter().map(|seat| plan.label(seat)).collect();
        assert_eq!(labels.join(" "), expected);
    }

    #[test]
    fn the_middle_of_a_row_two_thirds_back_comes_first() {
        check(&["......", "......", "......"], 2, "B3 B4");
    }

    #[test]
    fn neighbours_do_not_reach_across_an_aisle() {
        check(&["x. .x"], 2, "");
        check(&[".. .."], 2, "A1 A2");
    }

    #[test]
    fn no_single_seat_is_orphaned_if_that_can_be_helped() {
        check(&["....."], 2, "A1 A2");
        check(&["..."], 2, "A1 A2");
    }

    #[test]
    fn more_than_any_row_has_together_is_nothing() {
        check(&["...", "..."], 4, "");
    }
}
