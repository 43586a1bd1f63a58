//! What a seat looks like from this node now.

use super::Replica;
use crate::link::LinkState;
use shared::ids::{SeatId, ShowNumber, Side};
use shared::show::{Show, Standing};
use shared::time::Timestamp;
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
    /// The other side's, which cannot be asked now.
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

impl Replica {
    /// The state of a seat, and whether selling it takes a claim.
    pub fn seat_state(&self, show: &Show, id: SeatId, now: Timestamp) -> (SeatState, bool) {
        let Some(seat) = show.seat(id) else { return (SeatState::Unknown, false) };
        match seat.standing {
            Standing::Sold(_) => (SeatState::Sold, false),
            Standing::Withheld => (SeatState::Withheld, false),
            Standing::Unknown => (SeatState::Unknown, false),
            Standing::Free if seat.authority() == self.me => {
                let free = self.ledger.own_free_seat(show, id, now).is_ok();
                (if free { SeatState::Free } else { SeatState::Held }, false)
            }
            Standing::Free if self.is_in_transit(show.facts.number, id) => (SeatState::InTransit, false),
            Standing::Free if self.link.state == LinkState::Live => (SeatState::Free, true),
            Standing::Free => (SeatState::Unavailable, false),
        }
    }

    /// How many seats of a show are [`SeatState::Free`]. Costs the seats that differ from the opening split, not all of them.
    pub fn free_seats_count(&self, show: &Show, now: Timestamp) -> usize {
        let at_edge: usize = show.facts.edge_seats.iter().map(|run| usize::from(run.count)).sum();
        let at_central = show.plan.plan.seats_count().saturating_sub(at_edge);
        let (own, peers) = if self.me == Side::Edge { (at_edge, at_central) } else { (at_central, at_edge) };
        let live = self.link.state == LinkState::Live;
        let mut free = own + if live { peers } else { 0 };
        let is_free = |id| self.seat_state(show, id, now).0 == SeatState::Free;
        for (id, _) in show.touched() {
            let counted = live || show.opening(id).authority() == self.me;
            free = free - usize::from(counted) + usize::from(is_free(id));
        }
        let held_only = show.held().filter(|id| !show.is_touched(*id));
        free - held_only.filter(|id| !is_free(*id)).count()
    }

    /// Handed over, and the peer has not yet acknowledged it.
    pub fn is_in_transit(&self, show: ShowNumber, seat: SeatId) -> bool {
        self.in_transit.values().any(|seats| seats.contains(&(show, seat)))
    }

    pub(super) fn in_transit_count(&self) -> usize {
        self.in_transit.values().map(BTreeSet::len).sum()
    }
}
