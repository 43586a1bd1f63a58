//! The inbox: the peer's entries. Duplicates are dropped, gaps refused, the chain checked, before anything is applied.

use crate::message::Batch;
use shared::entry::{BadEntry, Entry, Head};

/// What a batch holds for this node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Entries to apply, in order, each with the head after it.
    New(Vec<(Head, Vec<u8>, Result<Entry, BadEntry>)>),
    /// All known already: the peer missed the ack.
    Known,
    /// Begins after what is applied here: something is missing in between.
    Gap,
    /// The same number with another hash: a forked log.
    Fork {
        /// The number at which the chains differ.
        seq: u64,
    },
}

/// Sorts a batch against the peer's head as applied here.
pub(crate) fn sort(applied: Head, batch: Batch) -> Arrival {
    let Some(before) = batch.first.checked_sub(1) else { return Arrival::Gap };
    if before > applied.seq {
        return Arrival::Gap;
    }
    if before == applied.seq && batch.before != applied.hash {
        return Arrival::Fork { seq: before };
    }
    let mut head = Head { incarnation: batch.incarnation, seq: before, hash: batch.before };
    let mut new = Vec::new();
    for bytes in batch.entries {
        head = Head { seq: head.seq + 1, hash: head.hash.chain(&bytes.0), ..head };
        if head.seq == applied.seq && head.hash != applied.hash {
            return Arrival::Fork { seq: head.seq };
        }
        if head.seq > applied.seq {
            let entry = Entry::decode(&bytes.0);
            new.push((head, bytes.0, entry));
        }
    }
    if new.is_empty() { Arrival::Known } else { Arrival::New(new) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::EntryBytes;
    use shared::entry::{Fact, Hash};
    use shared::ids::{Incarnation, ShowNumber};
    use shared::time::Timestamp;

    fn entry(n: u32) -> Vec<u8> {
        let fact = Fact::ShowCancelled { show: ShowNumber(n) };
        Entry { at: Timestamp(0), seen: 0, fact }.encode().expect("encodes")
    }

    /// A batch of entries `first..=last` of the one true log, and the head after `last`.
    fn batch(first: u64, last: u64) -> (Batch, Head) {
        let (mut hash, mut before) = (Hash::default(), Hash::default());
        let mut entries = Vec::new();
        for n in 1..=last {
            if n == first {
                before = hash;
            }
            hash = hash.chain(&entry(n as u32));
            if n >= first {
                entries.push(EntryBytes(entry(n as u32)));
            }
        }
        let incarnation = Incarnation(1);
        (Batch { incarnation, first, before, entries }, Head { incarnation, seq: last, hash })
    }

    #[test]
    fn duplicates_are_dropped_and_gaps_refused() {
        let applied = batch(1, 3).1;
        assert_eq!(sort(applied, batch(1, 3).0), Arrival::Known);
        assert_eq!(sort(applied, batch(5, 6).0), Arrival::Gap);
        let Arrival::New(new) = sort(applied, batch(2, 5).0) else { panic!("new entries") };
        assert_eq!(new.iter().map(|(head, _, _)| head.seq).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(new.last().map(|(head, _, _)| *head), Some(batch(1, 5).1));
    }

    #[test]
    fn another_hash_at_the_same_number_is_a_fork() {
        let mut applied = batch(1, 3).1;
        applied.hash = Hash([9; 32]);
        assert_eq!(sort(applied, batch(1, 5).0), Arrival::Fork { seq: 3 });
        assert_eq!(sort(applied, batch(4, 5).0), Arrival::Fork { seq: 3 });
    }
}
