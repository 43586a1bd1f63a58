//! Best available: neighbouring free seats, as central and as far back as people like, leaving no orphan single.

mod group;

pub use group::best_for_group;

use crate::ids::SeatId;
use crate::show::PlanIndex;
use std::collections::BTreeMap;

/// Where people like to sit: this part of the way from the screen to the last row, percent.
const LIKED_ROW_PERCENT: i64 = 65;
/// How much worse a choice is that leaves a single free seat between neighbours.
const ORPHAN_PENALTY: i64 = 1_000;

/// How much worse a choice is for each accessible seat that nobody asked for: those go last, not never.
const ACCESSIBLE_PENALTY: i64 = 100_000;

/// Seats that somebody wants together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wish {
    /// How many.
    pub count: usize,
    /// Of this category only.
    pub category: Option<u8>,
    /// So many of them for wheelchair users and who comes with them.
    pub accessible: usize,
}

impl Wish {
    /// So many seats of any category.
    pub fn of(count: usize) -> Self {
        Self { count, category: None, accessible: 0 }
    }
}

/// Picks free seats for every wish, each in one row next to each other. `free` says which seats may be taken. Nothing where one of
/// the wishes cannot be met beside the others.
pub fn best_available(plan: &PlanIndex, wishes: &[Wish], free: impl Fn(SeatId) -> bool) -> Option<Vec<SeatId>> {
    let mut chosen: Vec<SeatId> = Vec::new();
    for wish in wishes {
        let together = together(plan, *wish, |seat| free(seat) && !chosen.contains(&seat))?;
        chosen.extend(together);
    }
    (!chosen.is_empty()).then_some(chosen)
}

/// A free seat of a row; seats of one row are in the order of their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FreeSeat {
    column: u16,
    id: SeatId,
    accessible: bool,
}

/// The free seats of a category by row, and the last column of the hall.
fn free_rows(
    plan: &PlanIndex,
    category: Option<u8>,
    free: impl Fn(SeatId) -> bool,
) -> (BTreeMap<usize, Vec<FreeSeat>>, u16) {
    let mut rows: BTreeMap<usize, Vec<FreeSeat>> = BTreeMap::new();
    let mut widest = 0;
    for (id, seat) in plan.seats() {
        widest = widest.max(seat.column);
        if category.is_none_or(|wanted| wanted == seat.category) && free(id) {
            let free = FreeSeat { column: seat.column, id, accessible: seat.accessible };
            rows.entry(seat.row_index).or_default().push(free);
        }
    }
    rows.values_mut().for_each(|seats| seats.sort_unstable());
    (rows, widest)
}

/// Picks the best free neighbours of one row.
fn together(plan: &PlanIndex, wish: Wish, free: impl Fn(SeatId) -> bool) -> Option<Vec<SeatId>> {
    let Wish { count, category, accessible } = wish;
    if count == 0 {
        return None;
    }
    let (rows, widest) = free_rows(plan, category, free);
    let liked_row = i64::try_from(plan.plan.rows.len()).ok()? * LIKED_ROW_PERCENT / 100;
    let centre = i64::from(widest); // twice the middle column
    let mut best: Option<(_, &[FreeSeat])> = None;
    for (row, seats) in &rows {
        let off_row = (i64::try_from(*row).ok()? - liked_row).abs() * 3;
        for block in seats.chunk_by(|a, b| a.column.checked_add(1) == Some(b.column)) {
            for (start, window) in block.windows(count).enumerate() {
                let for_wheelchairs = window.iter().filter(|seat| seat.accessible).count();
                let Some(unasked) = for_wheelchairs.checked_sub(accessible) else { continue };
                let (left, right) = (start, block.len() - start - count);
                let orphans = i64::from(left == 1) + i64::from(right == 1);
                let (first, last) = (i64::from(window[0].column), i64::from(window[count - 1].column));
                let off_centre = (first + last - centre).abs();
                let given_away = i64::try_from(unasked).ok()? * ACCESSIBLE_PENALTY;
                let cost = given_away + orphans * ORPHAN_PENALTY + off_centre + off_row;
                let rank = (cost, row, first);
                if best.is_none_or(|(so_far, _)| rank < so_far) {
                    best = Some((rank, window));
                }
            }
        }
    }
    best.map(|(_, window)| window.iter().map(|seat| seat.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seating::{Row, SeatRun, SeatingPlan};

    /// Rows of `.` (free), `w` (free, for wheelchairs), `x` (taken) and ` ` (aisle); the first row is Gold, the others Silver.
    pub(super) fn hall(rows: &[impl AsRef<str>]) -> (PlanIndex, Vec<SeatId>) {
        let (mut next, mut taken) = (1, Vec::new());
        let rows = rows.iter().enumerate().map(|(i, text)| {
            let (mut runs, mut gap, mut number) = (Vec::new(), 0, 0);
            for c in text.as_ref().chars() {
                if c == ' ' {
                    gap += 1;
                    continue;
                }
                number += 1;
                if c == 'x' {
                    taken.push(SeatId(next));
                }
                let (first, category, accessible) = (SeatId(next), u8::from(i > 0), c == 'w');
                runs.push(SeatRun { first, number, count: 1, category, gap, accessible });
                (next, gap) = (next + 1, 0);
            }
            Row { label: char::from(b'A' + i as u8).to_string(), runs }
        });
        let categories = vec!["Gold".into(), "Silver".into()];
        (PlanIndex::new(SeatingPlan { version: 1, categories, rows: rows.collect() }), taken)
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        rows: Vec<String>,
        count: usize,
        category: Option<u8>,
        seats: Vec<String>,
    }

    /// Pages propose by the same vectors (`shared/node/src/design/best.js`), which a browser test keeps.
    #[test]
    fn the_best_seats_are_those_of_the_vectors() {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("../tests/vectors/best.json")).expect("vectors");
        for Vector { rows, count, category, seats } in vectors {
            let (plan, taken) = hall(&rows);
            let wish = Wish { category, ..Wish::of(count) };
            let chosen = best_available(&plan, &[wish], |seat| !taken.contains(&seat)).unwrap_or_default();
            assert_eq!(chosen.into_iter().map(|seat| plan.label(seat)).collect::<Vec<_>>(), seats, "{rows:?}");
        }
    }

    /// Answers the labels chosen.
    fn check_wishes(rows: &[&str], wishes: &[Wish], expected: &str) {
        let (plan, taken) = hall(rows);
        let chosen = best_available(&plan, wishes, |seat| !taken.contains(&seat));
        let labels: Vec<_> = chosen.unwrap_or_default().into_iter().map(|seat| plan.label(seat)).collect();
        assert_eq!(labels.join(" "), expected);
    }

    fn check(rows: &[&str], count: usize, expected: &str) {
        check_wishes(rows, &[Wish::of(count)], expected);
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

    #[test]
    fn several_wishes_are_met_together_or_not_at_all() {
        let gold = Wish { category: Some(0), ..Wish::of(2) };
        let silver = Wish { category: Some(1), ..Wish::of(2) };
        check_wishes(&["....", "...."], &[gold, silver], "A1 A2 B1 B2");
        check_wishes(&["....", "...."], &[silver, silver], "B1 B2 B3 B4");
        check_wishes(&["....", "......"], &[silver, silver], "B3 B4 B1 B2");
        check_wishes(&["x..x", "...."], &[gold, gold], "");
    }

    #[test]
    fn places_for_wheelchairs_go_to_those_who_ask_and_last_to_others() {
        check(&["....", ".ww."], 2, "A1 A2");
        let with_one = Wish { accessible: 1, ..Wish::of(2) };
        check_wishes(&["....", ".ww."], &[with_one], "B1 B2");
        check_wishes(&["....", ".ww."], &[Wish { accessible: 2, ..Wish::of(2) }], "B2 B3");
        check_wishes(&["....", "...."], &[with_one], "");
        check(&["xxxx", "xwwx"], 2, "B2 B3");
    }
}
