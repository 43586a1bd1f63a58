//! What a node remembers beside ledger and logs: how far both have come, and what recovery must not forget.

use super::Closed;
use serde::{Deserialize, Serialize};
use shared::entry::{Head, OpenedBy};
use shared::ids::{Incarnation, Side};

/// What the node must remember beside ledger and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heads {
    /// The own log.
    pub own: Head,
    /// The peer's log as applied here.
    pub peer: Head,
    /// The peer has durably applied the own log up to here.
    pub acked: u64,
    /// Why this node is closed.
    pub closed: Option<Closed>,
    /// What recovery must remember.
    pub recovery: Recovery,
}

/// What must be remembered of a log that was, or has to be, taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recovery {
    /// The log goes on as a new incarnation once it is back: who answers for it.
    pub reopen: Option<OpenedBy>,
    /// The number of an incarnation's first entry that was opened without proof and that the peer has not acknowledged.
    pub unproven: Option<u64>,
    /// The log in which a fork was found.
    pub forked: Option<Side>,
    /// What the node was closed for when its head became unproven.
    pub covered: Option<Closed>,
    /// Incarnations of the own log that were set aside, the latest first: whoever remembers one of them remembers nothing of use.
    #[serde(default)]
    pub abandoned: [Option<Incarnation>; 8],
    /// Incarnations of which devices remembered a head when persons answered for what is missing, the latest first.
    #[serde(default)]
    pub answered: [Option<Incarnation>; 8],
}

impl Recovery {
    pub(super) fn abandon(&mut self, incarnation: Incarnation) {
        note_latest(&mut self.abandoned, incarnation);
    }

    pub(super) fn answer(&mut self, incarnation: Incarnation) {
        note_latest(&mut self.answered, incarnation);
    }
}

fn note_latest(noted: &mut [Option<Incarnation>; 8], incarnation: Incarnation) {
    if !noted.contains(&Some(incarnation)) {
        let [kept @ .., _] = *noted;
        let mut latest = [Some(incarnation)].into_iter().chain(kept);
        *noted = std::array::from_fn(|_| latest.next().flatten());
    }
}
