//! One show's seats as a node knows them: who has authority, what is sold, what is held here.

use crate::entry::ShowFacts;
use crate::ids::{HoldId, SeatId, Side, TicketId};
use crate::money::Money;
use crate::refusal::Refusal;
use crate::seating::{PlanSeat, SeatingPlan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a seat's sale register says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// Not sold.
    Free,
    /// Sold to this ticket.
    Sold(TicketId),
    /// Kept off sale by the house.
    Withheld,
    /// Nobody can say; sold only by explicit override.
    Unknown,
}

/// A seat's replicated registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seat {
    /// The version of its authority; even is central's, odd is the edge's.
    pub epoch: u32,
    /// The version of its sale.
    pub generation: u16,
    /// Its sale.
    pub standing: Standing,
    /// Sold before its writer's log was cut: what was lost may have ended that sale and begun another, so that it comes back as
    /// unknown, never as free.
    pub doubtful: bool,
}

impl Seat {
    /// The side that alone may hold, sell or release it.
    pub fn authority(self) -> Side {
        if self.epoch.is_multiple_of(2) { Side::Central } else { Side::Edge }
    }
}

/// A plan with its seats by id and by label.
#[derive(Debug)]
pub struct PlanIndex {
    /// The plan.
    pub plan: SeatingPlan,
    by_id: BTreeMap<SeatId, PlannedSeat>,
    by_label: BTreeMap<String, SeatId>,
}

/// A seat's place, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSeat {
    /// The row's label.
    pub row: String,
    /// The row's index.
    pub row_index: usize,
    /// The printed number.
    pub number: u16,
    /// The category's index.
    pub category: u8,
    /// Column on the map.
    pub column: u16,
    /// For wheelchair users and companions.
    pub accessible: bool,
}

impl PlanIndex {
    /// Indexes a checked plan.
    pub fn new(plan: SeatingPlan) -> Self {
        let row_index: BTreeMap<&str, usize> =
            plan.rows.iter().enumerate().map(|(i, row)| (row.label.as_str(), i)).collect();
        let planned = |seat: &PlanSeat<'_>| PlannedSeat {
            row: seat.row.to_owned(),
            row_index: row_index.get(seat.row).copied().unwrap_or_default(),
            number: seat.number,
            category: seat.category,
            column: seat.column,
            accessible: seat.accessible,
        };
        let by_id = plan.seats().map(|seat| (seat.id, planned(&seat))).collect();
        let by_label = plan.seats().map(|seat| (seat.label(), seat.id)).collect();
        Self { plan, by_id, by_label }
    }

    /// The seat's place, nothing where the plan does not have it.
    pub fn seat(&self, id: SeatId) -> Option<&PlannedSeat> {
        self.by_id.get(&id)
    }

    /// All seats by id.
    pub fn seats(&self) -> impl Iterator<Item = (SeatId, &PlannedSeat)> {
        self.by_id.iter().map(|(id, seat)| (*id, seat))
    }

    /// The seat with this label, in any case.
    pub fn labelled(&self, label: &str) -> Option<SeatId> {
        self.by_label.get(&label.trim().to_ascii_uppercase()).copied()
    }

    /// The seats with these labels, in their order.
    ///
    /// # Errors
    /// `unknown_seat`.
    pub fn all_labelled<'a>(&self, labels: impl IntoIterator<Item = &'a String>) -> Result<Vec<SeatId>, Refusal> {
        labels.into_iter().map(|label| self.labelled(label).ok_or(Refusal::UnknownSeat)).collect()
    }

    /// `C12`, or the bare id where the plan does not have the seat.
    pub fn label(&self, id: SeatId) -> String {
        self.seat(id).map_or_else(|| format!("#{id}"), |seat| format!("{}{}", seat.row, seat.number))
    }
}

/// A show with its seats. Only seats that differ from the opening split are kept.
#[derive(Debug, Clone)]
pub struct Show {
    /// What `ShowAdded` said, with prices as set since.
    pub facts: ShowFacts,
    /// Cancelled, for ever.
    pub cancelled: bool,
    /// Closed for sale because it overlaps another on its screen.
    pub overlaps: bool,
    /// The plan.
    pub plan: Arc<PlanIndex>,
    pub(crate) seats: BTreeMap<SeatId, Seat>,
    pub(crate) held: BTreeMap<SeatId, HoldId>,
    pub(crate) digest: u128,
}

impl Show {
    pub(crate) fn new(facts: ShowFacts, plan: Arc<PlanIndex>) -> Self {
        Self {
            facts,
            cancelled: false,
            overlaps: false,
            plan,
            seats: BTreeMap::new(),
            held: BTreeMap::new(),
            digest: 0,
        }
    }

    /// The seat as the opening split left it.
    pub fn opening(&self, seat: SeatId) -> Seat {
        // The runs ascend without meeting, or the show would not have been applied.
        let runs = &self.facts.edge_seats;
        let after = runs.partition_point(|run| run.first <= seat);
        let run = after.checked_sub(1).and_then(|at| runs.get(at));
        let epoch = run.filter(|run| seat.0 - run.first.0 < u32::from(run.count)).map_or(0, |run| run.epoch);
        Seat { epoch, generation: 0, standing: Standing::Free, doubtful: false }
    }

    /// The seat, nothing where the plan does not have it.
    pub fn seat(&self, seat: SeatId) -> Option<Seat> {
        self.plan.seat(seat)?;
        Some(self.seats.get(&seat).copied().unwrap_or_else(|| self.opening(seat)))
    }

    /// The hold on a seat here.
    pub fn held_by(&self, seat: SeatId) -> Option<HoldId> {
        self.held.get(&seat).copied()
    }

    /// Seats that differ from the opening split.
    pub fn touched(&self) -> impl Iterator<Item = (SeatId, Seat)> + '_ {
        self.seats.iter().map(|(id, seat)| (*id, *seat))
    }

    /// Does the seat differ from the opening split, or did it once?
    pub fn is_touched(&self, seat: SeatId) -> bool {
        self.seats.contains_key(&seat)
    }

    /// Seats with a hold here, expired ones not yet taken over included.
    pub fn held(&self) -> impl Iterator<Item = SeatId> + '_ {
        self.held.keys().copied()
    }

    /// The price of a category, nothing where the plan or the price list does not have it.
    pub fn price(&self, category: u8) -> Option<Money> {
        let minor = self.facts.prices.get(usize::from(category))?;
        Some(Money { minor: i64::from(*minor), currency: self.facts.currency })
    }

    /// The show's part of the state digest.
    pub fn digest(&self) -> u128 {
        self.digest
    }
}
