//! The outbox: entries on their way, of the own log or of the peer's that it has lost. An entry leaves it only on the peer's
//! application-level ack, sent after its commit.

use crate::log::{EntrySource, UnreadableLog};
use crate::message::{Batch, EntryBytes};
use crate::settings::Settings;
use shared::entry::Head;
use shared::ids::Side;
use shared::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// The most entry bytes of a batch beyond its first entry.
const BATCH_BYTES_MAX: usize = 12 * 1024;
/// Batches in flight.
const WINDOW_BATCHES: usize = 32;
/// Batches in flight at first.
const WINDOW_FIRST: usize = 2;
/// An ack that takes longer than this says that the line is full: the window shrinks.
const FULL_LINE: Duration = Duration::from_secs(1);

/// Where sending stands.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    /// The peer has durably applied up to here.
    acked: u64,
    /// Sent up to here in this session.
    sent: u64,
    /// The last number of each batch in flight.
    in_flight: VecDeque<(u64, Timestamp)>,
    window: usize,
    resend_at: Option<Timestamp>,
    wait: Duration,
    resend: Duration,
}

impl Outbox {
    pub(crate) fn new(acked: u64, resend: Duration) -> Self {
        Self {
            acked,
            sent: acked,
            in_flight: VecDeque::new(),
            window: WINDOW_FIRST,
            resend_at: None,
            wait: resend,
            resend,
        }
    }

    pub(crate) fn acked(&self) -> u64 {
        self.acked
    }

    /// A session begins: the peer states what it has, which may be less than it had acknowledged.
    pub(crate) fn restart_from(&mut self, applied: u64) {
        *self = Self::new(applied, self.resend);
    }

    /// Everything up to `seq` is durable at the peer. Returns whether that was news.
    pub(crate) fn handle_ack(&mut self, seq: u64, now: Timestamp) -> bool {
        if seq <= self.acked {
            // Said again: something of this log arrives there, only not yet what is next.
            if self.resend_at.is_some() {
                self.resend_at = Some(now + self.wait);
            }
            return false;
        }
        self.acked = seq;
        self.sent = self.sent.max(seq);
        while let Some((_, sent_at)) = self.in_flight.front().copied().filter(|(last, _)| *last <= seq) {
            self.in_flight.pop_front();
            let took = now.since(sent_at);
            self.window =
                if took < FULL_LINE { (self.window + 1).min(WINDOW_BATCHES) } else { (self.window / 2).max(1) };
            self.wait = self.resend.max(took * 2).min(Settings::RESEND_MAX);
        }
        self.resend_at = (!self.in_flight.is_empty()).then(|| now + self.wait);
        true
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.resend_at
    }

    /// No ack came in time: go back to what the peer is known to have.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        if self.resend_at.is_some_and(|at| at <= now) {
            self.sent = self.acked;
            self.in_flight.clear();
            self.window = 1;
            self.wait = (self.wait * 2).min(Settings::RESEND_MAX);
            self.resend_at = None;
        }
    }

    /// The next batch, if the window has room.
    pub(crate) fn poll_batch(
        &mut self,
        log: Side,
        last: Head,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<Option<Batch>, UnreadableLog> {
        if self.sent >= last.seq || self.in_flight.len() >= self.window {
            return Ok(None);
        }
        let first = self.sent + 1;
        let entries = source.entries(log, first, BATCH_BYTES_MAX)?;
        let Some(before) = source.head_at(log, self.sent)?.filter(|_| !entries.is_empty()) else {
            return Err(UnreadableLog { log, seq: first, cause: "the entry is missing".into() });
        };
        self.sent += entries.len() as u64;
        self.in_flight.push_back((self.sent, now));
        self.resend_at.get_or_insert(now + self.wait);
        let entries = entries.into_iter().map(EntryBytes).collect();
        Ok(Some(Batch { log, before, entries }))
    }
}
