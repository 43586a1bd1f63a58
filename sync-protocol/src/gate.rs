//! The gate: a node whose own head is unproven asks those who may remember more of its log than it does itself.
//!
//! An edge passes it at every start; central only on evidence that it has forgotten. The named witness must answer, where one is
//! named; else the peer. Whoever else answers must not know more, and nobody may know something else.

use serde::{Deserialize, Serialize};
use shared::entry::Head;
use std::collections::BTreeMap;

/// A paired device, by its number at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceNumber(pub i64);

/// Who remembers a node's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// The other side of the link.
    Peer,
    /// A paired device.
    Device(DeviceNumber),
}

/// What the answers so far come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Whoever must confirm has not answered.
    Waiting,
    /// Nobody knows more, and this one vouches for it.
    Confirmed(Memory),
    /// This one knows more: it has to be taken back first.
    Behind(Memory, Head),
    /// This one knows something else.
    Apart(Memory, Head),
}

/// The answers of those who were asked.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    named: Option<DeviceNumber>,
    answers: BTreeMap<Memory, Head>,
}

impl Gate {
    /// Nobody has answered yet. `named` is the box's witness, if it has one.
    pub fn new(named: Option<DeviceNumber>) -> Self {
        Self { named, answers: BTreeMap::new() }
    }

    /// The named witness.
    pub fn named(&self) -> Option<DeviceNumber> {
        self.named
    }

    /// Names another witness, or none.
    pub fn name(&mut self, named: Option<DeviceNumber>) {
        self.named = named;
    }

    /// Somebody says how far it remembers this node's log. A later answer replaces an earlier one.
    pub fn hear(&mut self, memory: Memory, head: Head) {
        self.answers.insert(memory, head);
    }

    /// Who has answered what.
    pub fn answers(&self) -> impl Iterator<Item = (Memory, Head)> + '_ {
        self.answers.iter().map(|(memory, head)| (*memory, *head))
    }

    /// What the answers come to, for this own head. `on_chain` says whether a head not above it lies on the own chain.
    ///
    /// # Errors
    /// Those of `on_chain`.
    pub fn judge<E>(&self, own: Head, mut on_chain: impl FnMut(Head) -> Result<bool, E>) -> Result<Judgement, E> {
        for (memory, head) in self.answers() {
            if head.seq > own.seq {
                return Ok(Judgement::Behind(memory, head));
            }
            if !on_chain(head)? {
                return Ok(Judgement::Apart(memory, head));
            }
        }
        let must = self.named.map_or(Memory::Peer, Memory::Device);
        Ok(if self.answers.contains_key(&must) { Judgement::Confirmed(must) } else { Judgement::Waiting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::entry::Hash;
    use shared::ids::Incarnation;

    fn head(seq: u64) -> Head {
        Head { incarnation: Incarnation(1), seq, hash: Hash([seq as u8; 32]) }
    }

    fn judge(gate: &Gate, own: u64) -> Judgement {
        let own_chain = |asked: Head| Ok::<_, ()>(asked == head(asked.seq));
        gate.judge(head(own), own_chain).expect("no error")
    }

    #[test]
    fn without_a_named_witness_the_peer_confirms() {
        let mut gate = Gate::new(None);
        assert_eq!(judge(&gate, 5), Judgement::Waiting);
        gate.hear(Memory::Device(DeviceNumber(2)), head(5));
        assert_eq!(judge(&gate, 5), Judgement::Waiting);
        gate.hear(Memory::Peer, head(3));
        assert_eq!(judge(&gate, 5), Judgement::Confirmed(Memory::Peer));
    }

    #[test]
    fn a_named_witness_must_answer_and_nobody_may_know_more() {
        let witness = Memory::Device(DeviceNumber(1));
        let mut gate = Gate::new(Some(DeviceNumber(1)));
        gate.hear(Memory::Peer, head(5));
        assert_eq!(judge(&gate, 5), Judgement::Waiting);
        gate.hear(witness, head(4));
        assert_eq!(judge(&gate, 5), Judgement::Confirmed(witness));
        gate.hear(Memory::Device(DeviceNumber(2)), head(6));
        assert_eq!(judge(&gate, 5), Judgement::Behind(Memory::Device(DeviceNumber(2)), head(6)));
        assert_eq!(judge(&gate, 6), Judgement::Confirmed(witness));
    }

    #[test]
    fn an_answer_that_is_not_on_the_own_chain_is_never_confirmed() {
        let mut gate = Gate::new(None);
        let other = Head { hash: Hash([99; 32]), ..head(4) };
        gate.hear(Memory::Peer, other);
        assert_eq!(judge(&gate, 5), Judgement::Apart(Memory::Peer, other));
    }
}
