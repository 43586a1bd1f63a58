//! Cutting the own log back: entries are set aside, and both logs are folded again without them.

use super::{Event, Replica, Rewound};
use crate::gate::Gate;
use crate::link::LinkState;
use crate::log::{EntrySource, StoredEntry, UnreadableLog};
use shared::entry::{Entry, Fact, Head, OpenedBy};
use shared::ids::Side;
use shared::ledger::Ledger;
use shared::planted::{self, Plant};
use shared::time::Timestamp;

/// Bytes of a log read at once when it is folded again.
const FOLD_BYTES: usize = 256 * 1024;

impl Replica {
    /// Sets the own entries aside that the peer has not acknowledged, or that lie beyond `shared`, and folds both logs again
    /// without them.
    pub(super) fn set_aside(
        &mut self,
        shared: u64,
        now: Timestamp,
        source: &dyn EntrySource,
    ) -> Result<(), UnreadableLog> {
        let keep = self.heads.acked.min(self.heads.own.seq).min(shared);
        let mut seq = keep;
        let mut aside = Vec::new();
        let logs = self.logs(source);
        while seq < self.heads.own.seq {
            let entries = logs.entries(self.me, seq + 1, FOLD_BYTES)?;
            if entries.is_empty() {
                return Err(UnreadableLog { log: self.me, seq: seq + 1, cause: "the entry is missing".into() });
            }
            for bytes in entries.into_iter().take((self.heads.own.seq - seq) as usize) {
                seq += 1;
                let head = logs.head_at(self.me, seq)?;
                let Head { incarnation, hash, .. } =
                    head.ok_or_else(|| UnreadableLog { log: self.me, seq, cause: "the entry is missing".into() })?;
                aside.push(StoredEntry { log: self.me, incarnation, seq, hash, bytes, at: now });
            }
        }
        let by = aside.iter().rev().find_map(|entry| match Entry::decode(&entry.bytes) {
            Ok(Entry { fact: Fact::LogOpened { by, .. }, .. }) if by != OpenedBy::First => Some(by),
            _ => None,
        });
        for entry in &aside {
            if let Ok(Entry { fact: Fact::LogOpened { incarnation, .. }, .. }) = Entry::decode(&entry.bytes) {
                self.heads.recovery.abandon(incarnation);
            }
        }
        self.rewind(keep, now, source)?;
        // What lies further back in the log goes first when they are written again.
        if !planted::is(Plant::CutOffNotKept) {
            self.aside.splice(..0, aside);
        }
        self.aside_changed = true;
        // What devices said was about the line that is no more.
        self.gate = Gate::new(self.gate.named());
        // Who has answered for this cut answers for what is cut further back, too.
        self.heads.recovery.reopen = self.heads.recovery.reopen.or(by).or(Some(OpenedBy::TwoPersons));
        self.heads.recovery.unproven = None;
        self.heads_changed = true;
        Ok(())
    }

    /// Folds both logs again, the own one up to `keep` and the peer's as far as it had seen no more than that.
    pub(super) fn rewind(&mut self, keep: u64, now: Timestamp, source: &dyn EntrySource) -> Result<(), UnreadableLog> {
        let logs = self.logs(source);
        let mut ledger = Ledger::new(self.me);
        let peer = self.me.peer();
        let mut own = LogReader::new(self.me, keep);
        let mut theirs = LogReader::new(peer, self.heads.peer.seq);
        loop {
            if own.is_ready(theirs.done, &logs)? {
                own.fold(&mut ledger);
            } else if theirs.is_ready(own.done, &logs)? {
                theirs.fold(&mut ledger);
            } else {
                break;
            }
        }
        let missing = |log, seq| UnreadableLog { log, seq, cause: "the entry is missing".into() };
        let own_head = logs.head_at(self.me, own.done)?.ok_or_else(|| missing(self.me, own.done))?;
        let peer_head = logs.head_at(peer, theirs.done)?.ok_or_else(|| missing(peer, theirs.done))?;
        self.entries.retain(|entry| {
            let last = if entry.log == self.me { own_head.seq } else { peer_head.seq };
            entry.seq <= last
        });
        self.ledger = ledger;
        // What waited continues a line that is cut now; it is given again.
        self.own_waiting.clear();
        (self.heads.own, self.heads.peer) = (own_head, peer_head);
        self.heads.acked = self.heads.acked.min(own_head.seq);
        self.outbox.restart_from(self.heads.acked);
        self.in_transit.clear();
        self.cuts = crate::cuts::Cuts::default();
        self.cuts.note(self.cut());
        self.peer_waiting.clear();
        self.heads_changed = true;
        self.rewound = Some(Rewound { me: self.me, own: own_head.seq, peer: peer_head.seq });
        self.events.push_back(Event::Rewound);
        // The peer must hear from where its log is wanted.
        self.end_session(LinkState::LockedDown, now);
        self.link.hello_due = self.link.connected && self.me == Side::Edge;
        Ok(())
    }
}

/// Reads a log from its beginning, entry by entry.
struct LogReader {
    log: Side,
    done: u64,
    last: u64,
    ahead: std::collections::VecDeque<Entry>,
}

impl LogReader {
    fn new(log: Side, last: u64) -> Self {
        Self { log, done: 0, last, ahead: std::collections::VecDeque::new() }
    }

    /// Is there a next entry whose writer had seen no more of the other log than `seen`?
    fn is_ready(&mut self, seen: u64, logs: &dyn EntrySource) -> Result<bool, UnreadableLog> {
        if self.done >= self.last {
            return Ok(false);
        }
        if self.ahead.is_empty() {
            for bytes in logs.entries(self.log, self.done + 1, FOLD_BYTES)? {
                let entry = Entry::decode(&bytes).map_err(|bad| UnreadableLog {
                    log: self.log,
                    seq: self.done + 1,
                    cause: bad.to_string(),
                })?;
                self.ahead.push_back(entry);
            }
        }
        Ok(self.ahead.front().is_some_and(|entry| entry.seen <= seen))
    }

    fn fold(&mut self, ledger: &mut Ledger) {
        if let Some(entry) = self.ahead.pop_front() {
            self.done += 1;
            // What does not apply was listed when it came.
            let _listed = ledger.apply(self.log, self.done, &entry);
        }
    }
}
