//! What a seat looks like from this node now.

use super::Replica;
use crate::link::LinkState;
use shared::allocation::{self, Stock};
use shared::ids::{SeatId, ShowNumber, Side};
use shared::show::{Show, Standing};
use shared::time::Timestamp;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// The states of a seat on a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeatState {
    /// Can be held, by itself or by a claim.
    Free,
    /// Held by somebody.
    Held,
    /// Sold.
    Sold,
    /// Kept off sale.
    Withheld,
    /// The other side's, which cannot be asked now or keeps it for the counter.
    Unavailable,
    /// On its way to the other side.
    InTransit,
    /// Nobody can say.
    Unknown,
}

impl SeatState {
    /// The word on the wire and on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Withheld => "withheld",
            Self::Unavailable => "unavailable",
            Self::InTransit => "in_transit",
            Self::Unknown => "unknown",
        }
    }
}

/// The states of one show's seats at one moment.
#[derive(Debug)]
pub struct SeatStates<'a> {
    replica: &'a Replica,
    show: &'a Show,
    now: Timestamp,
    /// The categories of which the counter has only so many seats left that the box gives none to the web; looked up once one of the
    /// box's seats is asked for.
    kept: OnceCell<Vec<bool>>,
}

impl SeatStates<'_> {
    /// The state of a seat, and whether selling it takes a claim.
    pub fn of(&self, id: SeatId) -> (SeatState, bool) {
        let (replica, show) = (self.replica, self.show);
        let Some(seat) = show.seat(id) else { return (SeatState::Unknown, false) };
        match seat.standing {
            Standing::Sold(_) => (SeatState::Sold, false),
            Standing::Withheld => (SeatState::Withheld, false),
            Standing::Unknown => (SeatState::Unknown, false),
            Standing::Free if seat.authority() == replica.me => {
                let free = replica.ledger.own_free_seat(show, id, self.now).is_ok();
                (if free { SeatState::Free } else { SeatState::Held }, false)
            }
            Standing::Free if replica.is_in_transit(show.facts.number, id) => (SeatState::InTransit, false),
            Standing::Free if replica.link.state == LinkState::Live && !self.is_kept(id) => (SeatState::Free, true),
            Standing::Free => (SeatState::Unavailable, false),
        }
    }

    /// How many seats are [`SeatState::Free`]. Costs the plan's runs and the seats that differ from the opening split, not all seats.
    pub fn free_count(&self) -> usize {
        let (me, show) = (self.replica.me, self.show);
        let live = self.replica.link.state == LinkState::Live;
        let counted = |id: SeatId| show.opening(id).authority() == me || live && !self.is_kept(id);
        let at_edge: usize = show.facts.edge_seats.iter().map(|run| usize::from(run.count)).sum();
        let at_central = show.plan.plan.seats_count().saturating_sub(at_edge);
        let mut free = match me {
            Side::Edge => at_edge + if live { at_central } else { 0 },
            Side::Central => at_central + if live { self.opened_at_edge_unkept() } else { 0 },
        };
        let is_free = |id| self.of(id).0 == SeatState::Free;
        for (id, _) in show.touched() {
            free = free - usize::from(counted(id)) + usize::from(is_free(id));
        }
        let held_only = show.held().filter(|id| !show.is_touched(*id));
        free - held_only.filter(|id| counted(*id) && !is_free(*id)).count()
    }

    fn opened_at_edge_unkept(&self) -> usize {
        let stocks = Stock::of_categories(self.show, Side::Edge);
        let unkept = stocks.iter().zip(self.kept()).filter(|(_, kept)| !**kept);
        unkept.map(|(stock, _)| stock.opened_at_edge).sum()
    }

    fn is_kept(&self, id: SeatId) -> bool {
        let category = self.show.plan.seat(id).map(|planned| usize::from(planned.category));
        category.and_then(|category| self.kept().get(category)).copied().unwrap_or_default()
    }

    fn kept(&self) -> &[bool] {
        self.kept.get_or_init(|| {
            let claimable = self.replica.claimable_seats(self.show, self.now);
            claimable.iter().map(|most| *most == 0).collect()
        })
    }
}

impl Replica {
    /// The states of a show's seats.
    pub fn seat_states<'a>(&'a self, show: &'a Show, now: Timestamp) -> SeatStates<'a> {
        SeatStates { replica: self, show, now, kept: OnceCell::new() }
    }

    /// The state of a seat, and whether selling it takes a claim.
    pub fn seat_state(&self, show: &Show, id: SeatId, now: Timestamp) -> (SeatState, bool) {
        self.seat_states(show, now).of(id)
    }

    /// How many seats of a show are [`SeatState::Free`].
    pub fn free_seats_count(&self, show: &Show, now: Timestamp) -> usize {
        self.seat_states(show, now).free_count()
    }

    /// How many of the other side's seats may be claimed of each category.
    pub(super) fn claimable_seats(&self, show: &Show, now: Timestamp) -> Vec<usize> {
        match self.me {
            Side::Central => allocation::claimable_seats(show, self.settings.policy, now),
            // Central keeps no floor.
            Side::Edge => vec![usize::MAX; show.plan.plan.categories.len()],
        }
    }

    /// When seats of a show become free to be claimed, or have become so, without anything that happens.
    pub fn claims_open_at(&self, show: &Show) -> Timestamp {
        self.settings.policy.floor_ends_at(show)
    }

    /// Handed over, and the peer has not yet acknowledged it.
    pub fn is_in_transit(&self, show: ShowNumber, seat: SeatId) -> bool {
        self.in_transit.values().any(|seats| seats.contains(&(show, seat)))
    }

    pub(super) fn in_transit_count(&self) -> usize {
        self.in_transit.values().map(BTreeSet::len).sum()
    }
}
