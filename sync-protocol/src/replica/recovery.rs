//! Taking the own log back from somebody who remembers more of it, and going on behind it.
//!
//! Entries come back verbatim and in causal order: an own entry waits until what its writer had seen of the peer's log is here,
//! and an entry of the peer waits until what the peer had seen of the own log is back. A node that had gone on without proof sets
//! its own entries aside first, and writes their facts again once the log is back: so every log stays one line for its peer.

use super::closed::Proof;
use super::{Closed, DiscrepancyKind, Event, Recovery, Replica, Start};
use crate::gate::{Judgement, Memory};
use crate::inbox::{self, Arrival, Arrived};
use crate::log::{EntrySource, StoredEntry, UnreadableLog};
use crate::message::{Batch, Hello};
use crate::outbox::Outbox;
use shared::entry::{Entry, Fact, Head, OpenedBy, TicketRef};
use shared::ids::{Incarnation, Side};
use shared::ledger::TicketState;
use shared::planted::{self, Plant};
use shared::refusal::Refusal;
use shared::time::Timestamp;

impl Replica {
    /// What a start makes of the head that was stored.
    pub(super) fn begin(&mut self, start: Start, now: Timestamp) {
        if self.is_closed(Closed::DiskError) {
            // The store answers again; what it holds is proven like any other start.
            self.heads.closed = None;
            self.heads_changed = true;
        }
        match (start, self.me) {
            (Start::Usual, _) if self.heads.own.seq == 0 && self.heads.recovery.reopen.is_none() => {
                let incarnation = Incarnation(self.random.number());
                let opened = Fact::LogOpened { incarnation, parent: None, by: OpenedBy::First };
                let _always_small_and_applicable = self.append(opened, now);
            }
            (Start::Usual, Side::Edge) if planted::is(Plant::BootGateOff) => self.heads.closed = None,
            (Start::Usual, Side::Edge) => self.close(Closed::HeadUnproven, now),
            (Start::Usual, Side::Central) | (Start::Resumed, _) => {}
            (Start::Restored, _) if planted::is(Plant::RestoredCentralSells) => {}
            (Start::Replacement | Start::Restored, _) => {
                self.heads.recovery.reopen = Some(OpenedBy::Peer);
                self.close(Closed::HeadUnproven, now);
            }
        }
    }

    /// Somebody says how far it remembers the own log.
    pub(super) fn hear_memory(
        &mut self,
        memory: Memory,
        head: Head,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        self.gate.hear(memory, head);
        let own = self.heads.own;
        let on_chain = head.seq <= own.seq
            && (planted::is(Plant::NumbersCompared) || self.logs(source).head_at(self.me, head.seq)? == Some(head));
        let longer = head.seq > own.seq && head.incarnation == own.incarnation;
        // The other devices keep no entries: nothing could be taken back in place of what was set aside.
        let gives = memory == Memory::Peer || self.gate.named().map(Memory::Device) == Some(memory);
        if gives && !on_chain && !longer && self.heads.recovery.unproven.is_some() && !self.is_closed(Closed::Fork) {
            // Whatever was acknowledged, at another box of this name perhaps: the line of whoever is heard begins before its head.
            self.set_aside(head.seq.saturating_sub(1), now, source)?;
            self.gate.hear(memory, head);
            self.note_forgotten(memory, head, now);
        } else if head.seq > own.seq {
            self.note_forgotten(memory, head, now);
        } else if !on_chain {
            self.find_fork(self.me, head.seq, now);
        }
        self.pass_gate(now, source)
    }

    /// Is what a device remembers on a line of the own log that was left: set aside, cut before it, or passed over by the peer?
    pub(super) fn is_left(
        &self,
        head: Head,
        entries: Option<&Batch>,
        source: &dyn EntrySource,
    ) -> Result<bool, UnreadableLog> {
        let (own, logs) = (self.heads.own, self.logs(source));
        let on_chain = |head: Head| Ok(head.seq <= own.seq && logs.head_at(self.me, head.seq)? == Some(head));
        if on_chain(head)? || head.incarnation == own.incarnation {
            return Ok(false);
        }
        let Recovery { abandoned, answered, .. } = self.heads.recovery;
        if abandoned.contains(&Some(head.incarnation))
            || answered.contains(&Some(head.incarnation))
            || self.aside.iter().any(|entry| entry.head() == head)
        {
            return Ok(true);
        }
        let mut seq = head.seq.min(own.seq);
        while seq > 0 {
            if logs.head_at(self.me, seq)?.is_some_and(|known| known.incarnation == head.incarnation) {
                return Ok(true);
            }
            seq -= 1;
        }
        // An incarnation never heard of. Where nobody has answered for anything yet, it tells of what was forgotten.
        let incarnation_at = |seq| Ok(logs.head_at(self.me, seq)?.map(|known| known.incarnation));
        if incarnation_at(head.seq.min(own.seq))? == incarnation_at(1)? {
            return Ok(false);
        }
        // What the peer has acknowledged since this start is the line it follows.
        let acked = logs.head_at(self.me, self.heads.acked)?;
        if self.link.peer_last_heard.is_none() || acked.is_none() {
            return Ok(false);
        }
        let Some(batch) = entries else {
            return Ok(acked.is_some_and(|acked| head.seq <= acked.seq || acked.incarnation == own.incarnation));
        };
        let heads = inbox::walk(batch.before, batch.entries.clone()).into_iter().map(|arrived| arrived.head);
        for head in [batch.before].into_iter().chain(heads).filter(|head| head.seq <= self.heads.acked) {
            if !on_chain(head)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The own log is longer than this node knows.
    pub(super) fn note_forgotten(&mut self, memory: Memory, head: Head, now: Timestamp) {
        if self.wanted < head.seq && head.seq > self.heads.own.seq {
            if !self.is_closed(Closed::Fork) {
                self.list(self.me, head.seq, DiscrepancyKind::Forgot { memory, head }, now);
            }
            self.wanted = head.seq;
        }
        if self.me == Side::Central && self.heads.recovery.reopen.is_none() {
            // What customers bought and nobody else has seen is lost: the log goes on as a new incarnation.
            self.heads.recovery.reopen = Some(OpenedBy::Peer);
            self.heads_changed = true;
        }
        self.close(Closed::HeadUnproven, now);
        self.return_due |= memory == Memory::Peer;
    }

    pub(super) fn forget_asking(&mut self) {
        self.wanted = 0;
        self.return_due = false;
        self.own_waiting.clear();
    }

    /// Opens if the own head is proven now.
    pub(super) fn pass_gate(&mut self, now: Timestamp, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
        if !self.is_closed(Closed::HeadUnproven) || self.heads.own.seq < self.wanted || !self.own_waiting.is_empty() {
            return Ok(());
        }
        let logs = self.logs(source);
        let on_chain =
            |head: Head| Ok(planted::is(Plant::NumbersCompared) || logs.head_at(self.me, head.seq)? == Some(head));
        match self.gate.judge(self.heads.own, on_chain)? {
            Judgement::Waiting | Judgement::Behind(..) => {}
            // A Hello may be a copy of an old one until its sender is known to hear this node.
            Judgement::Confirmed(Memory::Peer) if !self.link.confirmed => {}
            // The witness alone is enough only where the peer cannot be asked.
            Judgement::Confirmed(Memory::Device(_)) if self.may_still_hear_peer(now) => {}
            Judgement::Apart(_, head) => self.find_fork(self.me, head.seq, now),
            // The place of a retired box is free only once central has said so.
            Judgement::Confirmed(_)
                if self.me == Side::Edge && self.ledger.marks().retired || !self.has_peers_log() => {}
            Judgement::Confirmed(memory) => self.go_on(Proof::Confirmed(memory), now, source)?,
        }
        Ok(())
    }

    fn may_still_hear_peer(&self, now: Timestamp) -> bool {
        let heard = self.gate.answers().any(|(memory, _)| memory == Memory::Peer);
        !heard && self.link.connected && !self.link.work_offline && now < self.gate_patience
    }

    /// A new incarnation begins with all that the peer had written: what central took over of a retired box is not taken twice.
    fn has_peers_log(&self) -> bool {
        let stated = self.link.peer_hello.map_or(0, |hello| hello.own.seq);
        self.heads.recovery.reopen.is_none() || self.heads.peer.seq >= stated
    }

    /// The log is whole again: opens, as a new incarnation where that is due, and catches up with what had to wait.
    pub(super) fn go_on(
        &mut self,
        proof: Proof,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        // Entries that came back as they were need no second writing; those that did not are looked at again below.
        let mut again = Vec::new();
        for entry in &self.aside {
            if self.logs(source).head_at(self.me, entry.seq)? != Some(entry.head()) {
                again.push(entry.clone());
            }
        }
        self.open(proof, now);
        self.forget_asking();
        if let Some(by) = self.heads.recovery.reopen.take() {
            self.heads_changed = true;
            let _closed_and_listed_if_it_does_not_apply = self.open_incarnation(by, now);
        }
        if !self.aside.is_empty() {
            self.aside.clear();
            self.aside_changed = true;
        }
        for entry in again {
            self.write_again(&entry, now);
        }
        self.catch_up(now);
        Ok(())
    }

    pub(super) fn open_incarnation(&mut self, by: OpenedBy, now: Timestamp) -> Result<(), Refusal> {
        let incarnation = Incarnation(self.random.number());
        let parent = Some(self.heads.own);
        self.append(Fact::LogOpened { incarnation, parent, by }, now)
    }

    /// Writes the fact of an entry that was set aside again, if it still applies; lists it otherwise.
    fn write_again(&mut self, entry: &StoredEntry, now: Timestamp) {
        if planted::is(Plant::SetAsideDropped) {
            return;
        }
        let fact = Entry::decode(&entry.bytes).ok().map(|entry| entry.fact);
        let applies = match &fact {
            Some(Fact::LogOpened { .. }) => return,
            // What was given away on a line of the log that is no more was never received.
            None | Some(Fact::HandedOver { .. }) => false,
            Some(Fact::Sold { show, booking, seats, .. }) if !self.would_apply(fact.as_ref()) => {
                let found = seats.iter().filter(|seat| {
                    let at =
                        TicketRef { show: *show, seat: seat.seat, generation: seat.generation, ticket: seat.ticket };
                    let decided = self.ledger.find_ticket(at, *booking, seat.price);
                    decided.is_ok_and(|fact| self.append(fact, now).is_ok())
                });
                found.count() == seats.len()
            }
            Some(other) => {
                let other = other.clone();
                self.would_apply(fact.as_ref()) && self.append(other, now).is_ok()
            }
        };
        if !applies && !planted::is(Plant::SetAsideNotListed) {
            self.list(self.me, entry.seq, DiscrepancyKind::SetAside { fact }, now);
        }
    }

    /// Would the fact apply, written now? Tried on a copy: a fact that does not apply must not close the node.
    fn would_apply(&self, fact: Option<&Fact>) -> bool {
        let Some(fact) = fact else { return false };
        let entry = Entry { at: Timestamp::default(), seen: self.heads.peer.seq, fact: fact.clone() };
        self.ledger.clone().apply(self.me, self.heads.own.seq + 1, &entry).is_ok()
    }

    /// Does what could not be written while the node was closed.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        let ended = |state| matches!(state, TicketState::Void | TicketState::VoidRequested);
        let tickets: Vec<_> =
            self.ledger.tickets().filter(|ticket| ended(ticket.state())).map(|ticket| ticket.at.ticket).collect();
        for ticket in tickets {
            self.release_void_seat(ticket, now);
            self.refuse_void_of_used(ticket, now);
        }
    }

    /// The peer (or a witness) gives entries of the own log back.
    pub(super) fn take_back(
        &mut self,
        from: Memory,
        batch: Batch,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        self.returned_ack_due = true;
        if !self.is_closed(Closed::HeadUnproven) {
            return Ok(());
        }
        let last = self.own_waiting.last().unwrap_or(self.heads.own);
        match inbox::sort(last, batch, &self.logs(source))? {
            Arrival::New(arrived) => {
                for arrived in arrived {
                    if !self.own_waiting.push(arrived) {
                        break;
                    }
                }
                self.drain_waiting(now);
                self.pass_gate(now, source)?;
            }
            Arrival::Known | Arrival::Gap => {}
            Arrival::Fork { seq, other } => {
                // Persons have answered for a fork already, and the peer's line is the one that goes on.
                let answered = self.heads.recovery.reopen == Some(OpenedBy::TwoPersons);
                if answered && from == Memory::Peer && seq <= self.heads.own.seq {
                    self.step_back(seq, now, source)?;
                } else {
                    self.find_fork(self.me, seq, now);
                    self.list_apart(self.me, other, now);
                }
            }
            Arrival::Apart(arrived) => {
                let seq = arrived.first().map_or(0, |arrived| arrived.head.seq);
                if seq > self.heads.own.seq {
                    // They part from entries that wait, not from the log. The peer's line is the one that counts; what a device
                    // keeps of another is offered again, and listed, once this node is open.
                    if from == Memory::Peer {
                        self.own_waiting.clear();
                        self.return_due = true;
                    }
                } else if self.heads.recovery.reopen.is_some() && self.heads.own.seq > 0 {
                    self.step_back(seq.saturating_sub(1), now, source)?;
                } else {
                    self.find_fork(self.me, seq, now);
                }
            }
        }
        Ok(())
    }

    /// The lines part earlier than was thought: at this entry, or before it. Each step is as long as all before it, for the parting
    /// may lie far back; what was common after all comes back as it was.
    fn step_back(&mut self, seq: u64, now: Timestamp, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
        let stepped = self.aside.len() as u64;
        let parting = seq.min(self.heads.own.seq);
        self.set_aside(parting.saturating_sub(1 + stepped), now, source)?;
        self.return_due = true;
        Ok(())
    }

    /// Lets entries of both logs in as far as what their writers had seen is here.
    pub(super) fn drain_waiting(&mut self, now: Timestamp) {
        loop {
            let ready = |first: Option<&Arrived>, here: u64| {
                first.is_some_and(|first| {
                    first.entry.as_ref().is_ok_and(|entry| entry.seen <= here || planted::is(Plant::SeenIgnored))
                })
            };
            if ready(self.own_waiting.first(), self.heads.peer.seq) {
                self.own_waiting.pop().into_iter().for_each(|arrived| self.restore_entry(arrived, now));
            } else if ready(self.peer_waiting.first(), self.heads.own.seq) {
                let Some(arrived) = self.peer_waiting.pop() else { break };
                if !self.handle_entry(arrived, now) {
                    self.peer_waiting.clear();
                }
                self.ack_due = true;
            } else {
                break;
            }
        }
        let unreadable = self.own_waiting.first().is_some_and(|first| first.entry.is_err());
        if unreadable {
            self.close(Closed::UpgradeNeeded, now);
        }
    }

    /// An own entry is back.
    fn restore_entry(&mut self, arrived: Arrived, now: Timestamp) {
        let Arrived { head, bytes, entry: Ok(entry) } = arrived else { return };
        let Head { incarnation, seq, hash } = head;
        self.entries.push(StoredEntry { log: self.me, incarnation, seq, hash, bytes, at: now });
        self.heads.own = head;
        self.heads_changed = true;
        if let Err(conflict) = self.ledger.apply(self.me, seq, &entry) {
            self.list(self.me, seq, DiscrepancyKind::NotApplied(conflict), now);
        }
        let Entry { at, fact, .. } = entry;
        if let Fact::KeyRevoked { key } = &fact {
            self.forget_key(*key, now);
        }
        self.cuts.note(self.cut());
        self.events.push_back(Event::Applied { writer: self.me, seq, fact, at, returned: true });
    }

    /// The peer has lost entries of its own log and wants them back.
    pub(super) fn handle_return(&mut self, after: u64, now: Timestamp) {
        match &mut self.returning {
            // Said again while they are on their way: as good as an ack.
            // Said again before anything has come: the resend must not wait for longer because of that.
            Some(returning) if after == returning.acked() => {}
            Some(returning) if after > returning.acked() => {
                returning.handle_ack(after, now);
            }
            Some(_) | None => self.returning = Some(Outbox::new(after, self.settings.resend)),
        }
    }

    /// The session's Hello shows what the peer remembers of the own log, and whether it remembers its own.
    pub(super) fn compare_heads(
        &mut self,
        hello: Hello,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        let (theirs, peer) = (hello.own, self.me.peer());
        let known = if theirs.seq <= self.heads.peer.seq { self.logs(source).head_at(peer, theirs.seq)? } else { None };
        self.link.apart = known.is_some_and(|known| known != theirs);
        if self.link.apart && known.is_some_and(|known| known.incarnation == theirs.incarnation) {
            self.find_fork(peer, theirs.seq, now);
        }
        self.hear_memory(Memory::Peer, hello.applied, now, source)
    }

    pub(super) fn find_fork(&mut self, log: Side, seq: u64, now: Timestamp) {
        if planted::is(Plant::ForkIgnored) {
            return;
        }
        if !self.is_closed(Closed::Fork) {
            self.list(log, seq, DiscrepancyKind::Fork, now);
            // The box must hear of it, though the session has begun.
            self.link.hello_due |= self.me == Side::Central && self.link.peer_nonce.is_some();
        }
        self.heads.recovery.forked.get_or_insert(log);
        self.heads_changed = true;
        self.close(Closed::Fork, now);
    }
}
