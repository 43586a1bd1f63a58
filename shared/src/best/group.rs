//! A group that no row has room for: blocks of neighbouring seats in rows close behind each other.

use super::{FreeSeat, LIKED_ROW_PERCENT, Wish, free_rows, together};
use crate::ids::SeatId;
use crate::show::PlanIndex;
use std::cmp::Reverse;

/// Seats next to each other in one row.
#[derive(Debug, Clone)]
struct Block {
    row: usize,
    seats: Vec<FreeSeat>,
}

/// How bad a choice is: rows it reaches over, pieces it is in, single seats it leaves, how far it is from the liked row.
type Rank = (usize, usize, usize, usize, usize);

/// Picks so many free seats for one group: together in one row where that is possible, else in as few rows behind each other and as
/// few pieces as possible, and nobody alone unless there is no other way. Nothing where there are not enough.
pub fn best_for_group(
    plan: &PlanIndex,
    count: usize,
    category: Option<u8>,
    free: impl Fn(SeatId) -> bool,
) -> Option<Vec<SeatId>> {
    if let Some(seats) = together(plan, Wish { category, ..Wish::of(count) }, &free) {
        return Some(seats);
    }
    let (rows, widest) = free_rows(plan, category, free);
    let liked = plan.plan.rows.len() * LIKED_ROW_PERCENT as usize / 100;
    // First without the places for wheelchairs and without seats that stand alone.
    [(false, 2), (true, 1)].into_iter().find_map(|(accessible, least)| {
        let mut blocks = Vec::new();
        for (row, seats) in &rows {
            let usable: Vec<FreeSeat> = seats.iter().filter(|seat| accessible || !seat.accessible).copied().collect();
            let parts = usable.chunk_by(|a, b| a.column.checked_add(1) == Some(b.column));
            let parts = parts.filter(|part| part.len() >= least);
            blocks.extend(parts.map(|part| Block { row: *row, seats: part.to_vec() }));
        }
        in_rows(&blocks, count, liked, usize::from(widest))
    })
}

/// The best choice among blocks that are in the order of their rows.
fn in_rows(blocks: &[Block], count: usize, liked: usize, widest: usize) -> Option<Vec<SeatId>> {
    let mut best: Option<(Rank, Vec<FreeSeat>)> = None;
    let first_of_row = (0..blocks.len()).filter(|at| *at == 0 || blocks[at - 1].row != blocks[*at].row);
    for start in first_of_row {
        let mut seats = 0;
        let enough = blocks[start..].iter().position(|block| {
            seats += block.seats.len();
            seats >= count
        });
        let Some(last_row) = enough.map(|at| blocks[start + at].row) else { break };
        let within: Vec<&Block> = blocks[start..].iter().take_while(|block| block.row <= last_row).collect();
        let Some((pieces, orphans)) = pieces(within, count, widest) else { continue };
        let (first, last) = (pieces.iter().map(|piece| piece.row).min(), pieces.iter().map(|piece| piece.row).max());
        let (Some(first), Some(last)) = (first, last) else { continue };
        let rank = (last - first, pieces.len(), orphans, (first + last).abs_diff(2 * liked), first);
        if best.as_ref().is_none_or(|(so_far, _)| rank < *so_far) {
            let mut pieces = pieces;
            pieces.sort_by_key(|piece| (piece.row, piece.seats[0].column));
            best = Some((rank, pieces.into_iter().flat_map(|piece| piece.seats).collect()));
        }
    }
    best.map(|(_, seats)| seats.into_iter().map(|seat| seat.id).collect())
}

/// The largest blocks until there are enough seats, each cut to what is taken of it, and how many single seats that leaves.
fn pieces(mut blocks: Vec<&Block>, count: usize, widest: usize) -> Option<(Vec<Block>, usize)> {
    blocks.sort_by_key(|block| {
        (Reverse(block.seats.len()), for_wheelchairs(&block.seats), off_centre(&block.seats, widest), block.row)
    });
    let mut taken: Vec<(&Block, usize)> = Vec::new();
    let mut left = count;
    for block in blocks {
        if left == 0 {
            break;
        }
        let size = block.seats.len().min(left);
        taken.push((block, size));
        left -= size;
    }
    if left > 0 {
        return None;
    }
    // Nobody sits alone if somebody can change over.
    if let [.., (_, before), (block, last)] = taken.as_mut_slice()
        && *last == 1
        && *before > 2
        && block.seats.len() > 1
    {
        (*before, *last) = (*before - 1, 2);
    }
    let mut orphans = 0;
    let cut = taken.into_iter().map(|(block, size)| {
        let (lonely, seats) = window(&block.seats, size, widest);
        orphans += lonely;
        Block { row: block.row, seats }
    });
    let pieces = cut.collect();
    Some((pieces, orphans))
}

/// So many of a block's seats, and how many single ones that leaves beside them.
fn window(seats: &[FreeSeat], size: usize, widest: usize) -> (usize, Vec<FreeSeat>) {
    let windows = seats.windows(size).enumerate().map(|(start, window)| {
        let right = seats.len() - start - size;
        (for_wheelchairs(window), usize::from(start == 1) + usize::from(right == 1), off_centre(window, widest), start)
    });
    let (_, orphans, _, start) = windows.min().unwrap_or_default();
    (orphans, seats[start..start + size].to_vec())
}

fn for_wheelchairs(seats: &[FreeSeat]) -> usize {
    seats.iter().filter(|seat| seat.accessible).count()
}

/// How far the middle of some neighbours is from the hall's, in half columns.
fn off_centre(seats: &[FreeSeat], widest: usize) -> usize {
    match seats {
        [first, .., last] => (usize::from(first.column) + usize::from(last.column)).abs_diff(widest),
        [only] => (2 * usize::from(only.column)).abs_diff(widest),
        [] => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hall;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn check(rows: &[&str], count: usize, category: Option<u8>, expected: &str) {
        let (plan, taken) = hall(rows);
        let chosen = best_for_group(&plan, count, category, |seat| !taken.contains(&seat)).unwrap_or_default();
        let labels: Vec<_> = chosen.into_iter().map(|seat| plan.label(seat)).collect();
        assert_eq!(labels.join(" "), expected, "{rows:?}");
    }

    #[test]
    fn a_group_sits_in_one_row_where_it_fits() {
        check(&["......", "......"], 5, None, "B1 B2 B3 B4 B5");
    }

    #[test]
    fn else_it_sits_in_rows_behind_each_other() {
        check(&["....", "....", "....", "...."], 8, None, "B1 B2 B3 B4 C1 C2 C3 C4");
        check(&["....", "xxxx", "....", "...."], 8, None, "C1 C2 C3 C4 D1 D2 D3 D4");
        check(&["....", "xxxx", "xxxx", "...."], 8, None, "A1 A2 A3 A4 D1 D2 D3 D4");
    }

    #[test]
    fn nobody_sits_alone_if_somebody_can_change_over() {
        check(&["....", "....", "...."], 5, None, "A1 A2 A3 B1 B2");
        check(&["x.x.", "....", "xx.x"], 5, None, "A2 B1 B2 B3 B4");
    }

    #[test]
    fn a_category_is_kept_to_and_too_many_are_nothing() {
        check(&["....", "....", "...."], 7, Some(1), "B1 B2 B3 B4 C1 C2 C3");
        check(&["....", "....", "...."], 9, Some(1), "");
        check(&["....", "...."], 0, None, "");
    }

    #[test]
    fn places_for_wheelchairs_are_taken_last() {
        check(&["ww..", "....", "...."], 10, None, "A3 A4 B1 B2 B3 B4 C1 C2 C3 C4");
        check(&["ww..", "...."], 7, None, "A2 A3 A4 B1 B2 B3 B4");
    }

    proptest! {
        #[test]
        fn every_group_for_which_there_are_seats_gets_so_many_free_ones(
            rows in prop::collection::vec("[.x w]{1,14}", 1..9),
            count in 1_usize..60,
        ) {
            let (plan, taken) = hall(&rows);
            let free = plan.seats().filter(|(seat, _)| !taken.contains(seat)).count();
            let chosen = best_for_group(&plan, count, None, |seat| !taken.contains(&seat));
            prop_assert_eq!(chosen.is_some(), count <= free);
            let chosen = chosen.unwrap_or_default();
            let distinct: BTreeSet<_> = chosen.iter().collect();
            prop_assert!(distinct.len() == chosen.len() && chosen.iter().all(|seat| !taken.contains(seat)));
            prop_assert!(chosen.is_empty() || chosen.len() == count);
        }
    }
}
