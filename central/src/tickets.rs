//! Tickets: signed when somebody first reads them, and the same text ever after.

mod document;

pub use document::document;

use crate::bookings::store::{self, Booking};
use crate::bookings::{TicketWord, booking_id, unknown_booking};
use crate::desk::Desk;
use crate::office::App;
use anyhow::{Context, anyhow};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use node::problem::Problem;
use node::store::Sql;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use shared::ids::BookingId;
use shared::ticket::{RowLabel, TicketBody};
use shared::time::Timestamp;

/// The smallest side of a drawn code, in the units of its picture.
const QR_SIDE_MIN: u32 = 240;

/// A ticket to show at the door.
#[derive(Debug, Clone, Serialize)]
pub struct TicketCodeView {
    /// `C12`.
    pub seat: String,
    /// 16 hex digits.
    pub ticket: String,
    /// The signed text.
    pub code: String,
    /// Where its picture is.
    pub svg: String,
}

/// `GET /v1/bookings/{id}/tickets`
#[derive(Debug, Serialize)]
pub struct TicketCodes {
    tickets: Vec<TicketCodeView>,
}

/// Lists a booking's tickets with their codes; void ones are left out.
pub async fn list(State(app): State<App>, Path(id): Path<String>) -> Result<Json<TicketCodes>, Problem> {
    Ok(Json(TicketCodes { tickets: codes(&app, booking_id(&id)?).await? }))
}

/// `GET /v1/bookings/{id}/tickets/C12.svg`: the code as a picture.
pub async fn picture(State(app): State<App>, Path((id, file)): Path<(String, String)>) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("unknown_ticket", "There is no such ticket in this booking.");
    let seat = file.strip_suffix(".svg").ok_or_else(unknown)?;
    let tickets = codes(&app, booking_id(&id)?).await?;
    let ticket = tickets.iter().find(|ticket| ticket.seat.eq_ignore_ascii_case(seat)).ok_or_else(unknown)?;
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "private, max-age=3600")];
    Ok((headers, drawn(&ticket.code)?).into_response())
}

/// A booking's tickets, signed now where they never were.
///
/// # Errors
/// 404 `unknown_booking`.
pub async fn codes(app: &App, id: BookingId) -> Result<Vec<TicketCodeView>, Problem> {
    let signed = app
        .writer
        .run(move |desk, tx, now| store::booking(tx, id)?.map(|booking| sign(desk, tx, &booking, now)).transpose());
    signed.await?.ok_or_else(unknown_booking)
}

fn sign(desk: &Desk, tx: &dyn Sql, booking: &Booking, now: Timestamp) -> anyhow::Result<Vec<TicketCodeView>> {
    let mut tickets = Vec::new();
    for booked in store::seats(tx, booking)? {
        let Some(ticket) = booked.ticket.filter(|_| booked.state != TicketWord::Void) else { continue };
        let code = match booked.code {
            Some(code) => code,
            None => {
                let house = desk.house(booking.show.theatre).map_err(anyhow::Error::msg)?;
                let show = house.show(booking.show.number).map_err(anyhow::Error::msg)?;
                let seat = show.plan.seat(booked.seat).context("the plan has lost a sold seat")?;
                let row = RowLabel::new(&seat.row).with_context(|| format!("row {:?} fits no ticket", seat.row))?;
                let body = TicketBody {
                    ticket,
                    theatre: booking.show.theatre,
                    show: booking.show.number,
                    screen: show.facts.screen,
                    row,
                    number: seat.number,
                    generation: booked.generation,
                    valid_from: show.facts.starts_at(),
                    valid_until: show.facts.ends_at(),
                };
                let code = body.sign(house.ticket_key(now)).to_string();
                store::set_ticket_code(tx, ticket, &code)?;
                code
            }
        };
        let svg = format!("/v1/bookings/{}/tickets/{}.svg", booking.id, booked.label);
        tickets.push(TicketCodeView { seat: booked.label, ticket: ticket.to_string(), code, svg });
    }
    Ok(tickets)
}

/// A QR code of level M with its quiet zone. Upper-case Base32 fits the dense alphanumeric mode.
fn drawn(code: &str) -> anyhow::Result<String> {
    let qr =
        QrCode::with_error_correction_level(code, EcLevel::M).map_err(|error| anyhow!("draw a QR code: {error}"))?;
    Ok(qr.render::<svg::Color<'_>>().quiet_zone(true).min_dimensions(QR_SIDE_MIN, QR_SIDE_MIN).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_as_one_picture_with_a_quiet_zone() {
        let svg = drawn(&"A2".repeat(76)).expect("draws");
        assert!(svg.contains("<svg"));
        // Version 7 at level M has 45 modules, 53 with the quiet zone; version 6 has 41 and 49.
        let version = QrCode::with_error_correction_level("A2".repeat(76), EcLevel::M).expect("code").version();
        assert_eq!(version, qrcode::Version::Normal(6));
    }
}
