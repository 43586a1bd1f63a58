//! A booking as its owner sees it, read beside the writer.

use super::store::{self, BookedSeat, Booking};
use super::{BookingState, CancellationState};
use crate::discovery::schedule::{self, ScheduledShow};
use crate::pages::{BookingView, CancellationView, PaymentView, RefundView, TicketView};
use crate::payments::store::{self as payments, Payment, Refund};
use crate::payments::{PaymentState, RefundState};
use anyhow::Context;
use node::store::{Sql, StoreError};
use node::view::LineView;
use shared::money::Money;
use shared::time::Timestamp;

/// The booking with its show, seats, payment, tickets and cancellation.
///
/// # Errors
/// If the store cannot be read.
pub fn booking_view(conn: &dyn Sql, booking: &Booking, now: Timestamp) -> anyhow::Result<BookingView> {
    let refunds = payments::refunds_of(conn, booking.id)?;
    let show =
        schedule::by_id(conn, booking.show)?.with_context(|| format!("show {} is not scheduled", booking.show))?;
    let mut view = new_booking_view(show, booking, &store::seats(conn, booking)?, now);
    view.payment = payment_view(&payments::payments_of(conn, booking.id)?, &refunds);
    view.cancellation = cancellation_view(conn, booking, &refunds)?;
    Ok(view)
}

/// A booking that nobody has paid or cancelled yet.
pub fn new_booking_view(show: ScheduledShow, booking: &Booking, seats: &[BookedSeat], now: Timestamp) -> BookingView {
    let tickets = seats.iter().filter_map(|booked| {
        let ticket = booked.ticket?.to_string();
        Some(TicketView { seat: booked.label.clone(), ticket, state: booked.state.word().to_owned() })
    });
    let open = matches!(booking.state, BookingState::AwaitingPayment | BookingState::Paying);
    let expires_at = open.then(|| show.zone().rfc3339(booking.expires_at));
    let lines = seats.iter().map(|booked| LineView {
        seat: booked.label.clone(),
        category: booked.category.clone(),
        price: booked.price,
    });
    BookingView {
        booking: booking.id.to_string(),
        code: booking.code.clone(),
        state: booking.state.word().to_owned(),
        lines: lines.collect(),
        total: booking.total,
        payment: None,
        tickets: tickets.collect(),
        expires_at,
        cancellation: None,
        show: show.view(now),
    }
}

/// The payment that bought the tickets, else the last one that the gateway knows.
fn payment_view(payments: &[Payment], refunds: &[Refund]) -> Option<PaymentView> {
    let known = || payments.iter().filter(|payment| payment.state > PaymentState::Unknown);
    let payment = known().find(|payment| payment.bought).or_else(|| known().next_back())?;
    let refunded = refunds.iter().any(|refund| refund.payment == payment.id && refund.state == RefundState::Succeeded);
    Some(PaymentView {
        payment: payment.gateway_payment.clone().unwrap_or_else(|| payment.id.clone()),
        state: if refunded { "refunded" } else { payment.state.word() }.to_owned(),
        pay_url: payment.pay_url.clone().unwrap_or_default(),
    })
}

fn cancellation_view(
    conn: &dyn Sql,
    booking: &Booking,
    refunds: &[Refund],
) -> Result<Option<CancellationView>, StoreError> {
    let Some(cancellation) = store::cancellation(conn, booking.id)? else { return Ok(None) };
    let refund = refunds.iter().find(|refund| refund.reason == "cancelled").map(|refund| RefundView {
        state: match refund.state {
            RefundState::Due | RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed => "failed",
        }
        .to_owned(),
        amount: refund.amount,
    });
    // A free booking has nothing to give back: the page need not wait for it.
    let nothing = || RefundView { state: "succeeded".to_owned(), amount: Money { minor: 0, ..booking.total } };
    let free = booking.total.minor == 0 && cancellation.state == CancellationState::Accepted;
    let refund = refund.or_else(|| free.then(nothing));
    Ok(Some(CancellationView { state: cancellation.state.word().to_owned(), refund }))
}
