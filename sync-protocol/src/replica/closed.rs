//! Closed: a node that may not sell, with a reason. It still says Hello, still remembers for the peer, and its doors go on.
//! It opens by a proof, or because persons answer for it; both are kept.

use super::{Event, Replica};
use crate::gate::{Gate, Memory};
use crate::link::LinkState;
use crate::log::{EntrySource, UnreadableLog};
use serde::{Deserialize, Serialize};
use shared::entry::OpenedBy;
use shared::ids::Side;
use shared::refusal::Refusal;
use shared::time::Timestamp;

/// Why a node may not sell at all. A later one outweighs an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// An entry of the peer cannot be read by this program.
    UpgradeNeeded,
    /// Equal heads, unequal states, or an own entry that does not apply.
    BrokenInvariant,
    /// Somebody may know more of the own log than this node does.
    HeadUnproven,
    /// The same entry number with two hashes.
    Fork,
    /// The own key is revoked.
    KeyRevoked,
    /// The store failed.
    DiskError,
}

impl Closed {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::HeadUnproven => "head_unproven",
            Self::UpgradeNeeded => "upgrade_needed",
            Self::BrokenInvariant => "broken_invariant",
            Self::Fork => "fork",
            Self::KeyRevoked => "key_revoked",
            Self::DiskError => "disk_error",
        }
    }

    /// Is not even an admission appended? What is written on an unproven head could be written twice.
    pub fn stops_the_log(self) -> bool {
        matches!(self, Self::HeadUnproven | Self::Fork | Self::KeyRevoked | Self::DiskError)
    }
}

/// Why a node may sell again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Somebody remembers this head, and nobody more.
    Confirmed(Memory),
    /// Persons answer for it.
    Persons {
        /// How many, and how they proved it.
        by: OpenedBy,
        /// Who.
        who: String,
    },
    /// The forked log goes on as a new incarnation that both sides have.
    ForkSettled,
    /// What could not be read can be read now.
    Readable,
}

/// One closing or opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingChange {
    /// When.
    pub at: Timestamp,
    /// The reason of a closing; nothing for an opening.
    pub closed: Option<Closed>,
    /// The proof of an opening.
    pub proof: Option<Proof>,
}

impl Replica {
    /// Stops sales for a reason.
    pub fn close(&mut self, reason: Closed, now: Timestamp) {
        if self.heads.closed.is_some_and(|present| present >= reason) {
            return;
        }
        if reason == Closed::HeadUnproven {
            // Proving the head settles nothing else.
            self.heads.recovery.covered = self.heads.closed;
        }
        self.heads.closed = Some(reason);
        self.heads_changed = true;
        self.standings.push(StandingChange { at: now, closed: Some(reason), proof: None });
        self.events.push_back(Event::Closed(reason));
    }

    pub(super) fn open(&mut self, proof: Proof, now: Timestamp) {
        if self.heads.closed.take().is_none() {
            return;
        }
        let covered = self.heads.recovery.covered.take();
        let persons = matches!(proof, Proof::Persons { .. });
        self.heads.recovery.forked = None;
        self.heads_changed = true;
        self.standings.push(StandingChange { at: now, closed: None, proof: Some(proof) });
        match covered {
            Some(reason) if !persons => self.close(reason, now),
            Some(_) | None => self.events.push_back(Event::Opened),
        }
    }

    pub(super) fn is_closed(&self, reason: Closed) -> bool {
        self.heads.closed == Some(reason)
    }

    /// Persons answer for a node that nobody can prove: a manager with the PIN after the asking has come to nothing, or two
    /// persons. The log goes on as a new incarnation, and what was unsold is unknown. Should somebody turn out to remember more,
    /// the log is taken back and what was written since is written again behind it.
    ///
    /// # Errors
    /// `not_closed`; `asking` while the asking goes on, or somebody is known to remember more; `closed` where no person can answer
    /// for the reason.
    /// On the outside, if the logs cannot be read.
    pub fn open_unproven(
        &mut self,
        by: OpenedBy,
        who: &str,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<Result<(), Refusal>, UnreadableLog> {
        if let Err(refusal) = self.may_open_unproven(by, now) {
            return Ok(Err(refusal));
        }
        // They have answered for what the devices remember; for what somebody turns out to remember later they have not.
        let remembered: Vec<_> = self.gate.answers().filter(|(memory, _)| *memory != Memory::Peer).collect();
        for (_, head) in remembered {
            if self.logs(source).head_at(self.me, head.seq)? != Some(head) {
                self.heads.recovery.answer(head.incarnation);
            }
        }
        if self.is_closed(Closed::BrokenInvariant) {
            // What is materialised may be what is broken: it is made again from the logs.
            self.rewind(self.heads.own.seq, now, source)?;
        }
        let own_forked = self.is_closed(Closed::Fork) && self.heads.recovery.forked == Some(self.me);
        if own_forked && self.heads.acked < self.heads.own.seq {
            // The first that a peer closed by the fork hears must be the new incarnation: the rest is written again behind it.
            self.set_aside(self.heads.acked, now, source)?;
        }
        // What was given back and waits for what nobody has any more will never apply.
        let waiting: Vec<_> = std::iter::from_fn(|| self.own_waiting.pop()).collect();
        self.list_left(waiting, now, source)?;
        let first = self.heads.own.seq + 1;
        self.heads.recovery.reopen = Some(by);
        self.go_on(Proof::Persons { by, who: who.to_owned() }, now, source)?;
        let opened = if self.heads.closed.is_none() { Ok(()) } else { Err(Refusal::Closed) };
        self.heads.recovery.unproven = Some(first);
        self.gate = Gate::new(self.gate.named());
        // Whoever remembers something else has to be heard again.
        self.end_session(LinkState::LockedDown, now);
        self.link.hello_due = self.link.connected && self.me == Side::Edge;
        Ok(opened)
    }

    fn may_open_unproven(&self, by: OpenedBy, now: Timestamp) -> Result<(), Refusal> {
        match (self.heads.closed, by) {
            (None, _) => return Err(Refusal::NotClosed),
            (Some(Closed::HeadUnproven), OpenedBy::ManagerPin) if now < self.asking_until || self.wanted > 0 => {
                return Err(Refusal::Asking);
            }
            (Some(Closed::HeadUnproven), OpenedBy::ManagerPin | OpenedBy::TwoPersons)
            | (Some(Closed::Fork | Closed::BrokenInvariant), OpenedBy::TwoPersons) => {}
            (Some(_), _) => return Err(Refusal::Closed),
        }
        // A log that was never there has no head to go on from.
        if self.heads.own.seq == 0 { Err(Refusal::Asking) } else { Ok(()) }
    }
}
