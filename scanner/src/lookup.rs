//! `GET /v1/tickets?seat=`: what is known here of a seat or of a booking, for a guest whose code cannot be read.

use crate::server::Device;
use axum::Json;
use axum::extract::State;
use node::problem::{Params, Problem};
use node::view::FirstAdmission;
use node::zone::Zone;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::time::Timestamp;
use std::sync::Arc;

/// Tickets of one answer.
const FOUND_MAX: u32 = 50;

/// A seat's label, a booking's short code, or the beginning of a ticket's number.
#[derive(Debug, Deserialize)]
pub(crate) struct LookupQuery {
    seat: String,
}

/// A ticket in the book.
#[derive(Debug, Serialize)]
pub(crate) struct TicketView {
    ticket: String,
    seat: String,
    screen: Option<u8>,
    show: Option<String>,
    starts_at: Option<String>,
    /// `live void_requested void`.
    state: String,
    /// Its entry, where somebody is inside on it.
    admitted: Option<FirstAdmission>,
    /// The short code of its booking.
    booking: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    tickets: Vec<TicketView>,
}

/// Looks a seat up among the tickets that the feed told of.
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn find(
    State(device): State<Arc<Device>>,
    Params(query): Params<LookupQuery>,
) -> Result<Json<Found>, Problem> {
    // The short code is printed in two halves.
    let text: String = query.seat.to_ascii_uppercase().split_whitespace().collect();
    if !(1..=16).contains(&text.len()) || !text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Problem::unprocessable(
            "bad_search",
            "Type a seat, C12, or the short code below the ticket's picture.",
        ));
    }
    Ok(Json(Found { tickets: device.readers.read(move |db| Ok(search(db, &text)?)).await? }))
}

fn search(db: &Connection, text: &str) -> rusqlite::Result<Vec<TicketView>> {
    let mut select = db.prepare_cached(
        "SELECT lower(hex(tickets.ticket)), tickets.seat, screen, title, starts_at, state, admissions.admitted_at, admissions.door,
             tickets.booking
         FROM tickets LEFT JOIN shows USING (show) LEFT JOIN departed USING (ticket)
         LEFT JOIN admissions ON admissions.ticket = tickets.ticket
             AND (departed.at IS NULL OR departed.at < admissions.admitted_at)
         WHERE tickets.seat = ?1 COLLATE NOCASE OR tickets.booking = ?1 OR length(?1) >= 4 AND hex(tickets.ticket) LIKE ?1 || '%'
         ORDER BY starts_at, tickets.seat LIMIT ?2",
    )?;
    let time = |at: i64| Zone::utc().rfc3339(Timestamp(at));
    let found = select.query_map(params![text, FOUND_MAX], |row| {
        let entry: Option<i64> = row.get(6)?;
        let door: Option<String> = row.get(7)?;
        Ok(TicketView {
            ticket: row.get(0)?,
            seat: row.get(1)?,
            screen: row.get(2)?,
            show: row.get(3)?,
            starts_at: row.get::<_, Option<i64>>(4)?.map(time),
            state: row.get(5)?,
            booking: row.get(8)?,
            admitted: entry.zip(door).map(|(at, door)| FirstAdmission { at: time(at), door }),
        })
    })?;
    found.collect()
}
