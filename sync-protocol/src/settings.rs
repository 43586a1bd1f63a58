//! Settings of the link, with the defaults of the design.

use shared::allocation::Policy;
use shared::ledger::HoldTimes;
use std::time::Duration;

/// How patient the link is, and how seats are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Between heartbeats.
    pub heartbeat: Duration,
    /// Without a round trip for this long the link is `Suspect`.
    pub suspect_after: Duration,
    /// In `Suspect` for this long it is `LockedDown`.
    pub lock_down_after: Duration,
    /// A claim waits this long, then it is refused with `link_down`.
    pub claim_wait: Duration,
    /// The first wait before unacknowledged entries are sent again; doubles up to [`Settings::RESEND_MAX`].
    pub resend: Duration,
    /// At the gate the others are asked for this long before a person may answer for the node.
    pub gate_wait: Duration,
    /// A witness that was not heard for this long is not waited for.
    pub witness_silent_after: Duration,
    /// Who gets which seats.
    pub policy: Policy,
    /// How long this side's holds last.
    pub holds: HoldTimes,
}

impl Settings {
    /// The longest wait before entries are sent again.
    pub const RESEND_MAX: Duration = Duration::from_secs(5);
    /// Seats handed over and not yet acknowledged, per theatre.
    pub const IN_TRANSIT_MAX: usize = 256;
    /// Seats of one claim message.
    pub const CLAIM_SEATS_MAX: usize = 64;
    /// Claims that may wait for their turn.
    pub const CLAIMS_WAITING_MAX: usize = 64;

    /// The design's defaults with the given hold times.
    pub fn with_holds(holds: HoldTimes) -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            suspect_after: Duration::from_secs(6),
            lock_down_after: Duration::from_secs(3),
            claim_wait: Duration::from_millis(1500),
            resend: Duration::from_millis(500),
            gate_wait: Duration::from_secs(10),
            witness_silent_after: Duration::from_secs(15),
            policy: Policy::default(),
            holds,
        }
    }
}
