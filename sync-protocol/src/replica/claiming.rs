//! Claims between the two sides: what becomes of the peer's, and of the own ones.

use super::{Event, Replica};
use crate::message::Want;
use shared::allocation;
use shared::ids::{ClaimId, HoldId, ShowNumber, Side};
use shared::ledger::{GROUP_SEATS_MAX, HoldKind};
use shared::refusal::Refusal;
use shared::time::Timestamp;

impl Replica {
    /// The peer wants seats.
    pub(super) fn handle_want(&mut self, want: Want, now: Timestamp) {
        let Want { claim, show, seats } = want;
        if !self.claims.is_first_hearing(claim) {
            return;
        }
        let asked = self.ledger.show(show).ok_or(Refusal::UnknownShow).and_then(|known| {
            self.ledger.check_request(known, &seats, GROUP_SEATS_MAX)?;
            let floor_kept =
                self.me == Side::Central || allocation::leaves_counter_floor(known, &seats, self.settings.policy, now);
            if floor_kept { Ok(()) } else { Err(Refusal::CounterOnly) }
        });
        let answer = asked.and_then(|()| self.give(show, &seats, Some(claim), now));
        if let Err(refusal) = answer {
            self.claims.refuse(claim, refusal);
        }
        self.events.push_back(Event::ClaimHeard { claim, show, answer });
    }

    /// The peer gives no seats.
    pub(super) fn handle_refusal(&mut self, claim: ClaimId, refusal: Refusal, now: Timestamp) {
        // What is not theirs any more is given already: it comes with the log.
        let passing = refusal == Refusal::SeatElsewhere;
        self.settle_claim(claim, Err(if passing { Refusal::SeatInTransit } else { refusal }), now);
    }

    /// A claim of this node is answered: its hold stands or falls.
    pub(super) fn settle_claim(&mut self, claim: ClaimId, answer: Result<(), Refusal>, now: Timestamp) {
        let Some(asked) = self.claims.settle(claim) else { return };
        self.ledger.release_hold(asked.hold);
        let kind = if asked.kind == HoldKind::Tentative { HoldKind::Web } else { asked.kind };
        let outcome = answer.and_then(|()| {
            let seats: Vec<_> = asked.own.iter().chain(&asked.wanted).copied().collect();
            self.ledger.place_hold(asked.hold, asked.show, &seats, kind, self.settings.holds, now)
        });
        self.events.push_back(Event::HoldsChanged(asked.show));
        self.events.push_back(Event::ClaimSettled { hold: asked.hold, outcome });
    }

    pub(super) fn drop_claims(&mut self) {
        for asked in self.claims.drain() {
            self.fail_claim(asked.hold, asked.show);
        }
    }

    pub(super) fn fail_claim(&mut self, hold: HoldId, show: ShowNumber) {
        self.ledger.release_hold(hold);
        self.events.push_back(Event::HoldsChanged(show));
        self.events.push_back(Event::ClaimSettled { hold, outcome: Err(Refusal::LinkDown) });
    }
}
