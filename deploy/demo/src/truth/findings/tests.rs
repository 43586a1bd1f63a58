//! Each invariant is broken on purpose, and found.

use super::super::ghosts::Handed;
use super::*;
use crate::simulator::Payment;
use shared::entry::{Entry, Fact, SoldSeat, TicketRef};
use shared::ids::{RequestId, ScreenId, SeatId, ShowNumber};
use shared::seating::{Row, SeatRun};

const BOOKING: BookingId = BookingId([7; 16]);

#[derive(Default)]
struct World {
    books: TheatreBooks,
    ghosts: Ghosts,
    ledger: Ledger,
    scans: Vec<GrantedScan>,
}

fn ticket(number: u8) -> TicketId {
    TicketId([number; 8])
}

fn bytes(at: i64, fact: Fact) -> Vec<u8> {
    Entry { at: Timestamp(at), seen: 0, fact }.encode().expect("encodes")
}

fn sold(seat: u32, number: u8, price: u32) -> Fact {
    sold_again(seat, 0, number, price)
}

fn sold_again(seat: u32, generation: u16, number: u8, price: u32) -> Fact {
    let seat = SoldSeat { seat: SeatId(seat), epoch: 0, generation, ticket: ticket(number), price };
    Fact::Sold { show: ShowNumber(5), booking: BOOKING, request: RequestId([0; 8]), seats: vec![seat] }
}

impl World {
    /// A world in which show 3-5 on screen 1 has the seats A1 to A4, seat ids 1 to 4.
    fn new() -> Self {
        let run = SeatRun { first: SeatId(1), number: 1, count: 4, category: 0, gap: 0, accessible: false };
        let rows = vec![Row { label: "A".into(), runs: vec![run] }];
        let plan = Fact::PlanPublished {
            screen: ScreenId(1),
            version: 1,
            categories: vec!["Gold".into()],
            rows,
            complete: true,
        };
        let show = Fact::ShowAdded(shared::entry::ShowFacts {
            number: ShowNumber(5),
            screen: ScreenId(1),
            movie: shared::ids::MovieId(1),
            title: "Don".into(),
            starts: 0,
            ends: 100,
            plan: 1,
            currency: shared::money::Currency::INR,
            prices: vec![10_000],
            edge_seats: Vec::new(),
        });
        let mut world = Self::default();
        for fact in [plan, show] {
            world.both(Side::Central, fact);
        }
        world
    }

    fn both(&mut self, log: Side, fact: Fact) {
        self.books.at_central.take(log, bytes(1_000, fact.clone()));
        self.books.at_edge.take(log, bytes(1_000, fact));
    }

    fn hand_out(&mut self, seat: &str, number: u8, live: bool) {
        let handed = Handed { theatre: 3, show: "3-5".into(), seat: seat.into(), ticket: ticket(number) };
        self.ghosts.saw_ticket(handed, live);
    }

    fn pay(&mut self, state: &str, refunded: i64) {
        let payment = serde_json::json!({
            "payment": "pay_1", "reference": BOOKING.to_string(), "state": state,
            "amount": { "minor": 100, "currency": "INR" }, "refunded": { "minor": refunded, "currency": "INR" },
            "pay_url": "", "return_url": "", "webhook_url": "",
        });
        self.ledger.payments.push(serde_json::from_value::<Payment>(payment).expect("payment"));
    }

    fn find(self) -> Findings {
        let theatres = BTreeMap::from([(3, self.books)]);
        Findings::of(&Views { theatres: &theatres, ghosts: &self.ghosts, ledger: &self.ledger, scans: &self.scans })
    }
}

#[test]
fn a_world_in_order_has_no_findings() {
    let mut world = World::new();
    world.both(Side::Edge, sold(1, 1, 100));
    world.hand_out("A1", 1, true);
    world.scans.push(GrantedScan { ticket: ticket(1), shared: true });
    world.ghosts.saw_admission(ticket(1), true);
    assert_eq!(world.find(), Findings::default());
}

#[test]
fn a_seat_that_each_side_sold_is_found_before_the_logs_meet() {
    let mut world = World::new();
    world.books.at_edge.take(Side::Edge, bytes(5_000, sold(1, 1, 0)));
    world.books.at_central.take(Side::Central, bytes(4_000, sold(1, 2, 0)));
    let findings = world.find();
    assert_eq!(findings.seats_sold_twice.len(), 1);
    assert!(findings.seats_sold_twice[0].contains("seat A1 of show 3-5"), "{findings:?}");
    assert_eq!((findings.entries_unsynced, findings.oldest_unsynced), (2, Some(Timestamp(4_000))));
    assert_eq!(findings.logs_differ.len(), 2);
}

#[test]
fn a_ticket_in_somebodys_hand_counts_even_if_no_log_has_it() {
    let mut world = World::new();
    world.both(Side::Edge, sold(2, 1, 100));
    world.hand_out("A2", 9, true);
    let findings = world.find();
    assert_eq!((findings.seats_sold_twice.len(), findings.ticket_without_sale.len()), (1, 1));
}

#[test]
fn a_seat_sold_again_after_its_void_is_in_order() {
    let mut world = World::new();
    world.both(Side::Edge, sold(1, 1, 100));
    let old = TicketRef { show: ShowNumber(5), seat: SeatId(1), generation: 0, ticket: ticket(1) };
    world.both(Side::Edge, Fact::Voided(old));
    world.both(Side::Edge, sold_again(1, 1, 2, 100));
    world.hand_out("A1", 1, true);
    world.hand_out("A1", 2, true);
    assert_eq!(world.find(), Findings::default());
}

#[test]
fn money_and_tickets_are_matched_both_ways() {
    let mut paid = World::new();
    paid.pay("captured", 0);
    assert_eq!(paid.find().paid_without_ticket.len(), 1);
    let mut given_back = World::new();
    given_back.pay("refunded", 100);
    assert_eq!(given_back.find(), Findings::default());
    let mut unpaid = World::new();
    unpaid.both(Side::Central, sold(1, 1, 100));
    assert_eq!(unpaid.find().ticket_without_sale.len(), 1);
    let mut settled = World::new();
    settled.both(Side::Central, sold(1, 1, 100));
    settled.pay("captured", 0);
    assert_eq!(settled.find(), Findings::default());
}

#[test]
fn a_voided_ticket_whose_money_was_kept_is_found() {
    let mut world = World::new();
    world.both(Side::Central, sold(1, 1, 100));
    world.pay("captured", 0);
    let old = TicketRef { show: ShowNumber(5), seat: SeatId(1), generation: 0, ticket: ticket(1) };
    world.both(Side::Central, Fact::VoidRequested(old));
    world.both(Side::Edge, Fact::VoidAccepted(old));
    assert_eq!(world.find().paid_without_ticket.len(), 1);
}

#[test]
fn a_second_entry_is_told_apart_by_who_answered() {
    let mut shared = World::new();
    shared.ghosts.saw_admission(ticket(1), true);
    shared.ghosts.saw_admission(ticket(1), true);
    assert_eq!(shared.find().admitted_twice_shared.len(), 1);
    let mut alone = World::new();
    alone.scans.push(GrantedScan { ticket: ticket(1), shared: true });
    alone.scans.push(GrantedScan { ticket: ticket(1), shared: false });
    alone.ghosts.saw_admission(ticket(1), false);
    let findings = alone.find();
    assert_eq!((findings.admitted_twice_shared.len(), findings.admitted_twice_solo.len()), (0, 1));
}

#[test]
fn one_entry_told_in_two_ways_is_one_entry() {
    let mut world = World::new();
    world.scans.push(GrantedScan { ticket: ticket(1), shared: true });
    world.ghosts.saw_admission(ticket(1), false);
    assert_eq!(world.find(), Findings::default());
}

#[test]
fn a_seat_sold_twice_stays_found_when_one_of_its_tickets_is_voided() {
    let mut world = World::new();
    world.both(Side::Edge, sold(1, 1, 0));
    world.both(Side::Central, sold(1, 2, 0));
    let first = TicketRef { show: ShowNumber(5), seat: SeatId(1), generation: 0, ticket: ticket(1) };
    world.both(Side::Edge, Fact::Voided(first));
    let findings = world.find();
    assert_eq!(findings.seats_sold_twice.len(), 1);
    assert!(findings.seats_sold_twice[0].contains("at generation 0"), "{findings:?}");
}

#[test]
fn a_void_by_one_who_may_not_ends_no_ticket() {
    let mut world = World::new();
    world.both(Side::Edge, sold(1, 1, 0));
    world.both(Side::Central, sold_again(1, 1, 2, 0));
    let own = TicketRef { show: ShowNumber(5), seat: SeatId(1), generation: 0, ticket: ticket(1) };
    let others = TicketRef { generation: 1, ticket: ticket(2), ..own };
    world.both(Side::Central, Fact::Voided(own));
    world.both(Side::Edge, Fact::Voided(others));
    world.both(Side::Edge, Fact::VoidAccepted(others));
    assert_eq!(world.find().seats_sold_twice.len(), 1);
}

#[test]
fn each_booking_keeps_as_much_money_as_its_tickets_are_worth() {
    let mut paid_twice = World::new();
    paid_twice.both(Side::Central, sold(1, 1, 100));
    paid_twice.pay("captured", 0);
    paid_twice.pay("captured", 0);
    assert_eq!(paid_twice.find().paid_without_ticket.len(), 1);
    let mut paid_too_little = World::new();
    paid_too_little.both(Side::Central, sold(1, 1, 300));
    paid_too_little.pay("captured", 0);
    assert_eq!(paid_too_little.find().ticket_without_sale.len(), 1);
    let mut cancelled = World::new();
    cancelled.both(Side::Central, sold(1, 1, 100));
    cancelled.both(Side::Edge, Fact::ShowCancelled { show: ShowNumber(5) });
    cancelled.pay("captured", 0);
    assert_eq!(cancelled.find().paid_without_ticket.len(), 1);
}

#[test]
fn an_entry_that_a_door_never_reported_is_not_in_sync() {
    let mut world = World::new();
    world.scans.push(GrantedScan { ticket: ticket(1), shared: false });
    world.ghosts.saw_admission(ticket(1), false);
    world.ghosts.saw_admission(ticket(1), false);
    let findings = world.find();
    assert_eq!((findings.entries_unsynced, findings.admitted_twice_solo.len()), (1, 1));
}
