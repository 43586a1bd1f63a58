//! The scans that let somebody in, merged from all devices: a grow-only set for each ticket.
//!
//! The earliest scan of a ticket is its admission, the others are duplicates for a person to look at. Merging is a union,
//! so order, repetition and who asks whom do not matter.

use super::Admission;
use crate::ids::{Incarnation, ScanId, TicketId};
use crate::time::Timestamp;
use crdts::{CvRDT, GSet};
use std::collections::BTreeMap;

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

    /// Takes in all scans of another log.
    pub fn merge(&mut self, other: Self) {
        for (ticket, scans) in other.tickets {
            self.tickets.entry(ticket).or_default().merge(scans);
        }
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
