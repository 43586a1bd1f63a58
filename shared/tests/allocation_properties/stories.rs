//! Each rule of the allocation, told as a story.

use crate::house::{HOUR, House, Opening, before_start};
use shared::ids::{SeatId, Side};
use std::collections::BTreeSet;
use std::time::Duration;

const HALL: [(u16, u8); 4] = [(10, 0); 4];
const SOON: Duration = Duration::from_secs(3 * 3600);
const LIVE: [Duration; 2] = [Duration::ZERO; 2];

fn seats(range: std::ops::RangeInclusive<u32>) -> Vec<SeatId> {
    range.map(SeatId).collect()
}

#[test]
fn nothing_moves_before_anything_is_sold() {
    for opening in [Opening::Quota, Opening::Rush, Opening::AllEdge] {
        let mut house = House::new(&HALL, opening);
        assert_eq!(house.settle(LIVE, 256, before_start(SOON)), 2, "{opening:?}");
    }
}

#[test]
fn a_side_that_runs_low_gets_a_block_of_neighbours() {
    let mut house = House::new(&HALL, Opening::Quota);
    house.sell(Side::Edge, &seats(31..=36));
    house.settle(LIVE, 256, before_start(SOON));
    // Of 34 unsold the edge is due 34 * (10 + 6) / 46 = 11; it has 4.
    assert_eq!((house.moved, house.handovers), (7, 1));
    let given = house.free(Side::Edge);
    let expected: BTreeSet<SeatId> = seats(37..=40).into_iter().chain(seats(29..=30)).chain(seats(21..=25)).collect();
    assert_eq!(given, expected, "{given:?}");
}

#[test]
fn a_hall_that_one_side_sells_out_takes_few_handovers() {
    for (side, expected) in [(Side::Central, (35, 1)), (Side::Edge, (38, 6))] {
        let mut house = House::new(&HALL, Opening::Quota);
        let (mut sold, mut handovers) = (0, 0);
        while let Some(seat) = house.free(side).first().copied() {
            house.sell(side, &[seat]);
            house.settle(LIVE, 256, before_start(SOON));
            (sold, handovers) = (sold + 1, handovers + house.handovers);
        }
        assert_eq!((sold, handovers), expected, "{side}");
    }
}

#[test]
fn a_refunded_seat_goes_back_to_the_side_that_had_it_at_the_opening() {
    for (side, seat) in [(Side::Central, SeatId(31)), (Side::Edge, SeatId(5))] {
        for time in [SOON, HOUR * 1_000] {
            let mut house = House::new(&HALL, Opening::Quota);
            assert!(house.claim(side, seat) && house.sell(side, &[seat]));
            house.refund(seat);
            assert_eq!(house.authority(seat), side);
            house.settle(LIVE, 256, before_start(time.min(HOUR * 160)));
            assert_eq!((house.authority(seat), house.moved), (side.peer(), 1), "{side}");
        }
    }
}

#[test]
fn a_refunded_seat_that_somebody_holds_goes_back_when_it_is_let_go() {
    let (mut house, seat) = (House::new(&HALL, Opening::Quota), SeatId(31));
    assert!(house.claim(Side::Central, seat) && house.sell(Side::Central, &[seat]));
    house.refund(seat);
    house.hold(Side::Central, &[seat]);
    house.settle(LIVE, 256, before_start(SOON));
    assert_eq!(house.authority(seat), Side::Central);
    house.release_all(Side::Central);
    house.settle(LIVE, 256, before_start(SOON));
    assert_eq!(house.authority(seat), Side::Edge);
}

#[test]
fn a_lapsed_claims_seats_stay_until_their_first_owner_runs_low() {
    let mut house = House::new(&HALL, Opening::Quota);
    for seat in seats(31..=34) {
        assert!(house.claim(Side::Central, seat));
    }
    house.settle(LIVE, 256, before_start(SOON));
    assert_eq!(house.moved, 0);
    house.sell(Side::Edge, &seats(35..=36));
    house.settle(LIVE, 256, before_start(SOON));
    assert!(seats(31..=34).into_iter().all(|seat| house.authority(seat) == Side::Edge));
}

#[test]
fn refunded_seats_do_not_go_to_and_fro_where_the_sides_judge_the_link_differently() {
    let mut house = House::new(&HALL, Opening::Quota);
    for row in [1, 11, 21] {
        house.sell(Side::Central, &seats(row..=row + 9));
    }
    seats(1..=30).into_iter().for_each(|seat| house.refund(seat));
    house.sell(Side::Edge, &seats(31..=38));
    house.settle([HOUR * 12, Duration::ZERO], 256, before_start(SOON));
    assert_eq!((house.moved, house.handovers), (3, 1), "up to the low-water mark of a good link, without a lone seat");
}

#[test]
fn a_side_that_runs_low_keeps_a_refunded_seat() {
    let (mut house, seat) = (House::new(&HALL, Opening::Quota), SeatId(5));
    house.sell(Side::Edge, &seats(31..=38));
    house.sell(Side::Central, &seats(11..=30));
    assert!(house.claim(Side::Edge, seat) && house.sell(Side::Edge, &[seat]));
    house.refund(seat);
    house.hold(Side::Edge, &seats(39..=40));
    house.settle(LIVE, 256, before_start(HOUR * 49));
    assert_eq!((house.authority(seat), house.moved), (Side::Edge, 0));
}

#[test]
fn the_web_never_takes_the_counter_below_its_floor_by_itself() {
    let mut house = House::new(&[(8, 0); 10], Opening::Quota);
    for seat in seats(1..=56) {
        house.sell(Side::Central, &[seat]);
    }
    house.settle(LIVE, 256, before_start(SOON));
    assert_eq!((house.free(Side::Central).len(), house.free(Side::Edge).len()), (16, 8));
}

#[test]
fn a_block_of_part_of_a_row_joins_the_receivers_seats() {
    let mut house = House::new(&[(8, 0); 3], Opening::AllEdge);
    for seat in seats(9..=24) {
        assert!(house.claim(Side::Central, seat) && house.sell(Side::Central, &[seat]));
    }
    assert!(house.claim(Side::Central, SeatId(1)));
    house.settle(LIVE, 256, before_start(SOON));
    assert_eq!(house.free(Side::Central), seats(1..=4).into_iter().collect());
}

#[test]
fn the_box_of_a_theatre_that_is_often_alone_gets_more_to_sell() {
    let mut stock = Vec::new();
    for hours in [0, 6, 12, 24] {
        let mut house = House::new(&[(20, 0); 10], Opening::Quota);
        house.sell(Side::Edge, &seats(141..=150));
        house.settle([HOUR * hours; 2], 256, before_start(SOON));
        stock.push(house.free(Side::Edge).len());
    }
    assert_eq!(stock, [50, 50, 126, 126]);
}

#[test]
fn far_from_the_start_nothing_is_pulled() {
    let mut house = House::new(&HALL, Opening::Quota);
    house.sell(Side::Edge, &seats(31..=40));
    house.settle(LIVE, 256, before_start(HOUR * 49));
    assert_eq!(house.moved, 0);
    house.settle(LIVE, 256, before_start(HOUR * 48));
    assert!(house.moved > 0);
}
