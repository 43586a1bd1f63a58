//! Claims: asking the other side for seats. They are a convenience of a live link and die with its session; the handover that
//! grants one is an entry like any other.

use crate::message::Want;
use crate::settings::Settings;
use shared::ids::{ClaimId, HoldId, SeatId, ShowNumber};
use shared::ledger::HoldKind;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// Claims of the peer that are remembered.
const CLAIMS_REMEMBERED: usize = 256;

/// A claim of this node, and the hold it is for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) hold: HoldId,
    pub(crate) show: ShowNumber,
    /// Seats of the hold that are this node's already.
    pub(crate) own: Vec<SeatId>,
    /// Seats asked for.
    pub(crate) wanted: Vec<SeatId>,
    pub(crate) kind: HoldKind,
    pub(crate) deadline: Timestamp,
}

/// The claims of one theatre at one node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    asked: BTreeMap<ClaimId, Asked>,
    waiting: VecDeque<ClaimId>,
    /// The claims of the one message in flight.
    in_flight: Vec<ClaimId>,
    /// The peer's claims of this session, the latest ones: a copy of one is not asked twice.
    heard: VecDeque<ClaimId>,
    /// Refusals to tell the peer.
    refusals: Vec<(ClaimId, Refusal)>,
}

impl Claims {
    pub(crate) fn ask(&mut self, claim: ClaimId, asked: Asked) -> Result<(), Refusal> {
        if self.waiting.len() >= Settings::CLAIMS_WAITING_MAX {
            return Err(Refusal::ClaimQueueFull);
        }
        self.waiting.push_back(claim);
        self.asked.insert(claim, asked);
        Ok(())
    }

    /// The next message, if none is in flight: waiting claims merged up to the limit of seats.
    pub(crate) fn poll_wants(&mut self) -> Option<Vec<Want>> {
        if !self.in_flight.is_empty() || self.waiting.is_empty() {
            return None;
        }
        let (mut wants, mut seats) = (Vec::new(), 0);
        while let Some(claim) = self.waiting.front().copied() {
            let Some(asked) = self.asked.get(&claim) else {
                self.waiting.pop_front();
                continue;
            };
            seats += asked.wanted.len();
            if seats > Settings::CLAIM_SEATS_MAX && !wants.is_empty() {
                break;
            }
            self.waiting.pop_front();
            self.in_flight.push(claim);
            wants.push(Want { claim, show: asked.show, seats: asked.wanted.clone() });
        }
        (!wants.is_empty()).then_some(wants)
    }

    /// The peer answered, or the claim ended otherwise. Nothing for a claim that is no longer waited for.
    pub(crate) fn settle(&mut self, claim: ClaimId) -> Option<Asked> {
        self.in_flight.retain(|other| *other != claim);
        self.asked.remove(&claim)
    }

    /// Whether a claim under way is for this seat: it is somebody's already, though nobody knows yet whether they get it.
    pub(crate) fn is_asked_for(&self, show: ShowNumber, seat: SeatId) -> bool {
        self.asked.values().any(|asked| asked.show == show && asked.wanted.contains(&seat))
    }

    /// A hold that waits for a claim is released.
    pub(crate) fn forget_hold(&mut self, hold: HoldId) -> Option<Asked> {
        let claim = self.asked.iter().find(|(_, asked)| asked.hold == hold).map(|(claim, _)| *claim)?;
        self.settle(claim)
    }

    /// The session ended: every claim ends with it.
    pub(crate) fn drain(&mut self) -> Vec<Asked> {
        self.waiting.clear();
        self.in_flight.clear();
        self.refusals.clear();
        self.heard.clear();
        std::mem::take(&mut self.asked).into_values().collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.asked.values().map(|asked| asked.deadline).min()
    }

    /// Is this claim of the peer new in this session?
    pub(crate) fn is_first_hearing(&mut self, claim: ClaimId) -> bool {
        if self.heard.contains(&claim) {
            return false;
        }
        self.heard.push_back(claim);
        if self.heard.len() > CLAIMS_REMEMBERED {
            self.heard.pop_front();
        }
        true
    }

    /// Does a claim that was sent wait too long? One that still waits for its turn says nothing about the link.
    pub(crate) fn is_unanswered(&self, now: Timestamp) -> bool {
        self.in_flight.iter().filter_map(|claim| self.asked.get(claim)).any(|asked| asked.deadline <= now)
    }

    /// Claims that waited too long.
    pub(crate) fn overdue(&mut self, now: Timestamp) -> Vec<Asked> {
        let overdue: Vec<ClaimId> =
            self.asked.iter().filter(|(_, asked)| asked.deadline <= now).map(|(claim, _)| *claim).collect();
        overdue.into_iter().filter_map(|claim| self.settle(claim)).collect()
    }

    pub(crate) fn refuse(&mut self, claim: ClaimId, refusal: Refusal) {
        self.refusals.push((claim, refusal));
    }

    pub(crate) fn take_refusals(&mut self) -> Vec<(ClaimId, Refusal)> {
        std::mem::take(&mut self.refusals)
    }
}
