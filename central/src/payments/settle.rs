//! What a gateway's report does: the payment moves forward, and the booking with it, in one transaction.

use super::gateway::{PaymentReport, RefundReport};
use super::store::{self, Payment, Refund};
use super::{PaymentState, RefundState, schedule};
use crate::bookings::store::{self as bookings, Booking};
use crate::bookings::{BookingState, saga};
use crate::desk::Desk;
use anyhow::Context;
use node::store::{Sql, StoreError};
use shared::money::Money;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::replica::Closed;

/// The other side is asked so often for the seats of late money before it goes back.
const CLAIMS_MAX: u32 = 3;

/// Takes a report of a payment.
///
/// # Errors
/// If the store fails.
pub fn payment_reported(
    desk: &mut Desk,
    tx: &dyn Sql,
    id: &str,
    report: &PaymentReport,
    poll: Duration,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut payment = store::payment(tx, id)?.with_context(|| format!("payment {id} is not stored"))?;
    let known = payment.gateway_payment.get_or_insert_with(|| report.id.clone());
    let other = store::payment_at_gateway(tx, &report.id)?.filter(|other| other.id != payment.id);
    if *known != report.id || other.is_some() {
        tracing::error!(
            payment = id,
            reported = report.id,
            "the gateway reports another payment under this one's name"
        );
        return Ok(());
    }
    payment.pay_url = payment.pay_url.or_else(|| report.pay_url.clone());
    match payment.state.advance(report.state) {
        Some(state) => (payment.state, payment.attempts) = (state, 0),
        None => payment.attempts += 1,
    }
    let mut booking = bookings::booking(tx, payment.booking)?.context("a payment without its booking")?;
    if payment.state == PaymentState::Captured {
        take_money(desk, tx, &mut payment, &mut booking, report, now)?;
    } else {
        follow(desk, tx, &payment, &mut booking)?;
    }
    // Captured nothing: listed above, and there is nothing to send back.
    let nothing = report.amount.minor <= 0;
    let settled = payment.state != PaymentState::Captured || nothing || is_settled(tx, &payment, &booking)?;
    payment.next_look_at = schedule::payment_look(&payment, settled, poll, now);
    store::put_payment(tx, &payment)?;
    Ok(())
}

/// A captured payment is settled once it has bought its tickets or its money is on the way back.
fn is_settled(tx: &dyn Sql, payment: &Payment, booking: &Booking) -> Result<bool, StoreError> {
    let refunded = store::refunds_of(tx, booking.id)?.iter().any(|refund| refund.payment == payment.id);
    Ok(refunded || payment.bought)
}

fn is_taking_back(desk: &Desk, booking: &Booking) -> bool {
    let heads = desk.house(booking.show.theatre).map(|house| house.replica.heads());
    heads.is_ok_and(|heads| heads.closed == Some(Closed::HeadUnproven) && heads.recovery.reopen.is_some())
}

/// A payment ended unpaid, or began.
fn follow(desk: &mut Desk, tx: &dyn Sql, payment: &Payment, booking: &mut Booking) -> anyhow::Result<()> {
    let others_open =
        store::payments_of(tx, booking.id)?.iter().any(|other| other.id != payment.id && other.state.is_open());
    match payment.state {
        PaymentState::Declined if booking.state == BookingState::Paying && !others_open => {
            booking.state = BookingState::AwaitingPayment;
            bookings::put(tx, booking)?;
        }
        PaymentState::Expired if !others_open => saga::end_unpaid(desk, tx, booking)?,
        PaymentState::Unknown
        | PaymentState::Created
        | PaymentState::Declined
        | PaymentState::Expired
        | PaymentState::Captured => {}
    }
    Ok(())
}

/// The money is here: it buys the tickets, or it goes back.
fn take_money(
    desk: &mut Desk,
    tx: &dyn Sql,
    payment: &mut Payment,
    booking: &mut Booking,
    report: &PaymentReport,
    now: Timestamp,
) -> anyhow::Result<()> {
    // A sale that was forgotten may be on its way back: what it paid for is decided once the log is whole.
    if is_settled(tx, payment, booking)? || is_taking_back(desk, booking) {
        return Ok(());
    }
    if let Err(mismatch) = payment.quote().check(&report.reference, report.amount) {
        tracing::error!(payment = payment.id, %mismatch, "money that was not asked for");
        // Whoever knows a booking's whole id owns the booking.
        let reference: String = report.reference.chars().take(8).collect();
        let text = format!("{mismatch}: asked for {}, got {} for {reference}…", payment.amount, report.amount);
        bookings::list_discrepancy(tx, booking, "payment_mismatch", &text, now)?;
        return saga::refund_and_end(desk, tx, booking, payment, report.amount, "mismatch", now);
    }
    match booking.state {
        BookingState::AwaitingPayment | BookingState::Paying | BookingState::Expired => {}
        BookingState::Booked | BookingState::Cancelling | BookingState::Cancelled | BookingState::Refunded => {
            return refund(desk, tx, payment, payment.amount, "paid_twice", now);
        }
    }
    match saga::sell(desk, tx, booking, now)? {
        Ok(()) => {
            payment.bought = true;
            end_others(desk, tx, payment, now)
        }
        // A closed theatre may open again while the seats are kept, and claimed seats come in a moment.
        Err(Refusal::Closed) if booking.state != BookingState::Expired => Ok(()),
        Err(Refusal::SeatInTransit) if payment.attempts < CLAIMS_MAX => Ok(()),
        Err(refusal) => {
            tracing::info!(booking = %booking.id, %refusal, "money came too late and goes back");
            saga::refund_and_end(desk, tx, booking, payment, payment.amount, "late", now)
        }
    }
}

/// Another payment of the same booking is not wanted any more.
fn end_others(desk: &mut Desk, tx: &dyn Sql, payment: &Payment, now: Timestamp) -> anyhow::Result<()> {
    for mut other in store::payments_of(tx, payment.booking)? {
        if other.id != payment.id && other.state.is_open() {
            (other.expires_at, other.next_look_at) = (now, Some(now));
            store::put_payment(tx, &other)?;
            desk.wake_payments();
        }
    }
    Ok(())
}

/// Decides a refund. It is sent by the reconciler, under its own id, until the gateway has it.
///
/// # Errors
/// If the store fails.
pub fn refund(
    desk: &mut Desk,
    tx: &dyn Sql,
    payment: &Payment,
    amount: Money,
    reason: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    if amount.minor <= 0 {
        return Ok(());
    }
    let refund = Refund {
        id: format!("r_{}", node::random::hex::<16>()),
        payment: payment.id.clone(),
        booking: payment.booking,
        reason: reason.to_owned(),
        gateway_refund: None,
        state: RefundState::Due,
        amount,
        decided_at: now,
        attempts: 0,
        next_look_at: Some(now),
    };
    store::put_refund(tx, &refund)?;
    desk.wake_payments();
    Ok(())
}

/// Takes a report of a refund.
///
/// # Errors
/// If the store fails.
pub fn refund_reported(
    tx: &dyn Sql,
    id: &str,
    report: &RefundReport,
    poll: Duration,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut refund = store::refund(tx, id)?.with_context(|| format!("refund {id} is not stored"))?;
    let other = store::refund_at_gateway(tx, &report.id)?.filter(|other| other.id != refund.id);
    let known = refund.gateway_refund.get_or_insert_with(|| report.id.clone());
    if *known != report.id || other.is_some() {
        tracing::error!(refund = id, reported = report.id, "the gateway reports another refund under this one's name");
        return Ok(());
    }
    match refund.state.advance(report.state) {
        None => refund.attempts += 1,
        Some(state) => {
            (refund.state, refund.attempts) = (state, 0);
            refund_moved(tx, &refund, now)?;
        }
    }
    refund.next_look_at = schedule::refund_look(&refund, poll, now);
    store::put_refund(tx, &refund)?;
    Ok(())
}

fn refund_moved(tx: &dyn Sql, refund: &Refund, now: Timestamp) -> anyhow::Result<()> {
    let mut booking = bookings::booking(tx, refund.booking)?.context("a refund without its booking")?;
    match refund.state {
        RefundState::Failed => {
            tracing::error!(refund = refund.id, "a refund failed");
            let text = format!("the refund {} of {} failed; a person must pay it back", refund.id, refund.amount);
            bookings::list_discrepancy(tx, &booking, "refund_failed", &text, now)?;
        }
        RefundState::Succeeded if booking.state == BookingState::Expired => {
            booking.state = BookingState::Refunded;
            bookings::put(tx, &booking)?;
        }
        RefundState::Due | RefundState::Pending | RefundState::Succeeded => {}
    }
    Ok(())
}

/// The gateway refused to make a payment, and knows none: nothing can be paid.
///
/// # Errors
/// If the store fails.
pub fn payment_refused(desk: &mut Desk, tx: &dyn Sql, id: &str) -> anyhow::Result<()> {
    let mut payment = store::payment(tx, id)?.with_context(|| format!("payment {id} is not stored"))?;
    if payment.state != PaymentState::Unknown {
        return Ok(());
    }
    (payment.state, payment.next_look_at) = (PaymentState::Declined, None);
    let mut booking = bookings::booking(tx, payment.booking)?.context("a payment without its booking")?;
    follow(desk, tx, &payment, &mut booking)?;
    Ok(store::put_payment(tx, &payment)?)
}

/// The gateway refused to send money back: a person must.
///
/// # Errors
/// If the store fails.
pub fn refund_refused(tx: &dyn Sql, id: &str, now: Timestamp) -> anyhow::Result<()> {
    let mut refund = store::refund(tx, id)?.with_context(|| format!("refund {id} is not stored"))?;
    // A webhook may have known better meanwhile.
    if matches!(refund.state, RefundState::Succeeded | RefundState::Failed) {
        return Ok(());
    }
    (refund.state, refund.next_look_at) = (RefundState::Failed, None);
    refund_moved(tx, &refund, now)?;
    Ok(store::put_refund(tx, &refund)?)
}

/// The gateway said nothing; the payment is looked at again later.
///
/// # Errors
/// If the store fails.
pub fn payment_unheard(tx: &dyn Sql, id: &str, poll: Duration, now: Timestamp) -> anyhow::Result<()> {
    let mut payment = store::payment(tx, id)?.with_context(|| format!("payment {id} is not stored"))?;
    payment.attempts += 1;
    payment.next_look_at = schedule::payment_look(&payment, false, poll, now);
    Ok(store::put_payment(tx, &payment)?)
}

/// As [`payment_unheard`], for a refund.
///
/// # Errors
/// If the store fails.
pub fn refund_unheard(tx: &dyn Sql, id: &str, poll: Duration, now: Timestamp) -> anyhow::Result<()> {
    let mut refund = store::refund(tx, id)?.with_context(|| format!("refund {id} is not stored"))?;
    refund.attempts += 1;
    refund.next_look_at = schedule::refund_look(&refund, poll, now);
    Ok(store::put_refund(tx, &refund)?)
}
