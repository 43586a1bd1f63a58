//! The exchange with the peer: sessions, and what each message of one does.

use super::closed::Proof;
use super::{Closed, DeadLetter, DiscrepancyKind, Event, Replica, Transmit};
use crate::cuts::Comparison;
use crate::envelope::{ENVELOPE_BYTES_MAX, Envelope};
use crate::link::LinkState;
use crate::log::{EntrySource, UnreadableLog};
use crate::message::{Ack, Cut, Heartbeat, Hello, Message, ProtocolRange, Return};
use crate::settings::Settings;
use shared::ids::Side;
use shared::planted::{self, Plant};
use shared::time::Timestamp;

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
