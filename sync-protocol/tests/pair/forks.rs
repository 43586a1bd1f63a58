//! Two boxes of one name, and what two persons make of them.

use crate::house::{House, Node, SHOW, seat};
use shared::entry::{Fact, OpenedBy};
use shared::ids::Side;
use shared::refusal::Refusal;
use sync_protocol::replica::{Closed, DiscrepancyKind, Snapshot, Start};

/// A box of the same name, with what the box has on its disk now.
fn clone_of_the_box(house: &House) -> Node {
    let image = house.edge.disk.clone();
    let snapshot = Snapshot { start: Start::Usual, ..image.snapshot(Side::Edge) };
    Node::start(Side::Edge, image, snapshot, 90, house.now)
}

/// The line is the other one's for so long, milliseconds.
fn take_turns(house: &mut House, other: &mut Node, ms: i64) {
    let now = house.now;
    house.edge.replica.handle_disconnected(now);
    std::mem::swap(&mut house.edge, other);
    house.edge.replica.handle_connected(now);
    house.run(ms);
}

#[test]
fn of_two_boxes_that_take_turns_at_the_line_neither_sells_until_two_persons_say_which_is_the_box() {
    let mut house = House::live();
    house.run(100);
    let mut other = clone_of_the_box(&house);
    let mut take_turns = |house: &mut House| take_turns(house, &mut other, 3_000);
    take_turns(&mut house);
    assert_eq!(house.closed(Side::Edge), None, "the clone knows as much as central");
    take_turns(&mut house);
    let both = (house.closed(Side::Central), house.closed(Side::Edge));
    assert_eq!(both, (Some(Closed::Fork), Some(Closed::Fork)), "the box is told");
    take_turns(&mut house);
    assert_eq!(house.closed(Side::Edge), Some(Closed::Fork), "the clone is told");
    take_turns(&mut house);
    let clones = house.central.disk.stories.iter().filter(|kind| matches!(kind, DiscrepancyKind::Clone { .. }));
    assert_eq!(clones.count(), 1);
    assert_eq!(house.open(Side::Edge, OpenedBy::TwoPersons), Ok(()));
    house.run(5_000);
    house.assert_same_state();
    house.settle(Side::Edge);
    house.sell(Side::Edge, &["H1"]).expect("sells again");
    // Whoever is not the box finds its log on a line that was left, and does not disturb the one that is for long.
    take_turns(&mut house);
    assert_eq!(house.closed(Side::Edge), Some(Closed::Fork));
    take_turns(&mut house);
    house.assert_same_state();
    house.sell(Side::Edge, &["H2"]).expect("goes on");
}

#[test]
fn a_box_that_sold_much_in_a_cut_while_its_clone_was_seen_is_settled_by_two_persons_and_loses_nothing() {
    let mut house = House::live();
    house.run(100);
    let mut other = clone_of_the_box(&house);
    house.cut(false, false);
    house.run(12_000);
    let mut sold = Vec::new();
    for number in 1..=8 {
        for row in ["G", "H"] {
            let label = format!("{row}{number}");
            if let Ok(tickets) = house.sell(Side::Edge, &[label.as_str()]) {
                sold.extend(tickets);
            }
        }
    }
    for n in 0..1_500 {
        let hold = house.edge.replica.withhold(SHOW, &[seat("H9")], n % 2 == 0, house.now);
        hold.expect("withheld or given back");
        house.run(1);
    }
    std::mem::swap(&mut house.edge, &mut other);
    let now = house.now;
    house.edge.replica.handle_connected(now);
    house.cut(true, true);
    house.run(3_000);
    std::mem::swap(&mut house.edge, &mut other);
    let now = house.now;
    house.edge.replica.handle_disconnected(now);
    house.edge.replica.handle_connected(now);
    house.run(5_000);
    assert_eq!((house.closed(Side::Central), house.closed(Side::Edge)), (Some(Closed::Fork), Some(Closed::Fork)));
    assert_eq!(house.open(Side::Edge, OpenedBy::TwoPersons), Ok(()));
    house.run(15_000);
    house.assert_same_state();
    for ticket in sold {
        assert!(house.central.replica.ledger().ticket(ticket).is_some_and(|known| known.sale.is_some()), "{ticket}");
    }
}

#[test]
fn a_clone_is_found_and_two_persons_settle_it() {
    let mut house = House::live();
    let image = house.edge.disk.clone();
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    // The clone begins where the image was, opens cut off on two persons' word, and sells the same and another seat.
    house.cut(false, false);
    house.restart(Side::Edge, image, Start::Usual);
    house.run(11_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::TwoPersons), Ok(()));
    house.settle(Side::Edge);
    house.sell(Side::Edge, &["H1"]).expect("sold twice, on two persons' word");
    house.sell(Side::Edge, &["H4"]).expect("sale");
    house.cut(true, true);
    house.run(15_000);
    house.assert_same_state();
    assert_eq!(house.sell(Side::Edge, &["H4"]), Err(Refusal::SeatSold));
}

#[test]
fn a_fork_closes_both_sides_until_two_persons_have_settled_it() {
    let mut house = House::live();
    let mut clone = house.edge.replica.clone();
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    std::mem::swap(&mut house.edge.replica, &mut clone);
    // The clone has sold another seat under the same number, with other random ids.
    let unused = house.hold(Side::Edge, &["H9"]).expect("hold");
    house.edge.replica.release(unused);
    let forked = house.hold(Side::Edge, &["H2"]).and_then(|hold| house.sell_hold(Side::Edge, hold)).expect("sale");
    house.edge.commit();
    let now = house.now;
    house.edge.replica.handle_connected(now);
    house.run(10_000);
    assert_eq!((house.closed(Side::Central), house.closed(Side::Edge)), (Some(Closed::Fork), Some(Closed::Fork)));
    let of_the_other_branch = |kind: &DiscrepancyKind| match kind {
        DiscrepancyKind::BeyondCut { fact: Some(Fact::Sold { seats, .. }) } => {
            seats.iter().any(|sold| forked.contains(&sold.ticket))
        }
        _ => false,
    };
    assert_eq!(house.count(Side::Central, of_the_other_branch), 1, "central lists what the other branch has sold");
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Err(Refusal::Closed));
    assert_eq!(house.open(Side::Edge, OpenedBy::TwoPersons), Ok(()));
    house.run(15_000);
    house.assert_same_state();
    // Both branches' sales stand: one was the peer's line, the other's ticket was found.
    assert_eq!(house.sell(Side::Edge, &["H1"]), Err(Refusal::SeatSold));
    assert_eq!(house.sell(Side::Edge, &["H2"]), Err(Refusal::SeatSold));
    assert!(house.central.replica.ledger().ticket(forked[0]).is_some());
}

#[test]
fn a_clones_line_that_central_took_after_it_was_put_back_goes_on_and_the_boxs_own_sales_behind_it() {
    let mut house = House::live();
    house.run(100);
    let central = house.central.disk.clone();
    let mut other = clone_of_the_box(&house);
    let mut sold = house.sell(Side::Edge, &["H1"]).expect("sale of the box");
    house.run(1_000);
    house.restart(Side::Central, central, Start::Restored);
    let mut take_turns = |house: &mut House| take_turns(house, &mut other, 15_000);
    take_turns(&mut house);
    sold.extend(house.sell(Side::Edge, &["H2"]).expect("sale of the clone"));
    for n in 0..300 {
        let hold = house.edge.replica.withhold(SHOW, &[seat("H3")], n % 2 == 0, house.now);
        hold.expect("withheld or given back");
        house.run(1);
    }
    house.run(5_000);
    take_turns(&mut house);
    assert_eq!((house.closed(Side::Central), house.closed(Side::Edge)), (Some(Closed::Fork), Some(Closed::Fork)));
    assert_eq!(house.open(Side::Edge, OpenedBy::TwoPersons), Ok(()));
    house.run(60_000);
    house.assert_same_state();
    for ticket in sold {
        assert!(house.central.replica.ledger().ticket(ticket).is_some_and(|known| known.sale.is_some()), "{ticket}");
    }
}
