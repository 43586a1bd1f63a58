//! What a seat looks like from this node now.

use super::Replica;
use crate::link::LinkState;
use shared::ids::{SeatId, ShowNumber};
use shared::show::{Show, Standing};
use shared::time::Timestamp;

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

    /// Handed over, and the peer has not yet acknowledged it.
    pub fn is_in_transit(&self, show: ShowNumber, seat: SeatId) -> bool {
        self.in_transit
            .values()
            .any(|(of, runs)| *of == show && runs.iter().any(|run| run.seats().any(|other| other == seat)))
    }

    pub(super) fn in_transit_count(&self) -> usize {
        self.in_transit.values().flat_map(|(_, runs)| runs).map(|run| usize::from(run.count)).sum()
    }
}
