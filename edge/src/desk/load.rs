//! The desk as the box's database has it.

use super::{Board, Desk, Standing, view};
use crate::counter::waiting::Waiting;
use crate::door::feed::{self, Position};
use crate::door::voids::Voids;
use crate::door::{discrepancies, witness};
use crate::identity::Identity;
use crate::signing;
use crate::till::slips;
use anyhow::Context;
use node::ledger_store::{self, discrepancy};
use node::mqtt::Publisher;
use rusqlite::Connection;
use shared::admission::Door;
use shared::entry::{Entry, Head};
use shared::ids::Side;
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use sync_protocol::replica::{LinkKeys, Start};
use sync_protocol::{Replica, Settings};
use tokio::sync::watch;

impl Desk {
    /// Loads the box's state; in a program that has committed a head of its log before, after that one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn load(
        db: &Connection,
        identity: Arc<Identity>,
        settings: Settings,
        door: Door,
        publisher: Option<Publisher>,
        committed: Option<Head>,
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
        let keys = LinkKeys {
            own: identity.key.clone(),
            own_before: identity.previous.as_ref().map(|before| before.public()),
            peer: central.map(|certificate| certificate.public_key).collect(),
        };
        let unsynced =
            snapshot.unacknowledged.iter().filter_map(|(seq, bytes)| Some((*seq, Entry::decode(bytes).ok()?.at)));
        let unsynced = unsynced.collect();
        let replica = Replica::new(identity.theatre, Side::Edge, settings, keys, snapshot, node::random::bytes(), now);
        let key_before = signing::key_before(db, &identity).context("find which key signs tickets")?;
        let feed = feed::head(db).context("read the head of the door feed")?;
        let board = Board {
            feed: Position::default(),
            keys: Arc::default(),
            ring: Arc::new(identity.ring.clone()),
            token_changes: 0,
            key_waits: key_before.is_some(),
            link: view(&replica, &identity).link(0, 0),
            standing: Standing::of(&replica, witness, now),
            door_discrepancies: 0,
            slips: 0,
        };
        let (board, published) = watch::channel(board);
        let mut desk = Self {
            settings,
            ring: Arc::new(identity.ring.clone()),
            token_changes: 0,
            door,
            identity,
            feed,
            publisher,
            is_linked: false,
            works_offline: false,
            board,
            boot_at: now,
            heard: BTreeSet::new(),
            all_heard: false,
            tells_keys: key_before.is_some(),
            key_before,
            voids: Voids::load(db, replica.ledger())?,
            witness,
            touched: BTreeSet::new(),
            entered: BTreeSet::new(),
            enters_late: false,
            returned: Vec::new(),
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
}
