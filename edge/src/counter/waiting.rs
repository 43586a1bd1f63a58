//! Requests that wait until central has given the seats they need.

use super::answer::{Outcomes, RequestKey};
use super::group::Group;
use super::sales::Till;
use shared::ids::HoldId;
use shared::ledger::Hold;
use shared::refusal::Refusal;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// What seats are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To hold them for this member of staff, perhaps for a group.
    Hold(String, Option<Group>),
    /// To sell them at once.
    Sale(Till),
}

/// A request that waits.
#[derive(Debug)]
pub struct WaitingRequest {
    /// The client's key.
    pub key: RequestKey,
    /// What the seats are for.
    pub purpose: Purpose,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Outcomes>,
}

/// What became of the claim a hold waited for.
pub type SettledClaim = (HoldId, Result<Hold, Refusal>);

/// All requests that wait, and what was settled for them.
#[derive(Debug, Default)]
pub struct Waiting {
    requests: BTreeMap<HoldId, WaitingRequest>,
    settled: Vec<SettledClaim>,
    answers: Vec<(oneshot::Sender<Outcomes>, Outcomes)>,
}

impl Waiting {
    /// Keeps a request until the claim of its hold is settled.
    pub fn insert(&mut self, hold: HoldId, request: WaitingRequest) {
        self.requests.insert(hold, request);
    }

    /// Whether a request under this key waits already.
    pub fn contains(&self, scope: &str, key: &str) -> bool {
        self.requests.values().any(|request| request.key.scope == scope && request.key.key == key)
    }

    /// A claim was settled; its request is done in the same transaction.
    pub fn settle(&mut self, claim: SettledClaim) {
        self.settled.push(claim);
    }

    /// Whether a settled claim's request is not done yet.
    pub fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    /// The requests whose claims were settled, with what became of these.
    pub fn take_settled(&mut self) -> Vec<(WaitingRequest, Result<Hold, Refusal>)> {
        let settled = std::mem::take(&mut self.settled);
        settled.into_iter().filter_map(|(hold, outcome)| Some((self.requests.remove(&hold)?, outcome))).collect()
    }

    /// Keeps an answer back until the commit.
    pub fn answer_later(&mut self, to: oneshot::Sender<Outcomes>, outcome: Outcomes) {
        self.answers.push((to, outcome));
    }

    /// Sends the answers that were kept back.
    pub fn send_answers(&mut self) {
        for (to, outcome) in self.answers.drain(..) {
            // A client that has gone away asks again with the same key.
            drop(to.send(outcome));
        }
    }
}
