//! Claims about logs: chains, prefixes, acknowledgements, incarnations.

use super::{Step, Violation};
use crate::simulation::node::Who;
use shared::entry::{Entry, Fact, Hash, OpenedBy};
use shared::ids::Incarnation;
use std::collections::BTreeMap;
use sync_protocol::replica::{Rewound, StandingChange};

/// 8: each side's copy of a log, and its own, grows without gaps and by its hash chain.
pub fn invariant_a_log_grows_without_gaps_by_its_chain(step: &Step<'_>) -> Result<(), Violation> {
    let mut heads: BTreeMap<_, (u64, Hash)> = BTreeMap::new();
    if let Some(Rewound { own, peer, .. }) = step.commit.changes.rewound {
        let side = step.node.who.side();
        for (log, seq) in [(side, own), (side.peer(), peer)] {
            heads.extend(step.before().hash(log, seq).map(|hash| (log, (seq, hash))));
        }
    }
    for stored in &step.commit.changes.entries {
        let before = heads.get(&stored.log).copied();
        let before =
            before.or_else(|| step.before().hash(stored.log, stored.seq - 1).map(|hash| (stored.seq - 1, hash)));
        let follows =
            before.is_some_and(|(seq, hash)| seq + 1 == stored.seq && hash.chain(&stored.bytes) == stored.hash);
        if !follows {
            return Err(Violation::of(
                "invariant_a_log_grows_without_gaps_by_its_chain",
                format!("{:?} stores {} {} which does not follow", step.node.who, stored.log, stored.seq),
            ));
        }
        heads.insert(stored.log, (stored.seq, stored.hash));
    }
    Ok(())
}

/// 8, and durable before send: what a node stores of the other's log is what its writer had committed.
pub fn invariant_an_entry_arrives_only_after_its_writer_committed_it(step: &Step<'_>) -> Result<(), Violation> {
    let peer = step.node.who.side().peer();
    for stored in step.commit.changes.entries.iter().filter(|stored| stored.log == peer) {
        if !step.ghost.was_written(peer, stored.seq, stored.hash) {
            return Err(Violation::of(
                "invariant_an_entry_arrives_only_after_its_writer_committed_it",
                format!("{:?} has {peer} {} which its writer never committed", step.node.who, stored.seq),
            ));
        }
    }
    Ok(())
}

/// 9: an entry comes in only once all is there that its writer had seen of the other log.
pub fn invariant_an_entry_comes_in_only_after_what_its_writer_had_seen(step: &Step<'_>) -> Result<(), Violation> {
    let side = step.node.who.side();
    let heads = step.before().heads;
    let (mut own, mut peer) = match step.commit.changes.rewound {
        Some(Rewound { own, peer, .. }) => (own, peer),
        None => (heads.own.seq, heads.peer.seq),
    };
    for stored in &step.commit.changes.entries {
        let here = if stored.log == side { peer } else { own };
        if let Some(entry) = Entry::decode(&stored.bytes).ok().filter(|entry| entry.seen > here) {
            return Err(Violation::of(
                "invariant_an_entry_comes_in_only_after_what_its_writer_had_seen",
                format!("{side} takes in {} {} which had seen {} of {here}", stored.log, stored.seq, entry.seen),
            ));
        }
        *(if stored.log == side { &mut own } else { &mut peer }) = stored.seq;
    }
    Ok(())
}

/// 8: what a writer takes for acknowledged was durable at the receiver.
pub fn invariant_an_ack_never_runs_ahead_of_the_receivers_store(step: &Step<'_>) -> Result<(), Violation> {
    let log = step.node.who.side();
    let acked = step.commit.changes.heads.map_or(0, |heads| heads.acked);
    let durable = step.ghost.durable.get(&log).copied().unwrap_or_default();
    if acked > durable {
        return Err(Violation::of(
            "invariant_an_ack_never_runs_ahead_of_the_receivers_store",
            format!("{log} takes {acked} for acknowledged, the other side never had more than {durable}"),
        ));
    }
    Ok(())
}

/// 12: an incarnation begins with an entry that names the head before it; after that no entry of the one before is applied.
pub fn invariant_an_incarnation_begins_where_it_says_and_the_one_before_ends_there(
    step: &Step<'_>,
) -> Result<(), Violation> {
    let mut incarnations: BTreeMap<_, Incarnation> = BTreeMap::new();
    if let Some(Rewound { own, peer, .. }) = step.commit.changes.rewound {
        let side = step.node.who.side();
        for (log, seq) in [(side, own), (side.peer(), peer)] {
            incarnations.extend(step.before().logs.get(&(log, seq)).map(|entry| (log, entry.incarnation)));
        }
    }
    for stored in &step.commit.changes.entries {
        let before = incarnations
            .get(&stored.log)
            .copied()
            .or_else(|| step.before().logs.get(&(stored.log, stored.seq - 1)).map(|entry| entry.incarnation));
        let opened = match Entry::decode(&stored.bytes).map(|entry| entry.fact) {
            Ok(Fact::LogOpened { incarnation, parent, .. }) => {
                let parent = parent.unwrap_or_default();
                incarnation == stored.incarnation
                    && (parent.seq, parent.incarnation) == (stored.seq - 1, before.unwrap_or_default())
            }
            _ => before == Some(stored.incarnation),
        };
        if !opened {
            return Err(Violation::of(
                "invariant_an_incarnation_begins_where_it_says_and_the_one_before_ends_there",
                format!("{:?} stores {} {} of another incarnation", step.node.who, stored.log, stored.seq),
            ));
        }
        incarnations.insert(stored.log, stored.incarnation);
    }
    Ok(())
}

/// 13: a node whose disk is older than what somebody it has heard remembers of its log appends nothing until it has that back,
/// unless persons have answered for it.
pub fn invariant_a_node_that_forgot_appends_nothing(step: &Step<'_>) -> Result<(), Violation> {
    let node = step.node;
    let heard_peer = node.replica.as_ref().is_some_and(|replica| replica.peer_last_heard().is_some());
    let missing = node.behind.iter().find(|(device, head)| {
        // Central's store is put back by hand, and its next process is told so: it need not be told by others.
        let heard_peer = heard_peer || node.who == Who::Central;
        let heard = device.map_or(heard_peer, |device| node.heard.contains(&device));
        let back = step.commit.changes.entries.iter().any(|entry| entry.hash == head.hash);
        heard && !back && !step.before().holds_entry(node.who.side(), head.seq, head.hash)
    });
    let persons = |fact: &Fact| matches!(fact, Fact::LogOpened { by: OpenedBy::ManagerPin | OpenedBy::TwoPersons, .. });
    let answered = node.overridden || step.fresh().any(|(_, fact)| persons(fact));
    let Some((_, behind)) = missing.filter(|_| !answered) else { return Ok(()) };
    match step.fresh().next() {
        None => Ok(()),
        Some((written, fact)) => Err(Violation::of(
            "invariant_a_node_that_forgot_appends_nothing",
            format!("{:?} appends {} {} while others have {}", node.who, fact.kind(), written.seq, behind.seq),
        )),
    }
}

/// 13: a box that starts writes nothing before it has proven its head, whatever it remembers.
pub fn invariant_a_box_that_starts_writes_nothing_before_its_proof(step: &Step<'_>) -> Result<(), Violation> {
    let proves = |change: &StandingChange| change.closed.is_none() && change.proof.is_some();
    if step.node.proven || step.commit.changes.standings.iter().any(proves) {
        return Ok(());
    }
    match step.fresh().next() {
        None => Ok(()),
        Some((written, fact)) => Err(Violation::of(
            "invariant_a_box_that_starts_writes_nothing_before_its_proof",
            format!("{:?} appends {} {} and has asked nobody for its head", step.node.who, fact.kind(), written.seq),
        )),
    }
}
