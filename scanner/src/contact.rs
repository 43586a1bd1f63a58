//! How the device stands with the edge: in reach or not, whose clock, how old the data is, and so which guarantee.

use shared::admission::{Clock, Guarantee};
use shared::time::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What is known about the edge now. Shared by the scans and the task that keeps up with the edge.
#[derive(Debug)]
pub(crate) struct Contact {
    reachable: watch::Sender<bool>,
    off: AtomicBool,
    heard: Mutex<Heard>,
    stale_after: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// Own time when the list was last complete.
    synced_at: Option<Timestamp>,
    /// The edge's clock minus the own one, milliseconds; nothing until the edge was heard since the start.
    clock_offset_ms: Option<i64>,
    /// What the edge's last answer promised.
    promised: Guarantee,
}

impl Contact {
    pub(crate) fn new(synced_at: Option<Timestamp>, stale_after: Duration, off: bool) -> Self {
        let heard = Mutex::new(Heard { synced_at, clock_offset_ms: None, promised: Guarantee::Solo });
        Self { reachable: watch::Sender::new(false), off: AtomicBool::new(off), heard, stale_after }
    }

    /// The edge answered as it should.
    pub(crate) fn found(&self) {
        if !self.reachable.send_replace(true) {
            tracing::info!("the edge is within reach");
        }
    }

    /// The edge did not answer, or not as it should.
    pub(crate) fn lost(&self, why: &dyn std::fmt::Display) {
        if self.reachable.send_replace(false) {
            tracing::warn!(%why, "the edge is out of reach");
        }
    }

    /// The edge says whether somebody has declared this device off. Returns whether that is new.
    pub(crate) fn declared(&self, off: bool) -> bool {
        self.off.swap(off, Ordering::Relaxed) != off
    }

    /// Somebody has declared this device off: it hears of no void any more and must let nobody in.
    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    pub(crate) fn reachable(&self) -> bool {
        *self.reachable.borrow()
    }

    /// Waits until the edge is out of reach.
    pub(crate) async fn wait_lost(&self) {
        // `self` keeps the sender, so the channel does not close.
        let _ = self.reachable.subscribe().wait_for(|reachable| !reachable).await;
    }

    /// The edge said what time it is.
    pub(crate) fn set_clock(&self, own: Timestamp, edge: Timestamp) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clock_offset_ms = Some(edge.0.saturating_sub(own.0));
    }

    /// The edge said what its answers promise: one that is closed, or has not heard all doors yet, does not share.
    pub(crate) fn promised(&self, guarantee: Guarantee) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).promised = guarantee;
    }

    /// The list was complete at this own time.
    pub(crate) fn set_synced(&self, at: Timestamp) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).synced_at = Some(at);
    }

    /// The time to judge tickets by: the edge's, once it was heard; else the own, which then refuses nobody.
    pub(crate) fn clock(&self, own: Timestamp) -> Clock {
        match self.heard().clock_offset_ms {
            Some(offset) => Clock { now: Timestamp(own.0.saturating_add(offset)), verified: true },
            None => Clock { now: own, verified: false },
        }
    }

    /// How old the list is; nothing if it never was complete.
    pub(crate) fn data_age(&self, own: Timestamp) -> Option<Duration> {
        self.heard().synced_at.map(|at| own.since(at))
    }

    /// What an answer without the edge can promise now.
    pub(crate) fn guarantee_alone(&self, own: Timestamp) -> Guarantee {
        Guarantee::alone(self.data_age(own), self.stale_after)
    }

    /// What the badge shows: what the next answer will most likely promise.
    pub(crate) fn guarantee(&self, own: Timestamp) -> Guarantee {
        if self.reachable() { self.heard().promised } else { self.guarantee_alone(own) }
    }

    fn heard(&self) -> Heard {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guarantee_goes_from_shared_to_solo_to_stale() {
        let start = Timestamp(1_800_000_000_000);
        let contact = Contact::new(None, Duration::from_secs(600), false);
        assert_eq!(contact.guarantee(start), Guarantee::Stale);
        contact.found();
        contact.set_synced(start);
        assert_eq!(contact.guarantee(start), Guarantee::Solo, "nothing was promised yet");
        contact.promised(Guarantee::Shared);
        assert_eq!(contact.guarantee(start), Guarantee::Shared);
        contact.promised(Guarantee::Solo);
        assert_eq!(contact.guarantee(start), Guarantee::Solo, "the box is closed");
        contact.promised(Guarantee::Shared);
        contact.lost(&"no answer");
        assert_eq!(contact.guarantee(start + Duration::from_secs(600)), Guarantee::Solo);
        assert_eq!(contact.guarantee(start + Duration::from_secs(601)), Guarantee::Stale);
    }

    #[test]
    fn tickets_are_judged_by_the_edges_clock_once_it_was_heard() {
        let contact = Contact::new(None, Duration::ZERO, false);
        assert_eq!(contact.clock(Timestamp(5)), Clock { now: Timestamp(5), verified: false });
        contact.set_clock(Timestamp(5), Timestamp(1005));
        assert_eq!(contact.clock(Timestamp(7)), Clock { now: Timestamp(1007), verified: true });
    }
}
