//! The writer's core: the replica of this theatre, the door feed, and the requests that wait for a claim.
//!
//! Its life in one batch: jobs call commands on it; [`Core::before_commit`] settles claims and voids, writes what the replica
//! changed and the feed rows that follow from it, and gathers the messages; after the commit these leave, the board is
//! published and the answers that waited go out.

mod changes;

use crate::counter::answer::Outcomes;
use crate::counter::sales::WaitingRequest;
use crate::door::feed::{self, KeysRow, Position};
use crate::door::voids::PendingVoid;
use crate::identity::Identity;
use crate::link;
use anyhow::Context;
use node::ledger_store;
use node::mqtt::Publisher;
use node::replica_view::ReplicaView;
use node::view::LinkView;
use node::writer::Core;
use rusqlite::{Connection, Transaction};
use shared::admission::{Door, Guarantee};
use shared::entry::{Entry, TicketRef};
use shared::ids::{HoldId, Incarnation, ShowNumber, Side, TicketId};
use shared::keys::KeyRing;
use shared::ledger::{Hold, Ledger};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::message::Channel;
use sync_protocol::replica::{Closed, Event, LinkKeys, Transmit};
use sync_protocol::{LinkState, Replica, Settings};
use tokio::sync::{oneshot, watch};

/// How long after a start an answer at the door is not called SHARED while some paired scanner was not heard.
const HEARING_LASTS: Duration = Duration::from_secs(60);

/// What everybody may read without asking the writer; published after each commit that changed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// How far the door feed goes.
    pub feed: Position,
    /// Certificates and revoked keys.
    pub keys: Arc<KeysRow>,
    /// How the box stands with central.
    pub link: LinkView,
    /// Discrepancies at the doors.
    pub door_discrepancies: u64,
}

/// The writer's core. See the module's description.
pub struct Desk {
    replica: Replica,
    identity: Arc<Identity>,
    ring: KeyRing,
    door: Door,
    feed: feed::Head,
    publisher: Option<Publisher>,
    board: watch::Sender<Board>,
    boot_at: Timestamp,
    /// Devices that called since the start.
    heard: BTreeSet<i64>,
    /// Tickets whose end the counter asked for and the doors do not all know yet.
    asked_voids: BTreeSet<TicketId>,
    /// Every void that waits for the doors.
    pending_voids: BTreeMap<TicketId, PendingVoid>,
    /// Tickets whose feed row may have changed by something that is not the ledger's.
    touched: BTreeSet<TicketId>,
    waiting: BTreeMap<HoldId, WaitingRequest>,
    settled: Vec<(HoldId, Result<Hold, Refusal>)>,
    answers: Vec<(oneshot::Sender<Outcomes>, Outcomes)>,
    outgoing: Vec<Transmit>,
    /// Own entries the peer has not acknowledged, with the time they were written.
    unsynced: VecDeque<(u64, Timestamp)>,
    committing_at: Timestamp,
    discrepancies: u64,
    door_discrepancies: u64,
}

impl Desk {
    /// Loads the box's state.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn load(
        db: &Connection,
        identity: Arc<Identity>,
        settings: Settings,
        publisher: Option<Publisher>,
        now: Timestamp,
    ) -> anyhow::Result<(Self, watch::Receiver<Board>)> {
        let snapshot = ledger_store::load(db, identity.theatre, Side::Edge).context("load the ledger")?;
        let central = identity.ring.certificates().filter(|certificate| certificate.side == Side::Central);
        let keys = LinkKeys {
            own: identity.key.clone(),
            peer: central.map(|certificate| certificate.public_key).collect(),
        };
        let unsynced = snapshot.unacknowledged.iter().filter_map(|(seq, bytes)| Some((*seq, Entry::decode(bytes).ok()?.at)));
        let unsynced = unsynced.collect();
        let replica =
            Replica::new(identity.theatre, Side::Edge, settings, keys, snapshot, node::random::bytes(), now);
        let feed = feed::head(db).context("read the head of the door feed")?;
        let board = Board {
            feed: Position::default(),
            keys: Arc::default(),
            link: view(&replica, &identity).link(0, 0),
            door_discrepancies: 0,
        };
        let (board, published) = watch::channel(board);
        let mut desk = Self {
            ring: identity.ring.clone(),
            door: Door::to_all_screens(identity.theatre),
            identity,
            feed,
            publisher,
            board,
            boot_at: now,
            heard: BTreeSet::new(),
            asked_voids: crate::counter::void::asked(db)?,
            pending_voids: BTreeMap::new(),
            touched: BTreeSet::new(),
            waiting: BTreeMap::new(),
            settled: Vec::new(),
            answers: Vec::new(),
            outgoing: Vec::new(),
            unsynced,
            committing_at: now,
            discrepancies: open_discrepancies(db)?,
            door_discrepancies: crate::door::scans::discrepancies_count(db)?,
            replica,
        };
        desk.learn_keys();
        desk.load_pending_voids(db)?;
        desk.publish(now);
        Ok((desk, published))
    }

    /// The ledger, to read.
    pub fn ledger(&self) -> &Ledger {
        self.replica.ledger()
    }

    /// The replica, for commands.
    pub fn replica(&mut self) -> &mut Replica {
        &mut self.replica
    }

    /// The replica, to read.
    pub fn as_replica(&self) -> &Replica {
        &self.replica
    }

    /// The replica as answers show it.
    pub fn view(&self) -> ReplicaView<'_> {
        view(&self.replica, &self.identity)
    }

    /// Who this box is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The keys whose tickets are good here.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// What every door of the house serves.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The version of the edge's log.
    pub fn incarnation(&self) -> Incarnation {
        self.replica.heads().own.incarnation
    }

    /// Records an accepted entry in the log.
    ///
    /// # Errors
    /// If the ledger has the ticket for another seat, or admitted.
    pub fn admit(&mut self, at: TicketRef, when: Timestamp, door: String, now: Timestamp) -> Result<(), Refusal> {
        self.replica.admit(at, when, door, now)
    }

    /// A device has called.
    pub fn hear(&mut self, device: i64) {
        self.heard.insert(device);
    }

    /// What this box's answer at a door promises: SHARED once every paired scanner was heard since the start, or a minute has passed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn guarantee(&self, db: &Connection, now: Timestamp) -> rusqlite::Result<Guarantee> {
        if !self.replica.can_sell() {
            return Ok(Guarantee::Solo);
        }
        if now.since(self.boot_at) >= HEARING_LASTS {
            return Ok(Guarantee::Shared);
        }
        let all = crate::door::devices::scanners(db)?.iter().all(|device| self.heard.contains(device));
        Ok(if all { Guarantee::Shared } else { Guarantee::Solo })
    }

    /// The broker answers.
    pub fn link_up(&mut self, now: Timestamp) {
        self.replica.handle_connected(now);
    }

    /// The broker is gone.
    pub fn link_down(&mut self, now: Timestamp) {
        self.replica.handle_disconnected(now);
    }

    /// Bytes from central.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn receive(&mut self, tx: &Transaction<'_>, bytes: &[u8], now: Timestamp) -> anyhow::Result<()> {
        self.replica.handle_message(bytes, now, &ledger_store::StoredLogs::new(tx, self.replica.theatre())).context("handle a message")
    }

    /// Works offline, or on the line again.
    pub fn work_offline(&mut self, on: bool, now: Timestamp) {
        self.replica.work_offline(on, now);
    }

    /// Voids that wait for the doors.
    pub(crate) fn pending_voids(&self) -> BTreeMap<TicketId, PendingVoid> {
        self.pending_voids.clone()
    }

    /// A void waits no longer.
    pub(crate) fn forget_pending(&mut self, ticket: TicketId) {
        self.pending_voids.remove(&ticket);
    }

    /// The counter asked for the ticket's end: blocks it at the doors.
    pub(crate) fn ask_void(&mut self, ticket: TicketId) {
        self.asked_voids.insert(ticket);
        self.touched.insert(ticket);
    }

    /// Whether the counter's void of the ticket waits.
    pub(crate) fn is_asked(&self, ticket: TicketId) -> bool {
        self.asked_voids.contains(&ticket)
    }

    /// The counter's void of the ticket is done, or came too late.
    pub(crate) fn forget_asked(&mut self, ticket: TicketId) {
        if self.asked_voids.remove(&ticket) {
            self.touched.insert(ticket);
        }
    }

    /// Claims that were settled since the last call.
    pub(crate) fn take_settled(&mut self) -> Vec<(HoldId, Result<Hold, Refusal>)> {
        std::mem::take(&mut self.settled)
    }

    /// The request that waited for this hold.
    pub(crate) fn take_waiting(&mut self, hold: HoldId) -> Option<WaitingRequest> {
        self.waiting.remove(&hold)
    }

    /// Keeps a request until its claim is settled.
    pub fn wait_for_claim(&mut self, hold: HoldId, request: WaitingRequest) {
        self.waiting.insert(hold, request);
    }

    /// Whether a request under this key waits for a claim already.
    pub fn is_waiting(&self, scope: &str, key: &str) -> bool {
        self.waiting.values().any(|request| request.key.scope == scope && request.key.key == key)
    }

    /// Answers a request that waited, after the commit.
    pub fn answer_later(&mut self, to: oneshot::Sender<Outcomes>, outcome: Outcomes) {
        self.answers.push((to, outcome));
    }

    /// A discrepancy was noted at a door.
    pub fn count_door_discrepancy(&mut self) {
        self.door_discrepancies += 1;
    }

    /// An unused number for a show that this box adds.
    pub fn next_show_number(&self) -> ShowNumber {
        let own = self.ledger().shows().map(|show| show.facts.number).filter(|number| number.author() == Side::Edge);
        own.max().map_or(ShowNumber(ShowNumber::EDGE_BIT | 1), |last| ShowNumber(last.0 + 1))
    }

    fn poll_events(&mut self) {
        while let Some(event) = self.replica.poll_event() {
            match event {
                Event::ClaimSettled { hold, outcome } => self.settled.push((hold, outcome)),
                Event::LinkChanged(LinkState::Live) => tracing::info!("the link is live"),
                Event::LinkChanged(state) => tracing::warn!(state = state.word(), "the link has changed"),
                Event::Closed(reason) => tracing::error!(reason = reason.code(), "closed for sale"),
                Event::Applied { writer: Side::Edge, seq, at, .. } => self.unsynced.push_back((seq, at)),
                Event::Acknowledged(acked) => {
                    while self.unsynced.front().is_some_and(|(seq, _)| *seq <= acked) {
                        self.unsynced.pop_front();
                    }
                }
                Event::Applied { .. } | Event::HoldsChanged(_) => {}
            }
        }
    }

    fn oldest_unsynced_s(&self, now: Timestamp) -> u64 {
        self.unsynced.front().map_or(0, |(_, at)| now.since(*at).as_secs())
    }

    fn publish(&mut self, now: Timestamp) {
        let position = Position { incarnation: self.incarnation(), seq: self.feed.seq };
        let board = Board {
            feed: position,
            keys: Arc::new(self.keys_row()),
            link: self.view().link(self.discrepancies, self.oldest_unsynced_s(now)),
            door_discrepancies: self.door_discrepancies,
        };
        self.board.send_if_modified(|published| {
            let changed = *published != board;
            if changed {
                *published = board;
            }
            changed
        });
    }
}

impl Core for Desk {
    fn before_commit(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        loop {
            self.poll_events();
            self.settle_claims(tx, now).context("settle claims")?;
            let wrote = self.write_changes(tx, now).context("write what the ledger changed")?;
            let answered = self.settle_voids(tx, now).context("answer voids")?;
            if !wrote && !answered && self.settled.is_empty() {
                break;
            }
        }
        let transmits = self.replica.poll_transmit(now, &ledger_store::StoredLogs::new(tx, self.replica.theatre())).context("gather messages")?;
        self.outgoing.extend(transmits);
        self.committing_at = now;
        Ok(())
    }

    fn after_commit(&mut self) {
        if let Some(publisher) = &self.publisher {
            for Transmit { channel, bytes } in self.outgoing.drain(..) {
                let part = if channel == Channel::Log { "up/log" } else { "up" };
                publisher.publish(&link::topic(self.identity.theatre, part), bytes);
            }
        }
        self.outgoing.clear();
        self.publish(self.committing_at);
        for (to, outcome) in self.answers.drain(..) {
            // A client that has gone away asks again with the same key.
            drop(to.send(outcome));
        }
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.replica.poll_timeout()
    }

    fn handle_timeout(&mut self, _tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        self.replica.handle_timeout(now);
        Ok(())
    }

    fn handle_failure(&mut self, error: &anyhow::Error) {
        tracing::error!(error = format!("{error:#}"), "closed for sale: the store failed");
        self.replica.close(Closed::DiskError);
        self.publish(self.committing_at);
    }
}

fn view<'a>(replica: &'a Replica, identity: &'a Identity) -> ReplicaView<'a> {
    ReplicaView { replica, theatre: &identity.theatre_ref, zone: &identity.zone }
}

fn open_discrepancies(db: &Connection) -> anyhow::Result<u64> {
    let select = "SELECT count(*) FROM ledger_discrepancy WHERE settled_at IS NULL";
    Ok(db.query_row(select, [], |row| row.get::<_, i64>(0)).context("count the discrepancies")?.unsigned_abs())
}
