//! Claims about what is dropped from a log or from a copy of it: only what is kept elsewhere.

use super::{Step, Violation};
use crate::simulation::ghost::Ghost;
use crate::simulation::site::Site;
use shared::entry::{Hash, Head};
use std::collections::BTreeSet;

/// 10: a log is cut back only where every own entry that goes is set aside in the same transaction, or stored again by it.
pub fn invariant_what_is_cut_off_a_log_is_kept(step: &Step<'_>) -> Result<(), Violation> {
    let (changes, before) = (&step.commit.changes, step.before());
    let Some(rewound) = changes.rewound else { return Ok(()) };
    let side = step.node.who.side();
    let aside = changes.aside.as_ref().unwrap_or(&before.aside);
    let kept: BTreeSet<Hash> = changes.entries.iter().chain(aside).map(|entry| entry.hash).collect();
    let mut gone = before.logs.range((side, rewound.own + 1)..=(side, u64::MAX)).map(|(_, entry)| entry);
    // What was set aside and is written again in the same transaction stands in the log by another entry.
    let again = |bytes: &[u8]| step.written.iter().any(|written| says_the_same(bytes, &written.entry));
    let listed = |seq: u64| changes.discrepancies.iter().any(|listed| (listed.log, listed.seq) == (side, seq));
    match gone.find(|entry| !kept.contains(&entry.hash) && !again(&entry.bytes) && !listed(entry.seq)) {
        None => Ok(()),
        Some(entry) => Err(Violation::of(
            "invariant_what_is_cut_off_a_log_is_kept",
            format!("{:?} cuts its log back to {} and keeps {} nowhere", step.node.who, rewound.own, entry.seq),
        )),
    }
}

fn says_the_same(bytes: &[u8], other: &shared::entry::Entry) -> bool {
    use shared::entry::{Entry, Fact};
    let Ok(Entry { fact, .. }) = Entry::decode(bytes) else { return false };
    // Which version of the log it was matters no more, once another one goes on.
    fact == other.fact || matches!(fact, Fact::LogOpened { .. })
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
