//! Every store that was ever reached. Equal logs share one, so that a state is small and a fold is done once.

use super::log::{Log, Written};
use super::setting::Rule;
use super::store::{NOW, SEATS, SHOW, Store};
use shared::entry::{Entry, Fact, OpenedBy, SeatsAtEpoch, ShowFacts};
use shared::ids::{Incarnation, MovieId, ScreenId, Side};
use shared::money::Currency;
use shared::seating::{Row, SeatRun};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The own log, the peer's, whose.
type Place = (u64, u64, Side);

/// Every store that was ever reached, by what is in it.
#[derive(Debug)]
pub struct Stores {
    epoch_check: bool,
    by_logs: Mutex<HashMap<Place, Arc<Store>>>,
    by_step: Mutex<HashMap<(Place, u64), Arc<Store>>>,
}

impl Stores {
    /// None yet.
    pub fn new(removed: Option<Rule>) -> Self {
        Self { epoch_check: removed != Some(Rule::EpochCheck), by_logs: Mutex::default(), by_step: Mutex::default() }
    }

    /// The store after one entry more of either log, folded on top. A store that was reached on another way must be the same.
    pub fn after(&self, store: &Store, writer: Side, written: &Arc<Written>) -> Arc<Store> {
        let mut entry = [0; 8];
        entry.copy_from_slice(&written.head.hash.0[..8]);
        let step = ((store.own.key(), store.peer.key(), store.side), u64::from_le_bytes(entry));
        let mut steps = self.by_step.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = steps.get(&step) {
            return known.clone();
        }
        let next = self.shared(store.with(writer, written, self.epoch_check));
        steps.insert(step, next.clone());
        next
    }

    /// The store over two logs, folded from nothing: each entry once what its writer had seen is there.
    pub fn over(&self, side: Side, own: &Log, peer: &Log) -> Arc<Store> {
        let key = (own.key(), peer.key(), side);
        if let Some(known) = self.by_logs.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let mut store = Store::empty(side);
        loop {
            let next_own = own.get(store.own.len() + 1).filter(|next| next.entry.seen <= store.peer.len());
            let next_peer = peer.get(store.peer.len() + 1).filter(|next| next.entry.seen <= store.own.len());
            let (writer, written) = match (next_own, next_peer) {
                (Some(own), _) => (side, own),
                (None, Some(peer)) => (side.peer(), peer),
                (None, None) => break,
            };
            store = store.with(writer, written, self.epoch_check);
        }
        self.shared(store)
    }

    fn shared(&self, store: Store) -> Arc<Store> {
        let key = (store.own.key(), store.peer.key(), store.side);
        let mut known = self.by_logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&key) {
            known.compare(&store);
            return known.clone();
        }
        let store = Arc::new(store);
        known.insert(key, store.clone());
        store
    }

    /// What central and the box begin with: one screen, one show, a seat each.
    pub fn first(&self) -> [Arc<Store>; 2] {
        let entry = |fact| Entry { at: NOW, seen: 0, fact };
        let opened =
            |number| entry(Fact::LogOpened { incarnation: Incarnation(number), parent: None, by: OpenedBy::First });
        let run = SeatRun { first: SEATS[0], number: 1, count: 2, category: 0, gap: 0, accessible: false };
        let plan = Fact::PlanPublished {
            screen: ScreenId(1),
            version: 1,
            categories: vec!["stalls".into()],
            rows: vec![Row { label: "A".into(), runs: vec![run] }],
            complete: true,
        };
        let show = Fact::ShowAdded(ShowFacts {
            number: SHOW,
            screen: ScreenId(1),
            movie: MovieId(0),
            title: String::new(),
            starts: 60,
            ends: 120,
            plan: 1,
            currency: Currency::INR,
            prices: vec![100],
            edge_seats: vec![SeatsAtEpoch { first: SEATS[1], count: 1, epoch: 1 }],
        });
        let written =
            |entries: Vec<Entry>| entries.into_iter().fold(Log::default(), |log, entry| log.with(log.next(entry)));
        let central = written(vec![opened(1), entry(plan), entry(show)]);
        let edge = written(vec![opened(2)]);
        [self.over(Side::Central, &central, &edge), self.over(Side::Edge, &edge, &central)]
    }
}
