//! One node's copy of one theatre: ledger, both logs' heads, link session. The only owner of each.

mod apart;
mod changes;
mod claiming;
mod closed;
mod commands;
mod delivery;
mod exchange;
mod forgotten;
mod heads;
mod holding;
mod recovery;
mod rewind;
mod seat_state;
mod timers;
mod witness;

use crate::claims::Claims;
use crate::cuts::Cuts;
use crate::gate::{DeviceNumber, Gate};
use crate::inbox::WaitingRoom;
use crate::link::{Link, LinkState};
use crate::log::{EntrySource, StoredEntry, UnreadableLog};
use crate::message::{Channel, Cut};
use crate::outbox::Outbox;
use crate::randomness::Randomness;
use crate::settings::Settings;
pub use changes::{Changes, DeadLetter, Discrepancy, DiscrepancyKind, Rewound};
pub use closed::{Closed, Proof, StandingChange};
pub use heads::{Heads, Recovery};
pub use holding::Held;
pub use seat_state::{SeatState, SeatStates};
use shared::entry::{Entry, Fact, Head};
use shared::ids::{ClaimId, HoldId, KeyId, SeatId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{PublicKey, SecretKey};
use shared::ledger::{Hold, Ledger, LedgerSnapshot};
use shared::planted::{self, Plant};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
pub use witness::Asking;
use witness::WitnessLine;

/// How a node begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With what its store has; an empty store is the first of its log.
    #[default]
    Usual,
    /// An empty store in the place of a box that was retired: its log exists already, at the peer.
    Replacement,
    /// The store was put back from a backup: the log may have gone on since.
    Restored,
    /// In the program that had this very store open all the while, with the head that it had committed last: only memory is made anew.
    Resumed,
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
    /// Own entries set aside.
    pub aside: Vec<StoredEntry>,
    /// The named witness, if there is one.
    pub witness: Option<DeviceNumber>,
    /// How the node begins.
    pub start: Start,
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
    /// The other side has asked for seats.
    ClaimHeard {
        /// Its claim: also the number of the request there that it was asked for.
        claim: ClaimId,
        /// The show.
        show: ShowNumber,
        /// They were handed over, or why not.
        answer: Result<(), Refusal>,
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
        /// An own entry that was taken back from somebody who remembered it.
        returned: bool,
    },
    /// The logs were folded again up to an earlier point: what is kept beside the ledger must be made again.
    Rewound,
    /// The named witness has durably stored the own log up to here.
    Witnessed(u64),
    /// This node may sell again.
    Opened,
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
    /// The own key before it: devices keep heads that it signed.
    pub own_before: Option<PublicKey>,
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
    /// The peer returns the own log, and waits to hear how far it came.
    returned_ack_due: bool,
    return_due: bool,
    return_at: Timestamp,
    /// The peer's log on its way back to the peer.
    returning: Option<Outbox>,
    /// The own log is wanted back up to this number.
    wanted: u64,
    own_waiting: WaitingRoom,
    peer_waiting: WaitingRoom,
    gate: Gate,
    /// Asking at the gate lasts until then.
    asking_until: Timestamp,
    /// The witness's word alone counts from then on.
    gate_patience: Timestamp,
    witness: WitnessLine,
    aside: Vec<StoredEntry>,
    aside_changed: bool,
    rewound: Option<Rewound>,
    standings: Vec<StandingChange>,
    /// Starts of the peer's program that were confirmed, the last one at the end.
    boots: VecDeque<u64>,
    /// The own nonce under which the last of them spoke first.
    boot_nonce: u64,
    /// Entries beyond a cut that were listed.
    apart_listed: BTreeSet<shared::entry::Hash>,
    /// Tickets that were found too late, and listed.
    found_listed: BTreeSet<TicketId>,
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
            returned_ack_due: false,
            return_due: false,
            return_at: now,
            returning: None,
            wanted: 0,
            own_waiting: WaitingRoom::default(),
            peer_waiting: WaitingRoom::default(),
            gate: Gate::new(snapshot.witness),
            asking_until: now + settings.gate_wait,
            gate_patience: now + settings.gate_wait,
            witness: WitnessLine::default(),
            aside: snapshot.aside,
            aside_changed: false,
            rewound: None,
            standings: Vec::new(),
            boots: VecDeque::new(),
            boot_nonce: 0,
            apart_listed: BTreeSet::new(),
            found_listed: BTreeSet::new(),
            heads_changed: false,
            next_allocation: now,
            hello_retry: now,
            entries: Vec::new(),
            discrepancies: Vec::new(),
            dead_letters: Vec::new(),
            events: VecDeque::new(),
            random,
        };
        for (seq, bytes) in &snapshot.unacknowledged {
            replica.note_transit(*seq, bytes);
        }
        let revoked: Vec<KeyId> = replica.ledger.revoked().collect();
        revoked.into_iter().for_each(|key| replica.forget_key(key, now));
        replica.cuts.note(replica.cut());
        replica.begin(snapshot.start, now);
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

    /// The session under way: the own and the peer's nonce.
    pub fn session(&self) -> Option<(u64, u64)> {
        Some((self.link.my_nonce, self.link.peer_nonce?))
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
            rewound: self.rewound.take(),
            aside: std::mem::take(&mut self.aside_changed).then(|| self.aside.clone()),
            entries: std::mem::take(&mut self.entries),
            ledger: self.ledger.take_changes(),
            heads: std::mem::take(&mut self.heads_changed).then_some(self.heads),
            discrepancies: std::mem::take(&mut self.discrepancies),
            dead_letters: std::mem::take(&mut self.dead_letters),
            standings: std::mem::take(&mut self.standings),
        }
    }

    /// The next thing the shell should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Writes a fact into the own log and applies it. Nothing is written of what an entry cannot hold (`too_large`). Whatever was
    /// decided must apply; if it does not, sales stop.
    fn append(&mut self, fact: Fact, now: Timestamp) -> Result<(), Refusal> {
        if self.heads.closed.is_some_and(Closed::stops_the_log) && !planted::is(Plant::ClosedNodeSells) {
            return Err(Refusal::Closed);
        }
        let entry = Entry { at: now, seen: self.heads.peer.seq, fact };
        let bytes = entry.encode().map_err(|_| Refusal::TooLarge)?;
        let seq = self.heads.own.seq + 1;
        if let Err(conflict) = self.ledger.apply(self.me, seq, &entry) {
            self.list(self.me, seq, DiscrepancyKind::NotApplied(conflict), now);
            self.close(Closed::BrokenInvariant, now);
            return Err(Refusal::Closed);
        }
        let own = &mut self.heads.own;
        if let Fact::LogOpened { incarnation, .. } = entry.fact {
            own.incarnation = incarnation;
        }
        (own.seq, own.hash) = (seq, own.hash.chain(&bytes));
        let stored = StoredEntry { log: self.me, incarnation: own.incarnation, seq, hash: own.hash, bytes, at: now };
        self.note_transit(seq, &stored.bytes);
        self.entries.push(stored);
        self.heads_changed = true;
        if let Fact::KeyRevoked { key } = &entry.fact {
            self.forget_key(*key, now);
        }
        self.cuts.note(self.cut());
        self.events.push_back(Event::Applied { writer: self.me, seq, fact: entry.fact, at: now, returned: false });
        Ok(())
    }

    /// A handover is on its way until the peer acknowledges it.
    fn note_transit(&mut self, seq: u64, bytes: &[u8]) {
        if let Ok(Entry { fact: Fact::HandedOver { show, runs, .. }, .. }) = Entry::decode(bytes) {
            let seats = runs.iter().flat_map(|run| run.seats()).map(|seat| (show, seat));
            self.in_transit.insert(seq, seats.collect());
        }
    }

    /// A revoked key signs nothing that is believed; a node whose own key is revoked may not sell.
    fn forget_key(&mut self, key: KeyId, now: Timestamp) {
        self.keys.peer.retain(|known| known.key_id() != key);
        self.keys.own_before.take_if(|before| before.key_id() == key);
        if self.keys.own.key_id() == key {
            self.close(Closed::KeyRevoked, now);
        }
    }

    fn list(&mut self, log: Side, seq: u64, kind: DiscrepancyKind, at: Timestamp) {
        if planted::is(Plant::NotAppliedDropped) && matches!(kind, DiscrepancyKind::NotApplied(_)) {
            return;
        }
        self.discrepancies.push(Discrepancy { log, seq, kind, at });
    }

    fn enter(&mut self, state: LinkState, now: Timestamp) {
        if self.link.enter(state, now) {
            self.events.push_back(Event::LinkChanged(state));
        }
    }

    /// The logs with what is not stored yet.
    fn logs<'a>(&'a self, source: &'a dyn EntrySource) -> Logs<'a> {
        Logs { own: (self.me, self.heads.own), peer: self.heads.peer, unstored: &self.entries, source }
    }
}

/// Both logs: what the store has, what it will be given next, and the heads.
struct Logs<'a> {
    own: (Side, Head),
    peer: Head,
    unstored: &'a [StoredEntry],
    source: &'a dyn EntrySource,
}

impl EntrySource for Logs<'_> {
    fn entries(&self, log: Side, from: u64, bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog> {
        let unstored: Vec<_> = self.unstored.iter().filter(|entry| entry.log == log && entry.seq >= from).collect();
        match unstored.first() {
            Some(first) if first.seq == from => Ok(unstored.into_iter().map(|entry| entry.bytes.clone()).collect()),
            _ => self.source.entries(log, from, bytes_max),
        }
    }

    fn head_at(&self, log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog> {
        let head = if log == self.own.0 { self.own.1 } else { self.peer };
        if seq >= head.seq {
            return Ok((seq == head.seq).then_some(head));
        }
        match self.unstored.iter().find(|entry| entry.log == log && entry.seq == seq) {
            Some(entry) => Ok(Some(entry.head())),
            None => self.source.head_at(log, seq),
        }
    }
}
