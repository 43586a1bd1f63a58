//! Claims about forks: two chains of one log stop whoever knows both.

use super::{Step, Violation};
use crate::simulation::codes::{self, Codes};
use crate::simulation::disk::Disk;
use crate::simulation::node::Node;
use crate::simulation::node::Who;
use crate::simulation::site::Site;
use shared::entry::{Entry, Fact, Head};
use shared::ids::Side;
use sync_protocol::envelope::Envelope;
use sync_protocol::log::StoredEntry;
use sync_protocol::message::{Ack, Batch, EntryBytes, Hello, Message};
use sync_protocol::replica::{Closed, Replica};

/// A head of this disk that a message contradicts: the same number of the same incarnation with another hash.
pub fn contradicted(disk: &Disk, side: Side, codes: &Codes, bytes: &[u8]) -> Option<(Side, Head)> {
    let keys = [0, 1].map(|number| codes::key(side.peer(), number).public());
    let Ok(Envelope { message, .. }) = Envelope::open(bytes, codes.theatre, side.peer(), &keys) else { return None };
    let heads = match message {
        Message::Hello(Hello { own, applied, .. }) => vec![(side.peer(), own), (side, applied)],
        Message::Ack(Ack { log, head }) => vec![(log, head)],
        Message::Batch(Batch { log, before, entries }) => {
            walk(before, &entries).into_iter().map(|head| (log, head)).collect()
        }
        _ => Vec::new(),
    };
    heads.into_iter().find_map(|(log, head)| {
        let known = disk.logs.get(&(log, head.seq)).map(StoredEntry::head)?;
        (known.incarnation == head.incarnation && known.hash != head.hash).then_some((log, known))
    })
}

/// The heads after each entry of a batch, and the one before it.
pub fn walk(before: Head, entries: &[EntryBytes]) -> Vec<Head> {
    let mut head = before;
    let mut heads = vec![head];
    for EntryBytes(bytes) in entries {
        if let Ok(Fact::LogOpened { incarnation, .. }) = Entry::decode(bytes).map(|entry| entry.fact) {
            head.incarnation = incarnation;
        }
        head = Head { seq: head.seq + 1, hash: head.hash.chain(bytes), ..head };
        heads.push(head);
    }
    heads
}

/// 11: the first who knows two chains of one log sells nothing from then on, or has left the one it had.
pub fn invariant_two_chains_of_one_log_stop_who_knows_both(
    node: &Node,
    (log, known): (Side, Head),
) -> Result<(), Violation> {
    let left = !node.disk.holds_entry(log, known.seq, known.hash);
    if left || node.disk.heads.closed.is_some() {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_two_chains_of_one_log_stop_who_knows_both",
        format!("{:?} was shown another {log} {} than it has, and is open", node.who, known.seq),
    ))
}

/// 11: of a log that is known to be forked its reader applies nothing, until persons have answered for it.
pub fn invariant_nothing_of_a_forked_log_is_applied(step: &Step<'_>) -> Result<(), Violation> {
    let changes = &step.commit.changes;
    let stands = |heads: sync_protocol::replica::Heads| heads.closed == Some(Closed::Fork);
    let (before, after) = (step.before().heads, changes.heads.unwrap_or(step.before().heads));
    let opened = changes.standings.iter().any(|change| change.closed.is_none());
    let forked = before.recovery.forked.filter(|log| *log != step.node.who.side());
    let Some(log) = forked.filter(|_| stands(before) && stands(after) && !opened) else { return Ok(()) };
    match changes.entries.iter().find(|entry| entry.log == log) {
        None => Ok(()),
        Some(entry) => Err(Violation::of(
            "invariant_nothing_of_a_forked_log_is_applied",
            format!("{:?} takes in {log} {} although that log is forked", step.node.who, entry.seq),
        )),
    }
}

/// 11: while central and a box are live with each other, what one has of a log is the beginning of what the other has,
/// however many boxes of the name there are.
pub fn invariant_live_sides_have_one_chain(site: &Site, _who: Who) -> Result<(), Violation> {
    let session = |node: &Node| {
        let replica = node.replica.as_ref().filter(|replica| replica.link_state().0.word() == "live");
        replica.and_then(Replica::session)
    };
    let Some((own, peer)) = session(&site.central) else { return Ok(()) };
    let mut boxes = [&site.edge].into_iter().chain(&site.other);
    let Some(with) = boxes.find(|node| session(node) == Some((peer, own))) else { return Ok(()) };
    for (copy, writer) in [(&site.central, with), (with, &site.central)] {
        let log = writer.who.side();
        let head = copy.disk.heads.peer;
        if head.seq <= writer.disk.heads.own.seq && writer.disk.hash(log, head.seq) != Some(head.hash) {
            return Err(Violation::of(
                "invariant_live_sides_have_one_chain",
                format!(
                    "central and {:?} are live, and the other's copy of the {log} log is not its own at {}",
                    with.who, head.seq
                ),
            ));
        }
    }
    Ok(())
}
