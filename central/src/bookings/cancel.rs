//! Cancellation in two steps: central asks for the end of each ticket, the theatre answers once its doors know, and only
//! then the money goes back and the seat is sold again.

use super::store::{self, Booking, Cancellation};
use super::{BookingState, CancellationState, TicketWord, saga};
use crate::desk::Desk;
use crate::payments::settle;
use crate::payments::store as payments;
use node::store::{Sql, StoreError};
use shared::ids::{ShowId, TheatreId, TicketId};
use shared::money::Money;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::time::Duration;

/// The code of a cancellation that no theatre has answered.
pub const VOID_UNANSWERED: &str = "void_unanswered";

/// Why nothing is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCancelled {
    /// The booking has no tickets.
    NotBooked,
    /// No ticket may be voided.
    Refused(Refusal),
}

/// Asks the theatre to void a booking's tickets. Asking again changes nothing.
///
/// # Errors
/// Outside if the store fails; inside if there is nothing to cancel.
pub fn request(
    desk: &mut Desk,
    tx: &dyn Sql,
    booking: &mut Booking,
    now: Timestamp,
) -> anyhow::Result<Result<(), NotCancelled>> {
    match booking.state {
        BookingState::Booked => {}
        BookingState::Cancelling | BookingState::Cancelled => return Ok(Ok(())),
        BookingState::AwaitingPayment | BookingState::Paying | BookingState::Expired | BookingState::Refunded => {
            return Ok(Err(NotCancelled::NotBooked));
        }
    }
    let ended = desk.house_mut(booking.show.theatre).and_then(|house| house.show(booking.show.number).cloned());
    if ended.is_ok_and(|show| show.facts.ends_at() <= now) {
        return Ok(Err(NotCancelled::Refused(Refusal::ShowEnded)));
    }
    let mut refused = None;
    let mut asked = 0;
    for ticket in store::seats(tx, booking)?.into_iter().filter_map(|booked| booked.ticket) {
        match desk.house_mut(booking.show.theatre).and_then(|house| house.replica.void(ticket, now)) {
            Ok(_) | Err(Refusal::VoidPending) => {
                store::set_ticket_state(tx, ticket, TicketWord::VoidRequested)?;
                asked += 1;
            }
            Err(Refusal::AlreadyAdmitted) => {
                store::set_ticket_state(tx, ticket, TicketWord::Used)?;
                refused = refused.or(Some(Refusal::AlreadyAdmitted));
            }
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    if asked == 0 {
        return Ok(Err(NotCancelled::Refused(refused.unwrap_or(Refusal::UnknownTicket))));
    }
    booking.state = BookingState::Cancelling;
    store::put(tx, booking)?;
    let state = CancellationState::WaitingForTheatre;
    store::put_cancellation(tx, booking.id, &Cancellation { state, requested_at: now, answered_at: None })?;
    if desk.pays_back_early(booking.show, now) {
        let seats = store::seats(tx, booking)?;
        let asked = seats.iter().filter(|booked| booked.state == TicketWord::VoidRequested);
        let amount = asked.map(|booked| booked.price.minor).sum();
        pay_back(desk, tx, booking, Money { minor: amount, ..booking.total }, now)?;
    }
    Ok(Ok(()))
}

/// Takes the theatre's answer for one ticket; the last one settles the cancellation.
///
/// # Errors
/// If the store fails.
pub fn answered(desk: &mut Desk, tx: &dyn Sql, ticket: TicketId, accepted: bool, now: Timestamp) -> anyhow::Result<()> {
    let Some(mut booking) = store::booking_of_ticket(tx, ticket)? else { return Ok(()) };
    // A refused void means that the ticket was used.
    store::set_ticket_state(tx, ticket, if accepted { TicketWord::Void } else { TicketWord::Used })?;
    let Some(cancellation) = store::cancellation(tx, booking.id)? else { return Ok(()) };
    let seats = store::seats(tx, &booking)?;
    let count = |state| seats.iter().filter(|booked| booked.state == state).count();
    if count(TicketWord::VoidRequested) > 0 || booking.state != BookingState::Cancelling {
        return Ok(());
    }
    let voided = count(TicketWord::Void);
    let state = if voided == 0 { CancellationState::Refused } else { CancellationState::Accepted };
    store::put_cancellation(tx, booking.id, &Cancellation { state, answered_at: Some(now), ..cancellation })?;
    booking.state = if voided == seats.len() { BookingState::Cancelled } else { BookingState::Booked };
    store::put(tx, &booking)?;
    let due: i64 =
        seats.iter().filter(|booked| booked.state == TicketWord::Void).map(|booked| booked.price.minor).sum();
    // By policy some of it may have gone back before the answer.
    let rest = Money { minor: due - paid_back(tx, &booking)?, ..booking.total };
    if rest.minor < 0 {
        let text = format!(
            "{} went back before the theatre answered, for tickets that were used",
            Money { minor: -rest.minor, ..rest }
        );
        return Ok(store::list_discrepancy(tx, &booking, "refunded_but_used", &text, now)?);
    }
    pay_back(desk, tx, &booking, rest, now)
}

/// What has gone back for cancelled tickets of a booking, minor units.
fn paid_back(tx: &dyn Sql, booking: &Booking) -> Result<i64, StoreError> {
    let refunds = payments::refunds_of(tx, booking.id)?;
    Ok(refunds.iter().filter(|refund| refund.reason == "cancelled").map(|refund| refund.amount.minor).sum())
}

/// A theatre that has not answered this long after the show does not answer any more.
const UNANSWERED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Lists the cancellations of shows long over that no theatre has answered: a person decides, and is advised to pay back.
///
/// # Errors
/// If the store fails.
pub fn list_unanswered(tx: &dyn Sql, now: Timestamp) -> Result<(), StoreError> {
    let text = "The theatre has not answered this cancellation, and the show is long over.";
    for booking in store::cancelling_since(tx, now - UNANSWERED_AFTER)? {
        store::list_discrepancy(tx, &booking, VOID_UNANSWERED, text, now)?;
    }
    Ok(())
}

/// Lists the cancellations that a box cannot answer any more, because it is retired.
///
/// # Errors
/// If the store fails.
pub fn list_unanswerable(tx: &dyn Sql, theatre: TheatreId, now: Timestamp) -> Result<(), StoreError> {
    let text = "The theatre's box was retired before it answered this cancellation.";
    for booking in store::cancelling_at(tx, theatre)? {
        store::list_discrepancy(tx, &booking, VOID_UNANSWERED, text, now)?;
    }
    Ok(())
}

/// A cancelled show: unpaid bookings end, all others are cancelled and paid back. No theatre need be asked, because
/// nothing is sold again and no door admits to the show.
///
/// # Errors
/// If the store fails.
pub fn show_cancelled(desk: &mut Desk, tx: &dyn Sql, show: ShowId, now: Timestamp) -> anyhow::Result<()> {
    for mut booking in store::standing(tx, show)? {
        if matches!(booking.state, BookingState::AwaitingPayment | BookingState::Paying) {
            saga::end_unpaid(desk, tx, &mut booking)?;
            continue;
        }
        for ticket in store::seats(tx, &booking)?.into_iter().filter_map(|booked| booked.ticket) {
            store::set_ticket_state(tx, ticket, TicketWord::Void)?;
        }
        let asked = store::cancellation(tx, booking.id)?.map_or(now, |cancellation| cancellation.requested_at);
        let state = CancellationState::Accepted;
        let cancellation = Cancellation { state, requested_at: asked, answered_at: Some(now) };
        store::put_cancellation(tx, booking.id, &cancellation)?;
        booking.state = BookingState::Cancelled;
        store::put(tx, &booking)?;
        let rest = Money { minor: booking.total.minor - paid_back(tx, &booking)?, ..booking.total };
        pay_back(desk, tx, &booking, rest, now)?;
    }
    Ok(())
}

fn pay_back(desk: &mut Desk, tx: &dyn Sql, booking: &Booking, amount: Money, now: Timestamp) -> anyhow::Result<()> {
    if amount.minor == 0 {
        return Ok(());
    }
    // Another captured one was money paid twice, and has gone back by itself.
    let bought = payments::payments_of(tx, booking.id)?.into_iter().find(|payment| payment.bought);
    match bought {
        Some(payment) => settle::refund(desk, tx, &payment, amount, "cancelled", now),
        None => {
            let text = format!("{amount} should go back, but no payment bought the tickets");
            Ok(store::list_discrepancy(tx, booking, "refund_without_payment", &text, now)?)
        }
    }
}
