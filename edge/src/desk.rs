//! The writer's core: the replica of this theatre, the door feed, and the requests that wait for a claim.
//!
//! Its life in one batch: jobs call commands on it; [`Core::before_commit`] settles claims and voids, writes what the replica
//! changed and the feed rows that follow from it, and gathers the messages; after the commit these leave, the board is
//! published and the answers that waited go out.

mod changes;
mod standing;

pub use standing::Standing;

use crate::counter::waiting::Waiting;
use crate::counter::{holds, sales};
use crate::door::feed::{self, KeysRow, Position};
use crate::door::voids::Voids;
use crate::door::{devices, discrepancies, witness};
use crate::identity::Identity;
use crate::link;
use crate::staff::session;
use crate::till::slips;
use anyhow::Context;
use node::idempotency;
use node::ledger_store::{self, discrepancy};
use node::mqtt::Publisher;
use node::replica_view::ReplicaView;
use node::view::LinkView;
use node::writer::Core;
use rusqlite::{Connection, Transaction};
use shared::admission::{Door, Guarantee};
use shared::entry::{Entry, Fact, Head};
use shared::ids::{Incarnation, ShowNumber, Side, TicketId};
use shared::keys::KeyRing;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::message::Channel;
use sync_protocol::replica::{Closed, Event, LinkKeys, Start, Transmit};
use sync_protocol::{LinkState, Replica, Settings};
use tokio::sync::watch;

/// How long after a start an answer at the door is not called SHARED while some paired scanner was not heard.
const HEARING_LASTS: Duration = Duration::from_secs(60);

/// How often answers nobody will ask for again are forgotten, and how many at once.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
const SWEEP_ROWS: u32 = 500;

/// What everybody may read without asking the writer; published after each commit that changed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// How far the door feed goes.
    pub feed: Position,
    /// Certificates and revoked keys.
    pub keys: Arc<KeysRow>,
    /// The same, to check tickets with.
    pub ring: Arc<KeyRing>,
    /// Grows whenever a device is given a token.
    pub pairings: u64,
    /// How the box stands with central.
    pub link: LinkView,
    /// How it stands with those who remember its log.
    pub standing: Standing,
    /// Discrepancies at the doors that nobody has settled.
    pub door_discrepancies: u64,
    /// Payments that nobody has compared with the bank's list.
    pub slips: u64,
}

/// The writer's core. See the module's description.
pub struct Desk {
    replica: Replica,
    settings: Settings,
    identity: Arc<Identity>,
    ring: Arc<KeyRing>,
    pairings: u64,
    door: Door,
    feed: feed::Head,
    publisher: Option<Publisher>,
    /// The broker answers.
    is_linked: bool,
    /// Somebody has told the box to work without the line.
    works_offline: bool,
    board: watch::Sender<Board>,
    boot_at: Timestamp,
    /// Devices that called since the start.
    heard: BTreeSet<i64>,
    voids: Voids,
    /// The named witness.
    witness: Option<DeviceNumber>,
    /// Tickets whose feed row may have changed by something that is not the ledger's.
    touched: BTreeSet<TicketId>,
    /// Admissions that could not be written while the box was closed are due.
    enters_late: bool,
    /// Tickets of own sales that were taken back from somebody who remembered them: each had a serial.
    returned_tickets: u32,
    waiting: Waiting,
    outgoing: Vec<Transmit>,
    /// Own entries the peer has not acknowledged, with the time they were written.
    unsynced: VecDeque<(u64, Timestamp)>,
    committing_at: Timestamp,
    /// The head of the own log that is on disk.
    committed: Head,
    next_sweep: Timestamp,
    discrepancies: u64,
    door_discrepancies: u64,
    slips: u64,
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
        door: Door,
        publisher: Option<Publisher>,
        now: Timestamp,
    ) -> anyhow::Result<(Self, watch::Receiver<Board>)> {
        Self::load_after(None, db, identity, settings, door, publisher, now)
    }

    /// [`Desk::load`] in a program that has committed this head of its log before.
    fn load_after(
        committed: Option<Head>,
        db: &Connection,
        identity: Arc<Identity>,
        settings: Settings,
        door: Door,
        publisher: Option<Publisher>,
        now: Timestamp,
    ) -> anyhow::Result<(Self, watch::Receiver<Board>)> {
        let mut snapshot = ledger_store::load(db, identity.theatre, Side::Edge).context("load the ledger")?;
        snapshot.witness = witness::naming::named(db).context("read the named witness")?;
        let witness = snapshot.witness;
        if identity.join.replacement && snapshot.heads.own.seq == 0 {
            snapshot.start = Start::Replacement;
        }
        // Nobody can have sold on in the meantime: the store never left this program's hands.
        if committed == Some(snapshot.heads.own) && snapshot.heads.closed.is_none() {
            snapshot.start = Start::Resumed;
        }
        let central = identity.ring.certificates().filter(|certificate| certificate.side == Side::Central);
        let keys =
            LinkKeys { own: identity.key.clone(), peer: central.map(|certificate| certificate.public_key).collect() };
        let unsynced =
            snapshot.unacknowledged.iter().filter_map(|(seq, bytes)| Some((*seq, Entry::decode(bytes).ok()?.at)));
        let unsynced = unsynced.collect();
        let replica = Replica::new(identity.theatre, Side::Edge, settings, keys, snapshot, node::random::bytes(), now);
        let feed = feed::head(db).context("read the head of the door feed")?;
        let board = Board {
            feed: Position::default(),
            keys: Arc::default(),
            ring: Arc::new(identity.ring.clone()),
            pairings: 0,
            link: view(&replica, &identity).link(0, 0),
            standing: Standing::of(&replica, witness, now),
            door_discrepancies: 0,
            slips: 0,
        };
        let (board, published) = watch::channel(board);
        let mut desk = Self {
            settings,
            ring: Arc::new(identity.ring.clone()),
            pairings: 0,
            door,
            identity,
            feed,
            publisher,
            is_linked: false,
            works_offline: false,
            board,
            boot_at: now,
            heard: BTreeSet::new(),
            voids: Voids::load(db, replica.ledger())?,
            witness,
            touched: BTreeSet::new(),
            enters_late: false,
            returned_tickets: 0,
            waiting: Waiting::default(),
            outgoing: Vec::new(),
            unsynced,
            committing_at: now,
            committed: replica.heads().own,
            next_sweep: now,
            discrepancies: discrepancy::open_count(db, replica.theatre()).context("count the discrepancies")?,
            door_discrepancies: discrepancies::open_count(db).context("count the discrepancies at the doors")?,
            slips: slips::open_count(db).context("count the payments to verify")?,
            replica,
        };
        desk.learn_keys();
        desk.publish(now);
        Ok((desk, published))
    }

    /// The replica.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The replica, for commands.
    pub fn replica_mut(&mut self) -> &mut Replica {
        &mut self.replica
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
    pub fn ring(&self) -> &Arc<KeyRing> {
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

    /// The named witness.
    pub fn witness(&self) -> Option<DeviceNumber> {
        self.witness
    }

    /// Another device is the named witness from now on.
    ///
    /// # Errors
    /// If the database fails.
    pub fn name_witness(&mut self, db: &Connection, device: Option<DeviceNumber>) -> rusqlite::Result<()> {
        witness::naming::name(db, device)?;
        self.witness = device;
        self.replica.name_witness(device);
        Ok(())
    }

    /// A device has called.
    pub fn hear(&mut self, device: i64) {
        self.heard.insert(device);
    }

    /// A device was given a token, and whatever token it had before is good no more.
    pub fn count_pairing(&mut self) {
        self.pairings += 1;
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
        let all = devices::scanners(db)?.iter().all(|device| self.heard.contains(device));
        Ok(if all { Guarantee::Shared } else { Guarantee::Solo })
    }

    /// The broker answers.
    pub fn link_up(&mut self, now: Timestamp) {
        self.is_linked = true;
        self.replica.handle_connected(now);
    }

    /// The broker is gone.
    pub fn link_down(&mut self, now: Timestamp) {
        self.is_linked = false;
        self.replica.handle_disconnected(now);
    }

    /// Bytes from central.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn receive(&mut self, tx: &Transaction<'_>, bytes: &[u8], now: Timestamp) -> anyhow::Result<()> {
        self.replica
            .handle_message(bytes, now, &ledger_store::StoredLogs::new(tx, self.replica.theatre()))
            .context("handle a message")
    }

    /// Works offline, or on the line again.
    pub fn work_offline(&mut self, on: bool, now: Timestamp) {
        self.works_offline = on;
        self.replica.work_offline(on, now);
    }

    /// The voids that wait for the doors.
    pub fn voids(&self) -> &Voids {
        &self.voids
    }

    /// The voids that wait for the doors, to change.
    pub fn voids_mut(&mut self) -> &mut Voids {
        &mut self.voids
    }

    /// Whether the ticket may enter has changed, by something that is not the ledger's.
    pub fn touch(&mut self, ticket: TicketId) {
        self.touched.insert(ticket);
    }

    /// The counter asks for the ticket's end: blocks it at the doors.
    pub fn ask_void(&mut self, ticket: TicketId) {
        self.voids.ask(ticket);
        self.touched.insert(ticket);
    }

    /// The counter's void of the ticket is done, or came too late.
    pub fn forget_asked(&mut self, ticket: TicketId) {
        if self.voids.forget_asked(ticket) {
            self.touched.insert(ticket);
        }
    }

    /// The requests that wait for a claim.
    pub fn waiting(&mut self) -> &mut Waiting {
        &mut self.waiting
    }

    /// A discrepancy was noted at a door.
    pub fn count_door_discrepancy(&mut self) {
        self.door_discrepancies += 1;
    }

    /// So many more payments are to be verified, or fewer.
    pub fn count_slips(&mut self, more: i64) {
        self.slips = self.slips.saturating_add_signed(more);
    }

    /// A person has settled a discrepancy, one at a door or one of the ledger.
    pub fn discrepancy_is_settled(&mut self, at_door: bool) {
        let count = if at_door { &mut self.door_discrepancies } else { &mut self.discrepancies };
        *count = count.saturating_sub(1);
    }

    /// An unused number for a show that this box adds.
    pub fn next_show_number(&self) -> ShowNumber {
        let own =
            self.replica.ledger().shows().map(|show| show.facts.number).filter(|number| number.author() == Side::Edge);
        own.max().map_or(ShowNumber(ShowNumber::EDGE_BIT | 1), |last| ShowNumber(last.0 + 1))
    }

    fn poll_events(&mut self) {
        while let Some(event) = self.replica.poll_event() {
            match event {
                Event::ClaimSettled { hold, outcome } => self.waiting.settle((hold, outcome)),
                Event::ClaimHeard { claim, show, answer } => {
                    let refused = answer.err().map(Refusal::code);
                    tracing::info!(id = %claim, %show, refused, "central asked for seats");
                }
                Event::LinkChanged(LinkState::Live) => tracing::info!("the link is live"),
                Event::LinkChanged(state) => tracing::warn!(state = state.word(), "the link has changed"),
                Event::Closed(reason) => tracing::error!(reason = reason.code(), "closed for sale"),
                Event::Opened => {
                    tracing::info!("open for sale again");
                    self.enters_late = true;
                }
                Event::Rewound => {
                    tracing::warn!("the log is taken back");
                    self.unsynced.clear();
                }
                Event::Applied { writer: Side::Edge, seq, at, returned: false, .. } => {
                    self.unsynced.push_back((seq, at));
                }
                Event::Applied { writer: Side::Edge, fact: Fact::Sold { seats, .. }, returned: true, .. } => {
                    let tickets = u32::try_from(seats.len()).unwrap_or(u32::MAX);
                    self.returned_tickets = self.returned_tickets.saturating_add(tickets);
                }
                Event::Acknowledged(acked) => {
                    while self.unsynced.front().is_some_and(|(seq, _)| *seq <= acked) {
                        self.unsynced.pop_front();
                    }
                }
                Event::Applied { .. } | Event::HoldsChanged(_) | Event::Witnessed(_) => {}
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
            ring: self.ring.clone(),
            pairings: self.pairings,
            link: self.view().link(self.discrepancies, self.oldest_unsynced_s(now)),
            standing: Standing::of(&self.replica, self.witness, now),
            door_discrepancies: self.door_discrepancies,
            slips: self.slips,
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
    type Engine = rusqlite::Connection;

    fn handle_jump(&mut self, tx: &Transaction<'_>, by: Duration) -> anyhow::Result<()> {
        self.replica.follow_jump(by);
        session::follow_jump(tx, by).context("move logins and delays on")?;
        holds::follow_jump(tx, by).context("move holds on")
    }

    fn before_commit(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        loop {
            self.poll_events();
            sales::skip_serials(tx, std::mem::take(&mut self.returned_tickets))
                .context("skip serials given out before")?;
            self.settle_claims(tx, now).context("settle claims")?;
            let wrote = self.write_changes(tx, now).context("write what the ledger changed")?;
            let answered = self.settle_voids(tx, now).context("answer voids")?;
            if !wrote && !answered && !self.waiting.has_settled() {
                break;
            }
        }
        let transmits = self
            .replica
            .poll_transmit(now, &ledger_store::StoredLogs::new(tx, self.replica.theatre()))
            .context("gather messages")?;
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
        self.committed = self.replica.heads().own;
        self.publish(self.committing_at);
        self.waiting.send_answers();
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.replica.poll_timeout().into_iter().chain([self.next_sweep]).min()
    }

    fn handle_timeout(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        self.replica.handle_timeout(now);
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP_EVERY;
            idempotency::forget_expired(tx, now, SWEEP_ROWS).context("forget old answers")?;
            holds::forget_ended(tx, now).context("forget whose holds have ended")?;
        }
        Ok(())
    }

    fn reload(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        let (identity, publisher) = (self.identity.clone(), self.publisher.clone());
        let (settings, door) = (self.settings, self.door.clone());
        let (loaded, _) = Self::load_after(Some(self.committed), tx, identity, settings, door, publisher, now)?;
        let before = std::mem::replace(self, loaded);
        // What the database does not know stays as it was; whoever waited for a claim learns that nothing came of it.
        (self.board, self.boot_at, self.heard) = (before.board, before.boot_at, before.heard);
        (self.is_linked, self.works_offline) = (before.is_linked, before.works_offline);
        (self.pairings, self.committing_at) = (before.pairings, now);
        if self.works_offline {
            self.replica.work_offline(true, now);
        }
        if self.is_linked {
            self.replica.handle_connected(now);
        }
        self.publish(now);
        Ok(())
    }

    fn handle_failure(&mut self, error: &anyhow::Error) {
        tracing::error!(error = format!("{error:#}"), "closed for sale: the store failed");
        self.replica.close(Closed::DiskError, self.committing_at);
        self.publish(self.committing_at);
    }
}

fn view<'a>(replica: &'a Replica, identity: &'a Identity) -> ReplicaView<'a> {
    ReplicaView { replica, theatre: &identity.theatre_ref, zone: &identity.zone }
}
