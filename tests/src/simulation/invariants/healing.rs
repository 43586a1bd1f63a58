//! Claims about a theatre at rest: everything has arrived, and both sides have made the same of it.

use super::Violation;
use crate::simulation::disk::Disk;
use crate::simulation::node::Who;
use crate::simulation::site::Site;
use shared::entry::{Entry, Fact};
use shared::ids::{SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{Ledger, TicketState};
use std::collections::BTreeSet;
use sync_protocol::replica::DiscrepancyKind;

/// 21: heads and digests are equal, the link is live, both sides sell, nothing is in transit or waits.
pub fn invariant_both_sides_are_equal_again(site: &Site) -> Result<(), Violation> {
    const NAME: &str = "invariant_both_sides_are_equal_again";
    let (Some(central), Some(edge)) = (&site.central.replica, &site.edge.replica) else {
        return Err(Violation::of(NAME, "a node does not run"));
    };
    let states = (central.link_state().0.word(), edge.link_state().0.word());
    if states != ("live", "live") {
        return Err(Violation::of(NAME, format!("the link is {states:?}")));
    }
    let closed = (central.heads().closed, edge.heads().closed);
    if closed != (None, None) {
        return Err(Violation::of(NAME, format!("closed {closed:?}, the edge asks {:?}", edge.asking())));
    }
    if central.cut() != edge.cut() || central.backlog() + edge.backlog() > 0 {
        let (there, here) = (central.backlog(), edge.backlog());
        return Err(Violation::of(
            NAME,
            format!("{:?} with backlog {there}, {:?} with {here}", central.cut(), edge.cut()),
        ));
    }
    let queued = site.scanners.iter().map(|scanner| scanner.queued().count()).sum::<usize>();
    let waiting = queued + site.edge.disk.doors.not_entered.len();
    let voids = edge.ledger().pending_voids().count() + site.edge.disk.doors.asked.len();
    if waiting > 0 || voids > 0 {
        return Err(Violation::of(NAME, format!("{waiting} scans and {voids} voids wait")));
    }
    Ok(())
}

/// 14: every ticket a customer has is known to both sides, and void exactly if it was ended; or it is listed for a person.
pub fn invariant_every_ticket_handed_out_is_known_to_both_sides(site: &Site) -> Result<(), Violation> {
    const NAME: &str = "invariant_every_ticket_handed_out_is_known_to_both_sides";
    for handed in site.ghost.tickets.values().filter(|handed| !handed.lost) {
        for node in [&site.central, &site.edge] {
            let known = node.replica.as_ref().and_then(|replica| replica.ledger().ticket(handed.at.ticket));
            let Some(ticket) = known.filter(|ticket| ticket.sale.is_some()) else {
                if is_listed(site, handed.at.ticket) {
                    continue;
                }
                return Err(Violation::of(NAME, format!("{:?} does not know {handed:?}", node.who)));
            };
            let void = ticket.state() == TicketState::Void;
            if void != handed.ended && !handed.end_lost && !is_listed(site, handed.at.ticket) {
                return Err(Violation::of(NAME, format!("{:?} has void {void} of {handed:?}", node.who)));
            }
        }
    }
    Ok(())
}

/// Is something about this ticket listed for a person?
pub fn is_listed(site: &Site, ticket: TicketId) -> bool {
    listed(site).any(|fact| names(&fact, ticket))
}

/// The seats whose sales are listed for a person.
pub fn listed_sales(site: &Site) -> BTreeSet<(ShowNumber, SeatId)> {
    let sold = listed(site).filter_map(|fact| match fact {
        Fact::Sold { show, seats, .. } => Some(seats.into_iter().map(move |line| (show, line.seat))),
        _ => None,
    });
    sold.flatten().collect()
}

/// What is listed for a person.
fn listed(site: &Site) -> impl Iterator<Item = Fact> + '_ {
    let listed = site.nodes().flat_map(|node| node.disk.discrepancies.iter().map(|listed| (&node.disk, listed)));
    listed.filter_map(|(disk, listed)| match &listed.kind {
        DiscrepancyKind::BeyondCut { fact } | DiscrepancyKind::SetAside { fact } => fact.clone(),
        DiscrepancyKind::NotApplied(_) => {
            let stored = disk.logs.get(&(listed.log, listed.seq))?;
            Entry::decode(&stored.bytes).ok().map(|entry| entry.fact)
        }
        _ => None,
    })
}

fn names(fact: &Fact, ticket: TicketId) -> bool {
    match fact {
        Fact::Sold { seats, .. } => seats.iter().any(|line| line.ticket == ticket),
        Fact::TicketFound { seat, .. } => seat.ticket == ticket,
        Fact::Admitted { ticket: at, .. } => at.ticket == ticket,
        Fact::Voided(at) | Fact::VoidAccepted(at) | Fact::VoidRequested(at) | Fact::VoidRefused(at) => {
            at.ticket == ticket
        }
        _ => false,
    }
}

/// 19: what one side cancelled is cancelled at both.
pub fn invariant_a_cancelled_show_is_cancelled_everywhere(site: &Site) -> Result<(), Violation> {
    let cancelled = |node: &super::Node| -> Vec<_> {
        node.disk.shows.values().filter(|show| show.cancelled).map(|show| show.facts.number).collect()
    };
    if cancelled(&site.central) == cancelled(&site.edge) {
        return Ok(());
    }
    Err(Violation::of("invariant_a_cancelled_show_is_cancelled_everywhere", "the sides disagree"))
}

/// 9: both logs give the same state however they are woven into each other.
pub fn invariant_the_fold_depends_only_on_the_entries(site: &Site) -> Result<(), Violation> {
    let Some(edge) = &site.edge.replica else { return Ok(()) };
    for eager in [Side::Central, Side::Edge] {
        let digest = fold(&site.edge.disk, eager).map(|folded| folded.digest);
        if digest != Some(edge.cut().digest) {
            return Err(Violation::of(
                "invariant_the_fold_depends_only_on_the_entries",
                format!("taking {eager} entries as early as they may come gives another state"),
            ));
        }
    }
    Ok(())
}

/// 9, and never half of a transaction: what a process finds in its store is what the logs there come to.
pub fn invariant_a_store_holds_what_its_logs_come_to(site: &Site, who: Who) -> Result<(), Violation> {
    let Some(node) = site.nodes().find(|node| node.who == who) else { return Ok(()) };
    // A box that was replaced has written beyond its end.
    let counts = who != Who::Other && node.disk.heads.own.seq > 0;
    let Some(replica) = node.replica.as_ref().filter(|_| counts) else { return Ok(()) };
    if fold(&node.disk, Side::Central).map(|folded| folded.digest) == Some(replica.cut().digest) {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_a_store_holds_what_its_logs_come_to",
        format!("{who:?} starts at {:?} with another state than its logs give", replica.cut()),
    ))
}

/// 8 of the design: what a node stores of either log and does not apply is on its list for a person.
pub fn invariant_what_does_not_apply_is_listed(site: &Site, who: Who) -> Result<(), Violation> {
    const NAME: &str = "invariant_what_does_not_apply_is_listed";
    let Some(node) = site.nodes().find(|node| node.who == who) else { return Ok(()) };
    // A box that was replaced has written beyond its end.
    if who == Who::Other {
        return Ok(());
    }
    let Some(folded) = fold(&node.disk, Side::Central) else {
        return Err(Violation::of(NAME, format!("the logs of {who:?} cannot be folded")));
    };
    let is_listed = |(log, seq): &(Side, u64)| {
        let mut listed = node.disk.discrepancies.iter().filter(|listed| (listed.log, listed.seq) == (*log, *seq));
        listed.any(|listed| matches!(listed.kind, DiscrepancyKind::NotApplied(_)))
    };
    match folded.refused.iter().find(|refused| !is_listed(refused)) {
        None => Ok(()),
        Some((log, seq)) => Err(Violation::of(NAME, format!("{who:?} has {log} {seq} neither applied nor listed"))),
    }
}

/// The same, of a theatre at rest.
pub fn invariant_what_does_not_apply_is_listed_by_both_sides(site: &Site) -> Result<(), Violation> {
    [Who::Central, Who::Edge].into_iter().try_for_each(|who| invariant_what_does_not_apply_is_listed(site, who))
}

/// What both logs come to.
struct FoldedLogs {
    digest: u128,
    refused: Vec<(Side, u64)>,
}

/// Folds both logs anew, one side's entries as early as what they had seen allows.
fn fold(disk: &Disk, eager: Side) -> Option<FoldedLogs> {
    let log = |side: Side| -> Vec<Entry> {
        let entries = disk.logs.range((side, 0)..=(side, u64::MAX));
        entries.filter_map(|(_, stored)| Entry::decode(&stored.bytes).ok()).collect()
    };
    let logs = [log(eager), log(eager.peer())];
    let mut done = [0, 0];
    let (mut ledger, mut refused) = (Ledger::new(Side::Edge), Vec::new());
    while done[0] < logs[0].len() || done[1] < logs[1].len() {
        let ready = |which: usize| logs[which].get(done[which]).filter(|entry| entry.seen <= done[1 - which] as u64);
        let which = usize::from(ready(0).is_none());
        let entry = ready(which)?;
        let writer = if which == 0 { eager } else { eager.peer() };
        done[which] += 1;
        let seq = done[which] as u64;
        if ledger.apply(writer, seq, entry).is_err() {
            refused.push((writer, seq));
        }
    }
    Some(FoldedLogs { digest: ledger.digest(), refused })
}
