//! Edge and central in one virtual world: what the protocol promises, told as stories.

mod forks;
mod hostile;
mod house;
mod memory;
mod windows;

use house::{House, SHOW, facts, seat};
use shared::best::Wish;
use shared::entry::TicketRef;
use shared::ids::{ShowNumber, Side, TicketId};
use shared::ledger::{HoldKind, TicketState};
use shared::refusal::Refusal;
use shared::show::Standing;
use sync_protocol::LinkState;
use sync_protocol::replica::{Held, SeatState};

fn ticket_at(house: &House, ticket: TicketId) -> TicketRef {
    house.central.replica.ledger().ticket(ticket).expect("ticket").at
}

#[test]
fn both_sides_sell_their_own_seats_across_a_cut_and_are_equal_again() {
    let mut house = House::live();
    house.sell(Side::Central, &["A1", "A2"]).expect("web sale");
    house.cut(false, false);
    house.run(12_000);
    assert_eq!(house.links(), (LinkState::LockedDown, LinkState::LockedDown));
    house.sell(Side::Edge, &["H5", "H6"]).expect("counter sale in the cut");
    house.sell(Side::Central, &["B5"]).expect("web sale in the cut");
    assert_eq!(house.sell(Side::Edge, &["B5"]), Err(Refusal::SeatElsewhere));
    assert_eq!(house.sell(Side::Central, &["H7"]), Err(Refusal::SeatElsewhere));
    assert!(house.edge.replica.backlog() > 0);
    house.cut(true, true);
    house.run(10_000);
    assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
    house.assert_equal();
    assert_eq!(house.sell(Side::Edge, &["B5"]), Err(Refusal::SeatSold));
}

#[test]
fn a_cut_of_one_direction_only_locks_both_sides_down() {
    for (up, down) in [(true, false), (false, true)] {
        let mut house = House::live();
        house.cut(up, down);
        house.run(30_000);
        assert_ne!(house.links().0, LinkState::Live);
        assert_ne!(house.links().1, LinkState::Live);
        house.sell(Side::Edge, &["D1"]).expect("own seat");
        house.sell(Side::Central, &["A1"]).expect("own seat");
        house.cut(true, true);
        house.run(20_000);
        assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
        house.assert_equal();
    }
}

#[test]
fn a_claim_moves_seats_within_a_hundred_milliseconds_and_holds_them() {
    let mut house = House::live();
    let before = house.now;
    let hold = house.hold(Side::Edge, &["C1", "D1"]).expect("claimed and held");
    house.run(0);
    let applied = house.edge.disk.logs.values().filter(|entry| entry.log == Side::Central).map(|entry| entry.at).max();
    assert!(applied.expect("entry").since(before).as_millis() <= 100);
    house.sell_hold(Side::Edge, hold).expect("sold");
    house.run(1_000);
    house.assert_equal();
    let show = house.central.replica.ledger().show(SHOW).expect("show");
    assert_eq!(show.seat(seat("C1")).map(|seat| seat.epoch), Some(1));
    assert!(matches!(show.seat(seat("C1")).map(|seat| seat.standing), Some(Standing::Sold(_))));
}

#[test]
fn a_claim_of_a_held_seat_is_refused_and_leaves_everything_where_it_was() {
    let mut house = House::live();
    house.hold(Side::Central, &["C1"]).expect("held");
    assert_eq!(house.hold(Side::Edge, &["C1", "C2"]).map(|_| ()), Err(Refusal::SeatHeld));
    let show = house.edge.replica.ledger().show(SHOW).expect("show").clone();
    assert_eq!(house.edge.replica.seat_state(&show, seat("C2"), house.now), (SeatState::Free, true));
}

#[test]
fn the_web_does_not_dig_into_the_counter_floor() {
    let mut house = House::live();
    let wanted: Vec<String> = (1..=7).map(|n| format!("D{n}")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    assert_eq!(house.hold(Side::Central, &wanted).map(|_| ()), Err(Refusal::CounterOnly));
    house.hold(Side::Central, &wanted[..6]).expect("above the floor of four");
}

#[test]
fn what_the_box_keeps_for_its_counter_is_neither_shown_as_free_nor_proposed_on_the_web() {
    let mut house = House::live();
    let shown = |house: &House, side, label| {
        let replica = if side == Side::Central { &house.central.replica } else { &house.edge.replica };
        let show = replica.ledger().show(SHOW).expect("show");
        let free = show.plan.seats().filter(|(id, _)| replica.seat_state(show, *id, house.now).0 == SeatState::Free);
        assert_eq!(free.count(), replica.free_seats_count(show, house.now));
        replica.seat_state(show, seat(label), house.now)
    };
    let own = |house: &House| {
        let replica = &house.central.replica;
        let show = replica.ledger().show(SHOW).expect("show");
        let own = show.plan.seats().map(|(id, _)| id);
        own.filter(|id| replica.seat_state(show, *id, house.now) == (SeatState::Free, false)).collect::<Vec<_>>()
    };
    // Two seats more than the floor are left, and none of central's own.
    for some in own(&house).chunks(10) {
        let Ok(Held::Now(_)) = house.central.replica.hold(SHOW, some, HoldKind::Web, house.now) else {
            panic!("own seats")
        };
    }
    house.hold(Side::Central, &["D1", "D2", "D3", "D4"]).expect("above the floor");
    assert_eq!(shown(&house, Side::Central, "D10"), (SeatState::Free, true));
    let best = |house: &House, count| {
        house.central.replica.best(SHOW, &[Wish { category: Some(0), ..Wish::of(count) }], house.now)
    };
    assert_eq!(best(&house, 2).map(|seats| seats.len()), Ok(2));
    assert_eq!(best(&house, 3), Err(Refusal::NoSeatsTogether));
    house.hold(Side::Central, &["D5", "D6"]).expect("the last above the floor");
    assert_eq!(shown(&house, Side::Central, "D10"), (SeatState::Unavailable, false));
    assert_eq!(shown(&house, Side::Edge, "D10"), (SeatState::Free, false));
    assert_eq!(best(&house, 1), Err(Refusal::NoSeatsTogether));
}

#[test]
fn a_claim_that_meets_a_cut_is_refused_with_link_down_and_releases_its_own_seats() {
    let mut house = House::live();
    house.cut(false, false);
    assert_eq!(house.hold(Side::Central, &["A1", "H1"]).map(|_| ()), Err(Refusal::LinkDown));
    house.hold(Side::Central, &["A1"]).expect("free again");
    assert_eq!(house.links().0, LinkState::Suspect);
}

#[test]
fn a_handover_lost_in_a_cut_strands_the_seat_and_never_doubles_it() {
    let mut house = House::live();
    house.cut(true, false);
    assert_eq!(house.hold(Side::Edge, &["C1"]).map(|_| ()), Err(Refusal::LinkDown));
    let show = house.central.replica.ledger().show(SHOW).expect("show").clone();
    assert_eq!(house.central.replica.seat_state(&show, seat("C1"), house.now).0, SeatState::InTransit);
    assert!(house.sell(Side::Central, &["C1"]).is_err());
    assert!(house.sell(Side::Edge, &["C1"]).is_err());
    house.cut(true, true);
    house.run(15_000);
    house.sell(Side::Edge, &["C1"]).expect("arrived");
    house.run(1_000);
    house.assert_equal();
}

#[test]
fn a_cancellation_waits_for_the_theatre_and_only_then_frees_the_seat() {
    let mut house = House::live();
    let ticket = house.sell(Side::Central, &["A1"]).expect("sale")[0];
    house.run(1_000);
    house.cut(false, false);
    house.run(12_000);
    let now = house.now;
    let voided = house.central.replica.void(ticket, now).expect("asked");
    assert_eq!(voided.state(), TicketState::VoidRequested);
    assert_eq!(house.sell(Side::Central, &["A1"]), Err(Refusal::SeatSold));
    house.cut(true, true);
    house.run(10_000);
    assert_eq!(house.sell(Side::Central, &["A1"]), Err(Refusal::SeatSold));
    let now = house.now;
    house.edge.replica.answer_void(ticket, now).expect("accepted");
    house.run(1_000);
    let again = house.sell(Side::Central, &["A1"]).expect("resold")[0];
    assert_eq!(ticket_at(&house, again).generation, 1);
    house.run(1_000);
    house.assert_equal();
}

#[test]
fn a_used_ticket_is_not_cancelled() {
    let mut house = House::live();
    let ticket = house.sell(Side::Central, &["A1"]).expect("sale")[0];
    let at = ticket_at(&house, ticket);
    let now = house.now;
    // The door met the ticket before its sale arrived.
    house.edge.replica.admit(at, now, "Door A".into(), now).expect("admitted by signature");
    house.central.replica.void(ticket, now).expect("asked");
    house.run(2_000);
    let ticket = house.central.replica.ledger().ticket(ticket).expect("ticket").clone();
    assert_eq!(ticket.state(), TicketState::Live);
    assert!(ticket.admitted.is_some());
    house.assert_equal();
}

#[test]
fn loss_duplicates_and_reordering_change_nothing() {
    for lossy in 3..9 {
        let mut house = House::new();
        house.lossy = lossy;
        house.run(20_000);
        for n in 1..=9 {
            let _ = house.sell(Side::Central, &[&format!("A{n}")]);
            let _ = house.sell(Side::Edge, &[&format!("H{n}")]);
            let _ = house.sell(Side::Edge, &[&format!("B{n}")]);
            let _ = house.sell(Side::Central, &[&format!("B{n}")]);
            house.run(700);
        }
        house.lossy = 0;
        house.run(30_000);
        assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
        house.assert_equal();
    }
}

#[test]
fn shows_added_on_both_sides_at_the_same_time_on_one_screen_close_each_other() {
    let mut house = House::live();
    house.cut(false, false);
    house.run(12_000);
    let now = house.now;
    let at = |number, starts| shared::entry::ShowFacts { starts, ends: starts + 100, ..facts(number) };
    let late = ShowNumber(1 | ShowNumber::EDGE_BIT);
    house.edge.replica.add_show(at(late, 600), now).expect("late show");
    assert_eq!(
        house.edge.replica.add_show(at(ShowNumber(2 | ShowNumber::EDGE_BIT), 650), now),
        Err(Refusal::ShowOverlaps)
    );
    house.central.replica.add_show(at(ShowNumber(2), 650), now).expect("central does not know");
    house.cut(true, true);
    house.run(10_000);
    for node in [&house.central, &house.edge] {
        let overlaps = |number| node.replica.ledger().show(number).expect("show").overlaps;
        assert!(overlaps(late) && overlaps(ShowNumber(2)));
    }
    assert_eq!(house.central.replica.cut(), house.edge.replica.cut());
    assert_eq!((house.central.disk.discrepancies, house.edge.disk.discrepancies), (1, 1));
}

#[test]
fn central_hands_its_free_seats_over_at_the_remote_sales_cutoff() {
    let mut house = House::live();
    house.sell(Side::Central, &["A1"]).expect("sale");
    house.run((240 - 14) * 60_000 - house.now.0);
    let show = house.edge.replica.ledger().show(SHOW).expect("show").clone();
    assert_eq!(house.edge.replica.seat_state(&show, seat("B1"), house.now), (SeatState::Free, false));
    assert_eq!(house.edge.replica.seat_state(&show, seat("A1"), house.now).0, SeatState::Sold);
    house.assert_equal();
}

#[test]
fn bytes_that_are_no_envelope_become_a_dead_letter_and_the_next_message_is_processed() {
    let mut house = House::live();
    let now = house.now;
    let node = &mut house.edge;
    for bytes in [&[][..], &[1; 70], &[0xff; 30_000]] {
        node.replica.handle_message(bytes, now, &node.disk).expect("no store failure");
    }
    house.sell(Side::Central, &["A1"]).expect("sale");
    house.run(2_000);
    assert_eq!(house.edge.disk.dead_letters, 3);
    house.assert_equal();
}

#[test]
fn a_thousand_sales_of_one_cut_arrive_in_few_bytes() {
    let mut house = House::live();
    house.cut(false, false);
    house.run(12_000);
    let now = house.now;
    for number in 2..100u32 {
        let number = ShowNumber(number | ShowNumber::EDGE_BIT);
        let starts = 1_000 + number.0 % 1_000 * 200;
        let facts = shared::entry::ShowFacts { starts, ends: starts + 150, ..facts(number) };
        house.edge.replica.add_show(facts, now).expect("show");
        for pair in 0..10u32 {
            let seats = [shared::ids::SeatId(pair * 2 + 1), shared::ids::SeatId(pair * 2 + 2)];
            let held = house.edge.replica.hold(number, &seats, shared::ledger::HoldKind::Counter, now).expect("held");
            let sync_protocol::replica::Held::Now(hold) = held else { panic!("own seats") };
            house.sell_hold(Side::Edge, hold.id).expect("sold");
        }
    }
    house.bytes = 0;
    house.cut(true, true);
    house.run(10_000);
    house.assert_equal();
    assert!(house.bytes / 980 <= 96, "{} bytes a sale of two seats", house.bytes / 980);
}

#[test]
fn a_price_that_is_set_holds_at_both_sides_for_sales_to_come() {
    let mut house = House::live();
    let held = house.hold(Side::Edge, &["H1"]).expect("a hold at the old price");
    let now = house.now;
    house.node(Side::Central).replica.set_price(SHOW, 1, 30_000, now).expect("set");
    assert_eq!(house.node(Side::Central).replica.set_price(SHOW, 2, 1, now), Err(Refusal::UnknownCategory));
    house.run(1_000);
    for (side, label, price) in
        [(Side::Edge, "H2", 30_000), (Side::Central, "E1", 30_000), (Side::Central, "A1", 15_000)]
    {
        let hold = house.hold(side, &[label]).expect("a hold");
        let now = house.now;
        let hold = house.node(side).replica.ledger().hold(hold, now).expect("held").clone();
        assert_eq!(hold.total_minor(), price, "{label}");
    }
    let now = house.now;
    assert_eq!(house.node(Side::Edge).replica.ledger().hold(held, now).expect("held").total_minor(), 22_000);
    house.sell_hold(Side::Edge, held).expect("sold at the price it was held at");
    house.run(1_000);
    house.assert_equal();
}
