//! Bookings: from a hold to tickets, and back.
//!
//! ```text
//! awaiting_payment <─> paying ──> booked <─> cancelling ──> cancelled
//!        └────────┬───────┘          ↑
//!              expired ──────────────┘ (late money, seats still free)
//!                 └──> refunded        (late money, seats gone)
//! ```
//! Each step is one transaction that writes the booking, its payment and the ledger's entry together.

pub mod store;

use crate::states::states;

states! {
    /// How far a booking has come.
    BookingState {
        /// Its seats are held; no payment is under way.
        AwaitingPayment = "awaiting_payment",
        /// A payment is under way; its seats are held until the payment's deadline.
        Paying = "paying",
        /// Its seats are sold.
        Booked = "booked",
        /// The theatre was asked to void its tickets.
        Cancelling = "cancelling",
        /// Its tickets are void; the money is on its way back.
        Cancelled = "cancelled",
        /// Its time ended unpaid.
        Expired = "expired",
        /// Money that came too late, or did not fit, went back.
        Refunded = "refunded",
    }
}

states! {
    /// How far a cancellation has come.
    CancellationState {
        /// The theatre has not answered for every ticket.
        WaitingForTheatre = "waiting_for_theatre",
        /// At least one ticket is void.
        Accepted = "accepted",
        /// Every ticket had been used.
        Refused = "refused",
    }
}

states! {
    /// What a ticket of a booking is worth.
    TicketWord {
        /// The right of entry.
        Live = "live",
        /// The door blocks it; the theatre has not answered.
        VoidRequested = "void_requested",
        /// Nothing.
        Void = "void",
        /// It was used for entry.
        Used = "used",
    }
}
