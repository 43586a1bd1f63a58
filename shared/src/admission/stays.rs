//! The stays on a ticket: from an entry to the departure after it. Like the sets it is told from, it does not depend on the order in
//! which doors tell: an entry that becomes known late belongs to the stay in which it happened, not to the last one.

use super::{Admission, AdmittedScan, ScanLog};
use crate::ids::TicketId;
use crate::time::Timestamp;

/// An entry while somebody was inside on the ticket already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Further {
    /// The entry.
    pub scan: AdmittedScan,
    /// The one that it came after.
    pub first: Admission,
}

/// What the entries and departures on a ticket come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stays {
    /// The entry with which the last stay began.
    pub entry: AdmittedScan,
    /// Every entry that began none, earliest first.
    pub further: Vec<Further>,
}

impl ScanLog {
    /// The stays on a ticket, given the departures that count; nothing where nobody has come in.
    pub fn stays(&self, ticket: TicketId, departures: &[Timestamp]) -> Option<Stays> {
        let mut scans = self.scans(ticket).into_iter();
        let mut stays = Stays { entry: scans.next()?, further: Vec::new() };
        for scan in scans {
            let (since, at) = (stays.entry.admission.at, scan.admission.at);
            if departures.iter().any(|departed| since <= *departed && *departed < at) {
                stays.entry = scan;
            } else {
                stays.further.push(Further { scan, first: stays.entry.admission.clone() });
            }
        }
        Some(stays)
    }

    /// The entry with which the stay began that lasted at that time.
    pub fn entry_at(&self, ticket: TicketId, departures: &[Timestamp], at: Timestamp) -> Option<AdmittedScan> {
        let mut until = Self::default();
        for scan in self.scans(ticket).into_iter().filter(|scan| scan.admission.at <= at) {
            until.insert(ticket, scan);
        }
        Some(until.stays(ticket, departures)?.entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Actor, inside};
    use crate::ids::{Incarnation, ScanId};
    use proptest::prelude::*;

    const TICKET: TicketId = TicketId([1; 8]);

    fn log(entries: &[i64]) -> ScanLog {
        let mut log = ScanLog::default();
        for (id, at) in (0u8..).zip(entries) {
            let admission = Admission { at: Timestamp(*at), door: "Door A".into() };
            let actor = Actor { device: "d1".into(), incarnation: Incarnation(1) };
            log.insert(TICKET, AdmittedScan { admission, actor, id: ScanId([id; 16]) });
        }
        log
    }

    fn times(departures: &[i64]) -> Vec<Timestamp> {
        departures.iter().copied().map(Timestamp).collect()
    }

    #[test]
    fn a_late_entry_belongs_to_the_stay_in_which_it_happened() {
        for (entries, departures, entry, further, is_inside) in [
            (&[10][..], &[][..], 10, &[][..], true),
            (&[10], &[30], 10, &[], false),
            (&[10, 40], &[30], 40, &[], true),
            // Another door tells late of an entry from before the guest went out: the one who came back is still inside.
            (&[10, 40, 15], &[30], 40, &[(15, 10)], true),
            (&[40, 15], &[30], 40, &[], true),
            (&[10, 5], &[30], 5, &[(10, 5)], false),
            (&[10, 40, 50], &[30], 40, &[(50, 40)], true),
            (&[10, 40, 50], &[30, 45], 50, &[], true),
            // At one moment with a departure nobody has come back.
            (&[10, 30], &[30], 10, &[(30, 10)], false),
            // Before anybody came in nobody has left.
            (&[10, 20], &[5], 10, &[(20, 10)], true),
        ] {
            let departures = times(departures);
            let stays = log(entries).stays(TICKET, &departures).expect("stays");
            let told: Vec<_> = stays.further.iter().map(|one| (one.scan.admission.at.0, one.first.at.0)).collect();
            assert_eq!((stays.entry.admission.at.0, told.as_slice()), (entry, further), "{entries:?} {departures:?}");
            let still = inside(Some(stays.entry.admission), departures.iter().max().copied());
            assert_eq!(still.is_some(), is_inside, "{entries:?} {departures:?}");
        }
        assert_eq!(ScanLog::default().stays(TICKET, &[]), None);
    }

    #[test]
    fn whoever_left_had_come_in_before() {
        let (log, departures) = (log(&[10, 15, 40]), times(&[30]));
        for (at, entry) in [(5, None), (10, Some(10)), (29, Some(10)), (39, Some(10)), (40, Some(40)), (99, Some(40))] {
            let found = log.entry_at(TICKET, &departures, Timestamp(at)).map(|scan| scan.admission.at.0);
            assert_eq!(found, entry, "{at}");
        }
    }

    proptest! {
        #[test]
        fn an_entry_that_becomes_known_lets_nobody_out(
            mut entries in prop::collection::vec(0i64..12, 1..6),
            departures in prop::collection::vec(0i64..12, 0..4),
            late in 0i64..12,
        ) {
            let departures = times(&departures);
            let last = departures.iter().max().copied();
            let is_inside = |entries: &[i64]| {
                let stays = log(entries).stays(TICKET, &departures).expect("stays");
                inside(Some(stays.entry.admission), last).is_some()
            };
            let before = is_inside(&entries);
            entries.push(late);
            prop_assert!(!before || is_inside(&entries), "{:?} {:?}", entries, departures);
        }
    }
}
