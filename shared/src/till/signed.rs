//! The journal's end as its box signed it at a report: whoever writes rows anew, with every hash after them, has no signature for it.

use super::ShiftNumber;
use super::drawer::Drawer;
use super::journal::Last;
use crate::ids::TheatreId;
use crate::keys::{Domain, PublicKey, SIGNATURE_BYTES, SecretKey};

/// A report with the row that closed its shift, the chain's hash after it, and what the drawer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReport {
    /// The report's number.
    pub z: u32,
    /// The shift that it closed.
    pub shift: ShiftNumber,
    /// The journal's end at that moment.
    pub last: Last,
    /// What should have been in the drawer, minor units.
    pub expected_minor: i64,
    /// What was counted, minor units.
    pub counted_minor: i64,
    /// The box's signature in the till domain.
    pub signature: Vec<u8>,
}

impl SignedReport {
    /// Signs the report of a closed shift; nothing for an open one.
    pub fn sign(theatre: TheatreId, drawer: &Drawer, last: Last, key: &SecretKey) -> Option<Self> {
        let close = drawer.closed.as_ref()?;
        let (expected_minor, counted_minor) = (drawer.expected_cash(), close.counted_minor);
        let report =
            Self { z: close.z, shift: drawer.shift, last, expected_minor, counted_minor, signature: Vec::new() };
        let signature = key.sign(Domain::Till, &report.signed_bytes(theatre)).to_vec();
        Some(Self { signature, ..report })
    }

    /// Did this key sign it, as a report of this theatre?
    pub fn is_signed_by(&self, theatre: TheatreId, key: &PublicKey) -> bool {
        let signature = <[u8; SIGNATURE_BYTES]>::try_from(self.signature.as_slice());
        signature.is_ok_and(|signature| key.verifies(Domain::Till, &self.signed_bytes(theatre), &signature))
    }

    fn signed_bytes(&self, theatre: TheatreId) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [theatre.0, self.z, self.shift.0, self.last.seq] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.last.hash.0);
        for minor in [self.expected_minor, self.counted_minor] {
            bytes.extend_from_slice(&minor.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Hash;
    use crate::money::Currency;
    use crate::till::{Pieces, TillEntry, TillFact};
    use crate::time::Timestamp;

    #[test]
    fn a_signed_report_is_good_only_as_it_was_signed() {
        let entry = |fact| TillEntry { at: Timestamp(1), shift: ShiftNumber(2), staff: "asha".into(), fact };
        let float = vec![Pieces { face_minor: 100, count: 3 }];
        let opened = entry(TillFact::Opened { currency: Currency::INR, float: float.clone() });
        let mut drawer = Drawer::open(&opened).expect("opens");
        let (theatre, key) = (TheatreId(4), SecretKey::from_seed(&[1; 32]));
        let last = Last { seq: 9, hash: Hash([3; 32]) };
        assert_eq!(SignedReport::sign(theatre, &drawer, last, &key), None);
        assert!(drawer.apply(&entry(TillFact::Closed { z: 7, counted: float })));
        let signed = SignedReport::sign(theatre, &drawer, last, &key).expect("closed");
        assert_eq!((signed.z, signed.expected_minor, signed.counted_minor), (7, 300, 300));
        assert!(signed.is_signed_by(theatre, &key.public()));
        assert!(!signed.is_signed_by(TheatreId(5), &key.public()));
        assert!(!signed.is_signed_by(theatre, &SecretKey::from_seed(&[2; 32]).public()));
        let bent = [
            SignedReport { z: 8, ..signed.clone() },
            SignedReport { shift: ShiftNumber(3), ..signed.clone() },
            SignedReport { last: Last { seq: 10, ..last }, ..signed.clone() },
            SignedReport { last: Last { hash: Hash([4; 32]), ..last }, ..signed.clone() },
            SignedReport { expected_minor: 301, ..signed.clone() },
            SignedReport { counted_minor: 299, ..signed.clone() },
            SignedReport { signature: Vec::new(), ..signed },
        ];
        assert!(bent.iter().all(|report| !report.is_signed_by(theatre, &key.public())));
    }
}
