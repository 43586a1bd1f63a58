//! What the sellers met with.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Refusals that a fault or another buyer explains.
const USUAL: [&str; 14] = [
    "seat_sold",
    "seat_held",
    "seat_in_transit",
    "seat_elsewhere",
    "seat_unknown",
    "link_down",
    "claim_queue_full",
    "counter_only",
    "too_many_in_transit",
    "peer_closed",
    "hold_expired",
    "unknown_hold",
    "closed",
    "hold_is_booked",
];

/// Refusals by code, and what must not happen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    refusals: Mutex<BTreeMap<String, u64>>,
    troubles: Mutex<Vec<String>>,
}

impl Tally {
    /// A request was refused; what nothing explains is a trouble.
    pub(super) fn refused(&self, asked: &str, status: u16, code: &str) {
        if !USUAL.contains(&code) {
            self.trouble(format!("{asked} was answered {status} {code:?}"));
        }
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner).entry(code.to_owned()).or_default() += 1;
    }

    /// Something that must not happen.
    pub(super) fn trouble(&self, story: String) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(story);
    }

    /// What must not have happened.
    pub(super) fn troubles(&self) -> Vec<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often each refusal was met.
    pub(super) fn refusals(&self) -> BTreeMap<String, u64> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
