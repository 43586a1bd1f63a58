//! Several windows of one counter, or several customers, that ask for seats of the other side at the same time.

use crate::house::{House, SHOW, seat};
use shared::best::Wish;
use shared::ids::{HoldId, SeatId, Side};
use shared::ledger::HoldKind;
use shared::refusal::Refusal;
use std::collections::BTreeSet;
use sync_protocol::replica::{Event, Held};

fn outcome(house: &mut House, side: Side, hold: HoldId) -> Result<(), Refusal> {
    let events = &house.node(side).events;
    let settled = events.iter().find_map(|event| match event {
        Event::ClaimSettled { hold: settled, outcome } if *settled == hold => Some(outcome.clone().map(drop)),
        _ => None,
    });
    settled.expect("a claim is settled in time")
}

#[test]
fn best_seats_that_are_asked_for_at_one_window_are_not_proposed_at_the_next() {
    for side in [Side::Edge, Side::Central] {
        let mut house = House::live();
        // Of what is the other side's: the counter begins with rows D and H.
        let (kind, wish) = match side {
            Side::Edge => (HoldKind::Counter, Wish { category: Some(0), ..Wish::of(2) }),
            Side::Central => (HoldKind::Web, Wish { category: Some(1), ..Wish::of(2) }),
        };
        let own: Vec<SeatId> = match side {
            Side::Edge => (1..=10).map(|n| seat(&format!("D{n}"))).collect(),
            Side::Central => {
                ["E", "F", "G"].iter().flat_map(|row| (1..=10).map(move |n| seat(&format!("{row}{n}")))).collect()
            }
        };
        let now = house.now;
        for seats in own.chunks(10) {
            house.node(side).replica.hold(SHOW, seats, kind, now).expect("own seats");
        }
        let mut asked = Vec::new();
        for _ in 0..3 {
            let replica = &mut house.node(side).replica;
            let seats = replica.best(SHOW, &[wish], now).expect("a proposal");
            match replica.hold(SHOW, &seats, kind, now).expect("asked for") {
                Held::Waiting(hold) => asked.push((hold, seats)),
                Held::Now(hold) => panic!("{:?} are no seats of the other side", hold.seats),
            }
        }
        let different: BTreeSet<SeatId> = asked.iter().flat_map(|(_, seats)| seats.iter().copied()).collect();
        assert_eq!(different.len(), 6, "each window is proposed its own seats");
        house.run(1_600);
        for (hold, seats) in asked {
            assert_eq!(outcome(&mut house, side, hold), Ok(()), "{side} wants {seats:?}");
        }
        house.assert_equal();
    }
}

#[test]
fn a_seat_that_another_window_waits_for_is_on_its_way() {
    let mut house = House::live();
    let now = house.now;
    let replica = &mut house.node(Side::Edge).replica;
    let first = replica.hold(SHOW, &[seat("A1"), seat("A2")], HoldKind::Counter, now).expect("asked for");
    let Held::Waiting(first) = first else { panic!("A1 is central's") };
    let second = replica.hold(SHOW, &[seat("A2"), seat("A3")], HoldKind::Counter, now);
    assert_eq!(second, Err(Refusal::SeatInTransit));
    house.run(1_600);
    assert_eq!(outcome(&mut house, Side::Edge, first), Ok(()));
    let now = house.now;
    let replica = &mut house.node(Side::Edge).replica;
    assert_eq!(replica.hold(SHOW, &[seat("A2"), seat("A3")], HoldKind::Counter, now), Err(Refusal::SeatHeld));
}

#[test]
fn a_seat_that_is_asked_for_while_it_is_being_given_is_on_its_way() {
    let mut house = House::live();
    let now = house.now;
    let asked = house.node(Side::Edge).replica.hold(SHOW, &[seat("A1")], HoldKind::Counter, now).expect("asked for");
    let Held::Waiting(hold) = asked else { panic!("A1 is central's") };
    house.node(Side::Central).replica.hand_over(SHOW, &[seat("A1")], now).expect("given");
    house.run(1_600);
    assert_eq!(outcome(&mut house, Side::Edge, hold), Err(Refusal::SeatInTransit));
    let now = house.now;
    let again = house.node(Side::Edge).replica.hold(SHOW, &[seat("A1")], HoldKind::Counter, now);
    assert!(matches!(again, Ok(Held::Now(_))), "{again:?}");
}
