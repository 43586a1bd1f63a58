//! The writer's core: the replica of this theatre, the door feed, and the requests that wait for a claim.
//!
//! Its life in one batch: jobs call commands on it; [`Core::before_commit`] settles claims and voids, writes what the replica
//! changed and the feed rows that follow from it, and gathers the messages; after the commit these leave, the board is
//! published and the answers that waited go out.

mod batch;
mod changes;
mod load;
mod standing;

pub use standing::Standing;

use crate::counter::recovered;
use crate::counter::waiting::Waiting;
use crate::door::feed::{self, KeysRow, Position};
use crate::door::voids::Voids;
use crate::door::{devices, witness};
use crate::identity::Identity;
use anyhow::Context;
use node::ledger_store;
use node::mqtt::Publisher;
use node::replica_view::ReplicaView;
use node::view::LinkView;
use rusqlite::{Connection, Transaction};
use shared::admission::{Door, Guarantee};
use shared::entry::{Fact, Head};
use shared::ids::{Incarnation, ShowNumber, Side, TicketId};
use shared::keys::{KeyRing, SecretKey};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::replica::{Event, Transmit};
use sync_protocol::{LinkState, Replica, Settings};
use tokio::sync::watch;

/// How long after a start an answer at the door is not called SHARED while some paired scanner was not heard.
const HEARING_LASTS: Duration = Duration::from_secs(60);

/// What everybody may read without asking the writer; published after each commit that changed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// How far the door feed goes.
    pub feed: Position,
    /// Certificates and revoked keys.
    pub keys: Arc<KeysRow>,
    /// The same, to check tickets with.
    pub ring: Arc<KeyRing>,
    /// Grows whenever a token begins, ceases or is declared off.
    pub token_changes: u64,
    /// A new key of the box does not sign tickets yet.
    pub key_waits: bool,
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
    token_changes: u64,
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
    /// The key before the box's own, while it still signs tickets.
    key_before: Option<SecretKey>,
    /// The doors are still to be told of the own key.
    tells_keys: bool,
    /// Every paired scanner was, as far as the devices are still the same.
    all_heard: bool,
    voids: Voids,
    /// The named witness.
    witness: Option<DeviceNumber>,
    /// Tickets whose feed row may have changed by something that is not the ledger's.
    touched: BTreeSet<TicketId>,
    /// Tickets whose entry is in the log since the last batch: no row tells of it yet.
    entered: BTreeSet<TicketId>,
    /// Admissions that could not be written while the box was closed are due.
    enters_late: bool,
    /// Own facts that came back from whoever remembered them, with their time: the counter's rows are made of them again.
    returned: Vec<(Fact, Timestamp)>,
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

    /// The key before the box's own, while it still signs tickets.
    pub fn key_before(&self) -> Option<&SecretKey> {
        self.key_before.as_ref()
    }

    pub(crate) fn forget_key_before(&mut self) {
        self.key_before = None;
    }

    /// A device has called.
    pub fn hear(&mut self, device: i64) {
        self.heard.insert(device);
    }

    /// What a token stands for has changed: a device has paired, or was declared off or on.
    pub fn count_token_change(&mut self) {
        self.token_changes += 1;
        self.all_heard = false;
    }

    /// What this box's answer at a door promises: SHARED once every paired scanner was heard since the start, or a minute has passed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn guarantee(&mut self, db: &Connection, now: Timestamp) -> rusqlite::Result<Guarantee> {
        if !self.replica.can_sell() {
            return Ok(Guarantee::Solo);
        }
        if self.all_heard || now.since(self.boot_at) >= HEARING_LASTS {
            return Ok(Guarantee::Shared);
        }
        self.all_heard = devices::scanners(db)?.iter().all(|device| self.heard.contains(device));
        Ok(if self.all_heard { Guarantee::Shared } else { Guarantee::Solo })
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

    /// Somebody's entry is in the log.
    pub fn note_entered(&mut self, ticket: TicketId) {
        self.entered.insert(ticket);
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

    /// Own facts that came back since the last time, in their order.
    pub(crate) fn take_returned(&mut self) -> Vec<(Fact, Timestamp)> {
        std::mem::take(&mut self.returned)
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
                Event::Applied { writer: Side::Edge, seq, at, fact, returned } => {
                    if !returned {
                        self.unsynced.push_back((seq, at));
                    }
                    if recovered::tells(&fact, returned) {
                        self.returned.push((fact, at));
                    }
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
            token_changes: self.token_changes,
            key_waits: self.key_before.is_some(),
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

fn view<'a>(replica: &'a Replica, identity: &'a Identity) -> ReplicaView<'a> {
    ReplicaView { replica, theatre: &identity.theatre_ref, zone: &identity.zone }
}
