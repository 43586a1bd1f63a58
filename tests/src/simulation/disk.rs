//! A node's store in memory: what is committed survives a crash, nothing else does.

use shared::entry::{Hash, Head};
use shared::ids::{HoldId, KeyId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{Hold, HoldKind, LedgerSnapshot, PlanParts, ShowRecord, Ticket};
use shared::seating::SeatingPlan;
use shared::show::Seat;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::log::{EntrySource, StoredEntry, UnreadableLog};
use sync_protocol::replica::{Changes, Discrepancy, Heads, Snapshot};

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
    plans: BTreeMap<(ScreenId, u16), SeatingPlan>,
    plan_parts: BTreeMap<(ScreenId, u16), PlanParts>,
    shows: BTreeMap<ShowNumber, ShowRecord>,
    seats: BTreeMap<(ShowNumber, SeatId), Seat>,
    tickets: BTreeMap<TicketId, Ticket>,
    holds: BTreeMap<HoldId, Hold>,
    certificates: Vec<Vec<u8>>,
    revoked: BTreeSet<KeyId>,
}

impl Disk {
    /// Commits everything a replica changed.
    pub fn commit(&mut self, changes: Changes) {
        self.logs.extend(changes.entries.into_iter().map(|entry| ((entry.log, entry.seq), entry)));
        self.heads = changes.heads.unwrap_or(self.heads);
        self.discrepancies.extend(changes.discrepancies);
        self.dead_letters += changes.dead_letters.len();
        let ledger = changes.ledger;
        for (screen, plan) in ledger.plans {
            self.plans.insert((screen, plan.plan.version), plan.plan.clone());
        }
        for (screen, version, parts) in ledger.plan_parts {
            put(&mut self.plan_parts, (screen, version), parts);
        }
        for (number, show) in ledger.shows {
            put(&mut self.shows, number, show);
        }
        self.seats.extend(ledger.seats.into_iter().map(|(show, seat, state)| ((show, seat), state)));
        self.tickets.extend(ledger.tickets.into_iter().map(|ticket| (ticket.at.ticket, ticket)));
        for (id, hold) in ledger.holds {
            put(&mut self.holds, id, hold);
        }
        self.certificates.extend(ledger.certificates);
        self.revoked.extend(ledger.revoked);
    }

    /// What the node starts from.
    pub fn snapshot(&self, me: Side) -> Snapshot {
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
            },
            heads: self.heads,
            unacknowledged: self.logs.values().filter(own).map(|entry| (entry.seq, entry.bytes.clone())).collect(),
        }
    }

    /// The hash of an entry.
    pub fn hash(&self, log: Side, seq: u64) -> Option<Hash> {
        if seq == 0 { Some(Hash::default()) } else { self.logs.get(&(log, seq)).map(|entry| entry.hash) }
    }

    /// The head of either log as committed here.
    pub fn head(&self, me: Side, log: Side) -> Head {
        if me == log { self.heads.own } else { self.heads.peer }
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
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

    fn hash_at(&self, log: Side, seq: u64) -> Result<Option<Hash>, UnreadableLog> {
        Ok(self.hash(log, seq))
    }
}
