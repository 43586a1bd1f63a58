//! Claims about doors.

use super::{Step, Violation, is_listed};
use crate::simulation::action::Forgery;
use crate::simulation::ghost::Walk;
use crate::simulation::site::Site;
use shared::admission::Guarantee;
use shared::entry::Fact;

/// 17, and 4 of the design: no forged ticket is admitted, and none that the door knows to have ended or to be superseded.
pub fn invariant_no_forged_or_ended_ticket_is_admitted(
    site: &Site,
    walk: &Walk,
    forged: Option<Forgery>,
) -> Result<(), Violation> {
    let by_itself = site.scanners[walk.scanner].knows_to_refuse(walk.at);
    if forged.is_some() || walk.alone && by_itself {
        return Err(Violation::of(
            "invariant_no_forged_or_ended_ticket_is_admitted",
            format!("{walk:?}, forged {forged:?}"),
        ));
    }
    Ok(())
}

/// 18: one admission per ticket at doors that are connected; the same door never admits one ticket twice.
pub fn invariant_a_ticket_is_admitted_once_where_doors_are_connected(
    site: &Site,
    walk: &Walk,
) -> Result<(), Violation> {
    let mut before = site.ghost.walks.iter().filter(|other| other.at.ticket == walk.at.ticket);
    let again = before.find(|other| {
        let known = walk.guarantee == Guarantee::Shared && other.known_to_edge;
        other.scan != walk.scan && (known || other.scanner == walk.scanner)
    });
    match again {
        None => Ok(()),
        Some(first) => Err(Violation::of(
            "invariant_a_ticket_is_admitted_once_where_doors_are_connected",
            format!("{first:?}, then {walk:?}"),
        )),
    }
}

/// 17: no ticket ends at the edge on which somebody walked in.
pub fn invariant_no_ticket_ends_on_which_somebody_walked_in(step: &Step<'_>) -> Result<(), Violation> {
    for (written, fact) in step.fresh() {
        let (Fact::Voided(at) | Fact::VoidAccepted(at)) = fact else { continue };
        if step.ghost.tickets.get(&at.ticket).is_some_and(|handed| handed.end.is_some()) {
            // It had ended already, on a line of the log that was left: this writes it again.
            continue;
        }
        if let Some(walk) = step.ghost.walks.iter().find(|walk| walk.at.ticket == at.ticket && !walk.early) {
            return Err(Violation::of(
                "invariant_no_ticket_ends_on_which_somebody_walked_in",
                format!("{} {} ends {}, but {walk:?}", written.log, written.seq, at.ticket),
            ));
        }
    }
    Ok(())
}

/// 18: after healing the edge has every scan that let somebody in, and counts all but the first of a ticket as duplicates.
pub fn invariant_no_admission_is_forgotten(site: &Site) -> Result<(), Violation> {
    const NAME: &str = "invariant_no_admission_is_forgotten";
    let doors = &site.edge.disk.doors;
    for walk in &site.ghost.walks {
        if !doors.scans.scans(walk.at.ticket).iter().any(|scan| scan.id == walk.scan) {
            return Err(Violation::of(NAME, format!("the edge never heard of {walk:?}")));
        }
        let admitted = |node: &super::Node| {
            let ticket = node.replica.as_ref().and_then(|replica| replica.ledger().ticket(walk.at.ticket));
            ticket.is_some_and(|ticket| ticket.admitted.is_some())
        };
        let entered = admitted(&site.edge) && admitted(&site.central);
        if !entered && !is_listed(site, walk.at.ticket) {
            return Err(Violation::of(NAME, format!("{walk:?} is in no log")));
        }
    }
    let tickets: std::collections::BTreeSet<_> = site.ghost.walks.iter().map(|walk| walk.at.ticket).collect();
    let excess = site.ghost.walks.len() - tickets.len();
    if doors.scans.duplicates().count() != excess {
        return Err(Violation::of(NAME, format!("{excess} admissions too many, reported otherwise")));
    }
    Ok(())
}
