//! Bookings after central has forgotten: a sale of its own that comes back from a box is written down again.

use super::store::{self, BookedSeat, Booking, Contact};
use super::{BookingState, TicketWord};
use crate::desk::Desk;
use crate::payments::PaymentState;
use crate::payments::store::{self as payments, Payment};
use node::store::{Sql, StoreError};
use shared::entry::SoldSeat;
use shared::ids::{BookingId, HoldId, RequestId, ShowId};
use shared::money::{Currency, Money};
use shared::ticket::booking_code;
use shared::time::Timestamp;

/// A sale as its entry has it.
pub struct ReturnedSale<'a> {
    /// The show.
    pub show: ShowId,
    /// The booking.
    pub booking: BookingId,
    /// The request.
    pub request: RequestId,
    /// The seats.
    pub seats: &'a [SoldSeat],
    /// When it was sold.
    pub at: Timestamp,
}

/// Makes the booking of a sale that came back what it was; a booking that is gone is made again, without what no entry holds:
/// contact and payment. It is listed in both cases, for the money has to be compared.
///
/// # Errors
/// If the store fails.
pub fn take_in(desk: &mut Desk, tx: &dyn Sql, sale: &ReturnedSale<'_>, now: Timestamp) -> anyhow::Result<()> {
    let known = store::booking(tx, sale.booking)?;
    let unpaid = |state| matches!(state, BookingState::AwaitingPayment | BookingState::Paying | BookingState::Expired);
    if known.as_ref().is_some_and(|booking| !unpaid(booking.state)) {
        return Ok(());
    }
    let (seats, total) = seats(desk, sale);
    let text = if known.is_some() {
        "The backup knew this booking unpaid; the theatre's box has its sale. The payment has to be compared."
    } else {
        "This booking was made after the backup; the theatre's box had its sale. Contact and payment are not known."
    };
    let (state, booked_at) = (BookingState::Booked, Some(sale.at));
    let booking = match known {
        Some(booking) => Booking { state, booked_at, ..booking },
        None => Booking {
            id: sale.booking,
            code: free_code(tx, sale.booking)?,
            show: sale.show,
            // Its own hold is forgotten, and the id must be nobody else's.
            hold: HoldId(sale.booking.0),
            state,
            contact: Contact::Phone(String::new()),
            total,
            request: sale.request,
            created_at: sale.at,
            expires_at: sale.at,
            booked_at,
        },
    };
    // The backup's payment must not be paid back as if it were a second one.
    let payments = payments::payments_of(tx, booking.id)?;
    let buys = |payment: &Payment| payment.state.is_open() || payment.state == PaymentState::Captured;
    if let Some(mut payment) = payments.into_iter().rfind(buys) {
        payment.bought = true;
        payments::put_payment(tx, &payment)?;
    }
    store::put(tx, &booking)?;
    desk.bookings().note(&booking);
    store::put_seats(tx, booking.id, &seats)?;
    store::list_discrepancy(tx, &booking, "booking_recovered", text, now)?;
    Ok(())
}

fn seats(desk: &Desk, sale: &ReturnedSale<'_>) -> (Vec<BookedSeat>, Money) {
    let show = desk.house(sale.show.theatre).ok().and_then(|house| house.show(sale.show.number).ok());
    let currency = show.map_or(Currency::INR, |show| show.facts.currency);
    let mut total = Money { minor: 0, currency };
    let seat = |sold: &SoldSeat| {
        let price = Money { minor: i64::from(sold.price), currency };
        total.minor = total.minor.saturating_add(price.minor);
        let category = show.and_then(|show| {
            let place = show.plan.seat(sold.seat)?;
            show.plan.plan.categories.get(usize::from(place.category)).cloned()
        });
        BookedSeat {
            seat: sold.seat,
            label: show.map_or_else(|| sold.seat.to_string(), |show| show.plan.label(sold.seat)),
            category: category.unwrap_or_default(),
            price,
            ticket: Some(sold.ticket),
            generation: sold.generation,
            state: TicketWord::Live,
            code: None,
        }
    };
    let seats = sale.seats.iter().map(seat).collect();
    (seats, total)
}

/// The code that was printed on its tickets; another one, should somebody have got it since.
fn free_code(tx: &dyn Sql, mut booking: BookingId) -> Result<String, StoreError> {
    while store::is_code_taken(tx, &booking_code(booking))? {
        booking = node::random::booking_id();
    }
    Ok(booking_code(booking))
}
