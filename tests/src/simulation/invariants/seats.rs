//! Claims about seats: one authority each, handed over once, counted once.

use super::{Step, Violation};
use crate::simulation::node::{Node, Who};
use crate::simulation::site::Site;
use shared::entry::{Fact, SeatsAtEpoch};
use shared::ids::{SeatId, ShowNumber, Side};
use shared::ledger::TicketState;
use shared::show::Standing;
use std::collections::BTreeSet;
use sync_protocol::replica::SeatState;

/// 1: per seat at most one side could sell it now. Of a second box of the same name nobody can say, nor of a seat that a box gave
/// away before it opened on the word of a witness that had been away meanwhile: what they sell is judged where it is sold.
pub fn invariant_one_side_at_most_may_sell_a_seat(site: &Site, who: Who) -> Result<(), Violation> {
    let central = site.central.replica.as_ref().filter(|replica| replica.can_sell());
    let Some(central) = central else { return Ok(()) };
    let edge = site.edge.replica.as_ref().filter(|replica| replica.can_sell());
    let Some(edge) = edge.filter(|_| !site.ghost.excuses.cloned) else { return Ok(()) };
    for (number, seat) in touched(site, who) {
        let sellable = |replica: &sync_protocol::Replica, side| {
            let show = replica.ledger().show(number);
            let seat = show.and_then(|show| show.seat(seat));
            seat.is_some_and(|seat| seat.authority() == side && seat.standing == Standing::Free)
        };
        let unheard = site.ghost.is_unheard(number, seat);
        if !unheard && sellable(central, Side::Central) && sellable(edge, Side::Edge) {
            return Err(Violation::of(
                "invariant_one_side_at_most_may_sell_a_seat",
                format!("both sides may sell seat {seat} of show {number}"),
            ));
        }
    }
    Ok(())
}

/// 3: a seat leaves an epoch by exactly one handover, in the log of that epoch's owner.
pub fn invariant_each_epoch_is_left_by_one_handover(step: &Step<'_>) -> Result<(), Violation> {
    for (written, show, seat, epoch) in handed_over(step) {
        let owner = if epoch % 2 == 0 { Side::Central } else { Side::Edge };
        let before = step.ghost.given(show, seat, epoch);
        let still_there = before.iter().any(|(log, seq, hash)| step.before().holds_entry(*log, *seq, *hash));
        if owner != written || still_there {
            return Err(Violation::of(
                "invariant_each_epoch_is_left_by_one_handover",
                format!(
                    "{written} gives seat {seat} of show {show} away from epoch {epoch}, which it may not or did before"
                ),
            ));
        }
    }
    Ok(())
}

/// 5: what is held, sold, withheld or unknown is never handed over.
pub fn invariant_only_free_seats_are_handed_over(step: &Step<'_>) -> Result<(), Violation> {
    let at = step.node.now(step.now);
    let freed: BTreeSet<_> = step.fresh().filter_map(|(_, fact)| freed(fact)).flatten().collect();
    for (_, show, seat, _) in handed_over(step) {
        let standing = step.before().seat(show, seat).map_or(Standing::Free, |seat| seat.standing);
        let mut holds = step.before().holds.values().filter(|hold| hold.show == show && hold.deadline > at);
        let held = holds.find(|hold| hold.seats.iter().any(|held| held.seat == seat));
        let held = held.filter(|hold| {
            // What nobody was told of may end with the handover; what somebody has was not given back by that.
            let told = step.node.holds.contains(&hold.id) && step.commit.changes.rewound.is_none();
            let gone = step.commit.changes.ledger.holds.iter().any(|(id, now)| *id == hold.id && now.is_none());
            let ended = gone && !told;
            hold.kind != shared::ledger::HoldKind::Tentative && !ended
        });
        if standing != Standing::Free && !freed.contains(&(show, seat)) || held.is_some() {
            return Err(Violation::of(
                "invariant_only_free_seats_are_handed_over",
                format!("seat {seat} of show {show} is handed over while {standing:?}, hold {held:?}"),
            ));
        }
    }
    Ok(())
}

/// 3: a node holds only seats that are under its authority.
pub fn invariant_only_the_authority_holds(step: &Step<'_>) -> Result<(), Violation> {
    let Some(ledger) = step.node.replica.as_ref().map(|replica| replica.ledger()) else { return Ok(()) };
    let holds = step.commit.changes.ledger.holds.iter().filter_map(|(_, hold)| hold.as_ref());
    for (hold, held) in holds.flat_map(|hold| hold.seats.iter().map(move |held| (hold, held))) {
        let seat = ledger.show(hold.show).and_then(|show| show.seat(held.seat));
        if seat.is_none_or(|seat| seat.authority() != step.node.who.side()) {
            return Err(Violation::of(
                "invariant_only_the_authority_holds",
                format!("{:?} holds seat {} of show {}, which is {seat:?}", step.node.who, held.seat, hold.show),
            ));
        }
    }
    Ok(())
}

/// 20: seats move only while the giver believes the link to be live.
pub fn invariant_seats_move_only_while_live(step: &Step<'_>) -> Result<(), Violation> {
    let live = step.node.live || step.node.is_live();
    if !live && let Some((log, show, seat, _)) = handed_over(step).next() {
        return Err(Violation::of(
            "invariant_seats_move_only_while_live",
            format!("{log} gives seat {seat} of show {show} away without a live link"),
        ));
    }
    Ok(())
}

/// 3, 4, 7: a seat is sold in an epoch only by that epoch's owner, after the handover that began it is durable at the seller,
/// and never after the one that ended it.
pub fn invariant_only_the_authority_sells_and_only_what_has_arrived(step: &Step<'_>) -> Result<(), Violation> {
    let side = step.node.who.side();
    for (written, fact) in step.fresh() {
        let Fact::Sold { show, seats, .. } = fact else { continue };
        for line in seats {
            let owner = if line.epoch % 2 == 0 { Side::Central } else { Side::Edge };
            let gone = step.ghost.given(*show, line.seat, line.epoch);
            let gave_before = gone.iter().any(|(log, seq, hash)| step.before().holds_entry(*log, *seq, *hash));
            let came = line.epoch.checked_sub(1).map_or(&[][..], |epoch| step.ghost.given(*show, line.seat, epoch));
            let arrived = came.is_empty()
                || came.iter().any(|(log, seq, hash)| {
                    let coming = step.commit.changes.entries.iter();
                    step.before().holds_entry(*log, *seq, *hash) || coming.clone().any(|entry| entry.hash == *hash)
                });
            if owner != side || gave_before || !arrived {
                return Err(Violation::of(
                    "invariant_only_the_authority_sells_and_only_what_has_arrived",
                    format!("{side} {} sells seat {} of show {show} at epoch {}", written.seq, line.seat, line.epoch),
                ));
            }
        }
    }
    Ok(())
}

/// 6: a seat is sold iff the ticket that says so is known, for that seat, and not ended and released.
pub fn invariant_every_seat_stands_as_its_ticket_says(site: &Site, who: Who) -> Result<(), Violation> {
    let Some(node) = site.nodes().find(|node| node.who == who) else { return Ok(()) };
    let Some(replica) = &node.replica else { return Ok(()) };
    for (number, id) in touched(site, who) {
        let Some(seat) = replica.ledger().show(number).and_then(|show| show.seat(id)) else { continue };
        let Standing::Sold(ticket) = seat.standing else { continue };
        let known = replica.ledger().ticket(ticket);
        let sold = known.is_some_and(|ticket| {
            let here = (ticket.at.show, ticket.at.seat) == (number, id) && ticket.sale.is_some();
            here && (ticket.at.generation <= seat.generation || ticket.state() != TicketState::Live)
        });
        if !sold {
            return Err(Violation::of(
                "invariant_every_seat_stands_as_its_ticket_says",
                format!("{who:?} has seat {id} of show {number} as sold to {ticket}, and {known:?}"),
            ));
        }
    }
    Ok(())
}

/// 6: every seat is counted once: the quick count of free seats is the count of free seats.
pub fn invariant_free_seats_are_counted_as_they_stand(site: &Site, who: Who) -> Result<(), Violation> {
    let Some(node) = site.nodes().find(|node| node.who == who) else { return Ok(()) };
    let Some(replica) = &node.replica else { return Ok(()) };
    let at = node.now(site.now);
    let shows: BTreeSet<ShowNumber> = touched(site, who).map(|(show, _)| show).collect();
    for show in shows.into_iter().filter_map(|number| replica.ledger().show(number)) {
        let free = |id| replica.seat_state(show, id, at).0 == SeatState::Free;
        let (slow, quick) = (show.plan.seats().filter(|(id, _)| free(*id)).count(), replica.free_seats_count(show, at));
        if slow != quick {
            return Err(Violation::of(
                "invariant_free_seats_are_counted_as_they_stand",
                format!("{who:?} counts {quick} free seats of {slow}"),
            ));
        }
    }
    Ok(())
}

/// 17: a seat comes back for sale only after the edge has accepted that its ticket ends.
pub fn invariant_a_seat_is_released_only_after_its_void_was_accepted(step: &Step<'_>) -> Result<(), Violation> {
    for (_, fact) in step.fresh() {
        let Fact::SeatReleased { show, seat, .. } = fact else { continue };
        let sold_to = step.before().seat(*show, *seat).map(|seat| seat.standing);
        let Some(Standing::Sold(ticket)) = sold_to else { continue };
        // What was set aside and is written again here tells a story in which the seat was another's.
        let again = step.commit.changes.rewound.is_some();
        let mut accepted = step.commit.changes.entries.iter().filter_map(|stored| {
            let entry = shared::entry::Entry::decode(&stored.bytes).ok()?;
            let (Fact::Voided(at) | Fact::VoidAccepted(at)) = entry.fact else { return None };
            (at.ticket == ticket || again && (at.show, at.seat) == (*show, *seat)).then_some(())
        });
        let known = step.before().tickets.get(&ticket).is_some_and(|ticket| ticket.state() == TicketState::Void);
        if !known && accepted.next().is_none() {
            return Err(Violation::of(
                "invariant_a_seat_is_released_only_after_its_void_was_accepted",
                format!("seat {seat} of show {show} is released while ticket {ticket} has not ended"),
            ));
        }
    }
    Ok(())
}

/// 19: once a show's cancellation is durable at a node, the node sells no seat of it.
pub fn invariant_a_cancelled_show_is_not_sold(step: &Step<'_>) -> Result<(), Violation> {
    for (written, fact) in step.fresh() {
        let Fact::Sold { show, .. } = fact else { continue };
        if step.before().shows.get(show).is_some_and(|show| show.cancelled) {
            return Err(Violation::of(
                "invariant_a_cancelled_show_is_not_sold",
                format!("{} {} sells show {show}, which is cancelled", written.log, written.seq),
            ));
        }
    }
    Ok(())
}

/// The seats a node's last commit touched.
fn touched(site: &Site, who: Who) -> impl Iterator<Item = (ShowNumber, SeatId)> + '_ {
    site.nodes().find(|node| node.who == who).into_iter().flat_map(Node::touched)
}

fn handed_over<'a>(step: &'a Step<'_>) -> impl Iterator<Item = (Side, ShowNumber, SeatId, u32)> + 'a {
    step.fresh().flat_map(|(written, fact)| {
        let (show, runs): (_, &[SeatsAtEpoch]) = match fact {
            Fact::HandedOver { show, runs, .. } => (*show, runs),
            _ => (ShowNumber(0), &[]),
        };
        runs.iter().flat_map(move |run| run.seats().map(move |seat| (written.log, show, seat, run.epoch)))
    })
}

fn freed(fact: &Fact) -> Option<Vec<(ShowNumber, SeatId)>> {
    match fact {
        Fact::SeatReleased { show, seat, .. } => Some(vec![(*show, *seat)]),
        Fact::SeatWithheld { show, runs, withheld: false } => {
            Some(runs.iter().flat_map(|run| run.seats()).map(|seat| (*show, seat)).collect())
        }
        _ => None,
    }
}
