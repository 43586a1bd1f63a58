//! One node's copy of one theatre: ledger, both logs' heads, link session. The only owner of each.

mod commands;
mod exchange;
mod seat_state;
mod timers;

use crate::claims::Claims;
use crate::cuts::Cuts;
use crate::link::{Link, LinkState};
use crate::log::{EntrySource, StoredEntry, UnreadableLog};
use crate::message::{Channel, Cut};
use crate::outbox::Outbox;
use crate::randomness::Randomness;
use crate::settings::Settings;
pub use commands::Held;
pub use seat_state::SeatState;
use serde::{Deserialize, Serialize};
use shared::entry::{Entry, Fact, Head, OpenedBy, SeatsAtEpoch};
use shared::ids::{HoldId, Incarnation, KeyId, SeatId, ShowNumber, Side, TheatreId};
use shared::keys::{PublicKey, SecretKey};
use shared::ledger::{Conflict, Hold, Ledger, LedgerChanges, LedgerSnapshot};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Why a node may not sell at all. It still answers Hello, still acts as a witness, still admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// Somebody knows more of the own log than this node does.
    HeadUnproven,
    /// The same entry number with two hashes.
    Fork,
    /// The store failed.
    DiskError,
    /// The own key is revoked.
    KeyRevoked,
    /// An entry of the peer cannot be read by this program.
    UpgradeNeeded,
    /// Equal heads, unequal states, or an own entry that does not apply.
    BrokenInvariant,
}

impl Closed {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::HeadUnproven => "head_unproven",
            Self::Fork => "fork",
            Self::DiskError => "disk_error",
            Self::KeyRevoked => "key_revoked",
            Self::UpgradeNeeded => "upgrade_needed",
            Self::BrokenInvariant => "broken_invariant",
        }
    }
}

/// What a person must settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// The log the entry is in, if it is about one.
    pub log: Side,
    /// Its number.
    pub seq: u64,
    /// What is wrong.
    pub kind: DiscrepancyKind,
    /// When it was found.
    pub at: Timestamp,
}

/// The kinds of discrepancy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscrepancyKind {
    /// An entry that was not applied.
    NotApplied(Conflict),
    /// Two chains at one number.
    Fork,
    /// Two digests at one cut.
    Digest {
        /// The cut and the peer's digest.
        cut: Cut,
        /// The own digest.
        own: u128,
    },
    /// Two shows on one screen at one time.
    ShowsOverlap(ShowNumber),
    /// The peer's entry says it had seen more of the own log than there is.
    SeenTooMuch {
        /// What it says.
        seen: u64,
    },
}

/// Bytes that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it came.
    pub at: Timestamp,
    /// Why.
    pub why: String,
    /// The bytes, at most 24 KiB.
    pub bytes: Vec<u8>,
}

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
}

/// What must be stored, in one transaction.
#[derive(Debug, Default)]
pub struct Changes {
    /// Entries of either log, in order.
    pub entries: Vec<StoredEntry>,
    /// Materialised state.
    pub ledger: LedgerChanges,
    /// The heads, if they changed.
    pub heads: Option<Heads>,
    /// New discrepancies.
    pub discrepancies: Vec<Discrepancy>,
    /// New dead letters.
    pub dead_letters: Vec<DeadLetter>,
}

/// What a store gives back at start.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Materialised state.
    pub ledger: LedgerSnapshot,
    /// The heads.
    pub heads: Heads,
    /// Own entries the peer has not acknowledged, in order, with their numbers.
    pub unacknowledged: Vec<(u64, Vec<u8>)>,
}

/// What became of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The link is in another state.
    LinkChanged(LinkState),
    /// A hold that waited for a claim stands, or is refused.
    ClaimSettled {
        /// The hold.
        hold: HoldId,
        /// What became of it.
        outcome: Result<Hold, Refusal>,
    },
    /// A fact of either log was applied.
    Applied {
        /// Its writer.
        writer: Side,
        /// Its number.
        seq: u64,
        /// The fact.
        fact: Fact,
        /// When it was written, as the writer says.
        at: Timestamp,
    },
    /// A hold began, moved or ended: the show's map has changed.
    HoldsChanged(ShowNumber),
    /// The peer has durably applied more of the own log.
    Acknowledged(u64),
    /// This node may not sell from now on.
    Closed(Closed),
}

/// A sealed message and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The topic's kind.
    pub channel: Channel,
    /// The envelope's bytes.
    pub bytes: Vec<u8>,
}

/// The keys of a link: who signs here, whom to believe.
#[derive(Debug, Clone)]
pub struct LinkKeys {
    /// The own key.
    pub own: SecretKey,
    /// The peer's keys; several while they rotate.
    pub peer: Vec<PublicKey>,
}

/// One node's copy of one theatre. See the crate's description for the order of calls.
#[derive(Debug, Clone)]
pub struct Replica {
    theatre: TheatreId,
    me: Side,
    settings: Settings,
    keys: LinkKeys,
    boot: u64,
    random: Randomness,
    ledger: Ledger,
    heads: Heads,
    link: Link,
    outbox: Outbox,
    claims: Claims,
    cuts: Cuts,
    /// Handovers the peer has not acknowledged, by entry number.
    in_transit: BTreeMap<u64, BTreeSet<(ShowNumber, SeatId)>>,
    ack_due: bool,
    heads_changed: bool,
    next_allocation: Timestamp,
    hello_retry: Timestamp,
    entries: Vec<StoredEntry>,
    discrepancies: Vec<Discrepancy>,
    dead_letters: Vec<DeadLetter>,
    events: VecDeque<Event>,
}

impl Replica {
    /// A node with what its store kept (nothing, for a first start) and 32 fresh random bytes. A first start opens the log.
    pub fn new(
        theatre: TheatreId,
        me: Side,
        settings: Settings,
        keys: LinkKeys,
        snapshot: Snapshot,
        seed: [u8; 32],
        now: Timestamp,
    ) -> Self {
        let mut random = Randomness::new(seed);
        let boot = random.number();
        let link = Link::new(settings, random.number(), now);
        let heads = snapshot.heads;
        let mut replica = Self {
            theatre,
            me,
            settings,
            keys,
            boot,
            ledger: Ledger::restore(me, snapshot.ledger),
            heads,
            link,
            outbox: Outbox::new(heads.acked, settings.resend),
            claims: Claims::default(),
            cuts: Cuts::default(),
            in_transit: BTreeMap::new(),
            ack_due: false,
            heads_changed: false,
            next_allocation: now,
            hello_retry: now,
            entries: Vec::new(),
            discrepancies: Vec::new(),
            dead_letters: Vec::new(),
            events: VecDeque::new(),
            random,
        };
        for (seq, bytes) in snapshot.unacknowledged {
            if let Ok(Entry { fact: Fact::HandedOver { show, runs, .. }, .. }) = Entry::decode(&bytes) {
                replica.note_transit(seq, show, &runs);
            }
        }
        let revoked: Vec<KeyId> = replica.ledger.revoked().collect();
        revoked.into_iter().for_each(|key| replica.forget_key(key));
        replica.cuts.note(replica.cut());
        if heads.own.seq == 0 {
            let incarnation = Incarnation(replica.random.number());
            replica.heads.own.incarnation = incarnation;
            let opened = Fact::LogOpened { incarnation, parent: None, by: OpenedBy::First };
            let _always_small_and_applicable = replica.append(opened, now);
        }
        replica
    }

    /// The theatre.
    pub fn theatre(&self) -> TheatreId {
        self.theatre
    }

    /// The side this node is.
    pub fn side(&self) -> Side {
        self.me
    }

    /// The ledger, to read.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The heads, what the peer acknowledged, and why this node is closed.
    pub fn heads(&self) -> Heads {
        self.heads
    }

    /// This program's start, random.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// The link's state and since when.
    pub fn link_state(&self) -> (LinkState, Timestamp) {
        (self.link.state, self.link.since)
    }

    /// Switched off by hand.
    pub fn works_offline(&self) -> bool {
        self.link.work_offline
    }

    /// When the peer was last heard in a session.
    pub fn peer_last_heard(&self) -> Option<Timestamp> {
        self.link.peer_last_heard
    }

    /// Own entries the peer has not acknowledged.
    pub fn backlog(&self) -> u64 {
        self.heads.own.seq.saturating_sub(self.heads.acked)
    }

    /// May this node sell?
    pub fn can_sell(&self) -> bool {
        self.heads.closed.is_none()
    }

    /// The state's digest at the present heads.
    pub fn cut(&self) -> Cut {
        let (central, edge) = match self.me {
            Side::Central => (self.heads.own.seq, self.heads.peer.seq),
            Side::Edge => (self.heads.peer.seq, self.heads.own.seq),
        };
        Cut { central, edge, digest: self.ledger.digest() }
    }

    /// Adds a key the peer may sign with, while keys rotate. A revoked key stays untrusted.
    pub fn trust_peer_key(&mut self, key: PublicKey) {
        let revoked = self.ledger.revoked().any(|id| id == key.key_id());
        if !revoked && !self.keys.peer.contains(&key) {
            self.keys.peer.push(key);
        }
    }

    /// Drains what must be stored now.
    pub fn take_changes(&mut self) -> Changes {
        Changes {
            entries: std::mem::take(&mut self.entries),
            ledger: self.ledger.take_changes(),
            heads: std::mem::take(&mut self.heads_changed).then_some(self.heads),
            discrepancies: std::mem::take(&mut self.discrepancies),
            dead_letters: std::mem::take(&mut self.dead_letters),
        }
    }

    /// The next thing the shell should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Stops sales for a reason. Only a logged proof opens again.
    pub fn close(&mut self, reason: Closed) {
        if self.heads.closed.is_none() {
            self.heads.closed = Some(reason);
            self.heads_changed = true;
            self.events.push_back(Event::Closed(reason));
        }
    }

    /// Writes a fact into the own log and applies it. Nothing is written of what an entry cannot hold (`too_large`). Whatever was
    /// decided must apply; if it does not, sales stop.
    fn append(&mut self, fact: Fact, now: Timestamp) -> Result<(), Refusal> {
        let entry = Entry { at: now, seen: self.heads.peer.seq, fact };
        let bytes = entry.encode().map_err(|_| Refusal::TooLarge)?;
        if let Err(conflict) = self.ledger.apply(self.me, &entry.fact) {
            self.list(self.me, self.heads.own.seq + 1, DiscrepancyKind::NotApplied(conflict), now);
            self.close(Closed::BrokenInvariant);
            return Err(Refusal::Closed);
        }
        let own = &mut self.heads.own;
        (own.seq, own.hash) = (own.seq + 1, own.hash.chain(&bytes));
        let seq = own.seq;
        let stored = StoredEntry { log: self.me, incarnation: own.incarnation, seq, hash: own.hash, bytes, at: now };
        self.entries.push(stored);
        self.heads_changed = true;
        if let Fact::HandedOver { show, runs, .. } = &entry.fact {
            self.note_transit(seq, *show, runs);
        }
        if let Fact::KeyRevoked { key } = &entry.fact {
            self.forget_key(*key);
        }
        self.cuts.note(self.cut());
        self.events.push_back(Event::Applied { writer: self.me, seq, fact: entry.fact, at: now });
        Ok(())
    }

    fn note_transit(&mut self, seq: u64, show: ShowNumber, runs: &[SeatsAtEpoch]) {
        let seats = runs.iter().flat_map(|run| run.seats()).map(|seat| (show, seat));
        self.in_transit.insert(seq, seats.collect());
    }

    /// A revoked key signs nothing that is believed; a node whose own key is revoked may not sell.
    fn forget_key(&mut self, key: KeyId) {
        self.keys.peer.retain(|known| known.key_id() != key);
        if self.keys.own.key_id() == key {
            self.close(Closed::KeyRevoked);
        }
    }

    fn list(&mut self, log: Side, seq: u64, kind: DiscrepancyKind, at: Timestamp) {
        self.discrepancies.push(Discrepancy { log, seq, kind, at });
    }

    fn enter(&mut self, state: LinkState, now: Timestamp) {
        if self.link.enter(state, now) {
            self.events.push_back(Event::LinkChanged(state));
        }
    }

    /// The chain's hash at a number of either log, from memory where it is the head.
    fn hash_at(
        &self,
        log: Side,
        seq: u64,
        source: &dyn EntrySource,
    ) -> Result<Option<shared::entry::Hash>, UnreadableLog> {
        let head = if log == self.me { self.heads.own } else { self.heads.peer };
        if head.seq == seq {
            return Ok(Some(head.hash));
        }
        if let Some(entry) = self.entries.iter().find(|entry| entry.log == log && entry.seq == seq) {
            return Ok(Some(entry.hash));
        }
        source.hash_at(log, seq)
    }
}
