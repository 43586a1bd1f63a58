//! The exchange with the peer: sessions, batches, acks.

use super::closed::Proof;
use super::{Closed, DeadLetter, DiscrepancyKind, Event, Replica, Transmit};
use crate::cuts::Comparison;
use crate::envelope::{ENVELOPE_BYTES_MAX, Envelope};
use crate::gate::Memory;
use crate::inbox::{self, Arrival, Arrived};
use crate::link::LinkState;
use crate::log::{EntrySource, StoredEntry, UnreadableLog};
use crate::message::{Ack, Batch, Cut, Heartbeat, Hello, Message, ProtocolRange, Return};
use crate::settings::Settings;
use shared::entry::{Entry, Fact, Head, OpenedBy};
use shared::ids::{ShowNumber, Side, TicketId};
use shared::planted::{self, Plant};
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// Starts of the peer's program that are remembered.
const BOOTS_REMEMBERED: usize = 8;

impl Replica {
    /// The broker answers. The edge opens the session; central waits for it.
    pub fn handle_connected(&mut self, now: Timestamp) {
        self.link.connected = true;
        let state = if self.link.is_live() { LinkState::Suspect } else { self.link.state };
        self.end_session(state, now);
        self.link.hello_due = self.me == Side::Edge && !self.link.work_offline;
    }

    /// The broker is gone: no session can go on.
    pub fn handle_disconnected(&mut self, now: Timestamp) {
        self.link.connected = false;
        let state = if self.link.state == LinkState::LockedDown { LinkState::LockedDown } else { LinkState::Suspect };
        self.end_session(state, now);
    }

    /// Bytes arrived on either topic. Bad ones become dead letters.
    pub fn handle_message(
        &mut self,
        bytes: &[u8],
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        match Envelope::open(bytes, self.theatre, self.me.peer(), &self.keys.peer) {
            Ok(envelope) => self.handle_envelope(envelope, now, source),
            Err(bad) => {
                let kept = bytes.len().min(ENVELOPE_BYTES_MAX);
                let bytes = bytes.get(..kept).unwrap_or_default().to_vec();
                self.dead_letters.push(DeadLetter { at: now, why: bad.to_string(), bytes });
                Ok(())
            }
        }
    }

    fn handle_envelope(
        &mut self,
        envelope: Envelope,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        if self.link.work_offline || !self.link.connected {
            return Ok(());
        }
        if let Message::Hello(hello) = envelope.message {
            return self.handle_hello(hello, envelope.from_nonce, envelope.to_nonce, now, source);
        }
        if self.link.peer_nonce != Some(envelope.from_nonce) || envelope.to_nonce != self.link.my_nonce {
            // Of another session: of an earlier life of the peer, perhaps, that it has been proven without. It is sent again.
            // The edge says Hello by itself; central asks for one by saying its own.
            if self.me == Side::Central && self.link.peer_nonce.is_none() {
                self.link.stray = envelope.from_nonce;
                self.link.hello_due = true;
            }
            return Ok(());
        }
        if !std::mem::replace(&mut self.link.confirmed, true) {
            self.note_boot(now);
            self.pass_gate(now, source)?;
        }
        self.link.peer_last_heard = Some(now);
        match envelope.message {
            Message::Hello(_) => {}
            Message::Heartbeat(heartbeat) => {
                self.link.handle_heartbeat(heartbeat, now);
                self.compare(heartbeat.cut, now);
            }
            Message::Ack(Ack { log, head }) if log == self.me => self.handle_ack(head, now, source)?,
            Message::Ack(Ack { head, .. }) => {
                if let Some(returning) = &mut self.returning {
                    returning.handle_ack(head.seq, now);
                }
            }
            Message::Return(Return { after }) => self.handle_return(after, now),
            Message::Batch(batch) => self.handle_batch(batch, now, source)?,
            Message::Claims(wants) => {
                wants.into_iter().take(Settings::CLAIM_SEATS_MAX).for_each(|want| self.handle_want(want, now));
            }
            Message::ClaimsRefused(refusals) => {
                refusals.into_iter().for_each(|(claim, refusal)| self.handle_refusal(claim, refusal, now));
            }
        }
        self.try_live(now);
        Ok(())
    }

    fn handle_hello(
        &mut self,
        hello: Hello,
        from_nonce: u64,
        to_nonce: u64,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        let known = self.link.peer_nonce == Some(from_nonce);
        let names_me = to_nonce == self.link.my_nonce;
        if known && names_me {
            // A peer that still asks for my Hello has lost it.
            self.link.hello_due |= !hello.heard;
            self.hear_of_fork(hello, now);
            return Ok(());
        }
        if known && self.me == Side::Central {
            // The edge says it again because it has not heard the answer, or the pipe has doubled it: answer again.
            self.link.hello_due = true;
            return Ok(());
        }
        if self.me == Side::Edge && (!names_me || self.link.has_left(from_nonce)) {
            // Meant for an earlier session of this box, or a late copy of the Hello of one.
            return Ok(());
        }
        if self.me == Side::Edge && hello.heard && self.link.peer_nonce.is_some() {
            // Central has gone by a late copy of a Hello: since then it has been told more in a session of this nonce, and acked.
            self.end_session(LinkState::LockedDown, now);
            self.link.hello_due = true;
            return Ok(());
        }
        if names_me && self.may_be_late(hello.boot) {
            // Whoever lives says it again under the nonce that only those who live can know.
            self.end_session(LinkState::LockedDown, now);
            self.link.hello_due = true;
            return Ok(());
        }
        if !names_me {
            self.end_session(self.link.state, now);
        }
        self.drop_claims();
        self.link.open_session(from_nonce, hello, now);
        self.link.confirmed = names_me;
        self.link.hello_due = !hello.heard;
        self.returning = None;
        if names_me {
            self.note_boot(now);
        }
        self.enter(LinkState::Reconciling, now);
        if !hello.protocol.meets(ProtocolRange::OURS) {
            self.close(Closed::UpgradeNeeded, now);
            return Ok(());
        }
        self.hear_of_fork(hello, now);
        self.compare_heads(hello, now, source)?;
        // Taking the log back begins with another session.
        if self.link.peer_nonce.is_none() {
            return Ok(());
        }
        let shared_head = self.logs(source).head_at(self.me, hello.applied.seq)? == Some(hello.applied)
            || planted::is(Plant::NumbersCompared);
        if self.is_closed(Closed::Fork) && !shared_head {
            return Ok(());
        }
        if self.is_closed(Closed::UpgradeNeeded) && hello.own.seq <= self.heads.peer.seq {
            self.open(Proof::Readable, now);
        }
        // What lies beyond the own head may be another line: it acknowledges nothing.
        let applied = if shared_head { hello.applied.seq } else { self.heads.acked.min(hello.applied.seq) };
        self.outbox.restart_from(applied);
        if applied > self.heads.acked {
            self.events.push_back(Event::Acknowledged(applied));
        } else {
            self.note_transit_again(applied, source)?;
        }
        self.set_acked(applied);
        if self.link.hello_due {
            // What the coming Hello states, not what an earlier session's did.
            self.link.stated = self.heads.own;
        }
        self.heads_changed = true;
        self.forget_transit(applied);
        self.try_live(now);
        Ok(())
    }

    /// Two boxes of one name: only central hears both, and neither may go on until persons say which of them is the box.
    fn hear_of_fork(&mut self, hello: Hello, now: Timestamp) {
        // An incarnation that central has not seen is persons' answer to it.
        let answered = hello.applied.incarnation != self.heads.own.incarnation || self.heads.recovery.reopen.is_some();
        if self.me == Side::Edge && hello.forked == Some(self.me) && !answered {
            self.find_fork(self.me, hello.applied.seq, now);
        }
    }

    /// A start of the program that was followed by another one under the same nonce: a clone, or what a program said before it died.
    fn may_be_late(&self, boot: u64) -> bool {
        let followed = self.boots.contains(&boot) && self.boots.back() != Some(&boot);
        followed && self.boot_nonce == self.link.my_nonce
    }

    /// Two live boxes with one identity: a start of the program that was followed by another one cannot come back.
    fn note_boot(&mut self, now: Timestamp) {
        // One that is closed because of a fork already does no harm.
        let Some(Hello { boot, forked: None, .. }) = self.link.peer_hello else { return };
        if self.boots.back() == Some(&boot) {
            return;
        }
        self.boot_nonce = self.link.my_nonce;
        if self.boots.contains(&boot) {
            if !self.is_closed(Closed::Fork) {
                self.list(self.me.peer(), self.heads.peer.seq, DiscrepancyKind::Clone { boot }, now);
            }
            self.find_fork(self.me.peer(), self.heads.peer.seq, now);
        }
        self.boots.retain(|known| *known != boot);
        self.boots.push_back(boot);
        if self.boots.len() > BOOTS_REMEMBERED {
            self.boots.pop_front();
        }
    }

    /// The peer has what it acknowledged; an incarnation it has needs no further proof.
    fn set_acked(&mut self, acked: u64) {
        self.heads.acked = acked;
        if self.heads.recovery.unproven.is_some_and(|first| first <= acked) {
            self.heads.recovery.unproven = None;
        }
        self.heads_changed = true;
    }

    /// The peer has lost handovers it had acknowledged: they are on their way again.
    fn note_transit_again(&mut self, applied: u64, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
        let mut seq = applied;
        while seq < self.heads.acked.min(self.heads.own.seq) {
            let entries = self.logs(source).entries(self.me, seq + 1, 0)?;
            let Some(bytes) = entries.first() else { break };
            seq += 1;
            self.note_transit(seq, bytes);
        }
        Ok(())
    }

    fn handle_ack(&mut self, head: Head, now: Timestamp, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
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

    fn forget_transit(&mut self, acked: u64) {
        let arrived: Vec<u64> = self.in_transit.range(..=acked).map(|(seq, _)| *seq).collect();
        for seq in arrived {
            let seats = self.in_transit.remove(&seq).unwrap_or_default();
            let shows: BTreeSet<ShowNumber> = seats.into_iter().map(|(show, _)| show).collect();
            self.events.extend(shows.into_iter().map(Event::HoldsChanged));
            // There is room again for what the allocation could not move.
            self.next_allocation = Timestamp::default();
        }
    }

    fn handle_batch(&mut self, batch: Batch, now: Timestamp, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
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

    fn compare(&mut self, cut: Cut, now: Timestamp) {
        if let Comparison::Unequal { own } = self.cuts.compare(cut)
            && self.can_sell()
            && !self.link.apart
        {
            self.list(self.me.peer(), self.heads.peer.seq, DiscrepancyKind::Digest { cut, own }, now);
            self.close(Closed::BrokenInvariant, now);
            self.enter(LinkState::Reconciling, now);
        }
    }

    /// Live requires that each side has applied the head the other stated, on one chain.
    fn try_live(&mut self, now: Timestamp) {
        let Some(hello) = self.link.peer_hello else { return };
        let applied = self.heads.peer.seq >= hello.own.seq;
        let acknowledged = self.outbox.acked() >= self.link.stated.seq;
        let sound = !matches!(self.heads.closed, Some(Closed::Fork | Closed::BrokenInvariant | Closed::UpgradeNeeded));
        let together = self.link.confirmed && !self.link.apart;
        if self.link.state == LinkState::Reconciling && together && applied && acknowledged && sound {
            self.enter(LinkState::Live, now);
        }
    }

    pub(super) fn end_session(&mut self, state: LinkState, now: Timestamp) {
        let nonce = self.random.number();
        self.link.end_session(nonce);
        self.drop_claims();
        self.ack_due = false;
        self.returned_ack_due = false;
        self.returning = None;
        self.peer_waiting.clear();
        let state = if state == LinkState::Reconciling { LinkState::LockedDown } else { state };
        self.enter(state, now);
    }

    /// Messages that may leave once everything drained by `take_changes` is committed. `source` reads the transaction under way.
    pub fn poll_transmit(&mut self, now: Timestamp, source: &dyn EntrySource) -> Result<Vec<Transmit>, UnreadableLog> {
        let mut out = Vec::new();
        if !self.link.connected || self.link.work_offline {
            return Ok(out);
        }
        if std::mem::take(&mut self.link.hello_due) {
            self.link.stated = self.heads.own;
            let hello = Hello {
                boot: self.boot,
                heard: self.link.peer_hello.is_some(),
                own: self.heads.own,
                applied: self.heads.peer,
                protocol: ProtocolRange::OURS,
                clock: now,
                can_sell: self.can_sell(),
                forked: self.heads.recovery.forked.filter(|_| self.is_closed(Closed::Fork)),
            };
            self.transmit(Message::Hello(hello), &mut out);
        }
        if self.link.peer_nonce.is_none() {
            return Ok(out);
        }
        if std::mem::take(&mut self.ack_due) {
            self.transmit(Message::Ack(Ack { log: self.me.peer(), head: self.heads.peer }), &mut out);
        }
        if std::mem::take(&mut self.returned_ack_due) {
            self.transmit(Message::Ack(Ack { log: self.me, head: self.heads.own }), &mut out);
        }
        if std::mem::take(&mut self.return_due) && self.heads.own.seq < self.wanted {
            self.transmit(Message::Return(Return { after: self.heads.own.seq }), &mut out);
        }
        if let Some((n, echo, answer)) = self.link.poll_heartbeat(now) {
            let heartbeat = Heartbeat { n, echo, answer, can_sell: self.can_sell(), cut: self.cut() };
            self.transmit(Message::Heartbeat(heartbeat), &mut out);
        }
        let refusals = self.claims.take_refusals();
        if !refusals.is_empty() {
            self.transmit(Message::ClaimsRefused(refusals), &mut out);
        }
        if let Some(wants) = self.claims.poll_wants() {
            self.transmit(Message::Claims(wants), &mut out);
        }
        while let Some(batch) = self.outbox.poll_batch(self.me, self.heads.own, now, source)? {
            self.transmit(Message::Batch(batch), &mut out);
        }
        let (peer, applied) = (self.me.peer(), self.heads.peer);
        if let Some(mut returning) = self.returning.take() {
            while let Some(batch) = returning.poll_batch(peer, applied, now, source)? {
                self.transmit(Message::Batch(batch), &mut out);
            }
            self.returning = Some(returning);
        }
        Ok(out)
    }

    fn transmit(&self, message: Message, out: &mut Vec<Transmit>) {
        let channel = message.channel();
        let envelope = Envelope {
            theatre: self.theatre,
            from: self.me,
            from_nonce: self.link.my_nonce,
            to_nonce: self.link.peer_nonce.unwrap_or(self.link.stray),
            message,
        };
        out.push(Transmit { channel, bytes: envelope.seal(&self.keys.own) });
    }
}
