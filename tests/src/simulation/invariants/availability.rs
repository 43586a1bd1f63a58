//! Claims about selling in a cut: a side asks nobody for what is its own.

use super::Violation;
use crate::simulation::disk::Disk;
use crate::simulation::node::Node;
use crate::simulation::site::SEATS;
use shared::ids::{HoldId, SeatId, ShowNumber, Side};
use shared::ledger::HoldKind;
use shared::refusal::Refusal;
use shared::show::Standing;
use shared::time::Timestamp;

/// May this node hold these seats now without asking anybody, as its store says?
pub fn are_own_and_free(node: &Node, show: ShowNumber, seats: &[SeatId], at: Timestamp) -> bool {
    let is_free = |seat: &SeatId| {
        let mut held = node.disk.holds.values().filter(|hold| hold.show == show && hold.deadline > at);
        is_own(&node.disk, node.who.side(), show, *seat)
            && !held.any(|hold| hold.seats.iter().any(|held| held.seat == *seat))
    };
    is_on_sale(node, show, at) && seats.iter().all(is_free)
}

/// May this node sell what this hold keeps, as its store says?
pub fn is_own_hold(node: &Node, hold: HoldId, at: Timestamp) -> bool {
    let Some(hold) = node.disk.holds.get(&hold) else { return false };
    // By the clock of its shell and by the one that counts, in case they differ.
    let stands = hold.deadline > at && hold.kind != HoldKind::Tentative;
    let own = |seat| is_own(&node.disk, node.who.side(), hold.show, seat);
    stands && is_on_sale(node, hold.show, at) && hold.seats.iter().all(|held| own(held.seat))
}

fn is_on_sale(node: &Node, show: ShowNumber, at: Timestamp) -> bool {
    let known = node.disk.shows.get(&show);
    let on_sale = known.is_some_and(|show| !show.cancelled && !show.overlaps && show.facts.ends_at() > at);
    on_sale && node.disk.heads.closed.is_none()
}

fn is_own(disk: &Disk, side: Side, show: ShowNumber, seat: SeatId) -> bool {
    match (disk.seat(show, seat), disk.shows.get(&show)) {
        (Some(seat), _) => seat.authority() == side && seat.standing == Standing::Free,
        (None, Some(record)) if (1..=SEATS).contains(&seat.0) => {
            let at_edge = record.facts.edge_seats.iter().any(|run| run.seats().any(|begins| begins == seat));
            at_edge == (side == Side::Edge)
        }
        (None, _) => false,
    }
}

/// 6 of the design: an open node holds and sells its own free seats, whatever the link does.
pub fn invariant_own_free_seats_are_sold_without_asking(
    node: &Node,
    what: impl std::fmt::Debug,
    refused: Option<Refusal>,
) -> Result<(), Violation> {
    let Some(refusal) = refused else { return Ok(()) };
    let link = node.replica.as_ref().map(|replica| replica.link_state().0.word());
    Err(Violation::of(
        "invariant_own_free_seats_are_sold_without_asking",
        format!("{:?}, its link {link:?}, refuses its own {what:?}: {refusal:?}", node.who),
    ))
}

/// 6 of the design: what a node has sold it tells at once, unless its named witness is there to store it first.
pub fn invariant_a_sale_is_told_without_asking(node: &Node, told: bool, at: Timestamp) -> Result<(), Violation> {
    let waits = node.replica.as_ref().is_none_or(|replica| replica.waits_for_witness(at));
    if told || waits {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_a_sale_is_told_without_asking",
        format!("{:?} has sold and tells nobody, with no witness to wait for", node.who),
    ))
}
