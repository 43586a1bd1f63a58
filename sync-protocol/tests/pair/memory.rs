//! Nodes that forget: old images, lost tails, clones, boxes that are gone, and who remembers for them.

use crate::house::{Disk, House, Node, SHOW, key};
use shared::entry::OpenedBy;
use shared::ids::{Side, TicketId};
use shared::keys::SecretKey;
use shared::refusal::Refusal;
use shared::show::Standing;
use sync_protocol::LinkState;
use sync_protocol::gate::{DeviceNumber, Memory};
use sync_protocol::message::{Batch, EntryBytes};
use sync_protocol::replica::{Closed, DiscrepancyKind, Proof, Snapshot, Start};
use sync_protocol::witness::SignedHead;

const WITNESS: DeviceNumber = DeviceNumber(1);

impl House {
    pub(crate) fn closed(&mut self, side: Side) -> Option<Closed> {
        self.node(side).replica.heads().closed
    }

    pub(crate) fn settle(&mut self, side: Side) {
        let now = self.now;
        self.node(side).replica.settle_unknown(SHOW, None, now).expect("unknown seats");
    }

    pub(crate) fn open(&mut self, side: Side, by: OpenedBy) -> Result<(), Refusal> {
        let now = self.now;
        let node = self.node(side);
        node.replica.open_unproven(by, "manager", now, &node.disk).unwrap_or(Err(Refusal::UnknownShow))
    }

    pub(crate) fn assert_same_state(&mut self) {
        assert_eq!(self.links(), (LinkState::Live, LinkState::Live));
        assert_eq!(self.central.replica.cut(), self.edge.replica.cut());
        assert_eq!((self.closed(Side::Central), self.closed(Side::Edge)), (None, None));
        assert_eq!((self.central.replica.backlog(), self.edge.replica.backlog()), (0, 0));
    }

    pub(crate) fn count(&self, side: Side, is: impl Fn(&DiscrepancyKind) -> bool) -> usize {
        let node = if side == Side::Central { &self.central } else { &self.edge };
        node.disk.stories.iter().filter(|kind| is(kind)).count()
    }

    /// What the named witness keeps: the edge's head and its entries above central's ack.
    fn witness(&self) -> (SignedHead, Batch) {
        let heads = self.edge.disk.heads;
        let entries = self.edge.disk.logs.range((Side::Edge, heads.acked + 1)..=(Side::Edge, u64::MAX));
        let entries = entries.map(|(_, entry)| EntryBytes(entry.bytes.clone())).collect();
        let before = self.edge.disk.logs.get(&(Side::Edge, heads.acked)).map(|entry| entry.head()).unwrap_or_default();
        (self.edge.replica.sign_head(heads.own), Batch { log: Side::Edge, before, entries })
    }

    fn hear_witness(&mut self, head: &SignedHead, entries: Option<Batch>) {
        let now = self.now;
        let Node { replica, disk, .. } = &mut self.edge;
        replica.handle_witness(WITNESS, Some(head), entries, now, disk).expect("readable");
    }
}

fn witnessed(disk: &Disk) -> Snapshot {
    Snapshot { witness: Some(WITNESS), ..disk.snapshot(Side::Edge) }
}

#[test]
fn a_plain_restart_is_confirmed_by_the_peer_and_sells_again() {
    let mut house = House::live();
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    let disk = house.edge.disk.clone();
    house.restart(Side::Edge, disk, Start::Usual);
    assert_eq!(house.closed(Side::Edge), Some(Closed::HeadUnproven));
    assert_eq!(house.sell(Side::Edge, &["H2"]), Err(Refusal::Closed));
    house.run(2_000);
    house.assert_same_state();
    house.sell(Side::Edge, &["H2"]).expect("sells again");
    let opened = house.edge.disk.standings.iter().filter_map(|change| change.proof.clone()).collect::<Vec<_>>();
    assert_eq!(opened, [Proof::Confirmed(Memory::Peer)]);
}

#[test]
fn a_box_restored_from_an_old_image_takes_its_log_back_and_opens_by_itself() {
    let mut house = House::live();
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    let image = house.edge.disk.clone();
    house.sell(Side::Edge, &["H2", "H3"]).expect("sale");
    house.sell(Side::Central, &["A1"]).expect("sale");
    house.run(1_000);
    house.hold(Side::Edge, &["C1"]).expect("claimed");
    house.sell(Side::Edge, &["D1"]).expect("sale");
    house.run(1_000);
    let before = house.edge.replica.cut();
    house.restart(Side::Edge, image, Start::Usual);
    house.run(3_000);
    house.assert_same_state();
    assert_eq!(house.edge.replica.cut(), before);
    assert_eq!(house.sell(Side::Edge, &["H2"]), Err(Refusal::SeatSold));
    house.sell(Side::Edge, &["H4"]).expect("sells again");
    assert_eq!(house.count(Side::Edge, |kind| matches!(kind, DiscrepancyKind::Forgot { .. })), 1);
}

#[test]
fn a_long_log_comes_back_over_a_lossy_line_in_causal_order() {
    let mut house = House::live();
    let image = house.edge.disk.clone();
    let mut sold: Vec<TicketId> = Vec::new();
    for n in 0..30 {
        let (side, row) = [(Side::Edge, "H"), (Side::Central, "A"), (Side::Central, "B")][n % 3];
        sold.extend(house.sell(side, &[&format!("{row}{}", n / 3 + 1)]).expect("sale"));
        if n % 4 == 0 {
            house.run(50);
            let voided = house.now;
            let _refused_at_the_other_side = house.central.replica.void(sold[n / 2], voided);
            let _refused_at_the_other_side = house.edge.replica.void(sold[n / 2], voided);
        }
        house.run(30);
    }
    house.run(2_000);
    let before = house.edge.replica.cut();
    house.lossy = 4;
    house.restart(Side::Edge, image, Start::Usual);
    house.run(60_000);
    house.assert_same_state();
    assert_eq!(house.edge.replica.cut().edge, before.edge);
}

#[test]
fn a_cut_off_box_that_nobody_can_prove_opens_by_a_person_with_its_seats_unknown() {
    let mut house = House::live();
    house.cut(false, false);
    let disk = house.edge.disk.clone();
    house.restart(Side::Edge, disk, Start::Usual);
    house.run(5_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Err(Refusal::Asking));
    house.run(6_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Ok(()));
    assert_eq!(house.sell(Side::Edge, &["H1"]), Err(Refusal::SeatUnknown));
    house.settle(Side::Edge);
    house.sell(Side::Edge, &["H1"]).expect("settled");
    house.cut(true, true);
    house.run(10_000);
    house.assert_same_state();
    assert_eq!(house.count(Side::Central, |kind| matches!(kind, DiscrepancyKind::OpenedUnproven { .. })), 1);
    let h1 = crate::house::seat("H1");
    let at_central = house.central.replica.ledger().show(SHOW).expect("show").seat(h1).expect("seat");
    assert!(matches!(at_central.standing, Standing::Sold(_)));
    assert_eq!(at_central.generation, 16);
}

#[test]
fn a_seat_on_its_way_to_a_node_that_forgets_is_unknown_on_both_sides() {
    let mut house = House::live();
    let c1 = crate::house::seat("C1");
    let image = house.edge.disk.clone();
    // The handover leaves central and never arrives.
    house.cut(true, false);
    let now = house.now;
    house.central.replica.hand_over(SHOW, &[c1], now).expect("live still");
    house.cut(false, false);
    house.run(20_000);
    house.restart(Side::Edge, image, Start::Usual);
    house.run(11_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Ok(()));
    house.settle(Side::Edge);
    house.cut(true, true);
    house.run(10_000);
    house.assert_same_state();
    for side in [Side::Central, Side::Edge] {
        let seat = house.node(side).replica.ledger().show(SHOW).expect("show").seat(c1).expect("seat");
        assert_eq!((seat.standing, seat.epoch, seat.generation), (Standing::Unknown, 1, 16), "{side}");
    }
}

#[test]
fn what_was_sold_on_a_persons_word_is_written_again_behind_what_the_peer_remembers() {
    let mut house = House::live();
    let image = house.edge.disk.clone();
    let lost = house.sell(Side::Edge, &["H1", "H2"]).expect("sale, then forgotten");
    house.run(1_000);
    house.cut(false, false);
    house.run(12_000);
    house.restart(Side::Edge, image, Start::Usual);
    house.run(11_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Ok(()));
    house.settle(Side::Edge);
    let twice = house.sell(Side::Edge, &["H1"]).expect("on the manager's word");
    let once = house.sell(Side::Edge, &["H5"]).expect("on the manager's word");
    house.run(1_000);
    house.cut(true, true);
    house.run(20_000);
    house.assert_same_state();
    for side in [Side::Central, Side::Edge] {
        let ledger = house.node(side).replica.ledger();
        assert!(lost.iter().chain(&once).all(|ticket| ledger.ticket(*ticket).is_some()), "{side}");
        assert!(ledger.ticket(twice[0]).is_none(), "{side}");
    }
    // The seat sold twice is listed with the sale that does not stand.
    let aside = house.count(Side::Edge, |kind| matches!(kind, DiscrepancyKind::SetAside { .. }));
    assert!(aside >= 1);
    assert!(house.edge.disk.aside.is_empty());
    // Whoever asks for his sale again gets the tickets only of the one that stands.
    let again = |tickets: &[TicketId]| house.edge.replica.sell_again(tickets);
    assert_eq!((again(&once), again(&twice)), (Ok(()), Err(Refusal::SaleSetAside)));
}

#[test]
fn a_program_that_ends_while_it_takes_its_log_back_goes_on_with_it() {
    let mut house = House::live();
    let image = house.edge.disk.clone();
    house.sell(Side::Edge, &["H1", "H2"]).expect("sale, then forgotten");
    house.run(1_000);
    house.cut(false, false);
    house.run(12_000);
    house.restart(Side::Edge, image, Start::Usual);
    house.run(11_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Ok(()));
    house.settle(Side::Edge);
    let once = house.sell(Side::Edge, &["H5"]).expect("on the manager's word");
    house.run(1_000);
    house.cut(true, true);
    // Until the log has been set aside, and no longer.
    for _ in 0..5_000 {
        house.run(1);
        if !house.edge.disk.aside.is_empty() {
            break;
        }
    }
    assert!(!house.edge.disk.aside.is_empty(), "set aside");
    let disk = house.edge.disk.clone();
    house.restart(Side::Edge, disk, Start::Usual);
    house.run(20_000);
    house.assert_same_state();
    assert!(house.central.replica.ledger().ticket(once[0]).is_some());
}

#[test]
fn a_named_witness_gives_back_what_the_peer_never_had() {
    let mut house = House::live();
    let image = house.edge.disk.clone();
    house.cut(false, false);
    house.run(12_000);
    let sold = house.sell(Side::Edge, &["H1", "H2"]).expect("sale in the cut");
    house.run(1);
    let (head, entries) = house.witness();
    let snapshot = witnessed(&image);
    house.restart_with(Side::Edge, image, snapshot);
    house.run(20_000);
    assert_eq!(house.closed(Side::Edge), Some(Closed::HeadUnproven), "only the witness can confirm");
    house.hear_witness(&head, Some(entries));
    house.run(9_000);
    assert_eq!(house.closed(Side::Edge), Some(Closed::HeadUnproven), "the peer may still answer");
    house.run(2_000);
    house.hear_witness(&head, None);
    assert_eq!(house.closed(Side::Edge), None);
    assert_eq!(house.sell(Side::Edge, &["H1"]), Err(Refusal::SeatSold));
    house.sell(Side::Edge, &["H3"]).expect("sells again, still cut off");
    house.cut(true, true);
    house.run(10_000);
    house.assert_same_state();
    assert!(house.central.replica.ledger().ticket(sold[0]).is_some());
}

#[test]
fn the_peer_alone_does_not_confirm_a_box_with_a_named_witness() {
    let mut house = House::live();
    let image = house.edge.disk.clone();
    let head = house.edge.replica.sign_head(house.edge.disk.heads.own);
    let snapshot = witnessed(&image);
    house.restart_with(Side::Edge, image, snapshot);
    house.run(5_000);
    assert_eq!(house.closed(Side::Edge), Some(Closed::HeadUnproven));
    house.hear_witness(&head, None);
    house.run(1_000);
    house.assert_same_state();
}

#[test]
fn a_device_that_remembers_a_head_but_no_entries_makes_two_persons_answer_once() {
    let mut house = House::live();
    house.run(100);
    let image = house.edge.disk.clone();
    house.cut(false, false);
    house.run(12_000);
    house.sell(Side::Edge, &["H1"]).expect("sale that only paper will tell of");
    house.run(1);
    let head = house.edge.replica.sign_head(house.edge.disk.heads.own);
    house.restart(Side::Edge, image, Start::Usual);
    house.hear_witness(&head, None);
    house.run(11_000);
    assert_eq!(house.open(Side::Edge, OpenedBy::ManagerPin), Err(Refusal::Asking));
    assert_eq!(house.open(Side::Edge, OpenedBy::TwoPersons), Ok(()));
    house.hear_witness(&head, None);
    assert_eq!(house.closed(Side::Edge), None);
    house.cut(true, true);
    house.run(10_000);
    house.hear_witness(&head, None);
    house.assert_same_state();
    assert_eq!(house.sell(Side::Edge, &["H1"]), Err(Refusal::SeatUnknown));
    // The next start is asked the same, and answers for itself.
    let disk = house.edge.disk.clone();
    house.restart(Side::Edge, disk, Start::Usual);
    house.hear_witness(&head, None);
    house.run(5_000);
    house.assert_same_state();
}

#[test]
fn a_box_with_a_new_key_is_confirmed_by_the_head_that_its_witness_keeps_by_the_key_before() {
    for (before, closed) in [(Some(key(Side::Edge).public()), None), (None, Some(Closed::HeadUnproven))] {
        let mut house = House::live();
        house.sell(Side::Edge, &["H1"]).expect("sale");
        house.run(1_000);
        let head = house.edge.replica.sign_head(house.edge.disk.heads.own);
        let (image, now) = (house.edge.disk.clone(), house.now);
        let snapshot = witnessed(&image);
        let new_key = SecretKey::from_seed(&[78; 32]);
        house.edge = Node::start_with(Side::Edge, new_key, before, image, snapshot, 98, now);
        house.hear_witness(&head, None);
        house.run(12_000);
        assert_eq!(house.closed(Side::Edge), closed);
    }
}

#[test]
fn a_head_that_the_box_did_not_sign_says_nothing() {
    let mut house = House::live();
    house.run(100);
    let other = SecretKey::from_seed(&[77; 32]);
    let heads = house.edge.replica.heads();
    let above = shared::entry::Head { seq: heads.own.seq + 5, ..heads.own };
    let forged = SignedHead::sign(house.edge.replica.theatre(), Side::Edge, above, &other);
    house.hear_witness(&forged, None);
    assert_eq!(house.closed(Side::Edge), None);
}

#[test]
fn central_restored_takes_its_log_back_and_knows_its_unsold_seats_no_more() {
    let mut house = House::live();
    let image = house.central.disk.clone();
    let known = house.sell(Side::Central, &["A1"]).expect("sale");
    house.run(1_000);
    house.cut(false, false);
    house.run(12_000);
    house.sell(Side::Central, &["A2"]).expect("sale that nobody else will ever have seen");
    house.run(1_000);
    house.restart(Side::Central, image, Start::Restored);
    house.cut(true, true);
    house.run(15_000);
    house.assert_same_state();
    assert!(house.central.replica.ledger().ticket(known[0]).is_some());
    assert_eq!(house.sell(Side::Central, &["A2"]), Err(Refusal::SeatUnknown));
    assert_eq!(house.sell(Side::Central, &["A3"]), Err(Refusal::SeatUnknown));
    house.sell(Side::Edge, &["H1"]).expect("the counter goes on");
    house.settle(Side::Central);
    house.sell(Side::Central, &["A3"]).expect("settled");
}

#[test]
fn central_that_forgot_without_knowing_finds_out_from_the_edge() {
    let mut house = House::live();
    let image = house.central.disk.clone();
    house.sell(Side::Central, &["A1"]).expect("sale");
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    house.restart(Side::Central, image, Start::Usual);
    house.run(15_000);
    house.assert_same_state();
    assert_eq!(house.sell(Side::Central, &["A1"]), Err(Refusal::SeatSold));
    assert_eq!(house.sell(Side::Central, &["A2"]), Err(Refusal::SeatUnknown));
}

#[test]
fn a_box_that_is_gone_is_replaced_and_its_unsold_seats_are_unknown() {
    let mut house = House::live();
    house.sell(Side::Edge, &["H1"]).expect("sale");
    house.run(1_000);
    let now = house.now;
    house.cut(false, false);
    house.central.replica.retire_box(key(Side::Edge).key_id(), now).expect("retired");
    assert_eq!(house.central.replica.take_seats(SHOW, Some(&[crate::house::seat("H3")]), now), Ok(1));
    house.sell(Side::Central, &["H3"]).expect("taken over");
    let new_key = SecretKey::from_seed(&[9; 32]);
    house.central.replica.replace_box(new_key.key_id(), now).expect("replaced");
    house.central.replica.trust_peer_key(new_key.public());
    let refused = house.central.replica.take_seats(SHOW, Some(&[crate::house::seat("H4")]), now);
    assert_eq!(refused, Err(Refusal::NotTheSeller));
    let snapshot = Snapshot { start: Start::Replacement, ..Snapshot::default() };
    house.edge = Node::start_with(Side::Edge, new_key, None, Disk::default(), snapshot, 99, now);
    house.cut(true, true);
    house.edge.replica.handle_connected(now);
    house.run(20_000);
    house.assert_same_state();
    assert_eq!(house.sell(Side::Edge, &["H1"]), Err(Refusal::SeatSold));
    assert_eq!(house.sell(Side::Edge, &["H3"]), Err(Refusal::SeatSold));
    assert_eq!(house.sell(Side::Edge, &["H5"]), Err(Refusal::SeatUnknown));
    house.settle(Side::Edge);
    house.sell(Side::Edge, &["H5"]).expect("settled");
}

#[test]
fn a_retired_box_that_still_lives_closes_when_it_hears_of_it() {
    let mut house = House::live();
    let now = house.now;
    house.central.replica.retire_box(key(Side::Edge).key_id(), now).expect("retired");
    house.run(5_000);
    assert_eq!(house.closed(Side::Edge), Some(Closed::KeyRevoked));
}
