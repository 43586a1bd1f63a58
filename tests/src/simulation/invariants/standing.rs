//! Claims about how a node stands: open or closed, with its reasons, and how long its holds last.

use super::{Step, Violation};
use crate::simulation::node::Who;
use crate::simulation::site::{HOLDS, Site};
use shared::entry::Fact;
use sync_protocol::replica::{Closed, DiscrepancyKind};

/// 20: a closed node holds, sells and gives away nothing.
pub fn invariant_a_closed_node_sells_and_gives_nothing(step: &Step<'_>) -> Result<(), Violation> {
    let after = step.commit.changes.heads.unwrap_or(step.before().heads);
    let (Some(reason), Some(_)) = (step.before().heads.closed, after.closed) else { return Ok(()) };
    // It was open in between, by a proof.
    if step.commit.changes.standings.iter().any(|change| change.closed.is_none() && change.proof.is_some()) {
        return Ok(());
    }
    let sells = |fact: &Fact| {
        reason == Closed::HeadUnproven
            || matches!(
                fact,
                Fact::Sold { .. }
                    | Fact::HandedOver { .. }
                    | Fact::SeatReleased { .. }
                    | Fact::SeatWithheld { .. }
                    | Fact::ShowAdded(_)
            )
    };
    match step.fresh().find(|(_, fact)| sells(fact)) {
        None => Ok(()),
        Some((written, fact)) => Err(Violation::of(
            "invariant_a_closed_node_sells_and_gives_nothing",
            format!("{} is closed ({}) and writes {} {}", written.log, reason.code(), fact.kind(), written.seq),
        )),
    }
}

/// 20: closing and opening are logged, an opening with its proof.
pub fn invariant_a_closed_node_opens_only_by_a_logged_proof(step: &Step<'_>) -> Result<(), Violation> {
    let changes = &step.commit.changes;
    let before = step.before().heads.closed;
    let after = changes.heads.map_or(before, |heads| heads.closed);
    let last = changes.standings.last();
    let logged = match after {
        Some(reason) => last.is_some_and(|change| change.closed == Some(reason)),
        None => last.is_some_and(|change| change.closed.is_none() && change.proof.is_some()),
    };
    if before == after || logged {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_a_closed_node_opens_only_by_a_logged_proof",
        format!("{:?} was {before:?} and is {after:?}, logged {last:?}", step.node.who),
    ))
}

/// 13: a store that was put back sells nothing as its process starts, and does not wait to be told that it has forgotten.
pub fn invariant_a_store_that_was_put_back_starts_closed(site: &Site, who: Who) -> Result<(), Violation> {
    let Some(node) = site.nodes().find(|node| node.who == who && node.restored) else { return Ok(()) };
    if node.replica.as_ref().is_none_or(|replica| !replica.can_sell()) {
        return Ok(());
    }
    Err(Violation::of(
        "invariant_a_store_that_was_put_back_starts_closed",
        format!("{who:?} may sell with a store put back at {:?}", node.disk.heads.own),
    ))
}

/// 16: a hold's deadline lies within its cap, and its cap not further away than the setting says.
pub fn invariant_no_hold_outlives_its_cap(site: &Site, who: Who) -> Result<(), Violation> {
    let Some(node) = site.nodes().find(|node| node.who == who) else { return Ok(()) };
    let at = node.now(site.now);
    let longest = HOLDS.cap.max(HOLDS.paying);
    for hold in node.replica.iter().flat_map(|replica| replica.ledger().holds()) {
        if hold.deadline > hold.cap || hold.cap > at + longest {
            return Err(Violation::of("invariant_no_hold_outlives_its_cap", format!("hold {hold:?} at {at:?}")));
        }
    }
    Ok(())
}

/// 7 of the design, 20: nobody closes and no entry is refused, but for a cause that this theatre has given.
pub fn invariant_nobody_closes_and_nothing_is_in_dispute_without_a_cause(
    site: &Site,
    who: Who,
) -> Result<(), Violation> {
    const NAME: &str = "invariant_nobody_closes_and_nothing_is_in_dispute_without_a_cause";
    let Some(node) = site.nodes().find(|node| node.who == who) else { return Ok(()) };
    let excuses = site.ghost.excuses;
    if excuses.forgot || excuses.cloned || excuses.retired || excuses.reopened {
        return Ok(());
    }
    if node.disk.dead_letters > excuses.garbage {
        return Err(Violation::of(NAME, format!("{who:?} has {} dead letters", node.disk.dead_letters)));
    }
    // A box that starts asks others for its head before it opens.
    let asks = who != Who::Central && node.disk.heads.closed == Some(Closed::HeadUnproven);
    if let Some(reason) = node.disk.heads.closed.filter(|_| !asks) {
        return Err(Violation::of(
            NAME,
            format!("{who:?} closed: {}, last listed {:?}", reason.code(), node.disk.discrepancies.last()),
        ));
    }
    let overlap = |kind: &DiscrepancyKind| matches!(kind, DiscrepancyKind::ShowsOverlap(_)) && excuses.overlaps;
    match node.disk.discrepancies.iter().find(|discrepancy| !overlap(&discrepancy.kind)) {
        None => Ok(()),
        Some(discrepancy) => Err(Violation::of(NAME, format!("{who:?} lists {discrepancy:?}"))),
    }
}
