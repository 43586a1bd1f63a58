//! What a paired device keeps for the box: its highest signed head and, at the named witness, the entries that central has not
//! acknowledged.

use super::node::Who;
use shared::entry::{Entry, Fact, Hash, Head};
use shared::ids::Side;
use shared::planted::{self, Plant};
use sync_protocol::message::{Batch, EntryBytes};
use sync_protocol::witness::SignedHead;

/// A device's memory of the box.
#[derive(Debug, Default)]
pub struct Keeper {
    /// The box that gave what it keeps.
    pub of: Option<Who>,
    kept: Option<SignedHead>,
    before: Head,
    entries: Vec<(Head, Vec<u8>)>,
}

impl Keeper {
    /// The highest head, as the box signed it.
    pub fn kept(&self) -> Option<&SignedHead> {
        self.kept.as_ref()
    }

    /// The last entry it can give back, or the head before the first one.
    pub fn last(&self) -> Head {
        self.entries.last().map_or(self.before, |(head, _)| *head)
    }

    /// Takes a head in, with the entries before it if this is the named witness, and drops what central has. Returns what it
    /// dropped.
    pub fn take(&mut self, head: SignedHead, batch: Option<Batch>, acked: u64) -> Vec<Head> {
        if self.kept.as_ref().is_some_and(|kept| !head.replaces(kept)) {
            return Vec::new();
        }
        if let Some(Batch { before, entries, .. }) = batch {
            self.entries.retain(|(head, _)| head.seq <= before.seq);
            if self.last() != before {
                self.entries.clear();
                self.before = before;
            }
            for EntryBytes(bytes) in entries {
                let last = self.last();
                let opened = Entry::decode(&bytes).ok().and_then(|entry| match entry.fact {
                    Fact::LogOpened { incarnation, .. } => Some(incarnation),
                    _ => None,
                });
                let incarnation = opened.unwrap_or(last.incarnation);
                let head = Head { incarnation, seq: last.seq + 1, hash: last.hash.chain(&bytes) };
                self.entries.push((head, bytes));
            }
        }
        let acked = if planted::is(Plant::WitnessDropsEarly) { u64::MAX } else { acked };
        let dropped = self.entries.iter().take_while(|(head, _)| head.seq <= acked).count();
        let dropped: Vec<Head> = self.entries.drain(..dropped).map(|(head, _)| head).collect();
        self.before = dropped.last().copied().unwrap_or(self.before);
        self.kept = Some(head);
        dropped
    }

    /// The entries after a number, for a box that has lost them.
    pub fn after(&self, seq: u64) -> Option<Batch> {
        let skipped = self.entries.iter().take_while(|(head, _)| head.seq <= seq).count();
        let before = skipped.checked_sub(1).map_or(self.before, |last| self.entries[last].0);
        let entries: Vec<_> = self.entries[skipped..].iter().map(|(_, bytes)| EntryBytes(bytes.clone())).collect();
        (!entries.is_empty()).then_some(Batch { log: Side::Edge, before, entries })
    }

    /// Does it keep this very entry?
    pub fn holds(&self, seq: u64, hash: Hash) -> bool {
        self.entries.iter().any(|(head, _)| (head.seq, head.hash) == (seq, hash))
    }
}
