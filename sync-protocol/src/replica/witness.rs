//! The named witness and the other paired devices, as the box sees them.

use super::{Closed, Event, Replica};
use crate::gate::{DeviceNumber, Memory};
use crate::inbox;
use crate::log::{EntrySource, UnreadableLog};
use crate::message::Batch;
use crate::witness::SignedHead;
use shared::entry::Head;
use shared::ids::Side;
use shared::planted::{self, Plant};
use shared::time::Timestamp;

/// How far the named witness has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WitnessLine {
    /// It has durably stored the own log up to here.
    stored: u64,
    heard: Option<Timestamp>,
}

/// What the gate looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// A person may answer for the node from then on.
    pub until: Timestamp,
    /// The named witness, if there is one.
    pub named: Option<DeviceNumber>,
    /// Who has answered what.
    pub answers: Vec<(Memory, Head)>,
    /// The own log is being taken back up to this number.
    pub wanted: Option<u64>,
}

impl Replica {
    /// Names the witness, or none.
    pub fn name_witness(&mut self, device: Option<DeviceNumber>) {
        if self.gate.named() != device {
            self.witness = WitnessLine::default();
            self.gate.name(device);
        }
    }

    /// A paired device says what it keeps of the own log: its highest head and, where this node may be behind, entries.
    /// A head that this node did not sign says nothing; entries under it are listed once this node sells.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn handle_witness(
        &mut self,
        device: DeviceNumber,
        kept: Option<&SignedHead>,
        entries: Option<Batch>,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        let named = self.gate.named() == Some(device);
        let own_keys: Vec<_> = self.keys.own_before.into_iter().chain([self.keys.own.public()]).collect();
        let kept = kept.filter(|kept| kept.theatre == self.theatre && kept.log == self.me);
        let head = match kept {
            Some(kept) if kept.is_signed_by(&own_keys) => kept.head,
            // Of the box that was here before, whose key is not this one's: it vouches for nothing, and is not dropped silently.
            Some(_) if self.can_sell() => {
                return match entries.filter(|batch| batch.log == self.me) {
                    Some(batch) => self.list_left(inbox::walk(batch.before, batch.entries), now, source),
                    None => Ok(()),
                };
            }
            // A device that keeps nothing can vouch for nothing.
            Some(_) | None => return Ok(()),
        };
        if named && self.gate.answers().all(|(memory, _)| memory != Memory::Device(device)) {
            self.gate_patience = now + self.settings.gate_wait;
        }
        let given = entries.as_ref().filter(|batch| batch.log == self.me);
        let (head, entries) = if self.is_left(head, given, source)? {
            // What it keeps of such a line is never applied, and never dropped silently; it vouches like one that keeps nothing.
            if let Some(batch) = entries.filter(|batch| batch.log == self.me) {
                self.list_left(inbox::walk(batch.before, batch.entries), now, source)?;
            }
            (Head::default(), None)
        } else {
            (head, entries)
        };
        if let Some(batch) = entries.filter(|batch| batch.log == self.me) {
            self.hear_memory(Memory::Device(device), head, now, source)?;
            self.take_back(Memory::Device(device), batch, now, source)?;
            self.returned_ack_due = false;
        }
        self.hear_memory(Memory::Device(device), head, now, source)?;
        if named && self.can_sell() && head.seq <= self.heads.own.seq {
            self.witness.heard = Some(now);
            if head.seq > self.witness.stored {
                self.witness.stored = head.seq;
                self.events.push_back(Event::Witnessed(head.seq));
            }
        }
        Ok(())
    }

    /// The named witness is there: a sale waits until it has stored the entry, or the head after it. On a live line too: in a later
    /// cut the witness alone may have to confirm the head.
    pub fn waits_for_witness(&self, now: Timestamp) -> bool {
        let reachable = self.witness.heard.is_some_and(|at| now.since(at) < self.settings.witness_silent_after);
        self.gate.named().is_some() && reachable && !planted::is(Plant::WitnessNotAwaited)
    }

    /// Own entries that neither the peer nor the named witness has: what a lost disk would lose.
    pub fn unwitnessed(&self) -> u64 {
        self.heads.own.seq.saturating_sub(self.heads.acked.max(self.witness.stored))
    }

    /// Who is asked for the own head, while it is unproven.
    pub fn asking(&self) -> Option<Asking> {
        self.is_closed(Closed::HeadUnproven).then(|| Asking {
            until: self.asking_until,
            named: self.gate.named(),
            answers: self.gate.answers().collect(),
            wanted: (self.wanted > self.heads.own.seq).then_some(self.wanted),
        })
    }

    /// A head of the own log, signed. Only for one that is committed.
    pub fn sign_head(&self, head: Head) -> SignedHead {
        SignedHead::sign(self.theatre, self.me, head, &self.keys.own)
    }

    /// The side whose log a witness keeps.
    pub fn witnessed_log(&self) -> Side {
        self.me
    }
}
