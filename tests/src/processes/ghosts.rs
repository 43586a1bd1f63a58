//! The ghost list: every ticket that was handed to somebody, as they saw it.

use shared::ids::{Side, TicketId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A ticket of an acknowledged sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ghost {
    /// The show, `12-345`.
    pub(super) show: String,
    /// The seat's label.
    pub(super) seat: String,
    /// The ticket.
    pub(super) ticket: TicketId,
    /// Who sold it.
    pub(super) seller: Side,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    handed: Mutex<Vec<Ghost>>,
    forgotten: AtomicU64,
    counter_sales: AtomicU64,
    web_bookings: AtomicU64,
}

impl Ghosts {
    /// A sale was acknowledged with these tickets.
    pub(super) fn saw_sale(&self, seller: Side, tickets: impl IntoIterator<Item = Ghost>) {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).extend(tickets);
        self.counter_of(seller).fetch_add(1, Ordering::Relaxed);
    }

    /// Sales acknowledged by one side so far.
    pub(super) fn sales_of(&self, seller: Side) -> u64 {
        self.counter_of(seller).load(Ordering::Relaxed)
    }

    /// Sales acknowledged so far.
    pub(super) fn sales(&self) -> u64 {
        self.sales_of(Side::Central) + self.sales_of(Side::Edge)
    }

    /// The tickets so far that somebody must still know of.
    pub(super) fn handed(&self) -> Vec<Ghost> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The disk that alone had these tickets is gone, and nobody else can know of them; they count apart from here on.
    pub(super) fn forget(&self, only_there: impl Fn(&Ghost) -> bool) {
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = handed.len();
        handed.retain(|ghost| !only_there(ghost));
        self.forgotten.fetch_add((before - handed.len()) as u64, Ordering::Relaxed);
    }

    /// Tickets that went with the only disk that had them.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    fn counter_of(&self, seller: Side) -> &AtomicU64 {
        match seller {
            Side::Central => &self.web_bookings,
            Side::Edge => &self.counter_sales,
        }
    }
}
