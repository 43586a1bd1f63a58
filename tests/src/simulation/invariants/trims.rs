//! Claims about what is dropped from a log or from a copy of it: only what is kept elsewhere.

use super::{Step, Violation};
use crate::simulation::ghost::Ghost;
use crate::simulation::site::Site;
use shared::entry::{Entry, Fact, Head};
use shared::ids::TicketId;
use std::collections::BTreeSet;
use sync_protocol::log::StoredEntry;
use sync_protocol::replica::DiscrepancyKind;

/// 10: a log is cut back only where every own entry that goes is set aside in the same transaction, or dealt with by it.
pub fn invariant_what_is_cut_off_a_log_is_kept(step: &Step<'_>) -> Result<(), Violation> {
    let Some(rewound) = step.commit.changes.rewound else { return Ok(()) };
    let side = step.node.who.side();
    let gone = step.before().logs.range((side, rewound.own + 1)..=(side, u64::MAX)).map(|(_, entry)| entry);
    let aside = step.commit.changes.aside.as_ref().unwrap_or(&step.before().aside);
    let mut gone = gone.filter(|entry| aside.iter().all(|kept| kept.hash != entry.hash));
    match gone.find(|entry| !is_dealt_with(step, entry)) {
        None => Ok(()),
        Some(entry) => Err(Violation::of(
            "invariant_what_is_cut_off_a_log_is_kept",
            format!("{:?} cuts its log back to {} and keeps {} nowhere", step.node.who, rewound.own, entry.seq),
        )),
    }
}

/// 8 of the design: what was set aside is in the log again, or written again, or on the list for a person.
pub fn invariant_what_was_set_aside_is_written_again_or_listed(step: &Step<'_>) -> Result<(), Violation> {
    let Some(aside) = &step.commit.changes.aside else { return Ok(()) };
    let mut gone = step.before().aside.iter().filter(|entry| aside.iter().all(|kept| kept.hash != entry.hash));
    match gone.find(|entry| !is_dealt_with(step, entry)) {
        None => Ok(()),
        Some(entry) => Err(Violation::of(
            "invariant_what_was_set_aside_is_written_again_or_listed",
            format!("{:?} drops what it had set aside, {}", step.node.who, entry.seq),
        )),
    }
}

/// Is the entry in the log as it was, written again by the transaction, or listed by it?
fn is_dealt_with(step: &Step<'_>, entry: &StoredEntry) -> bool {
    let (changes, rewound) = (&step.commit.changes, step.commit.changes.rewound);
    let stays = rewound.is_none_or(|rewound| entry.seq <= rewound.own);
    let stored = changes.entries.iter().any(|stored| stored.hash == entry.hash);
    let listed = changes.discrepancies.iter().any(|listed| {
        let about = (listed.log, listed.seq) == (entry.log, entry.seq);
        about && matches!(listed.kind, DiscrepancyKind::SetAside { .. })
    });
    let there = stays && step.before().holds_entry(entry.log, entry.seq, entry.hash);
    stored || listed || there || is_written_again(step, entry)
}

fn is_written_again(step: &Step<'_>, entry: &StoredEntry) -> bool {
    let Ok(Entry { fact, .. }) = Entry::decode(&entry.bytes) else { return false };
    let mut written = step.written.iter().map(|written| &written.entry.fact);
    match &fact {
        // Which version of the log it was matters no more, once another one goes on.
        Fact::LogOpened { .. } => written.any(|other| matches!(other, Fact::LogOpened { .. })),
        // A sale may be written again seat by seat, as tickets that were found.
        Fact::Sold { seats, .. } => {
            let again: BTreeSet<TicketId> = written.flat_map(tickets).collect();
            seats.iter().all(|line| again.contains(&line.ticket))
        }
        fact => written.any(|other| other == fact),
    }
}

fn tickets(fact: &Fact) -> Vec<TicketId> {
    match fact {
        Fact::Sold { seats, .. } => seats.iter().map(|line| line.ticket).collect(),
        Fact::TicketFound { seat, .. } => vec![seat.ticket],
        _ => Vec::new(),
    }
}

/// 10: a device that keeps entries for the box drops as acknowledged only what central has stored.
pub fn invariant_a_witness_drops_only_what_central_has(ghost: &Ghost, dropped: &[Head]) -> Result<(), Violation> {
    match dropped.iter().find(|head| !ghost.has_arrived(head.hash)) {
        None => Ok(()),
        Some(head) => Err(Violation::of(
            "invariant_a_witness_drops_only_what_central_has",
            format!("a device drops entry {} of the box, which central never had", head.seq),
        )),
    }
}

/// 10: nothing is dropped from a log at rest: its entries are all there, from the first to the head.
pub fn invariant_no_log_was_trimmed(site: &Site) -> Result<(), Violation> {
    for node in site.nodes() {
        for log in [node.who.side(), node.who.side().peer()] {
            let head = node.disk.head(node.who.side(), log);
            let kept = node.disk.logs.range((log, 0)..=(log, u64::MAX)).count() as u64;
            let last = node.disk.hash(log, head.seq);
            if kept != head.seq || last != Some(head.hash) {
                return Err(Violation::of(
                    "invariant_no_log_was_trimmed",
                    format!("{:?} keeps {kept} entries of the {log} log, whose head is {head:?}", node.who),
                ));
            }
        }
    }
    Ok(())
}
