//! The inbox: entries of a log that arrive. Duplicates are dropped, gaps refused, the chain checked, before anything is applied.

use crate::log::{EntrySource, UnreadableLog};
use crate::message::Batch;
use shared::entry::{BadEntry, Entry, Fact, Head};
use shared::planted::{self, Plant};
use std::collections::VecDeque;

/// An entry on its way into a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The log's head after it.
    pub(crate) head: Head,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// What they say.
    pub(crate) entry: Result<Entry, BadEntry>,
}

/// What a batch holds for this node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Entries that follow on the last one, in order.
    New(Vec<Arrived>),
    /// All known already: the peer missed the ack.
    Known,
    /// Begins after the last one: something is missing in between.
    Gap,
    /// The same number of the same incarnation with another hash: a forked log.
    Fork {
        /// The number at which the chains differ.
        seq: u64,
        /// What the other branch holds from there on.
        other: Vec<Arrived>,
    },
    /// Entries of an incarnation that was cut before them, or whose beginning is not known here.
    Apart(Vec<Arrived>),
}

/// Sorts a batch against the last entry of its log here; `source` has everything up to that entry.
pub(crate) fn sort(last: Head, batch: Batch, source: &dyn EntrySource) -> Result<Arrival, UnreadableLog> {
    let Batch { log, before, entries } = batch;
    let arrived = walk(before, entries);
    if before.seq > last.seq {
        if planted::is(Plant::GapAccepted) {
            return Ok(Arrival::New(arrived));
        }
        return Ok(Arrival::Gap);
    }
    let known_at = |seq| if seq == last.seq { Ok(Some(last)) } else { source.head_at(log, seq) };
    // Where the batch and the log here overlap, they must be one chain; the end of the overlap proves all before it.
    let overlap =
        [before].into_iter().chain(arrived.iter().map(|one| one.head)).take_while(|head| head.seq <= last.seq);
    let overlap: Vec<Head> = overlap.collect();
    let Some(end) = overlap.last().copied() else { return Ok(Arrival::Gap) };
    if known_at(end.seq)? != Some(end) && !planted::is(Plant::NumbersCompared) {
        for head in overlap {
            if let Some(known) = known_at(head.seq)?
                && known != head
            {
                let rest = || arrived.into_iter().filter(|one| one.head.seq >= head.seq).collect();
                if planted::is(Plant::CutNotHeeded) {
                    return Ok(Arrival::New(rest()));
                }
                return Ok(if known.incarnation == head.incarnation {
                    Arrival::Fork { seq: head.seq, other: rest() }
                } else {
                    Arrival::Apart(rest())
                });
            }
        }
    }
    let new: Vec<Arrived> =
        arrived.into_iter().filter(|one| one.head.seq > last.seq || planted::is(Plant::NoDedupe)).collect();
    Ok(match new.first() {
        None => Arrival::Known,
        // An incarnation continues what its first entry says, or nothing.
        Some(first)
            if !continues(last, first) && !planted::is(Plant::CutNotHeeded) && !planted::is(Plant::NoDedupe) =>
        {
            Arrival::Fork { seq: first.head.seq, other: new }
        }
        Some(_) => Arrival::New(new),
    })
}

/// The entries with the heads after them. An entry that opens an incarnation is its first.
pub(crate) fn walk(before: Head, entries: Vec<crate::message::EntryBytes>) -> Vec<Arrived> {
    let mut head = before;
    let step = |bytes: crate::message::EntryBytes| {
        let entry = Entry::decode(&bytes.0);
        if let Ok(Entry { fact: Fact::LogOpened { incarnation, .. }, .. }) = entry {
            head.incarnation = incarnation;
        }
        head = Head { seq: head.seq + 1, hash: head.hash.chain(&bytes.0), ..head };
        Arrived { head, bytes: bytes.0, entry }
    };
    entries.into_iter().map(step).collect()
}

fn continues(last: Head, first: &Arrived) -> bool {
    match &first.entry {
        Ok(Entry { fact: Fact::LogOpened { parent, .. }, .. }) => parent.unwrap_or_default() == last,
        Ok(_) | Err(_) => first.head.incarnation == last.incarnation,
    }
}

/// Entries that wait for what their writer had seen. Bounded: what does not fit is sent again.
#[derive(Debug, Clone, Default)]
pub(crate) struct WaitingRoom {
    entries: VecDeque<Arrived>,
    bytes: usize,
}

impl WaitingRoom {
    /// The most bytes that wait: more than the peer's window sends without an ack.
    const BYTES_MAX: usize = 4 * 1024 * 1024;

    /// The last entry that waits.
    pub(crate) fn last(&self) -> Option<Head> {
        self.entries.back().map(|arrived| arrived.head)
    }

    /// The next entry to come out.
    pub(crate) fn first(&self) -> Option<&Arrived> {
        self.entries.front()
    }

    /// Lets one more wait, if there is room.
    pub(crate) fn push(&mut self, arrived: Arrived) -> bool {
        let room = self.bytes + arrived.bytes.len() <= Self::BYTES_MAX;
        if room {
            self.bytes += arrived.bytes.len();
            self.entries.push_back(arrived);
        }
        room
    }

    /// Takes the next entry out.
    pub(crate) fn pop(&mut self) -> Option<Arrived> {
        let arrived = self.entries.pop_front()?;
        self.bytes -= arrived.bytes.len();
        Some(arrived)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::EntryBytes;
    use shared::entry::{Hash, OpenedBy};
    use shared::ids::{Incarnation, ShowNumber, Side};
    use shared::time::Timestamp;

    /// A log in memory: bytes with the heads after them.
    struct Log(Vec<(Head, Vec<u8>)>);

    impl EntrySource for Log {
        fn entries(&self, _log: Side, from: u64, _bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog> {
            Ok(self.0.iter().skip(from as usize - 1).map(|(_, bytes)| bytes.clone()).collect())
        }
        fn head_at(&self, _log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog> {
            let before = (seq == 0).then(Head::default);
            Ok(before.or_else(|| self.0.get(seq as usize - 1).map(|(head, _)| *head)))
        }
    }

    impl Log {
        fn new(facts: impl IntoIterator<Item = Fact>) -> Self {
            let mut log = Self(Vec::new());
            facts.into_iter().for_each(|fact| log.push(fact));
            log
        }

        fn push(&mut self, fact: Fact) {
            let mut head = self.last();
            if let Fact::LogOpened { incarnation, .. } = fact {
                head.incarnation = incarnation;
            }
            let bytes = Entry { at: Timestamp(0), seen: 0, fact }.encode().expect("encodes");
            head = Head { seq: head.seq + 1, hash: head.hash.chain(&bytes), ..head };
            self.0.push((head, bytes));
        }

        fn last(&self) -> Head {
            self.0.last().map_or_else(Head::default, |(head, _)| *head)
        }

        fn batch(&self, first: u64, last: u64) -> Batch {
            let before = self.head_at(Side::Edge, first - 1).expect("read").expect("there");
            let entries = self.0[first as usize - 1..last as usize].iter().map(|(_, bytes)| EntryBytes(bytes.clone()));
            Batch { log: Side::Edge, before, entries: entries.collect() }
        }
    }

    fn opened(n: u64, parent: Option<Head>) -> Fact {
        Fact::LogOpened { incarnation: Incarnation(n), parent, by: OpenedBy::Peer }
    }

    fn cancelled(n: u32) -> Fact {
        Fact::ShowCancelled { show: ShowNumber(n) }
    }

    fn log(shows: u32) -> Log {
        Log::new([opened(1, None)].into_iter().chain((1..=shows).map(cancelled)))
    }

    fn arrival(here: &Log, batch: Batch) -> Arrival {
        sort(here.last(), batch, here).expect("read")
    }

    #[test]
    fn duplicates_are_dropped_and_gaps_refused() {
        let (here, there) = (log(3), log(8));
        assert_eq!(arrival(&here, there.batch(1, 4)), Arrival::Known);
        assert_eq!(arrival(&here, there.batch(6, 7)), Arrival::Gap);
        let Arrival::New(new) = arrival(&here, there.batch(3, 6)) else { panic!("new entries") };
        assert_eq!(new.iter().map(|arrived| arrived.head.seq).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(new.last().map(|arrived| arrived.head), there.head_at(Side::Edge, 6).expect("read"));
    }

    #[test]
    fn another_hash_at_the_same_number_is_a_fork() {
        let mut other = Log::new([opened(1, None), cancelled(1), cancelled(7)]);
        (0..4).for_each(|n| other.push(cancelled(20 + n)));
        for (here, batch, entries) in [(3, (1, 7), 5), (3, (4, 7), 4), (2, (4, 7), 4)] {
            let Arrival::Fork { seq, other } = arrival(&log(here), other.batch(batch.0, batch.1)) else {
                panic!("a fork")
            };
            assert_eq!((seq, other.len()), (3, entries), "{here} {batch:?}");
        }
        assert_eq!(arrival(&log(1), other.batch(4, 7)), Arrival::Gap);
    }

    #[test]
    fn an_incarnation_follows_on_its_parent_and_nowhere_else() {
        let mut next = log(3);
        next.push(opened(2, Some(next.last())));
        next.push(cancelled(9));
        let Arrival::New(new) = arrival(&log(3), next.batch(5, 6)) else { panic!("new entries") };
        assert_eq!(new.last().map(|arrived| arrived.head.incarnation), Some(Incarnation(2)));
        let mut false_parent = log(3);
        false_parent.push(opened(2, Some(Head { hash: Hash([9; 32]), ..false_parent.last() })));
        assert!(matches!(arrival(&log(3), false_parent.batch(5, 5)), Arrival::Fork { seq: 5, .. }));
    }

    #[test]
    fn entries_of_an_incarnation_that_was_cut_before_them_stand_apart() {
        let mut here = log(3);
        here.push(opened(2, Some(here.last())));
        here.push(cancelled(9));
        let Arrival::Apart(apart) = arrival(&here, log(5).batch(5, 6)) else { panic!("apart") };
        assert_eq!(apart.iter().map(|arrived| arrived.head.seq).collect::<Vec<_>>(), [5, 6]);
    }
}
