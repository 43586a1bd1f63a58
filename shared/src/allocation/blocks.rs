//! Blocks: which neighbours a pull moves together, so that both sides can seat groups and neither is left a lone seat.

use super::Giver;
use crate::ids::{SeatId, Side};
use crate::show::Standing;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// All neighbours of one row and category that may go, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    row: usize,
    seats: Vec<SeatId>,
    /// The receiver had one of them at the opening.
    homing: bool,
    /// One of them came free by a void and began here: the receiver would return it.
    returning: bool,
    /// Free seats of the receiver join on the left.
    joins_left: bool,
}

/// The blocks of a category that may go; `given` has gone already.
pub(super) fn of_category(giver: &Giver<'_>, category: usize, given: &BTreeSet<SeatId>) -> Vec<Block> {
    let (show, me) = (giver.show, giver.me);
    let goes = |id: SeatId| giver.may_give(id) && !given.contains(&id);
    let is_theirs = |id: SeatId| {
        let free = show.seat(id).filter(|seat| seat.standing == Standing::Free);
        free.is_some_and(|seat| seat.authority() != me) || given.contains(&id)
    };
    let began_here = |id: SeatId| show.opening(id).authority() == me;
    let returns = |id: SeatId| began_here(id) && show.seat(id).is_some_and(|seat| seat.generation > 0);
    let mut rows: BTreeMap<usize, Vec<(u16, SeatId)>> = BTreeMap::new();
    for (id, planned) in show.plan.seats().filter(|(_, planned)| usize::from(planned.category) == category) {
        rows.entry(planned.row_index).or_default().push((planned.column, id));
    }
    let mut blocks = Vec::new();
    for (row, mut seats) in rows {
        seats.sort_unstable();
        for neighbours in seats.chunk_by(|a, b| a.0.checked_add(1) == Some(b.0)) {
            let mut before = None;
            for part in neighbours.chunk_by(|a, b| goes(a.1) == goes(b.1)) {
                let seats: Vec<SeatId> = part.iter().map(|(_, id)| *id).collect();
                let last = seats.last().copied();
                if seats.iter().all(|id| goes(*id)) {
                    let homing = seats.iter().any(|id| !began_here(*id));
                    let returning = seats.iter().any(|id| returns(*id));
                    blocks.push(Block { row, seats, homing, returning, joins_left: before.is_some_and(is_theirs) });
                }
                before = last;
            }
        }
    }
    blocks
}

/// Chooses at most `most` seats, and blocks with a returning seat only up to `low`: what began at the receiver first, lone
/// seats late, else from the rows nearest to the receiver's, which are the counter's at the back.
pub(super) fn choose(blocks: &[Block], me: Side, most: usize, low: usize) -> Vec<SeatId> {
    let mut order: Vec<&Block> = blocks.iter().collect();
    let row = |block: &Block| if me == Side::Edge { (block.row, Reverse(0)) } else { (0, Reverse(block.row)) };
    order.sort_by_key(|block| (block.returning, block.seats.len() == 1, !block.homing, row(block)));
    let mut chosen = Vec::new();
    for block in order {
        let left = if block.returning { low } else { most }.saturating_sub(chosen.len());
        let size = block.seats.len();
        let take = piece(size, left);
        let skip = if block.joins_left { 0 } else { size - take };
        chosen.extend(block.seats.iter().skip(skip).take(take));
    }
    chosen
}

/// How much of a block of `size` is taken where at most `most` may go: all of it, or a part of two and more that leaves two and more.
fn piece(size: usize, most: usize) -> usize {
    let part = if size == most + 1 { most - most.min(1) } else { most };
    match size {
        _ if size <= most => size,
        _ if part < 2 => 0,
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(row: usize, seats: std::ops::Range<u32>) -> Block {
        Block { row, seats: seats.map(SeatId).collect(), homing: false, returning: false, joins_left: false }
    }

    fn chosen(blocks: &[Block], me: Side, most: usize) -> Vec<u32> {
        choose(blocks, me, most, 0).into_iter().map(|seat| seat.0).collect()
    }

    #[test]
    fn a_piece_leaves_no_lone_seat_on_either_side() {
        let expected = [[0; 6], [0, 1, 1, 1, 1, 1], [0, 0, 2, 2, 2, 2], [0, 0, 0, 3, 3, 3], [0, 0, 2, 2, 4, 4]];
        for (size, row) in expected.iter().enumerate() {
            for (most, take) in row.iter().enumerate() {
                assert_eq!(piece(size, most), *take, "{most} of {size}");
            }
        }
    }

    #[test]
    fn central_gives_from_the_back_and_the_edge_from_the_front() {
        let blocks = [block(1, 10..16), block(2, 20..26), block(3, 30..36)];
        assert_eq!(chosen(&blocks, Side::Central, 9), [30, 31, 32, 33, 34, 35, 23, 24, 25]);
        assert_eq!(chosen(&blocks, Side::Edge, 6), [10, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn a_part_of_a_row_is_cut_where_the_receivers_seats_join() {
        let joined = Block { joins_left: true, ..block(1, 10..16) };
        assert_eq!(chosen(&[joined], Side::Edge, 3), [10, 11, 12]);
    }

    #[test]
    fn what_began_at_the_receiver_goes_first_and_lone_seats_late() {
        let homing = Block { homing: true, ..block(1, 10..12) };
        let blocks = [block(3, 30..31), block(2, 20..23), homing];
        assert_eq!(chosen(&blocks, Side::Central, 6), [10, 11, 20, 21, 22, 30]);
    }

    #[test]
    fn blocks_that_would_be_returned_go_only_up_to_the_low_water_mark() {
        let returning = Block { returning: true, ..block(3, 30..36) };
        let blocks = [returning, block(2, 20..22)];
        let seats = choose(&blocks, Side::Central, 8, 4);
        assert_eq!(seats, [20, 21, 34, 35].map(SeatId));
    }
}
