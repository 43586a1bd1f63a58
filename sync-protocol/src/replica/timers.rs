//! What time does: silence, deadlines, resends, the allocation's level-triggered work.

use super::{Closed, Event, Replica};
use crate::link::LinkState;
use crate::outbox::Outbox;
use crate::settings::Settings;
use shared::allocation;
use shared::entry::{Fact, SeatsAtEpoch};
use shared::ids::{SeatId, ShowNumber, Side};
use shared::planted::{self, Plant};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::time::Duration;

/// How often the allocation is looked at.
const ALLOCATION_EVERY: Duration = Duration::from_secs(5);
/// Seats of one handover entry by the allocation.
const ALLOCATION_SEATS_MAX: usize = 64;

impl Replica {
    /// When to call [`Replica::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let reachable = self.link.connected && !self.link.work_offline;
        let hello = (reachable && self.me == Side::Edge && self.link.peer_nonce.is_none())
            .then(|| self.link.since.max(self.hello_retry));
        [
            self.link.poll_timeout(),
            hello,
            self.claims.next_deadline(),
            self.ledger.next_hold_deadline(),
            self.link.peer_nonce.and(self.outbox.poll_timeout()),
            self.link.peer_nonce.and(self.returning.as_ref().and_then(Outbox::poll_timeout)),
            self.link.is_live().then_some(self.next_allocation),
            (self.is_taking_back() && self.link.peer_nonce.is_some()).then_some(self.return_at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The clock has jumped forward by so much: nobody has held seats that long.
    pub fn follow_jump(&mut self, by: Duration) {
        self.ledger.follow_jump(by);
    }

    fn is_taking_back(&self) -> bool {
        self.is_closed(Closed::HeadUnproven) && self.wanted > self.heads.own.seq
    }

    /// Does everything that is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(hold) = self.ledger.expire_hold(now) {
            self.events.push_back(Event::HoldsChanged(hold.show));
        }
        if planted::is(Plant::HandoverCancelled) && self.link.state == LinkState::LockedDown {
            self.cancel_handovers(now);
        }
        let unanswered = self.claims.is_unanswered(now);
        let overdue = self.claims.overdue(now);
        if unanswered && self.link.doubt(now) {
            self.events.push_back(Event::LinkChanged(LinkState::Suspect));
        }
        for asked in overdue {
            self.fail_claim(asked.hold, asked.show);
        }
        match self.link.silence(now) {
            Some(LinkState::LockedDown) => self.end_session(LinkState::LockedDown, now),
            Some(state) => self.enter(state, now),
            None => {}
        }
        let alone = self.link.connected && !self.link.work_offline && self.link.peer_nonce.is_none();
        if self.me == Side::Edge && alone && self.hello_retry <= now {
            self.link.hello_due = true;
            self.hello_retry = now + self.settings.heartbeat;
        }
        self.outbox.handle_timeout(now);
        if let Some(returning) = &mut self.returning {
            returning.handle_timeout(now);
        }
        if self.is_taking_back() && self.return_at <= now {
            self.return_due = self.link.peer_nonce.is_some();
            self.return_at = now + self.settings.heartbeat;
        }
        if self.link.is_live() && self.next_allocation <= now {
            self.next_allocation = now + ALLOCATION_EVERY;
            self.allocate(now);
        }
    }

    /// What no protocol may do, and a planted bug does: what was given and not acknowledged is taken back after a while.
    fn cancel_handovers(&mut self, now: Timestamp) {
        for (_, seats) in std::mem::take(&mut self.in_transit) {
            for (show, seat) in seats {
                let epoch = self.ledger.show(show).and_then(|show| show.seat(seat)).map_or(0, |seat| seat.epoch);
                let runs = vec![SeatsAtEpoch { first: seat, count: 1, epoch }];
                let _refused_or_taken = self.append(Fact::HandedOver { show, runs, claim: None }, now);
            }
        }
    }

    /// Gives of the own seats what the allocation says is due.
    fn allocate(&mut self, now: Timestamp) {
        let (policy, away) = (self.settings.policy, self.link.away(now));
        let mut room = Settings::IN_TRANSIT_MAX.saturating_sub(self.in_transit_count());
        let mut gifts: Vec<(ShowNumber, Vec<SeatId>)> = Vec::new();
        for show in self.ledger.shows() {
            let seats = allocation::due_handover(&self.ledger, show, policy, away, room, now);
            room -= seats.len();
            let seats: Vec<SeatId> = seats.into_iter().collect();
            gifts.extend(seats.chunks(ALLOCATION_SEATS_MAX).map(|seats| (show.facts.number, seats.to_vec())));
        }
        for (show, seats) in gifts {
            // One show's refusal is no reason to leave out the others; a link that is gone refuses them all.
            if self.give(show, &seats, None, now) == Err(Refusal::LinkDown) {
                break;
            }
        }
    }
}
