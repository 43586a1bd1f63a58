//! Claims about sales: nobody's seat twice, nobody's ticket lost, nobody's request done twice.

use super::{Step, Violation};
use crate::simulation::ghost::Handed;
use crate::simulation::node::Who;
use crate::simulation::site::Site;
use shared::entry::{Entry, Fact, Hash, TicketRef};
use shared::ledger::Ticket;

/// 2: per seat at most one live ticket among all that were ever handed to a customer.
pub fn invariant_no_seat_is_sold_twice(site: &Site, _who: Who) -> Result<(), Violation> {
    match site.ghost.doubles.iter().find(|double| double.cause.is_none()) {
        None => Ok(()),
        Some(double) => {
            let first = site.ghost.tickets.get(&double.first);
            let second = site.ghost.tickets.get(&double.second);
            Err(Violation::of("invariant_no_seat_is_sold_twice", format!("{first:?} and {second:?}")))
        }
    }
}

/// 14: a ticket is handed out only when its sale is durable. Returns the sale's number and hash.
pub fn invariant_a_ticket_is_handed_out_only_when_its_sale_is_on_disk(
    at: TicketRef,
    sale: Option<(u64, Hash)>,
) -> Result<(u64, Hash), Violation> {
    sale.ok_or_else(|| {
        Violation::of(
            "invariant_a_ticket_is_handed_out_only_when_its_sale_is_on_disk",
            format!("ticket {} of show {} was handed out without a sale on disk", at.ticket, at.show),
        )
    })
}

/// 14: while the named witness is there, a sale is told only once the witness has it, or the other side.
pub fn invariant_a_sale_is_told_only_once_the_witness_has_it(
    site: &Site,
    who: Who,
    at: TicketRef,
    (seq, hash): (u64, Hash),
) -> Result<(), Violation> {
    let kept = site.scanners.iter().any(|scanner| scanner.keeper.holds(seq, hash));
    let mut nodes = site.nodes();
    let elsewhere = nodes.any(|node| match node.who == who {
        true => node.disk.heads.acked >= seq,
        false => node.disk.holds_entry(who.side(), seq, hash),
    });
    if kept || elsewhere {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_a_sale_is_told_only_once_the_witness_has_it",
        format!("{who:?} hands out {at:?}, its sale {seq}, with the witness at hand and nobody else to remember it"),
    ))
}

/// 17: a seat is sold again only with a later generation than every ticket for it that its seller knows.
pub fn invariant_a_seat_is_sold_again_only_with_a_later_generation(step: &Step<'_>) -> Result<(), Violation> {
    for (written, fact) in step.fresh() {
        let Fact::Sold { show, seats, .. } = fact else { continue };
        for line in seats {
            let sold = step.before().tickets.values().filter(|ticket| ticket.sale.is_some());
            let mut here = sold.filter(|ticket| (ticket.at.show, ticket.at.seat) == (*show, line.seat));
            let other = |ticket: &&Ticket| ticket.at.ticket != line.ticket;
            if let Some(earlier) = here.find(|ticket| other(ticket) && ticket.at.generation >= line.generation) {
                return Err(Violation::of(
                    "invariant_a_seat_is_sold_again_only_with_a_later_generation",
                    format!("{} {} sells {line:?} of show {show} after {:?}", written.log, written.seq, earlier.at),
                ));
            }
        }
    }
    Ok(())
}

/// 15: a request that is asked again gets the same tickets.
pub fn invariant_a_request_asked_again_gets_the_same_tickets(
    known: &[TicketRef],
    now: &[TicketRef],
) -> Result<(), Violation> {
    if known == now {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_a_request_asked_again_gets_the_same_tickets",
        format!("first {known:?}, then {now:?}"),
    ))
}

/// 16: a hold that has ended, by its node's store time, becomes no ticket.
pub fn invariant_an_expired_hold_sells_nothing(step: &Step<'_>) -> Result<(), Violation> {
    let changed = &step.commit.changes.ledger.holds;
    for (written, fact) in step.fresh() {
        let Fact::Sold { show, seats, .. } = fact else { continue };
        // A sale that was set aside and is written again needs no hold a second time.
        let aside = step.before().aside.iter().filter_map(|entry| Entry::decode(&entry.bytes).ok());
        let aside: Vec<Fact> = aside.map(|entry| entry.fact).collect();
        let again = |ticket| step.before().tickets.contains_key(ticket) || aside.contains(fact);
        for line in seats.iter().filter(|line| !again(&line.ticket)) {
            // A hold from before a crash may lie about; the one that is sold ends with its sale.
            let hold = step
                .before()
                .holds
                .values()
                .filter(|hold| hold.show == *show && hold.seats.iter().any(|held| held.seat == line.seat))
                .find(|hold| changed.iter().any(|(id, now)| *id == hold.id && now.is_none()));
            let ends = hold.and_then(|hold| step.ghost.holds.get(&hold.id));
            if ends.is_none_or(|ends| *ends < step.node.store_now(step.now)) {
                return Err(Violation::of(
                    "invariant_an_expired_hold_sells_nothing",
                    format!("{} {} sells seat {} of show {show}, hold {hold:?}", written.log, written.seq, line.seat),
                ));
            }
        }
    }
    Ok(())
}

/// 14: what the named witness was there for survives the loss of any one disk.
pub fn invariant_a_sale_stored_by_two_survives_the_loss_of_one(lost: &Handed) -> Result<(), Violation> {
    if !lost.promised {
        return Ok(());
    }
    Err(Violation::of("invariant_a_sale_stored_by_two_survives_the_loss_of_one", format!("nobody has {lost:?}")))
}
