//! What must hold after every event, each as a function named after its claim.

use super::site::Site;
use shared::ids::Side;
use shared::show::Standing;
use sync_protocol::replica::SeatState;

/// A claim that did not hold.
pub type Violation = String;

/// A claim about a theatre, named after what it says.
pub type Invariant = fn(&Site) -> Result<(), Violation>;

/// Every invariant that is checked after each event.
pub const AFTER_EACH_EVENT: [Invariant; 7] = [
    invariant_no_seat_is_sold_twice,
    invariant_one_side_at_most_may_sell_a_seat,
    invariant_each_copy_of_a_log_is_a_prefix_of_it,
    invariant_an_ack_never_runs_ahead_of_the_receivers_store,
    invariant_no_node_closes_and_nothing_is_in_dispute,
    invariant_no_hold_outlives_its_cap,
    invariant_free_seats_are_counted_as_they_stand,
];

/// Per seat at most one live ticket among all that were ever handed to a customer.
pub fn invariant_no_seat_is_sold_twice(site: &Site) -> Result<(), Violation> {
    match site.ghost.sold_twice().next() {
        Some((show, seat)) => Err(format!("seat {seat} of show {show} has two live tickets")),
        None => Ok(()),
    }
}

/// Per seat at most one side could sell it now.
pub fn invariant_one_side_at_most_may_sell_a_seat(site: &Site) -> Result<(), Violation> {
    let (Some(central), Some(edge)) = (&site.central.replica, &site.edge.replica) else { return Ok(()) };
    for show in central.ledger().shows() {
        let Some(at_edge) = edge.ledger().show(show.facts.number) else { continue };
        for (id, _) in show.plan.seats() {
            let sellable = |seat: Option<shared::show::Seat>, side| {
                seat.is_some_and(|seat| seat.authority() == side && seat.standing == Standing::Free)
            };
            if sellable(show.seat(id), Side::Central) && sellable(at_edge.seat(id), Side::Edge) {
                return Err(format!("both sides may sell seat {id} of show {}", show.facts.number));
            }
        }
    }
    Ok(())
}

/// What a node keeps of the other's log has the hashes the writer gave it.
pub fn invariant_each_copy_of_a_log_is_a_prefix_of_it(site: &Site) -> Result<(), Violation> {
    for (copy, writer) in [(&site.central, &site.edge), (&site.edge, &site.central)] {
        let head = copy.disk.head(copy.side, writer.side);
        if writer.disk.hash(writer.side, head.seq) != Some(head.hash) {
            return Err(format!("{}'s copy of the {} log is no prefix at {}", copy.side, writer.side, head.seq));
        }
    }
    Ok(())
}

/// What a writer takes for acknowledged is durable at the receiver.
pub fn invariant_an_ack_never_runs_ahead_of_the_receivers_store(site: &Site) -> Result<(), Violation> {
    for (writer, receiver) in [(&site.central, &site.edge), (&site.edge, &site.central)] {
        let (acked, durable) = (writer.disk.heads.acked, receiver.disk.head(receiver.side, writer.side).seq);
        if acked > durable {
            return Err(format!("{} takes {acked} for acknowledged, {} has {durable}", writer.side, receiver.side));
        }
    }
    Ok(())
}

/// Nobody forgets here, so nobody may close, and no entry may be refused.
pub fn invariant_no_node_closes_and_nothing_is_in_dispute(site: &Site) -> Result<(), Violation> {
    for node in [&site.central, &site.edge] {
        if let Some(reason) = node.disk.heads.closed {
            return Err(format!("{} closed: {}", node.side, reason.code()));
        }
        if let Some(discrepancy) = node.disk.discrepancies.first() {
            return Err(format!("{} lists {discrepancy:?}", node.side));
        }
        if node.disk.dead_letters > 0 {
            return Err(format!("{} has dead letters", node.side));
        }
    }
    Ok(())
}

/// A hold's deadline lies within its cap.
pub fn invariant_no_hold_outlives_its_cap(site: &Site) -> Result<(), Violation> {
    for replica in [&site.central.replica, &site.edge.replica].into_iter().flatten() {
        if let Some(hold) = replica.ledger().holds().find(|hold| hold.deadline > hold.cap) {
            return Err(format!("hold {} ends after its cap", hold.id));
        }
    }
    Ok(())
}

/// The quick count of free seats is the count of free seats.
pub fn invariant_free_seats_are_counted_as_they_stand(site: &Site) -> Result<(), Violation> {
    for replica in [&site.central.replica, &site.edge.replica].into_iter().flatten() {
        let now = site.now;
        for show in replica.ledger().shows() {
            let free = |id| replica.seat_state(show, id, now).0 == SeatState::Free;
            let (slow, quick) =
                (show.plan.seats().filter(|(id, _)| free(*id)).count(), replica.free_seats_count(show, now));
            if slow != quick {
                return Err(format!("{} counts {quick} free seats of {slow}", replica.side()));
            }
        }
    }
    Ok(())
}

/// After healing: every ticket a customer has is in the log of its seller, live unless it was ended.
pub fn invariant_every_ticket_handed_over_is_known_to_both_sides(site: &Site) -> Result<(), Violation> {
    for handed in site.ghost.tickets() {
        for node in [&site.central, &site.edge] {
            let known = node.replica.as_ref().and_then(|replica| replica.ledger().ticket(handed.at.ticket));
            let Some(ticket) = known else {
                return Err(format!("{} does not know ticket {}", node.side, handed.at.ticket));
            };
            let void = ticket.state() == shared::ledger::TicketState::Void;
            if void != handed.ended {
                return Err(format!("{} has ticket {} as void: {void}", node.side, handed.at.ticket));
            }
        }
    }
    Ok(())
}

/// After healing, with writers at rest: heads and digests are equal and the link is live.
pub fn invariant_both_sides_are_equal_again(site: &Site) -> Result<(), Violation> {
    let (Some(central), Some(edge)) = (&site.central.replica, &site.edge.replica) else {
        return Err("a node does not run".into());
    };
    let states = (central.link_state().0.word(), edge.link_state().0.word());
    if states != ("live", "live") {
        return Err(format!("the link is {states:?}"));
    }
    if central.cut() != edge.cut() || central.backlog() + edge.backlog() > 0 {
        return Err(format!(
            "{:?} with backlog {}, {:?} with {}",
            central.cut(),
            central.backlog(),
            edge.cut(),
            edge.backlog()
        ));
    }
    Ok(())
}
