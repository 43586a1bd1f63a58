//! A refusal: the domain's "no", with a stable code. A result, never an error.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a request was refused. Codes are stable and appear on the wire, in HTTP answers and on screens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// Every refusal, in precedence order.
            pub const ALL: &'static [Refusal] = &[$(Self::$name,)*];

            /// The stable snake_case code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// One sentence that says what happened and what to do.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

refusals! {
    /// The node may not sell at all.
    Closed = "closed", "This node is closed for sale; its status names the reason.";
    /// The node is open already.
    NotClosed = "not_closed", "This node is open for sale already.";
    /// The gate still asks, or somebody is known to remember more.
    Asking = "asking", "The log is still being compared or taken back; wait until that is done.";
    /// No such show here.
    UnknownShow = "unknown_show", "There is no such show.";
    /// No such seat on this screen.
    UnknownSeat = "unknown_seat", "There is no such seat on this screen.";
    /// The show is cancelled.
    ShowCancelled = "show_cancelled", "This show is cancelled.";
    /// The show is over or closed for sale.
    ShowEnded = "show_ended", "This show is no longer on sale.";
    /// No seats, too many seats, or one seat twice in a request.
    BadSeatCount = "bad_seat_count", "Ask for 1 to 10 different seats; a group at the counter has 1 to 60.";
    /// No hold under this id.
    UnknownHold = "unknown_hold", "There is no such hold; it may have been released.";
    /// The hold's deadline has passed.
    HoldExpired = "hold_expired", "The hold has expired; pick the seats again.";
    /// The hold may not be renewed beyond its cap.
    HoldCap = "hold_cap", "The hold cannot be renewed any further.";
    /// The hold belongs to somebody else.
    NotYourHold = "not_your_hold", "This hold belongs to somebody else.";
    /// The seat is sold.
    SeatSold = "seat_sold", "A seat is already sold; pick another one.";
    /// The seat is held by somebody.
    SeatHeld = "seat_held", "Somebody else is holding a seat; pick another one or try again shortly.";
    /// The house keeps the seat off sale.
    SeatWithheld = "seat_withheld", "The house keeps a seat off sale.";
    /// Nobody can say whether the seat is sold.
    SeatUnknown = "seat_unknown", "It is not known whether a seat is sold; a manager can settle it.";
    /// Authority over the seat is on its way.
    SeatInTransit = "seat_in_transit", "A seat is being handed over; try again in a moment.";
    /// The other side has the authority and the link is locked down.
    SeatElsewhere = "seat_elsewhere", "A seat can be sold only by the other side at the moment.";
    /// The line to the other side dropped while asking for the seat.
    LinkDown = "link_down", "The line is down; only this side's own seats can be sold now.";
    /// Too many claims are waiting.
    ClaimQueueFull = "claim_queue_full", "Too many seats are being fetched from the other side; try again.";
    /// The house keeps these for the counter.
    CounterOnly = "counter_only", "These seats are sold at the counter only.";
    /// Best-available found nothing that fits.
    NoSeatsTogether = "no_seats_together", "There are not that many free seats here; try fewer or another category.";
    /// No such category on this screen.
    UnknownCategory = "unknown_category", "There is no such category on this screen.";
    /// No such ticket, sale or booking.
    UnknownTicket = "unknown_ticket", "There is no such ticket.";
    /// The ticket is void already.
    AlreadyVoid = "already_void", "The ticket is void already.";
    /// The ticket has been used.
    AlreadyAdmitted = "already_admitted", "The ticket has been used for entry.";
    /// A void of this ticket waits for the answer of the other side.
    VoidPending = "void_pending", "The cancellation is waiting for the theatre's answer.";
    /// Only the side that sold it may do this.
    NotTheSeller = "not_the_seller", "Only the side that sold this ticket can do that.";
    /// The other side has not said that it can sell.
    PeerClosed = "peer_closed", "The other side is closed for sale.";
    /// More seats in transit than the limit.
    TooManyInTransit = "too_many_in_transit", "Too many seats are on their way; try again in a moment.";
    /// The show overlaps another on its screen.
    ShowOverlaps = "show_overlaps", "Another show runs on this screen at that time.";
    /// No seating plan for the screen.
    UnknownPlan = "unknown_plan", "This screen has no seating plan.";
    /// More than an entry can say.
    TooLarge = "too_large", "That is more than can be recorded at once; make it smaller.";
    /// The plan itself is refused.
    BadPlan = "bad_plan", "The seating plan is not valid.";
    /// Another version of the screen's plan has the seat under another id, or the id for another seat.
    PlanMovesSeats = "plan_moves_seats", "A seat keeps its id and its label for ever; give new seats new ids and labels.";
    /// The log has the ticket's sale.
    TicketKnown = "ticket_known", "The book has this ticket already.";
    /// The ticket's seat is another's, or was put on sale again.
    SeatNotUnknown = "seat_not_unknown", "The book does not doubt this seat; the ticket is listed for a person to settle.";
    /// The log was taken back, and the sale could not be written again behind it.
    SaleSetAside = "sale_set_aside", "This sale was made on a log that is no more and is listed for a person to settle; hand out no ticket.";
    /// The house does not keep it.
    SeatNotWithheld = "seat_not_withheld", "A seat is not kept back by the house.";
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_reads_back_from_its_code() {
        for refusal in Refusal::ALL {
            let mut expected = String::new();
            for (i, c) in format!("{refusal:?}").chars().enumerate() {
                if c.is_uppercase() && i > 0 {
                    expected.push('_');
                }
                expected.push(c.to_ascii_lowercase());
            }
            assert_eq!(refusal.code(), expected);
        }
    }
}
