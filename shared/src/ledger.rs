//! The seat ledger of one theatre, as one node knows it: a pure fold of both logs plus this node's own holds.
//!
//! Its methods come in four kinds. *Getters* answer from memory. *Decisions* (`sell`, `hand_over`, `withhold`, …) check a
//! command against the three registers and return the [`Fact`] to append, or a [`Refusal`]; they change nothing. [`Ledger::apply`]
//! folds a fact of either writer, and refuses as a [`Conflict`] what is not its writer's to say. *Holds* are local: placed,
//! renewed, released and expired here, never replicated. Whatever changed is drained by [`Ledger::take_changes`], to be written
//! in the same transaction as the entry.
//!
//! Three registers, one writer each: the *authority* of a seat is written by its giver, the *sale* of a seat by its authority,
//! the *admission and void answer* of a ticket by the edge. Concurrent facts touch different registers, so the order in which
//! the two logs arrive does not matter.

mod apply;
mod decide;
mod forgotten;
mod holds;

use crate::digest::record_hash;
use crate::entry::{ShowFacts, TicketRef};
use crate::ids::{HoldId, KeyId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use crate::seating::{BadPlan, SeatingPlan};
use crate::show::{PlanIndex, Seat, Show};
use crate::time::Timestamp;
pub use apply::Conflict;
pub use decide::{GROUP_SEATS_MAX, SEATS_PER_REQUEST_MAX, SaleLine};
pub use forgotten::{GENERATIONS_SKIPPED, Marks};
pub use holds::{HeldSeat, Hold, HoldKind, HoldTimes};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What is known of a sold ticket: the sale, as its seller wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSale {
    /// Who sold it.
    pub seller: Side,
    /// The booking.
    pub booking: crate::ids::BookingId,
    /// The price, minor units.
    pub price: u32,
    /// The seller asked for, or declared, its end.
    pub void_requested: bool,
}

/// An accepted entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// When, as the door said.
    pub at: Timestamp,
    /// The door's name.
    pub door: String,
}

/// How the edge answered a void request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoidAnswer {
    /// The door blocks it.
    Accepted,
    /// It was used.
    Refused,
}

/// A ticket's registers. The door may meet a ticket before its sale is known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The seat it is for.
    pub at: TicketRef,
    /// The sale, once known.
    pub sale: Option<TicketSale>,
    /// The admission.
    pub admitted: Option<Admission>,
    /// The edge's answer to a void.
    pub answer: Option<VoidAnswer>,
}

/// What a ticket is worth at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketState {
    /// Valid.
    Live,
    /// Its end is asked for; the door blocks it.
    VoidRequested,
    /// It has ended.
    Void,
}

impl Ticket {
    /// What it is worth. A refused void leaves it live.
    pub fn state(&self) -> TicketState {
        match (self.answer, self.sale.is_some_and(|sale| sale.void_requested)) {
            (Some(VoidAnswer::Accepted), _) => TicketState::Void,
            (None, true) => TicketState::VoidRequested,
            (Some(VoidAnswer::Refused), _) | (None, false) => TicketState::Live,
        }
    }
}

/// A plan being received in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanParts {
    /// Category names.
    pub categories: Vec<String>,
    /// The rows so far.
    pub rows: Vec<crate::seating::Row>,
}

/// Keys of what changed since the last [`Ledger::take_changes`], with the values as they are now.
#[derive(Debug, Default)]
pub struct LedgerChanges {
    /// Completed plans.
    pub plans: Vec<(ScreenId, Arc<PlanIndex>)>,
    /// Plans in parts; `None` is complete or gone.
    pub plan_parts: Vec<(ScreenId, u16, Option<PlanParts>)>,
    /// Shows whose facts or flags changed; `None` has left the state.
    pub shows: Vec<(ShowNumber, Option<ShowRecord>)>,
    /// Seats that differ from the opening split.
    pub seats: Vec<(ShowNumber, SeatId, Seat)>,
    /// Tickets.
    pub tickets: Vec<Ticket>,
    /// Holds; `None` is gone.
    pub holds: Vec<(HoldId, Option<Hold>)>,
    /// Certificates, in the order they came.
    pub certificates: Vec<Vec<u8>>,
    /// Revoked keys.
    pub revoked: Vec<KeyId>,
    /// Where the logs were cut, if that changed.
    pub marks: Option<Marks>,
}

/// A show without its seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowRecord {
    /// The facts, prices as set since.
    pub facts: ShowFacts,
    /// Cancelled.
    pub cancelled: bool,
    /// Closed for sale by an overlap.
    pub overlaps: bool,
}

/// What a store gives back at start. All lists complete: what they omit is gone.
#[derive(Debug, Default)]
pub struct LedgerSnapshot {
    /// Plans.
    pub plans: Vec<(ScreenId, SeatingPlan)>,
    /// Plans in parts.
    pub plan_parts: Vec<(ScreenId, u16, PlanParts)>,
    /// Shows.
    pub shows: Vec<ShowRecord>,
    /// Seats that differ from the opening split.
    pub seats: Vec<(ShowNumber, SeatId, Seat)>,
    /// Tickets.
    pub tickets: Vec<Ticket>,
    /// Holds.
    pub holds: Vec<Hold>,
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// Revoked keys.
    pub revoked: Vec<KeyId>,
    /// Where the logs were cut.
    pub marks: Marks,
}

/// The ledger. See the module's description for the kinds of its methods.
#[derive(Debug, Clone)]
pub struct Ledger {
    me: Side,
    shows: BTreeMap<ShowNumber, Show>,
    plans: BTreeMap<(ScreenId, u16), Arc<PlanIndex>>,
    plan_parts: BTreeMap<(ScreenId, u16), PlanParts>,
    tickets: BTreeMap<TicketId, Ticket>,
    holds: BTreeMap<HoldId, Hold>,
    deadlines: BTreeSet<(Timestamp, HoldId)>,
    /// Holds that ended at their deadline, the latest ones: their owners are told so.
    expired: VecDeque<HoldId>,
    certificates: Vec<Vec<u8>>,
    revoked: BTreeSet<KeyId>,
    marks: Marks,
    digest: u128,
    dirty: Dirty,
}

#[derive(Debug, Clone, Default)]
struct Dirty {
    plan_parts: BTreeSet<(ScreenId, u16)>,
    plans: BTreeSet<(ScreenId, u16)>,
    shows: BTreeSet<ShowNumber>,
    seats: BTreeSet<(ShowNumber, SeatId)>,
    tickets: BTreeSet<TicketId>,
    holds: BTreeSet<HoldId>,
    certificates: Vec<Vec<u8>>,
    revoked: Vec<KeyId>,
    marks: bool,
}

impl Ledger {
    /// An empty ledger for one side.
    pub fn new(me: Side) -> Self {
        Self {
            me,
            shows: BTreeMap::new(),
            plans: BTreeMap::new(),
            plan_parts: BTreeMap::new(),
            tickets: BTreeMap::new(),
            holds: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            expired: VecDeque::new(),
            certificates: Vec::new(),
            revoked: BTreeSet::new(),
            marks: Marks::default(),
            digest: 0,
            dirty: Dirty::default(),
        }
    }

    /// The ledger as a store kept it. Shows without their plan are left out, which the digest then betrays.
    pub fn restore(me: Side, snapshot: LedgerSnapshot) -> Self {
        let mut ledger = Self::new(me);
        for (screen, plan) in snapshot.plans {
            ledger.insert_plan(screen, plan);
        }
        ledger.plan_parts =
            snapshot.plan_parts.into_iter().map(|(screen, version, parts)| ((screen, version), parts)).collect();
        for record in snapshot.shows {
            if let Some(plan) = ledger.plans.get(&(record.facts.screen, record.facts.plan)).cloned() {
                let number = record.facts.number;
                let mut show = Show::new(record.facts, plan);
                (show.cancelled, show.overlaps) = (record.cancelled, record.overlaps);
                ledger.shows.insert(number, show);
                ledger.rehash_show_record(number, 0);
            }
        }
        for (number, id, seat) in snapshot.seats {
            ledger.set_seat(number, id, seat);
        }
        for ticket in snapshot.tickets {
            ledger.set_ticket(ticket);
        }
        for hold in snapshot.holds {
            ledger.insert_hold(hold);
        }
        for certificate in snapshot.certificates {
            ledger.add_to_digest(record_hash("certificate", &certificate));
            ledger.certificates.push(certificate);
        }
        for key in snapshot.revoked {
            ledger.add_to_digest(record_hash("revoked", &key));
            ledger.revoked.insert(key);
        }
        ledger.marks = snapshot.marks;
        ledger.dirty = Dirty::default();
        ledger
    }

    /// The side this node is.
    pub fn side(&self) -> Side {
        self.me
    }

    /// A show.
    pub fn show(&self, show: ShowNumber) -> Option<&Show> {
        self.shows.get(&show)
    }

    /// All shows, by number.
    pub fn shows(&self) -> impl Iterator<Item = &Show> {
        self.shows.values()
    }

    /// A screen's plan in the given version.
    pub fn plan(&self, screen: ScreenId, version: u16) -> Option<&Arc<PlanIndex>> {
        self.plans.get(&(screen, version))
    }

    /// Refuses a plan in which a seat of another version of the screen's plan has another id, or an id another label.
    pub fn check_seats_stay(&self, screen: ScreenId, plan: &SeatingPlan) -> Result<(), BadPlan> {
        let mut known = self.plans.range((screen, 0)..=(screen, u16::MAX));
        known.try_for_each(|(_, known)| plan.keeps_seats_of(&known.plan))
    }

    /// A screen's newest plan.
    pub fn newest_plan(&self, screen: ScreenId) -> Option<&Arc<PlanIndex>> {
        self.plans.range((screen, 0)..=(screen, u16::MAX)).next_back().map(|(_, plan)| plan)
    }

    /// A ticket.
    pub fn ticket(&self, ticket: TicketId) -> Option<&Ticket> {
        self.tickets.get(&ticket)
    }

    /// All tickets, by id.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.values()
    }

    /// Root-signed certificates, in the order they came.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// Revoked keys.
    pub fn revoked(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.revoked.iter().copied()
    }

    /// Where the logs were cut.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// The digest of all replicated state: equal on both sides at equal heads.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// Drains what changed, with the values as they are now.
    pub fn take_changes(&mut self) -> LedgerChanges {
        let dirty = std::mem::take(&mut self.dirty);
        LedgerChanges {
            plans: dirty.plans.into_iter().filter_map(|key| Some((key.0, self.plans.get(&key)?.clone()))).collect(),
            plan_parts: dirty
                .plan_parts
                .into_iter()
                .map(|key| (key.0, key.1, self.plan_parts.get(&key).cloned()))
                .collect(),
            shows: dirty.shows.into_iter().map(|number| (number, self.shows.get(&number).map(record))).collect(),
            seats: dirty
                .seats
                .into_iter()
                .filter_map(|(number, id)| Some((number, id, self.shows.get(&number)?.seat(id)?)))
                .collect(),
            tickets: dirty.tickets.into_iter().filter_map(|id| self.tickets.get(&id).cloned()).collect(),
            holds: dirty.holds.into_iter().map(|id| (id, self.holds.get(&id).cloned())).collect(),
            certificates: dirty.certificates,
            revoked: dirty.revoked,
            marks: dirty.marks.then_some(self.marks),
        }
    }

    fn insert_plan(&mut self, screen: ScreenId, plan: SeatingPlan) {
        let key = (screen, plan.version);
        self.add_to_digest(record_hash("plan", &(screen, &plan)));
        self.plans.insert(key, Arc::new(PlanIndex::new(plan)));
        self.dirty.plans.insert(key);
    }

    fn add_to_digest(&mut self, hash: u128) {
        self.digest = self.digest.wrapping_add(hash);
    }

    /// Adds to a show's part and to the whole.
    fn add_to_show_digest(&mut self, number: ShowNumber, added: u128, removed: u128) {
        if let Some(show) = self.shows.get_mut(&number) {
            show.digest = show.digest.wrapping_add(added).wrapping_sub(removed);
        }
        self.digest = self.digest.wrapping_add(added).wrapping_sub(removed);
    }

    /// Replaces the show record's hash (0 for a new show) after its facts or flags changed.
    fn rehash_show_record(&mut self, number: ShowNumber, before: u128) {
        let after = self.show_record_hash(number);
        self.add_to_show_digest(number, after, before);
        self.dirty.shows.insert(number);
    }

    fn show_record_hash(&self, number: ShowNumber) -> u128 {
        // `overlaps` is a judgement of the node, not a replicated fact.
        self.shows.get(&number).map_or(0, |show| record_hash("show", &(&show.facts, show.cancelled)))
    }

    fn set_seat(&mut self, number: ShowNumber, id: SeatId, seat: Seat) {
        let Some(show) = self.shows.get_mut(&number) else { return };
        let opening = show.opening(id);
        let hash = |seat: Seat| if seat == opening { 0 } else { record_hash("seat", &(number, id, seat)) };
        let before = hash(show.seats.get(&id).copied().unwrap_or(opening));
        show.seats.insert(id, seat);
        self.add_to_show_digest(number, hash(seat), before);
        self.dirty.seats.insert((number, id));
    }

    fn set_ticket(&mut self, ticket: Ticket) {
        let (id, number) = (ticket.at.ticket, ticket.at.show);
        let before = self.tickets.get(&id).map_or(0, |old| record_hash("ticket", old));
        let after = record_hash("ticket", &ticket);
        self.tickets.insert(id, ticket);
        self.add_to_show_digest(number, after, before);
        self.dirty.tickets.insert(id);
    }
}

fn record(show: &Show) -> ShowRecord {
    ShowRecord { facts: show.facts.clone(), cancelled: show.cancelled, overlaps: show.overlaps }
}
