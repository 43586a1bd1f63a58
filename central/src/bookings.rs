//! Bookings: from a hold to tickets, and back.
//!
//! ```text
//! awaiting_payment <─> paying ──> booked <─> cancelling ──> cancelled
//!        └────────┬───────┘          ↑
//!              expired ──────────────┘ (late money, seats still free)
//!                 └──> refunded        (late money, seats gone)
//! ```
//! Each step is one transaction that writes the booking, its payment and the ledger's entry together.

pub mod cancel;
pub mod contact;
pub mod lookup;
pub mod marks;
pub mod of_contact;
pub mod recovered;
pub mod saga;
pub mod store;
pub mod view;

use crate::answers::{Answer, Asked};
use crate::desk::Desk;
use crate::office::App;
use crate::pages::BookingView;
use crate::states::states;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cancel::NotCancelled;
use contact::ContactBody;
use node::problem::{IdempotencyKey, JsonBody, Problem};
use node::store::Sql;
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, HoldId, RequestId};
use shared::refusal::Refusal;
use shared::time::Timestamp;

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

/// What a booking is asked for with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingRequest {
    hold: String,
    contact: ContactBody,
    /// A price offer, in the words of the design; nothing is offered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offer: Option<String>,
}

/// Reads a booking's id.
///
/// # Errors
/// 404 `unknown_booking`.
pub fn booking_id(text: &str) -> Result<BookingId, Problem> {
    text.parse().map_err(|_| unknown_booking())
}

/// 404 `unknown_booking`.
pub fn unknown_booking() -> Problem {
    Problem::not_found("unknown_booking", "There is no such booking.")
}

/// `POST /v1/bookings`. The hold is part of the body, so that a key is good for one hold only.
pub async fn create(
    State(app): State<App>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<BookingRequest>,
) -> Result<Response, Problem> {
    let contact = request.contact.check()?;
    if request.offer.is_some() {
        return Err(Problem::unprocessable("unknown_offer", "There is no such offer."));
    }
    let hold: HoldId = request.hold.parse().map_err(|_| Refusal::UnknownHold)?;
    let asked = Asked::new("bookings", String::new(), key, &request)?;
    let booked = app.writer.run(move |desk, tx, now| begin(desk, tx, hold, contact, &asked, now)).await;
    let booked = booked.map_err(Problem::from);
    app.metrics.count_booking(&booked);
    Ok(booked?.into_response())
}

fn begin(
    desk: &mut Desk,
    tx: &dyn Sql,
    hold: HoldId,
    contact: store::Contact,
    asked: &Asked,
    now: Timestamp,
) -> anyhow::Result<Answer> {
    if let Some(before) = desk.answered_before(tx, asked)? {
        return Ok(before);
    }
    let (booking, seats) = match saga::begin(desk, tx, hold, contact, RequestId::of_key(asked.key()), now)? {
        Ok(begun) => begun,
        Err(problem) => return Ok(problem.into()),
    };
    let show = desk.scheduled(tx, booking.show)?;
    let answer = Answer::done(StatusCode::CREATED, &view::new_booking_view(show, &booking, &seats, now))?;
    desk.remember(tx, asked, &answer, booking.show, now)?;
    Ok(answer)
}

/// `GET /v1/bookings/{id}`
pub async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<BookingView>, Problem> {
    Ok(Json(find(&app, booking_id(&id)?).await?))
}

/// A booking as its owner sees it.
///
/// # Errors
/// 404 `unknown_booking`.
pub async fn find(app: &App, id: BookingId) -> Result<BookingView, Problem> {
    let now = app.clock.now();
    let found = app.readers.read(move |conn| {
        let booking = store::booking(conn, id)?;
        booking.map(|booking| view::booking_view(conn, &booking, now)).transpose()
    });
    found.await?.ok_or_else(unknown_booking)
}

/// `POST /v1/bookings/{id}/cancellation`
pub async fn cancel(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = booking_id(&id)?;
    let asked = app.writer.run(move |desk, tx, now| {
        let Some(mut booking) = store::booking(tx, id)? else { return Ok(Err(unknown_booking())) };
        match cancel::request(desk, tx, &mut booking, now)? {
            Ok(()) => Ok(Ok(view::booking_view(tx, &booking, now)?)),
            Err(NotCancelled::Refused(refusal)) => Ok(Err(refusal.into())),
            Err(NotCancelled::NotBooked) => {
                let detail = format!("The booking is {}; there is nothing to cancel.", booking.state.word());
                Ok(Err(Problem::conflict("not_cancellable", detail)))
            }
        }
    });
    Ok((StatusCode::ACCEPTED, Json(asked.await??)).into_response())
}
