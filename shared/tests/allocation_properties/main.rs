//! The allocation, run by both sides of one show over whatever people did before: it comes to rest, keeps groups together and
//! gives nothing that it must not.

mod house;
mod stories;

use house::{HOUR, House, Opening, SIDES, before_start};
use proptest::prelude::*;
use shared::ids::{SeatId, Side};
use std::collections::BTreeSet;
use std::time::Duration;

/// What people did before the allocation ran.
#[derive(Debug, Clone)]
enum Event {
    Sell(Side, u32, u32),
    Hold(Side, u32, u32),
    LetGo(Side),
    Refund(u32),
    Claim(Side, u32),
    Withhold(Side, u32),
    Allocate(Side),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Central), Just(Side::Edge)]
}

fn event() -> impl Strategy<Value = Event> {
    (side(), 0..12u8, 1..80u32, 1..5u32).prop_map(|(side, what, seat, count)| match what {
        0..=4 => Event::Sell(side, seat, count),
        5 => Event::Hold(side, seat, count),
        6 => Event::LetGo(side),
        7 | 8 => Event::Refund(seat),
        9 => Event::Claim(side, seat),
        10 => Event::Withhold(side, seat),
        _ => Event::Allocate(side),
    })
}

fn rows() -> impl Strategy<Value = Vec<(u16, u8)>> {
    prop::collection::vec((1..15u16, 0..2u8), 1..7)
}

fn opening() -> impl Strategy<Value = Opening> {
    prop_oneof![3 => Just(Opening::Quota), 1 => Just(Opening::Rush), 1 => Just(Opening::AllEdge)]
}

fn away() -> impl Strategy<Value = [Duration; 2]> {
    let hours = || prop_oneof![Just(0u32), 0..25u32];
    (hours(), hours()).prop_map(|(central, edge)| [HOUR * central, HOUR * edge])
}

fn play(rows: &[(u16, u8)], opening: Opening, events: &[Event]) -> House {
    let mut house = House::new(rows, opening);
    for event in events {
        match event {
            Event::Sell(side, seat, count) => {
                house.sell(*side, &(0..*count).map(|i| SeatId(seat + i)).collect::<Vec<_>>());
            }
            Event::Hold(side, seat, count) => {
                house.hold(*side, &(0..*count).map(|i| SeatId(seat + i)).collect::<Vec<_>>());
            }
            Event::LetGo(side) => house.release_all(*side),
            Event::Refund(seat) => house.refund(SeatId(*seat)),
            Event::Claim(side, seat) => drop(house.claim(*side, SeatId(*seat))),
            Event::Withhold(side, seat) => house.withhold(*side, SeatId(*seat)),
            Event::Allocate(side) => drop(house.allocate(*side, Duration::ZERO, 256, before_start(3 * HOUR))),
        }
    }
    house
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_come_to_rest_and_no_seat_moves_often(
        rows in rows(), opening in opening(), events in prop::collection::vec(event(), 0..150), away in away(),
        room in prop_oneof![Just(256usize), 1..20usize],
    ) {
        let mut house = play(&rows, opening, &events);
        let unsold = house.free(Side::Central).len() + house.free(Side::Edge).len();
        house.settle(away, room, before_start(3 * HOUR));
        prop_assert!(house.moved <= 2 * unsold, "{} of {unsold}", house.moved);
        prop_assert_eq!(house.ledgers[0].digest(), house.ledgers[1].digest());
    }

    #[test]
    fn a_pull_leaves_no_lone_seat_and_the_counter_its_floor(
        rows in rows(), opening in opening(), events in prop::collection::vec(event(), 0..150), side in side(), away in away(),
    ) {
        let mut house = play(&rows, opening, &events);
        // Returns come first, one by one; then the pull is alone.
        let soon = before_start(3 * HOUR);
        house.allocate(side, Duration::ZERO, 256, before_start(100 * HOUR));
        let (lone, free) = (SIDES.map(|side| house.lone(side)), house.free(Side::Edge));
        let given = house.allocate(side, away[0], 256, soon);
        let [giver, receiver] = [side, side.peer()].map(|side| house.lone(side));
        let lone_before = |side: Side| &lone[usize::from(side == Side::Edge)];
        prop_assert!(giver.is_subset(lone_before(side)), "{giver:?} are alone at the giver");
        let alone: Vec<_> = receiver.intersection(&given).filter(|seat| !lone_before(side).contains(seat)).collect();
        prop_assert!(alone.is_empty(), "{alone:?} are alone at the receiver");
        for category in 0..2 {
            let of = |seats: &BTreeSet<SeatId>| {
                seats.iter().filter(|id| house.show().plan.seat(**id).is_some_and(|seat| seat.category == category)).count()
            };
            let floor = house.show().plan.seats().filter(|(_, seat)| seat.category == category).count() / 10;
            prop_assert!(of(&house.free(Side::Edge)) >= of(&free).min(floor));
        }
    }

    #[test]
    fn after_the_remote_sales_cutoff_every_free_seat_ends_at_the_counter(
        rows in rows(), opening in opening(), events in prop::collection::vec(event(), 0..150), away in away(),
        room in 1..100usize,
    ) {
        let mut house = play(&rows, opening, &events);
        let free = house.free(Side::Central).len();
        house.settle(away, room, before_start(Duration::from_secs(15 * 60)));
        prop_assert_eq!(house.free(Side::Central), BTreeSet::new());
        prop_assert_eq!(house.moved, free, "the counter gives nothing back");
    }
}
