//! A node's store in memory: what is committed survives a crash, nothing else does. It keeps the journal of its commits, so that
//! it can be set back to an image of an earlier moment.

use super::doors::{DoorTables, DoorWrite};
use shared::entry::{Entry, Fact, Hash, Head, TicketRef};
use shared::ids::{HoldId, KeyId, RequestId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{Hold, HoldKind, LedgerSnapshot, Marks, PlanParts, ShowRecord, Ticket};
use shared::seating::SeatingPlan;
use shared::show::Seat;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::log::{EntrySource, StoredEntry, UnreadableLog};
use sync_protocol::replica::{Changes, Discrepancy, Heads, Rewound, Snapshot, StandingChange, Start};

/// One transaction of a node's shell: all of it or nothing.
#[derive(Debug)]
pub struct Commit {
    /// The node's side.
    pub side: Side,
    /// True time.
    pub at: Timestamp,
    /// The node's store time.
    pub store_time: Timestamp,
    /// What the replica changed.
    pub changes: Changes,
    /// Answers to requests, so that a retry gets the same one.
    pub answers: Vec<(RequestId, Vec<TicketRef>)>,
    /// Tickets by the number of the own entry that sold or found them.
    pub sales: Vec<(TicketId, u64)>,
    /// What the doors' tables changed.
    pub doors: Vec<DoorWrite>,
}

impl Commit {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        let Changes { entries, ledger, heads, discrepancies, dead_letters, rewound, aside, standings } = &self.changes;
        entries.is_empty()
            && heads.is_none()
            && discrepancies.is_empty()
            && dead_letters.is_empty()
            && rewound.is_none()
            && aside.is_none()
            && standings.is_empty()
            && ledger.holds.is_empty()
            && ledger.shows.is_empty()
            && ledger.plan_parts.is_empty()
            && self.answers.is_empty()
            && self.sales.is_empty()
            && self.doors.is_empty()
    }
}

/// The committed state of one node.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// Both logs.
    pub logs: BTreeMap<(Side, u64), StoredEntry>,
    /// The heads.
    pub heads: Heads,
    /// What a person must settle.
    pub discrepancies: Vec<Discrepancy>,
    /// Messages that could not be processed.
    pub dead_letters: usize,
    /// The last persisted store time.
    pub store_time: Timestamp,
    /// The tickets each request got.
    pub answers: BTreeMap<RequestId, Vec<TicketRef>>,
    /// Own entries that were set aside.
    pub aside: Vec<StoredEntry>,
    /// Each closing and opening.
    pub standings: Vec<StandingChange>,
    /// What the edge keeps for the doors.
    pub doors: DoorTables,
    /// Holds.
    pub holds: BTreeMap<HoldId, Hold>,
    /// Shows.
    pub shows: BTreeMap<ShowNumber, ShowRecord>,
    /// Tickets.
    pub tickets: BTreeMap<TicketId, Ticket>,
    seats: BTreeMap<(ShowNumber, SeatId), Seat>,
    plans: BTreeMap<(ScreenId, u16), SeatingPlan>,
    plan_parts: BTreeMap<(ScreenId, u16), PlanParts>,
    certificates: Vec<Vec<u8>>,
    revoked: BTreeSet<KeyId>,
    marks: Marks,
    sales: BTreeMap<TicketId, u64>,
    journal: Vec<Arc<Commit>>,
}

impl Disk {
    /// Commits a transaction.
    pub fn commit(&mut self, commit: Commit) {
        self.apply(&commit);
        self.journal.push(Arc::new(commit));
    }

    /// The disk as it was after the last commit at or before a moment of true time.
    pub fn image(&self, at: Timestamp) -> Self {
        let kept = self.journal.partition_point(|commit| commit.at <= at);
        self.image_of(kept)
    }

    /// The disk without its last commits.
    pub fn without_last(&self, commits: usize) -> Self {
        self.image_of(self.journal.len().saturating_sub(commits))
    }

    fn image_of(&self, commits: usize) -> Self {
        let mut image = Self::default();
        for commit in self.journal.iter().take(commits) {
            image.apply(commit);
        }
        image.journal.extend(self.journal.iter().take(commits).cloned());
        image
    }

    fn apply(&mut self, commit: &Commit) {
        self.store_time = self.store_time.max(commit.store_time);
        self.answers.extend(commit.answers.iter().cloned());
        let changes = &commit.changes;
        if let Some(rewound) = changes.rewound {
            self.rewind(commit.side, rewound);
        }
        self.sales.extend(commit.sales.iter().copied());
        self.aside = changes.aside.clone().unwrap_or_else(|| std::mem::take(&mut self.aside));
        self.standings.extend(changes.standings.iter().cloned());
        self.logs.extend(changes.entries.iter().map(|entry| ((entry.log, entry.seq), entry.clone())));
        self.heads = changes.heads.unwrap_or(self.heads);
        self.discrepancies.extend(changes.discrepancies.iter().cloned());
        self.dead_letters += changes.dead_letters.len();
        let ledger = &changes.ledger;
        for (screen, plan) in &ledger.plans {
            self.plans.insert((*screen, plan.plan.version), plan.plan.clone());
        }
        for (screen, version, parts) in &ledger.plan_parts {
            put(&mut self.plan_parts, (*screen, *version), parts.as_ref());
        }
        for (number, show) in &ledger.shows {
            put(&mut self.shows, *number, show.as_ref());
        }
        self.seats.extend(ledger.seats.iter().map(|(show, seat, state)| ((*show, *seat), *state)));
        self.tickets.extend(ledger.tickets.iter().map(|ticket| (ticket.at.ticket, ticket.clone())));
        for (id, hold) in &ledger.holds {
            put(&mut self.holds, *id, hold.as_ref());
        }
        self.certificates.extend(ledger.certificates.iter().cloned());
        self.revoked.extend(ledger.revoked.iter().copied());
        self.marks = ledger.marks.unwrap_or(self.marks);
        self.doors.apply(&commit.doors, ledger.tickets.iter().map(|ticket| ticket.at.ticket));
    }

    /// Both logs are cut back, and what was made of them goes.
    fn rewind(&mut self, me: Side, rewound: Rewound) {
        let stays = |log: Side, seq: u64| seq <= if log == me { rewound.own } else { rewound.peer };
        self.logs.retain(|(log, seq), _| stays(*log, *seq));
        self.sales.retain(|_, seq| stays(me, *seq));
        self.shows.clear();
        self.seats.clear();
        self.tickets.clear();
        self.holds.clear();
        self.plans.clear();
        self.plan_parts.clear();
        self.certificates.clear();
        self.revoked.clear();
        self.marks = Marks::default();
    }

    /// What the node starts from.
    pub fn snapshot(&self, me: Side, start: Start, witness: Option<DeviceNumber>) -> Snapshot {
        let own = |entry: &&StoredEntry| entry.log == me && entry.seq > self.heads.acked;
        Snapshot {
            ledger: LedgerSnapshot {
                plans: self.plans.iter().map(|((screen, _), plan)| (*screen, plan.clone())).collect(),
                plan_parts: self.plan_parts.iter().map(|(key, parts)| (key.0, key.1, parts.clone())).collect(),
                shows: self.shows.values().cloned().collect(),
                seats: self.seats.iter().map(|((show, id), seat)| (*show, *id, *seat)).collect(),
                tickets: self.tickets.values().cloned().collect(),
                holds: self.holds.values().filter(|hold| hold.kind != HoldKind::Tentative).cloned().collect(),
                certificates: self.certificates.clone(),
                revoked: self.revoked.iter().copied().collect(),
                marks: self.marks,
            },
            aside: self.aside.clone(),
            witness,
            start,
            heads: self.heads,
            unacknowledged: self.logs.values().filter(own).map(|entry| (entry.seq, entry.bytes.clone())).collect(),
        }
    }

    /// A seat as committed, nothing where it stands as the opening split left it.
    pub fn seat(&self, show: ShowNumber, seat: SeatId) -> Option<Seat> {
        self.seats.get(&(show, seat)).copied()
    }

    /// The hash of an entry.
    pub fn hash(&self, log: Side, seq: u64) -> Option<Hash> {
        if seq == 0 { Some(Hash::default()) } else { self.logs.get(&(log, seq)).map(|entry| entry.hash) }
    }

    /// Did the log go on with another incarnation where this head's went on?
    pub fn has_left(&self, log: Side, head: Head) -> bool {
        let mut before = self.logs.range((log, 0)..=(log, head.seq)).rev();
        let known = before.any(|(_, entry)| entry.incarnation == head.incarnation);
        let last = self.logs.range((log, 0)..=(log, u64::MAX)).next_back();
        known && last.is_some_and(|(_, entry)| entry.incarnation != head.incarnation)
    }

    /// The sale of a ticket by this side, if it is on this disk: its number and hash.
    pub fn sale(&self, seller: Side, ticket: TicketId) -> Option<(u64, Hash)> {
        let seq = *self.sales.get(&ticket)?;
        self.hash(seller, seq).map(|hash| (seq, hash))
    }

    /// The epoch of its seat at which this side sold a ticket, if the sale is on this disk.
    pub fn sold_epoch(&self, seller: Side, ticket: TicketId) -> Option<u32> {
        let stored = self.logs.get(&(seller, *self.sales.get(&ticket)?))?;
        match Entry::decode(&stored.bytes).ok()?.fact {
            Fact::Sold { seats, .. } => seats.iter().find(|line| line.ticket == ticket).map(|line| line.epoch),
            Fact::TicketFound { seat, .. } => Some(seat.epoch),
            _ => None,
        }
    }

    /// Does it hold this very entry?
    pub fn holds_entry(&self, log: Side, seq: u64, hash: Hash) -> bool {
        self.hash(log, seq) == Some(hash)
    }

    /// The head of either log as committed here.
    pub fn head(&self, me: Side, log: Side) -> Head {
        if me == log { self.heads.own } else { self.heads.peer }
    }
}

fn put<K: Ord, V: Clone>(map: &mut BTreeMap<K, V>, key: K, value: Option<&V>) {
    match value {
        Some(value) => map.insert(key, value.clone()),
        None => map.remove(&key),
    };
}

impl EntrySource for Disk {
    fn entries(&self, log: Side, from: u64, bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog> {
        let (mut size, mut taken) = (0, Vec::new());
        for (_, entry) in self.logs.range((log, from)..=(log, u64::MAX)) {
            if size > bytes_max {
                break;
            }
            size += entry.bytes.len();
            taken.push(entry.bytes.clone());
        }
        Ok(taken)
    }

    fn head_at(&self, log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog> {
        let stored = self.logs.get(&(log, seq)).map(StoredEntry::head);
        Ok(if seq == 0 { Some(Head::default()) } else { stored })
    }
}
