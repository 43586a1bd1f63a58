//! `POST /v1/bookings/{id}/payments`: a payment is stored before the gateway hears of it, so that no call is ever lost.

use super::gateway::{GatewayError, PaymentOrder};
use super::store::{self, Payment};
use super::{PaymentState, settle};
use crate::answers::{Answer, Asked};
use crate::bookings::store::{self as bookings, Booking};
use crate::bookings::{BookingState, booking_id, saga, unknown_booking};
use crate::desk::Desk;
use crate::office::{App, Office};
use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use node::problem::{IdempotencyKey, Problem, SpareBody};
use node::store::Sql;
use node::zone::Zone;
use serde::Serialize;
use shared::ids::BookingId;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::time::Duration;

/// The reconciler leaves a new payment alone until its first call must have ended.
const FIRST_LOOK: Duration = Duration::from_secs(6);

/// A payment as the customer sees it.
#[derive(Debug, Serialize)]
struct AskedPayment {
    payment: String,
    state: &'static str,
    pay_url: String,
    expires_at: String,
}

/// Begins a payment, or finds the one that is under way.
pub async fn create(
    State(app): State<App>,
    Path(booking): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    SpareBody(body): SpareBody,
) -> Result<Response, Problem> {
    let booking = booking_id(&booking)?;
    let asked = Asked::new("payments", booking.to_string(), key, &body)?;
    let (gateway, again) = (app.gateway.name(), asked.clone());
    let begun = app.writer.run(move |desk, tx, now| begin(desk, tx, booking, &again, gateway, now));
    let payment = match begun.await? {
        Begun::Answered(answer) => return Ok(answer.into_response()),
        Begun::Payment(payment) => payment,
    };
    let (id, poll) = (payment.id.clone(), app.poll);
    if payment.pay_url.is_none() {
        match app.gateway.create_payment(&app.payment_order(&payment)).await {
            Ok(report) => {
                app.writer
                    .run(move |desk, tx, now| settle::payment_reported(desk, tx, &id, &report, poll, now))
                    .await?;
            }
            Err(error @ GatewayError::Unknown { .. }) => {
                tracing::warn!(payment = id, error = %anyhow::Error::new(error), "payment asked for, answer unknown");
                let detail = "The payment service did not answer. Ask again with the same Idempotency-Key.";
                return Err(Problem::unavailable("payment_unknown", detail).with_retry_after(2));
            }
            Err(error @ GatewayError::Refused { .. }) => {
                tracing::error!(payment = id, %error, "the gateway refuses a payment");
                app.writer.run(move |desk, tx, _| settle::payment_refused(desk, tx, &id)).await?;
                let title = "The payment service refuses this payment.";
                return Err(Problem::new(StatusCode::BAD_GATEWAY, "payment_refused", title));
            }
        }
    }
    let answer = app.writer.run(move |desk, tx, now| answer(desk, tx, &payment.id, &asked, now)).await?;
    Ok(answer.into_response())
}

enum Begun {
    Answered(Answer),
    Payment(Payment),
}

fn begin(
    desk: &mut Desk,
    tx: &dyn Sql,
    id: BookingId,
    asked: &Asked,
    gateway: &str,
    now: Timestamp,
) -> anyhow::Result<Begun> {
    if let Some(before) = desk.answered_before(tx, asked)? {
        return Ok(Begun::Answered(before));
    }
    let Some(mut booking) = bookings::booking(tx, id)? else {
        return Ok(Begun::Answered(unknown_booking().into()));
    };
    let known = store::payments_of(tx, id)?;
    let same = known.iter().find(|payment| payment.request_key == asked.key());
    // A second tab gets the payment of the first: two open ones could both be paid.
    if let Some(payment) = same.or_else(|| known.iter().find(|payment| payment.state.is_open())) {
        return Ok(Begun::Payment(payment.clone()));
    }
    if booking.state != BookingState::AwaitingPayment {
        let detail = format!("The booking is {}; there is nothing to pay.", booking.state.word());
        return Ok(Begun::Answered(Problem::conflict("not_payable", detail).into()));
    }
    let times = desk.paying_times();
    let held = desk
        .house_mut(booking.show.theatre)
        .and_then(|house| house.replica.hold_for_payment(booking.hold, now))
        .map(|hold| hold.deadline - times.grace);
    let expires_at = match held {
        Ok(expires_at) if expires_at >= now + times.payable_least() => expires_at,
        ended => {
            saga::end_unpaid(desk, tx, &mut booking)?;
            return Ok(Begun::Answered(ended.err().unwrap_or(Refusal::HoldExpired).into()));
        }
    };
    let payment = new_payment(&booking, asked.key(), gateway, expires_at, now);
    (booking.state, booking.expires_at) = (BookingState::Paying, expires_at);
    bookings::put(tx, &booking)?;
    store::put_payment(tx, &payment)?;
    Ok(Begun::Payment(payment))
}

fn new_payment(booking: &Booking, key: &str, gateway: &str, expires_at: Timestamp, now: Timestamp) -> Payment {
    Payment {
        id: format!("p_{}", node::random::hex::<16>()),
        booking: booking.id,
        request_key: key.to_owned(),
        gateway: gateway.to_owned(),
        gateway_payment: None,
        state: PaymentState::Unknown,
        amount: booking.total,
        pay_url: None,
        created_at: now,
        expires_at,
        given_up: false,
        bought: false,
        attempts: 0,
        next_look_at: Some(now + FIRST_LOOK),
    }
}

fn answer(desk: &mut Desk, tx: &dyn Sql, id: &str, asked: &Asked, now: Timestamp) -> anyhow::Result<Answer> {
    let payment = store::payment(tx, id)?.context("the payment is not stored")?;
    let booking = bookings::booking(tx, payment.booking)?.context("a payment without its booking")?;
    let house = desk.house(booking.show.theatre);
    let zone = house.map_or_else(|_| Zone::utc(), |house| house.zone.clone());
    let view = AskedPayment {
        payment: payment.gateway_payment.unwrap_or(payment.id),
        state: payment.state.word(),
        pay_url: payment.pay_url.unwrap_or_default(),
        expires_at: zone.rfc3339(payment.expires_at),
    };
    let answer = Answer::done(StatusCode::CREATED, &view)?;
    // A payment found by another key than its own is answered, not remembered.
    if desk.answered_before(tx, asked)?.is_none() {
        desk.remember(tx, asked, &answer, booking.show, now)?;
    }
    Ok(answer)
}

impl Office {
    /// The order as the gateway gets it, the same at every call.
    pub fn payment_order(&self, payment: &Payment) -> PaymentOrder {
        PaymentOrder {
            key: payment.id.clone(),
            reference: payment.booking.to_string(),
            amount: payment.amount,
            return_url: format!("{}/bookings/{}", self.public_url, payment.booking),
            webhook_url: format!("{}/v1/webhooks/{}", self.public_url, self.gateway.name()),
            expires_at: Zone::utc().rfc3339(payment.expires_at),
        }
    }
}
