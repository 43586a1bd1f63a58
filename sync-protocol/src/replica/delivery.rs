//! What comes of the peer's log, and what of the own log has come to the peer.

use super::closed::Proof;
use super::{Closed, DeadLetter, DiscrepancyKind, Event, Replica};
use crate::gate::Memory;
use crate::inbox::{self, Arrival, Arrived};
use crate::log::{EntrySource, StoredEntry, UnreadableLog};
use crate::message::Batch;
use shared::entry::{Entry, Fact, Head, OpenedBy};
use shared::ids::{ShowNumber, Side, TicketId};
use shared::planted::{self, Plant};
use shared::time::Timestamp;
use std::collections::BTreeSet;

impl Replica {
    /// The peer has what it acknowledged; an incarnation it has needs no further proof.
    pub(super) fn set_acked(&mut self, acked: u64) {
        self.heads.acked = acked;
        if self.heads.recovery.unproven.is_some_and(|first| first <= acked) {
            self.heads.recovery.unproven = None;
        }
        self.heads_changed = true;
    }

    /// The peer has lost handovers it had acknowledged: they are on their way again.
    pub(super) fn note_transit_again(&mut self, applied: u64, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
        let mut seq = applied;
        while seq < self.heads.acked.min(self.heads.own.seq) {
            let entries = self.logs(source).entries(self.me, seq + 1, 0)?;
            let Some(bytes) = entries.first() else { break };
            seq += 1;
            self.note_transit(seq, bytes);
        }
        Ok(())
    }

    pub(super) fn handle_ack(
        &mut self,
        head: Head,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        let on_chain = head.seq <= self.heads.own.seq
            && (planted::is(Plant::NumbersCompared) || self.logs(source).head_at(self.me, head.seq)? == Some(head));
        if !on_chain {
            return self.hear_memory(Memory::Peer, head, now, source);
        }
        if self.outbox.handle_ack(head.seq, now) {
            self.set_acked(self.outbox.acked());
            self.forget_transit(head.seq);
            self.events.push_back(Event::Acknowledged(head.seq));
        }
        Ok(())
    }

    pub(super) fn forget_transit(&mut self, acked: u64) {
        let arrived: Vec<u64> = self.in_transit.range(..=acked).map(|(seq, _)| *seq).collect();
        for seq in arrived {
            let seats = self.in_transit.remove(&seq).unwrap_or_default();
            let shows: BTreeSet<ShowNumber> = seats.into_iter().map(|(show, _)| show).collect();
            self.events.extend(shows.into_iter().map(Event::HoldsChanged));
            // There is room again for what the allocation could not move.
            self.next_allocation = Timestamp::default();
        }
    }

    pub(super) fn handle_batch(
        &mut self,
        batch: Batch,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        if batch.log == self.me {
            return self.take_back(Memory::Peer, batch, now, source);
        }
        let last = self.peer_waiting.last().unwrap_or(self.heads.peer);
        match inbox::sort(last, batch, &self.logs(source))? {
            Arrival::New(arrived) if self.settles_fork(&arrived, now) => {
                for arrived in arrived {
                    if !self.peer_waiting.push(arrived) {
                        break;
                    }
                }
                self.drain_peer(now);
                self.pass_gate(now, source)?;
            }
            Arrival::New(_) => {}
            Arrival::Known | Arrival::Gap => self.ack_due = true,
            Arrival::Fork { seq, other } => {
                self.find_fork(self.me.peer(), seq, now);
                self.list_apart(self.me.peer(), other, now);
            }
            Arrival::Apart(arrived) => self.list_apart(self.me.peer(), arrived, now),
        }
        Ok(())
    }

    /// A forked log of the peer goes on only as a new incarnation that two persons, or this side, answer for.
    fn settles_fork(&mut self, arrived: &[Arrived], now: Timestamp) -> bool {
        if !self.is_closed(Closed::Fork) {
            return true;
        }
        let opened = arrived.iter().any(|arrived| match &arrived.entry {
            Ok(Entry { fact: Fact::LogOpened { by, .. }, .. }) => {
                matches!(by, OpenedBy::TwoPersons | OpenedBy::Peer)
            }
            Ok(_) | Err(_) => false,
        });
        let settled = opened && self.heads.recovery.forked == Some(self.me.peer());
        if settled {
            self.boots.clear();
            self.open(Proof::ForkSettled, now);
        }
        settled
    }

    /// Lets the peer's entries in; one that has seen more of the own log than there is shows that this node forgot.
    fn drain_peer(&mut self, now: Timestamp) {
        self.drain_waiting(now);
        let Some(first) = self.peer_waiting.first() else { return };
        let head = first.head;
        match &first.entry {
            Ok(entry) => {
                let seen = entry.seen;
                if !self.is_closed(Closed::HeadUnproven) {
                    self.list(self.me.peer(), head.seq, DiscrepancyKind::SeenTooMuch { seen }, now);
                }
                self.wanted = self.wanted.max(seen);
                let known = Head { seq: seen, ..self.heads.own };
                self.note_forgotten(Memory::Peer, known, now);
            }
            Err(_) => {
                // It stays unapplied and unacknowledged, and so does everything behind it.
                let why = format!("entry {} cannot be read", head.seq);
                if let Some(Arrived { bytes, .. }) = self.peer_waiting.pop()
                    && !self.is_closed(Closed::UpgradeNeeded)
                {
                    self.dead_letters.push(DeadLetter { at: now, why, bytes });
                }
                self.peer_waiting.clear();
                self.close(Closed::UpgradeNeeded, now);
            }
        }
    }

    /// Stores and applies one entry of the peer. False where it cannot be read.
    pub(super) fn handle_entry(&mut self, arrived: Arrived, now: Timestamp) -> bool {
        let peer = self.me.peer();
        let Arrived { head, bytes, entry: Ok(entry) } = arrived else { return false };
        if self.is_closed(Closed::UpgradeNeeded) {
            self.open(Proof::Readable, now);
        }
        let Head { incarnation, seq, hash } = head;
        self.entries.push(StoredEntry { log: peer, incarnation, seq, hash, bytes, at: now });
        self.heads.peer = head;
        self.heads_changed = true;
        let applied = self.ledger.apply(peer, seq, &entry);
        self.cuts.note(self.cut());
        match applied {
            Ok(()) => {
                let Entry { at, fact, .. } = entry;
                self.events.push_back(Event::Applied { writer: peer, seq, fact: fact.clone(), at, returned: false });
                self.follow_up(&fact, seq, now);
            }
            Err(conflict) => self.list(peer, seq, DiscrepancyKind::NotApplied(conflict), now),
        }
        true
    }

    /// What an applied entry of the peer makes this node do.
    fn follow_up(&mut self, fact: &Fact, seq: u64, now: Timestamp) {
        match fact {
            Fact::HandedOver { claim: Some(claim), .. } => self.settle_claim(*claim, Ok(()), now),
            Fact::ShowAdded(facts) if self.ledger.show(facts.number).is_some_and(|show| show.overlaps) => {
                self.list(self.me.peer(), seq, DiscrepancyKind::ShowsOverlap(facts.number), now);
            }
            Fact::KeyRevoked { key } => self.forget_key(*key, now),
            Fact::LogOpened { by: by @ (OpenedBy::ManagerPin | OpenedBy::TwoPersons), .. } => {
                self.list(self.me.peer(), seq, DiscrepancyKind::OpenedUnproven { by: *by }, now);
            }
            Fact::VoidAccepted(at) if self.me == Side::Central => self.release_void_seat(at.ticket, now),
            // The edge refuses at once what was used; accepting waits for the doors, which the shell knows.
            Fact::VoidRequested(at) => self.refuse_void_of_used(at.ticket, now),
            _ => {}
        }
    }

    pub(super) fn refuse_void_of_used(&mut self, ticket: TicketId, now: Timestamp) {
        let used = self.ledger.ticket(ticket).is_some_and(|ticket| ticket.admitted.is_some());
        if self.me == Side::Edge
            && used
            && let Ok(refused) = self.ledger.answer_void(ticket)
        {
            let _closed_and_listed_if_it_does_not_apply = self.append(refused, now);
        }
    }
}
