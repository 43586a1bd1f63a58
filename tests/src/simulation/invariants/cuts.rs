//! Claims about cuts: what is not known after a log was cut is not on sale.

use super::forks::walk;
use super::{Step, Violation};
use crate::simulation::codes::{self, Codes};
use crate::simulation::disk::Disk;
use crate::simulation::node::Node;
use shared::entry::{Entry, Fact, Head, SeatsAtEpoch};
use shared::ids::{SeatId, ShowNumber, Side};
use shared::ledger::Ledger;
use shared::show::{Seat, Standing};
use sync_protocol::envelope::Envelope;
use sync_protocol::log::StoredEntry;
use sync_protocol::message::Message;
use sync_protocol::replica::DiscrepancyKind;

/// An entry of a transaction, of either log.
struct Folded {
    log: Side,
    entry: Entry,
}

/// 12: a cut leaves no seat on sale that was under its side's authority: whoever wrote what was lost may have sold it.
pub fn invariant_a_cut_leaves_no_seat_on_sale(step: &Step<'_>) -> Result<(), Violation> {
    let folded = folded(step);
    let Some((cut, side)) = folded.iter().enumerate().rev().find_map(|(nth, folded)| Some((nth, cuts(folded)?))) else {
        return Ok(());
    };
    let (Some(ledger), false) = (ledger(step), folded[cut..].iter().any(|folded| brings_seats(&folded.entry.fact)))
    else {
        return Ok(());
    };
    for (show, seat, now) in seats(ledger) {
        if now.authority() == side && is_on_sale(now) {
            return Err(Violation::of(
                "invariant_a_cut_leaves_no_seat_on_sale",
                format!("{:?} has seat {seat} of show {show} as {now:?} after the {side} log was cut", step.node.who),
            ));
        }
    }
    Ok(())
}

/// 12: what its giver gave without knowing of the cut was on its way then, and arrives as what is not known.
pub fn invariant_what_was_on_its_way_at_a_cut_arrives_unknown(step: &Step<'_>) -> Result<(), Violation> {
    let folded = folded(step);
    let Some(ledger) = ledger(step) else { return Ok(()) };
    for (nth, Folded { log, entry }) in folded.iter().enumerate() {
        let marks = ledger.marks();
        let mark = if *log == Side::Central { marks.edge } else { marks.central };
        let later = folded.iter().skip(nth + 1).any(|folded| brings_seats(&folded.entry.fact));
        if entry.seen >= mark || later {
            continue;
        }
        let given = match &entry.fact {
            Fact::HandedOver { show, runs, .. } => arrived(*show, runs, 1),
            Fact::ShowAdded(facts) if *log == Side::Central => arrived(facts.number, &facts.edge_seats, 0),
            _ => Vec::new(),
        };
        for (show, seat, epoch) in given {
            let now = ledger.show(show).and_then(|show| show.seat(seat));
            if now.is_some_and(|now| now.epoch == epoch && is_on_sale(now)) {
                return Err(Violation::of(
                    "invariant_what_was_on_its_way_at_a_cut_arrives_unknown",
                    format!(
                        "{:?} has seat {seat} of show {show} as {now:?}, given by {log} who had seen {} of {mark}",
                        step.node.who, entry.seen
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// What a message brings of an incarnation that this disk knows to have ended before: entries of the other log.
pub fn beyond_a_cut(disk: &Disk, side: Side, codes: &Codes, bytes: &[u8]) -> Vec<Head> {
    let keys = [0, 1].map(|number| codes::key(side.peer(), number).public());
    let Ok(Envelope { message: Message::Batch(batch), .. }) = Envelope::open(bytes, codes.theatre, side.peer(), &keys)
    else {
        return Vec::new();
    };
    if batch.log == side {
        return Vec::new();
    }
    let heads = walk(batch.before, &batch.entries);
    let known = |head: &Head| disk.logs.get(&(batch.log, head.seq)).map(StoredEntry::head);
    let Some(first) = heads.iter().position(|head| known(head).is_some_and(|known| known != *head)) else {
        return Vec::new();
    };
    let forked = known(&heads[first]).is_some_and(|known| known.incarnation == heads[first].incarnation);
    if forked { Vec::new() } else { heads[first.max(1)..].to_vec() }
}

/// 12: what arrives of an incarnation beyond its cut is listed for a person, each entry of it.
pub fn invariant_what_arrives_beyond_a_cut_is_listed(node: &Node, arrived: &[Head]) -> Result<(), Violation> {
    let log = node.who.side().peer();
    let is_listed = |head: &Head| {
        let mut listed = node.disk.discrepancies.iter().filter(|listed| (listed.log, listed.seq) == (log, head.seq));
        listed.any(|listed| matches!(listed.kind, DiscrepancyKind::BeyondCut { .. }))
    };
    match arrived.iter().find(|head| !is_listed(head)) {
        None => Ok(()),
        Some(head) => Err(Violation::of(
            "invariant_what_arrives_beyond_a_cut_is_listed",
            format!("{:?} was given {log} {}, which is beyond a cut, and lists it nowhere", node.who, head.seq),
        )),
    }
}

fn folded(step: &Step<'_>) -> Vec<Folded> {
    let entries = step.commit.changes.entries.iter();
    entries.filter_map(|stored| Some(Folded { log: stored.log, entry: Entry::decode(&stored.bytes).ok()? })).collect()
}

fn ledger<'a>(step: &'a Step<'_>) -> Option<&'a Ledger> {
    step.node.replica.as_ref().map(|replica| replica.ledger())
}

/// The side whose log an entry cuts.
fn cuts(folded: &Folded) -> Option<Side> {
    match folded.entry.fact {
        Fact::LogOpened { parent: Some(_), .. } => Some(folded.log),
        Fact::BoxRetired { .. } => Some(Side::Edge),
        _ => None,
    }
}

/// May seats be on sale because of it?
fn brings_seats(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::HandedOver { .. }
            | Fact::ShowAdded(_)
            | Fact::UnknownSettled { .. }
            | Fact::SeatsTaken { .. }
            | Fact::TicketFound { .. }
            | Fact::SeatWithheld { .. }
    )
}

fn is_on_sale(seat: Seat) -> bool {
    matches!(seat.standing, Standing::Free | Standing::Withheld)
}

fn seats(ledger: &Ledger) -> impl Iterator<Item = (ShowNumber, SeatId, Seat)> + '_ {
    ledger
        .shows()
        .flat_map(|show| show.plan.seats().filter_map(|(seat, _)| Some((show.facts.number, seat, show.seat(seat)?))))
}

fn arrived(show: ShowNumber, runs: &[SeatsAtEpoch], epochs: u32) -> Vec<(ShowNumber, SeatId, u32)> {
    runs.iter().flat_map(|run| run.seats().map(move |seat| (show, seat, run.epoch + epochs))).collect()
}
