//! The journal's chain: rows numbered from 1 without gaps, each hash over the hash before it and the row's bytes.

use super::TillEntry;
use super::drawer::Drawer;
use crate::entry::Hash;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A row as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub seq: u32,
    /// The encoded [`TillEntry`].
    pub bytes: Vec<u8>,
    /// The chain's hash after it.
    pub hash: Hash,
}

/// The last row: its number and the chain's hash after it. Before the first it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Last {
    /// The number.
    pub seq: u32,
    /// The hash.
    pub hash: Hash,
}

impl Last {
    /// The row that follows with these bytes.
    pub fn next(self, bytes: Vec<u8>) -> Row {
        Row { seq: self.seq + 1, hash: self.hash.chain(&bytes), bytes }
    }
}

impl From<&Row> for Last {
    fn from(row: &Row) -> Self {
        Self { seq: row.seq, hash: row.hash }
    }
}

/// A row that is not what was written, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {seq} of the till journal {why}")]
pub struct Tampered {
    /// The row that is wrong, or missing.
    pub seq: u32,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Follows the chain over all rows, in order, to the last one that was noted, and folds them into shifts.
///
/// # Errors
/// The first row that is not what was written.
pub fn read(
    rows: impl IntoIterator<Item = Row>,
    noted: Last,
) -> Result<BTreeMap<super::ShiftNumber, Drawer>, Tampered> {
    let (mut last, mut drawers, mut reports) = (Last::default(), BTreeMap::new(), 0);
    for row in rows {
        let seq = last.seq + 1;
        let bad = |why| Tampered { seq, why };
        if row.seq != seq {
            return Err(bad("is missing"));
        }
        if last.hash.chain(&row.bytes) != row.hash {
            return Err(bad("is not what was written"));
        }
        let entry = TillEntry::decode(&row.bytes).map_err(|_| bad("cannot be read"))?;
        let fits = match drawers.get_mut(&entry.shift) {
            Some(drawer) => Drawer::apply(drawer, &entry),
            None => Drawer::open(&entry).is_some_and(|drawer| drawers.insert(entry.shift, drawer).is_none()),
        };
        let report = drawers.get(&entry.shift).and_then(|drawer| drawer.closed.as_ref()).map(|close| close.z);
        if !fits || report.is_some_and(|z| z != reports + 1) {
            return Err(bad("does not fit the rows before it"));
        }
        reports += u32::from(report.is_some());
        last = Last::from(&row);
    }
    match last.seq.cmp(&noted.seq) {
        _ if last == noted => Ok(drawers),
        Ordering::Less => Err(Tampered { seq: last.seq + 1, why: "is missing" }),
        Ordering::Equal => Err(Tampered { seq: last.seq, why: "is not what was noted as the last one" }),
        Ordering::Greater => Err(Tampered { seq: noted.seq + 1, why: "was put in after the last one" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BookingId;
    use crate::money::Currency;
    use crate::till::{Pieces, ShiftNumber, Tender, TillFact};
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn journal(amounts: &[i64]) -> (Vec<Row>, Last) {
        let opened = TillFact::Opened { currency: Currency::INR, float: Vec::new() };
        let sold = |minor: &i64| TillFact::Sold { sale: BookingId([3; 16]), tender: Tender::Cash, minor: *minor };
        let closed = TillFact::Closed { z: 1, counted: vec![Pieces { face_minor: 100, count: 3 }] };
        let facts = [opened].into_iter().chain(amounts.iter().map(sold)).chain([closed]);
        let (mut rows, mut last) = (Vec::new(), Last::default());
        for fact in facts {
            let entry = TillEntry { at: Timestamp(1), shift: ShiftNumber(1), staff: "asha".into(), fact };
            let row = last.next(entry.encode().expect("encodes"));
            last = Last::from(&row);
            rows.push(row);
        }
        (rows, last)
    }

    #[test]
    fn an_untouched_journal_reads_to_its_shifts() {
        let (rows, last) = journal(&[100, 200, 300]);
        let drawers = read(rows, last).expect("untouched");
        assert_eq!(drawers[&ShiftNumber(1)].difference(), Some(-300));
        assert_eq!(read(Vec::new(), Last::default()), Ok(BTreeMap::new()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn every_tampering_is_found_and_names_the_row(
            amounts in proptest::collection::vec(1_i64..100_000, 1..30),
            how in 0_u8..5,
            at in any::<prop::sample::Index>(),
            bit in any::<prop::sample::Index>(),
        ) {
            let (mut rows, last) = journal(&amounts);
            let n = at.index(rows.len());
            let named = n as u32 + 1;
            match how {
                0 => {
                    let bits = rows[n].bytes.len() * 8;
                    let bit = bit.index(bits);
                    rows[n].bytes[bit / 8] ^= 1 << (bit % 8);
                }
                1 => {
                    rows.remove(n);
                }
                2 => rows.truncate(n),
                3 => rows[n].hash.0[bit.index(32)] ^= 1,
                _ => {
                    // Written anew with all hashes after it made to fit: only the noted end tells.
                    let again: Vec<Vec<u8>> = rows.drain(..).map(|row| row.bytes).collect();
                    let mut last = Last::default();
                    for (i, bytes) in again.into_iter().enumerate().filter(|(i, _)| *i != n) {
                        let _kept = i;
                        let row = last.next(bytes);
                        last = Last::from(&row);
                        rows.push(row);
                    }
                }
            }
            let found = read(rows, last).expect_err("tampered with");
            prop_assert!(found.seq >= 1);
            if how != 4 {
                prop_assert_eq!(found.seq, named, "{}", found);
            }
        }
    }
}
