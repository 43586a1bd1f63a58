//! The scans that let somebody in, merged from all devices: a grow-only set for each ticket.
//!
//! The earliest scan of a ticket is its admission, the others are duplicates for a person to look at. Merging is a union,
//! so order, repetition and who asks whom do not matter. What is merged is validated first ([`CmRDT::validate_op`]): the set itself
//! would take anything.

use super::Admission;
use crate::ids::{Incarnation, ScanId, TicketId};
use crate::time::Timestamp;
use crdts::{CmRDT, CvRDT, GSet};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far ahead of its receipt a scan may have been made: clocks of devices differ.
const AHEAD_MAX: Duration = Duration::from_secs(300);

/// Which device made a scan, and in which life of it: a reinstalled device is another actor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Actor {
    /// The device's id.
    pub device: String,
    /// Made anew with each new store.
    pub incarnation: Incarnation,
}

/// One scan that let somebody in. Ordered by time first; actor and id break ties alike everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdmittedScan {
    /// When and where.
    pub admission: Admission,
    /// Who.
    pub actor: Actor,
    /// The device's id for this scan.
    pub id: ScanId,
}

/// A scan to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanOp {
    /// The ticket on which somebody was let in.
    pub ticket: TicketId,
    /// The scan.
    pub scan: AdmittedScan,
    /// When it was told of.
    pub received_at: Timestamp,
}

impl ScanOp {
    /// A scan as it was told. What a wrong clock puts after its own receipt happened at its receipt, at the latest.
    pub fn told(ticket: TicketId, mut scan: AdmittedScan, received_at: Timestamp) -> Self {
        if scan.admission.at > received_at + AHEAD_MAX {
            scan.admission.at = received_at;
        }
        Self { ticket, scan, received_at }
    }
}

/// Why a scan must not be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadScan {
    /// Its device has given that id to another scan.
    #[error("scan {0} is another one here")]
    Another(ScanId),
    /// It was told of before it was made.
    #[error("scan {0} was made after it was told of")]
    FromTheFuture(ScanId),
}

/// All such scans, by ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanLog {
    tickets: BTreeMap<TicketId, GSet<AdmittedScan>>,
}

impl ScanLog {
    /// Adds a scan; the same one twice is one.
    pub fn insert(&mut self, ticket: TicketId, scan: AdmittedScan) {
        self.tickets.entry(ticket).or_default().insert(scan);
    }

    /// The scans of a ticket, earliest first.
    pub fn scans(&self, ticket: TicketId) -> Vec<AdmittedScan> {
        self.tickets.get(&ticket).map(|scans| scans.read().into_iter().collect()).unwrap_or_default()
    }

    /// The scan that counts.
    pub fn admission(&self, ticket: TicketId) -> Option<AdmittedScan> {
        self.scans(ticket).into_iter().next()
    }

    /// Every scan that did not count, with its ticket.
    pub fn duplicates(&self) -> impl Iterator<Item = (TicketId, AdmittedScan)> {
        self.tickets.keys().flat_map(|&ticket| self.scans(ticket).into_iter().skip(1).map(move |scan| (ticket, scan)))
    }

    /// How many tickets have been admitted.
    pub fn admitted_count(&self) -> usize {
        self.tickets.len()
    }

    /// Forgets the tickets whose last scan is older; for shows that are over.
    pub fn forget_before(&mut self, time: Timestamp) {
        self.tickets.retain(|_, scans| scans.read().last().is_some_and(|scan| scan.admission.at >= time));
    }
}

impl ScanLog {
    /// A scan that its device calls by the same id and that is not the same.
    fn contradicts(&self, ticket: TicketId, scan: &AdmittedScan) -> bool {
        let same_id = |other: &AdmittedScan| other.id == scan.id && other.actor == scan.actor;
        self.tickets
            .iter()
            .any(|(&of, scans)| scans.read().iter().any(|other| same_id(other) && (of, other) != (ticket, scan)))
    }
}

impl CmRDT for ScanLog {
    type Op = ScanOp;
    type Validation = BadScan;

    fn validate_op(&self, op: &ScanOp) -> Result<(), BadScan> {
        if op.scan.admission.at > op.received_at + AHEAD_MAX {
            return Err(BadScan::FromTheFuture(op.scan.id));
        }
        if self.contradicts(op.ticket, &op.scan) { Err(BadScan::Another(op.scan.id)) } else { Ok(()) }
    }

    fn apply(&mut self, op: ScanOp) {
        self.insert(op.ticket, op.scan);
    }
}

impl CvRDT for ScanLog {
    type Validation = BadScan;

    fn validate_merge(&self, other: &Self) -> Result<(), BadScan> {
        for (ticket, scans) in &other.tickets {
            for scan in scans.read() {
                if self.contradicts(*ticket, &scan) {
                    return Err(BadScan::Another(scan.id));
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        for (ticket, scans) in other.tickets {
            self.tickets.entry(ticket).or_default().merge(scans);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan() -> impl Strategy<Value = (TicketId, AdmittedScan)> {
        (0u8..3, 0i64..4, 0u8..3, 0u64..2, 0u8..20).prop_map(|(ticket, at, device, incarnation, id)| {
            let scan = AdmittedScan {
                admission: Admission { at: Timestamp(at), door: format!("Door {device}") },
                actor: Actor { device: format!("d{device}"), incarnation: Incarnation(incarnation) },
                id: ScanId([id; 16]),
            };
            (TicketId([ticket; 8]), scan)
        })
    }

    fn log(scans: &[(TicketId, AdmittedScan)]) -> ScanLog {
        let mut log = ScanLog::default();
        for (ticket, scan) in scans {
            log.insert(*ticket, scan.clone());
        }
        log
    }

    fn merged(logs: &[&ScanLog]) -> ScanLog {
        let mut all = ScanLog::default();
        for log in logs {
            all.merge((*log).clone());
        }
        all
    }

    #[test]
    fn an_id_that_a_device_has_used_for_another_scan_and_a_time_to_come_are_not_merged() {
        let made = |at: i64, incarnation: u64| AdmittedScan {
            admission: Admission { at: Timestamp(at), door: "Door A".into() },
            actor: Actor { device: "d1".into(), incarnation: Incarnation(incarnation) },
            id: ScanId([7; 16]),
        };
        let op = |ticket: u8, scan| ScanOp { ticket: TicketId([ticket; 8]), scan, received_at: Timestamp(100_000) };
        let mut log = ScanLog::default();
        let first = op(1, made(50_000, 1));
        assert_eq!(log.validate_op(&first), Ok(()));
        log.apply(first.clone());
        assert_eq!(log.validate_op(&first), Ok(()), "the same again is the same");
        assert_eq!(log.validate_op(&op(1, made(50_001, 1))), Err(BadScan::Another(ScanId([7; 16]))));
        assert_eq!(log.validate_op(&op(2, made(50_000, 1))), Err(BadScan::Another(ScanId([7; 16]))));
        assert_eq!(log.validate_op(&op(2, made(50_000, 2))), Ok(()), "another life of the device counts anew");
        let late = op(3, made(400_001, 2));
        assert_eq!(log.validate_op(&late), Err(BadScan::FromTheFuture(ScanId([7; 16]))));
        let told = ScanOp::told(late.ticket, late.scan, late.received_at);
        assert_eq!((told.scan.admission.at, log.validate_op(&told)), (Timestamp(100_000), Ok(())));
        let mut other = ScanLog::default();
        other.insert(TicketId([1; 8]), made(50_001, 1));
        assert_eq!(log.validate_merge(&other), Err(BadScan::Another(ScanId([7; 16]))));
    }

    proptest! {
        #[test]
        fn devices_that_merge_in_any_order_agree_on_the_admission(
            a in prop::collection::vec(scan(), 0..8),
            b in prop::collection::vec(scan(), 0..8),
            c in prop::collection::vec(scan(), 0..8),
        ) {
            let (x, y, z) = (log(&a), log(&b), log(&c));
            let all = merged(&[&x, &y, &z]);
            prop_assert_eq!(&all, &merged(&[&z, &x, &y, &x]));
            prop_assert_eq!(&all, &merged(&[&merged(&[&y, &z]), &x]));
            let mut flat = [a, b, c].concat();
            flat.reverse();
            prop_assert_eq!(&all, &log(&flat));
        }

        #[test]
        fn the_earliest_scan_is_the_admission_and_no_other_scan_is_lost(scans in prop::collection::vec(scan(), 1..12)) {
            let log = log(&scans);
            let distinct: std::collections::BTreeSet<_> = scans.iter().cloned().collect();
            prop_assert_eq!(log.admitted_count() + log.duplicates().count(), distinct.len());
            for (ticket, scan) in &scans {
                let first = log.admission(*ticket).expect("admission");
                prop_assert!(first.admission.at <= scan.admission.at);
            }
        }
    }
}
