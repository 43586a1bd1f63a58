//! Loading the desk from the store.

use super::Desk;
use super::house::{self, House};
use crate::answers::Answers;
use crate::bookings::marks::BookingMarks;
use crate::catalogue::theatres::{self, Theatre};
use crate::discovery::schedule;
use crate::events::SeatBoard;
use crate::fleet::enrolment::{self, Enrolment};
use crate::fleet::keys::KeyStore;
use crate::fleet::ticket_keys::TicketKeys;
use crate::holds::limits::Holders;
use anyhow::Context;
use node::ledger_store;
use node::store::{Sql, StoreError};
use node::view::TheatreRef;
use node::zone::Zone;
use shared::ids::{ShowNumber, Side, TheatreId};
use shared::keys::{PublicKey, SecretKey};
use shared::ledger::HoldTimes;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use sync_protocol::replica::{LinkKeys, Snapshot};
use sync_protocol::{Replica, Settings};
use tokio::sync::Notify;

/// Where central's keys come from.
#[derive(Debug, Clone, Copy)]
pub enum KeySource<'a> {
    /// The keys directory; a theatre's key is made on first use.
    Directory(&'a KeyStore),
    /// A key for this run: enough to write logs, when no message and no ticket is signed.
    None,
}

impl Desk {
    /// Loads every theatre that has a ledger or a box.
    ///
    /// # Errors
    /// If the store or a key cannot be read.
    pub fn load(
        conn: &dyn Sql,
        keys: KeySource<'_>,
        settings: Settings,
        board: SeatBoard,
        payments: Arc<Notify>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let enrolments: BTreeMap<TheatreId, Enrolment> =
            enrolment::all(conn)?.into_iter().map(|enrolment| (enrolment.theatre, enrolment)).collect();
        let ledgers = conn.all("SELECT theatre FROM ledger_head", &[], |row| row.get(0).map(TheatreId))?;
        let mut ids: BTreeSet<TheatreId> = ledgers.into_iter().collect();
        ids.extend(enrolments.keys());
        let mut houses = BTreeMap::new();
        for id in ids {
            let theatre =
                theatres::by_id(conn, id)?.with_context(|| format!("theatre {id} is not in the catalogue"))?;
            let house = House::load(conn, theatre, enrolments.get(&id), keys, settings, now);
            houses.insert(id, house.with_context(|| format!("load theatre {id}"))?);
        }
        let mut desk = Self::new(houses, board, payments, now);
        desk.bookings = BookingMarks::load(conn).context("load which bookings there are")?;
        desk.holders = Holders::load(conn).context("load who holds what")?;
        desk.remembered = Answers::load(conn).context("load which requests were answered")?;
        Ok(desk)
    }
}

/// A replica that signs nothing and sends nothing, to change a log while nobody works.
pub(crate) fn silent_replica(theatre: TheatreId, snapshot: Snapshot, now: Timestamp) -> Replica {
    let keys = LinkKeys { own: SecretKey::from_seed(&node::random::bytes()), own_before: None, peer: Vec::new() };
    let settings = Settings::with_holds(HoldTimes::WEB);
    Replica::new(theatre, Side::Central, settings, keys, snapshot, node::random::bytes(), now)
}

impl House {
    pub(super) fn load(
        conn: &dyn Sql,
        theatre: Theatre,
        enrolment: Option<&Enrolment>,
        keys: KeySource<'_>,
        settings: Settings,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let root = match keys {
            // Without a root nobody has been enrolled, and no key certified.
            KeySource::Directory(keys) => keys.root_if_made()?,
            KeySource::None => None,
        };
        let own = match keys {
            KeySource::Directory(keys) => match (enrolment, root) {
                (Some(enrolment), Some(root)) => enrolment.issuing_key(keys, &root)?,
                _ => keys.issuing_or_new(theatre.id)?,
            },
            KeySource::None => SecretKey::from_seed(&node::random::bytes()),
        };
        let peer = enrolment.map(|enrolment| PublicKey::from_hex(&enrolment.edge_key)).transpose()?;
        let link_keys = LinkKeys { own: own.clone(), own_before: None, peer: peer.into_iter().collect() };
        let snapshot = ledger_store::load(conn, theatre.id, Side::Central)?;
        let seed = node::random::bytes();
        let mut replica = Replica::new(theatre.id, Side::Central, settings, link_keys, snapshot, seed, now);
        if let Some(enrolment) = enrolment {
            for certificate in [&enrolment.central_certificate, &enrolment.edge_certificate] {
                // An entry carries a certificate as its text; one that is in the log already is not written again.
                match replica.certify_key(certificate.clone().into_bytes(), now) {
                    // A log that is being taken back is not written to; it has the certificate, or the next start adds it.
                    Ok(()) | Err(Refusal::Closed) => {}
                    Err(refusal) => return Err(anyhow::Error::msg(refusal)),
                }
            }
        }
        let keys = match (keys, root) {
            (KeySource::Directory(keys), Some(root)) => {
                TicketKeys::load(own, keys, &house::ring(&replica, root), replica.heads().own.seq, now)?
            }
            _ => TicketKeys::of(own),
        };
        let zone = Zone::named(&theatre.zone).context("read the theatre's time zone")?;
        let reference = TheatreRef { id: theatre.id.0, name: theatre.name.clone() };
        Ok(Self { theatre, reference, zone, replica, keys, root, enrolled: enrolment.is_some() })
    }

    /// The next free number for a show of central's; numbers are never reused.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn next_number(&self, conn: &dyn Sql) -> Result<ShowNumber, StoreError> {
        let used = schedule::highest_number(conn, self.theatre.id)?;
        Ok(ShowNumber(used.max(self.highest_number()) + 1))
    }
}
