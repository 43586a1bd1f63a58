//! What must hold against a peer whose key is stolen, a pipe that doubles and reorders, and lawful but unusual input.

use crate::house::{House, NONCES, SHOW, facts, key, seat};
use shared::entry::{Entry, Fact, Head, SeatsAtEpoch, ShowFacts, SoldSeat, TicketRef};
use shared::ids::{BookingId, RequestId, ScreenId, SeatId, ShowNumber, Side, TheatreId, TicketId};
use shared::ledger::{HoldKind, TicketState};
use shared::refusal::Refusal;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::show::Standing;
use sync_protocol::LinkState;
use sync_protocol::envelope::Envelope;
use sync_protocol::message::{Batch, EntryBytes, Message};
use sync_protocol::replica::{Closed, Event, SeatState, Start};

/// A batch of `from`'s log after `after`, signed with its (stolen) key, within the session.
fn forged(from: Side, after: Head, entries: Vec<Vec<u8>>) -> Vec<u8> {
    let batch = Batch { log: from, before: after, entries: entries.into_iter().map(EntryBytes).collect() };
    let [central, edge] = NONCES.with_borrow(|nonces| *nonces);
    let (from_nonce, to_nonce) = if from == Side::Central { (central, edge) } else { (edge, central) };
    let envelope = Envelope { theatre: TheatreId(7), from, from_nonce, to_nonce, message: Message::Batch(batch) };
    envelope.seal(&key(from))
}

fn entry(seen: u64, fact: Fact) -> Vec<u8> {
    Entry { at: shared::time::Timestamp(0), seen, fact }.encode().expect("encodes")
}

#[test]
fn an_unreadable_entry_is_not_acknowledged_and_does_not_close_the_writer() {
    let mut house = House::live();
    // Central runs a newer program: an entry kind this edge does not know. Put it into both copies of central's log.
    let before = house.edge.replica.heads().peer;
    let now = house.now;
    // central's own next entry is a real one (so that its numbers match), the edge gets it in another format.
    house.central.replica.cancel_show(ShowNumber(1), now).expect("entry");
    house.cut(true, false); // the true batch never arrives
    house.run(1);
    let bytes = forged(Side::Central, before, vec![vec![9, 1, 2, 3]]);
    let node = &mut house.edge;
    node.replica.handle_message(&bytes, now, &node.disk).expect("ok");
    assert_eq!(node.replica.heads().closed, Some(Closed::UpgradeNeeded));
    let applied = node.replica.heads().peer.seq;
    house.cut(true, true);
    house.run(10_000);
    assert_eq!(applied, before.seq, "the edge says it has applied what it could not read");
    assert_eq!(house.central.replica.heads().closed, None, "the writer is closed by its reader's fault");
}

#[test]
fn a_closed_node_does_not_skip_an_unreadable_entry() {
    let mut house = House::live();
    let now = house.now;
    let before = house.edge.replica.heads().peer;
    house.edge.replica.close(Closed::DiskError, now);
    let unreadable = vec![9, 1, 2, 3];
    let after = Head { seq: before.seq + 1, hash: before.hash.chain(&unreadable), ..before };
    let show = entry(0, Fact::ShowCancelled { show: SHOW });
    let node = &mut house.edge;
    node.replica.handle_message(&forged(Side::Central, before, vec![unreadable]), now, &node.disk).expect("ok");
    node.replica.handle_message(&forged(Side::Central, after, vec![show]), now, &node.disk).expect("ok");
    assert!(!node.replica.ledger().show(SHOW).expect("show").cancelled, "went on behind an entry it could not read");
}

#[test]
fn one_entry_cannot_sell_a_seat_twice() {
    let mut house = House::live();
    let now = house.now;
    let before = house.edge.replica.heads().peer;
    let line = |ticket| SoldSeat { seat: SeatId(1), epoch: 0, generation: 0, ticket: TicketId([ticket; 8]), price: 1 };
    let fact = Fact::Sold {
        show: SHOW,
        booking: BookingId([1; 16]),
        request: RequestId([1; 8]),
        seats: vec![line(1), line(2)],
    };
    let node = &mut house.edge;
    node.replica.handle_message(&forged(Side::Central, before, vec![entry(0, fact)]), now, &node.disk).expect("ok");
    let live =
        node.replica.ledger().tickets().filter(|t| t.state() == TicketState::Live && t.at.seat == SeatId(1)).count();
    assert!(live <= 1, "{live} live tickets for one seat and generation");
}

#[test]
fn one_entry_cannot_use_a_ticket_twice() {
    let mut house = House::live();
    let now = house.now;
    let before = house.edge.replica.heads().peer;
    let line = |seat| SoldSeat { seat: SeatId(seat), epoch: 0, generation: 0, ticket: TicketId([1; 8]), price: 1 };
    let fact = Fact::Sold {
        show: SHOW,
        booking: BookingId([1; 16]),
        request: RequestId([1; 8]),
        seats: vec![line(1), line(2)],
    };
    let node = &mut house.edge;
    node.replica.handle_message(&forged(Side::Central, before, vec![entry(0, fact)]), now, &node.disk).expect("ok");
    let sold = node
        .replica
        .ledger()
        .show(SHOW)
        .expect("show")
        .touched()
        .filter(|(_, s)| matches!(s.standing, Standing::Sold(_)))
        .count();
    let tickets = node.replica.ledger().tickets().count();
    assert_eq!(sold, tickets);
}

#[test]
fn an_epoch_at_the_limit_does_not_panic() {
    let mut house = House::live();
    let now = house.now;
    let before = house.central.replica.heads().peer;
    let number = ShowNumber(9 | ShowNumber::EDGE_BIT);
    let edge_seats = vec![SeatsAtEpoch { first: SeatId(1), count: 80, epoch: u32::MAX }];
    let show = Fact::ShowAdded(ShowFacts { starts: 2_000, ends: 2_100, edge_seats, ..facts(number) });
    let over = Fact::HandedOver {
        show: number,
        runs: vec![SeatsAtEpoch { first: SeatId(1), count: 1, epoch: u32::MAX }],
        claim: None,
    };
    let node = &mut house.central;
    node.replica
        .handle_message(&forged(Side::Edge, before, vec![entry(0, show), entry(0, over)]), now, &node.disk)
        .expect("ok");
}

#[test]
fn a_handover_that_names_seats_twice_is_refused() {
    let mut house = House::live();
    let now = house.now;
    let before = house.edge.replica.heads().peer;
    let run = SeatsAtEpoch { first: SeatId(1), count: 30, epoch: 0 };
    let fact = Fact::HandedOver { show: SHOW, runs: vec![run; 1_000], claim: None };
    let node = &mut house.edge;
    node.replica.handle_message(&forged(Side::Central, before, vec![entry(0, fact)]), now, &node.disk).expect("ok");
    assert_eq!(node.replica.ledger().show(SHOW).expect("show").seat(SeatId(1)).expect("seat").epoch, 0);
}

#[test]
fn an_overlap_does_not_stop_the_remote_sales_cutoff_of_another_screen() {
    let mut house = House::live();
    let now = house.now;
    house.central.replica.publish_plan(ScreenId(2), &plan_of(8), now).expect("plan");
    let other = ShowNumber(5);
    house.central.replica.add_show(ShowFacts { screen: ScreenId(2), ..facts(other) }, now).expect("show on screen 2");
    house.run(1_000);
    house.cut(false, false);
    house.run(12_000);
    let now = house.now;
    let late = ShowNumber(1 | ShowNumber::EDGE_BIT);
    let at = |number, starts| ShowFacts { starts, ends: starts + 100, ..facts(number) };
    house.edge.replica.add_show(at(late, 600), now).expect("late");
    house.central.replica.add_show(at(ShowNumber(2), 650), now).expect("not known");
    // move the present to the cut-off of show 2 (starts 650) while `other2` starts at 655.
    let third = ShowNumber(6);
    house
        .central
        .replica
        .add_show(ShowFacts { screen: ScreenId(2), starts: 655, ends: 755, ..facts(third) }, now)
        .expect("third");
    house.cut(true, true);
    house.run((655 - 5) * 60_000 - house.now.0);
    assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
    let show = house.edge.replica.ledger().show(third).expect("show").clone();
    let free = house.edge.replica.seat_state(&show, SeatId(1), house.now);
    assert_eq!(free, (SeatState::Free, false), "show 6 was not handed over");
}

fn plan_of(rows: u8) -> SeatingPlan {
    let rows = (0..rows).map(|i| Row {
        label: char::from(b'A' + i).to_string(),
        runs: vec![SeatRun {
            first: SeatId(u32::from(i) * 10 + 1),
            number: 1,
            count: 10,
            category: i / 4,
            gap: 0,
            accessible: false,
        }],
    });
    SeatingPlan { version: 1, categories: vec!["Silver".into(), "Gold".into()], rows: rows.collect() }
}

#[test]
fn cancelling_one_overlapping_show_opens_the_other() {
    let mut house = House::live();
    house.cut(false, false);
    house.run(12_000);
    let now = house.now;
    let late = ShowNumber(1 | ShowNumber::EDGE_BIT);
    let at = |number, starts| ShowFacts { starts, ends: starts + 100, ..facts(number) };
    house.edge.replica.add_show(at(late, 600), now).expect("late");
    house.central.replica.add_show(at(ShowNumber(2), 650), now).expect("not known");
    // Central cancels its show before it learns of the other one: there never was an overlap to central.
    house.central.replica.cancel_show(ShowNumber(2), now).expect("cancelled");
    house.cut(true, true);
    house.run(20_000);
    let overlaps = |house: &House, side| {
        let node = if side == Side::Central { &house.central } else { &house.edge };
        node.replica.ledger().show(late).expect("show").overlaps
    };
    assert_eq!(overlaps(&house, Side::Central), overlaps(&house, Side::Edge), "the sides judge differently");
    assert!(!overlaps(&house, Side::Edge), "the edge can never sell its late show");
}

#[test]
fn a_plan_that_moves_seats_is_refused_by_its_author_and_not_applied_by_its_reader() {
    let mut house = House::live();
    let (now, screen) = (house.now, ScreenId(4));
    house.central.replica.publish_plan(screen, &plan_of(4), now).expect("plan");
    let mut moved = SeatingPlan { version: 2, ..plan_of(4) };
    moved.rows[1].runs[0].number = 11;
    let refused = house.central.replica.publish_plan(screen, &moved, now);
    assert_eq!(refused, Err(Refusal::PlanMovesSeats));
    assert_eq!(house.central.replica.heads().closed, None);
    // An entry that says it all the same is listed where it arrives.
    let mut reader = house.edge.replica.ledger().clone();
    let publish = |plan: &SeatingPlan| {
        let (categories, rows) = (plan.categories.clone(), plan.rows.clone());
        let fact = Fact::PlanPublished { screen, version: plan.version, categories, rows, complete: true };
        Entry { at: now, seen: 0, fact }
    };
    assert_eq!(reader.apply(Side::Central, 90, &publish(&plan_of(4))), Ok(()));
    assert!(reader.apply(Side::Central, 91, &publish(&moved)).is_err());
    assert!(reader.plan(screen, 2).is_none());
    let wider = SeatingPlan { version: 3, ..plan_of(6) };
    assert_eq!(house.central.replica.publish_plan(screen, &wider, now), Ok(()));
}

#[test]
fn a_plan_with_many_runs_a_row_does_not_close_the_node() {
    let mut house = House::live();
    let now = house.now;
    let rows = (0..40u32).map(|i| Row {
        label: format!("{}{}", char::from(b'A' + (i / 26) as u8), char::from(b'A' + (i % 26) as u8)),
        runs: (0..14u32)
            .map(|j| SeatRun {
                first: SeatId(1_000_000 + i * 1_000 + j * 10),
                number: (j * 10 + 1) as u16,
                count: 4,
                category: (j % 2) as u8,
                gap: 1,
                accessible: j % 2 == 0,
            })
            .collect(),
    });
    let plan = SeatingPlan { version: 1, categories: vec!["Silver".into(), "Gold".into()], rows: rows.collect() };
    assert_eq!(plan.check(), Ok(()));
    let done = house.central.replica.publish_plan(ScreenId(3), &plan, now);
    assert_eq!(house.central.replica.heads().closed, None, "a lawful plan closed the node; it said {done:?}");
}

#[test]
fn a_command_that_was_not_written_is_not_ok() {
    let mut house = House::live();
    let now = house.now;
    let number = ShowNumber(7 | ShowNumber::EDGE_BIT);
    let facts = ShowFacts { title: "x".repeat(5_000), starts: 2_000, ends: 2_100, ..facts(number) };
    let done = house.edge.replica.add_show(facts, now);
    assert!(done.is_err() == house.edge.replica.ledger().show(number).is_none(), "answered {done:?}, not written");
}
#[test]
fn a_long_title_or_door_name_does_not_close_the_node() {
    let mut house = House::live();
    let now = house.now;
    let number = ShowNumber(7 | ShowNumber::EDGE_BIT);
    let facts = ShowFacts { title: "x".repeat(5_000), starts: 2_000, ends: 2_100, ..facts(number) };
    let _ = house.edge.replica.add_show(facts, now);
    assert_eq!(house.edge.replica.heads().closed, None);
}

#[test]
fn what_a_hello_acknowledges_is_an_event() {
    let mut house = House::live();
    house.cut(true, false);
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(15_000);
    house.cut(true, true);
    house.run(20_000);
    assert_eq!(house.edge.replica.backlog(), 0);
    let own = house.edge.replica.heads().own.seq;
    let heard = house.edge.events.iter().any(|event| matches!(event, Event::Acknowledged(seq) if *seq >= own));
    assert!(heard, "backlog 0, but no Acknowledged({own})");
}

#[test]
fn a_doubled_claim_is_granted_once_and_not_refused() {
    let mut house = House::live();
    house.double_control = true;
    house.hold(Side::Edge, &["C1"]).expect("granted");
}

#[test]
fn a_late_copy_of_a_hello_does_not_end_the_session() {
    let mut house = House::new();
    house.keep_hellos = true;
    house.run(2_000);
    assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
    let first = house.hellos.iter().find(|(to, _)| *to == Side::Central).expect("hello").1.clone();
    let now = house.now;
    let node = &mut house.central;
    node.replica.handle_message(&first, now, &node.disk).expect("ok");
    assert_eq!(house.links().0, LinkState::Live, "a copy of a Hello already handled ended a live session");
}

#[test]
fn what_a_program_said_before_it_died_and_that_arrives_late_is_no_clone() {
    let mut house = House::live();
    house.run(100);
    house.keep_hellos = true;
    house.cut(true, false);
    house.run(15_000);
    let late = house.hellos.iter().rfind(|(to, _)| *to == Side::Edge).expect("an answer that did not arrive").1.clone();
    let disk = house.central.disk.clone();
    house.restart(Side::Central, disk, Start::Usual);
    house.cut(true, true);
    house.run(1_500);
    assert_eq!(house.links().1, LinkState::Live, "with central's new process");
    let now = house.now;
    let node = &mut house.edge;
    node.replica.handle_message(&late, now, &node.disk).expect("ok");
    assert_eq!(house.edge.replica.heads().closed, None);
    house.run(5_000);
    assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
    assert_eq!(house.edge.disk.discrepancies, 0);
}

#[test]
fn reordered_hello_answers_do_not_stall() {
    let mut house = House::new();
    house.cut(true, false);
    house.keep_hellos = true;
    house.run(1_500); // two Hellos of the edge, two answers, none arrived
    let answers: Vec<_> = house.hellos.iter().filter(|(to, _)| *to == Side::Edge).map(|(_, b)| b.clone()).collect();
    assert!(answers.len() >= 2);
    house.cut(true, true);
    let now = house.now;
    for bytes in answers.iter().rev() {
        let node = &mut house.edge;
        node.replica.handle_message(bytes, now, &node.disk).expect("ok");
    }
    house.run(3_000);
    assert_eq!(house.links(), (LinkState::Live, LinkState::Live), "stalled until silence ends the session");
}

#[test]
fn a_fork_is_listed_once() {
    let mut house = House::live();
    house.keep_hellos = true;
    let forked = house.edge.replica.clone();
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(2_000);
    house.edge.replica = forked;
    let hold = house.hold(Side::Edge, &["H2"]).expect("the clone sells");
    house.sell_hold(Side::Edge, hold).expect("the clone sells");
    let now = house.now;
    house.edge.replica.handle_connected(now);
    house.run(60_000);
    assert!(house.central.disk.discrepancies <= 2, "{} rows at central for one fork", house.central.disk.discrepancies);
    assert!(house.edge.disk.discrepancies <= 2, "{} rows at the edge for one fork", house.edge.disk.discrepancies);
}

#[test]
fn live_means_that_what_was_stated_is_acknowledged() {
    let mut house = House::live();
    // Central restarts; the edge goes on in its session and sells.
    house.cut(true, true);
    let now = house.now;
    house.central.replica.handle_disconnected(now);
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    let now = house.now;
    house.central.replica.handle_connected(now);
    house.early_live = Some(0);
    house.run(5_000);
    assert_eq!(house.early_live, Some(0), "the edge was Live with a backlog not yet acknowledged in the session");
}

#[test]
fn many_claims_on_a_slow_line_do_not_make_the_link_suspect() {
    let mut house = House::live();
    house.latency = 300;
    house.run(3_000);
    let now = house.now;
    for n in 0..40 {
        let label = format!("{}{}", ["A", "B", "C", "E", "F"][n / 8], n % 8 + 1);
        let _ = house.edge.replica.hold(SHOW, &[seat(&label)], HoldKind::Counter, now).expect("asked");
    }
    // 40 claims of one seat merge into one message; ask for more of them meanwhile
    house.run(1_700);
    let refused = house
        .edge
        .events
        .iter()
        .filter(|e| matches!(e, Event::ClaimSettled { outcome: Err(Refusal::LinkDown), .. }))
        .count();
    assert_eq!((refused, house.links().1), (0, LinkState::Live));
}

#[test]
fn a_backlog_over_a_thin_line_arrives_once_and_the_link_becomes_live() {
    let mut house = House::live();
    house.cut(false, false);
    house.run(12_000);
    let now = house.now;
    for n in 0..30_000u32 {
        let mut id = [0; 8];
        id[..4].copy_from_slice(&n.to_le_bytes());
        let at = TicketRef { show: SHOW, seat: SeatId(1 + n % 80), generation: 0, ticket: TicketId(id) };
        house.edge.replica.admit(at, now, "Door A".into(), now).expect("admitted");
    }
    house.run(1);
    (house.line, house.latency, house.bytes) = (32_000, 50, 0);
    house.cut(true, true);
    let bytes: usize = house.edge.disk.logs.values().map(|entry| entry.bytes.len()).sum();
    let ideal_ms = bytes as i64 * 1_000 / house.line;
    house.run(ideal_ms * 3 / 2 + 5_000);
    assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
    assert!(house.bytes < bytes * 3 / 2 + 50_000, "{} bytes sent for {bytes}", house.bytes);
}

#[test]
fn a_revoked_key_of_the_peer_is_believed_no_more_and_cannot_be_trusted_again() {
    let mut house = House::live();
    let now = house.now;
    let before = house.edge.replica.heads().peer;
    house.central.replica.revoke_key(key(Side::Central).key_id(), now).expect("revoked");
    assert_eq!(house.central.replica.heads().closed, Some(Closed::KeyRevoked));
    house.run(1_000);
    let node = &mut house.edge;
    assert!(node.replica.heads().peer.seq > before.seq, "the revocation itself arrived");
    node.replica.trust_peer_key(key(Side::Central).public());
    let after = node.replica.heads().peer;
    let late = entry(0, Fact::ShowCancelled { show: SHOW });
    node.replica.handle_message(&forged(Side::Central, after, vec![late]), now, &node.disk).expect("ok");
    assert!(!node.replica.ledger().show(SHOW).expect("show").cancelled);
}
