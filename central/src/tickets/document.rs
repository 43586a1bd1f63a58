//! The tickets of a booking as a document to print or to keep.

use super::codes;
use crate::bookings::store;
use crate::bookings::{booking_id, unknown_booking};
use crate::office::App;
use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use node::paper::{Issuer, Templates, TicketFacts, pdf};
use node::problem::Problem;

/// `GET /v1/bookings/{id}/tickets.pdf`: one ticket a page, void ones left out. 404 `unknown_ticket` while there is none.
pub async fn document(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = booking_id(&id)?;
    let signed = codes(&app, id).await?;
    let gathered = app.writer.run(move |desk, tx, _| {
        let Some(booking) = store::booking(tx, id)? else { return Ok(None) };
        let house = desk.house(booking.show.theatre).map_err(anyhow::Error::msg)?;
        let facts = &house.show(booking.show.number).map_err(anyhow::Error::msg)?.facts;
        let (date, time) = (house.zone.local_date(facts.starts_at()), house.zone.local_time(facts.starts_at()));
        let seats = store::seats(tx, &booking)?;
        let tickets = signed.into_iter().filter_map(|ticket| {
            let seat = seats.iter().find(|seat| seat.label == ticket.seat)?;
            Some(TicketFacts {
                theatre: house.theatre.name.clone(),
                city: house.theatre.city.clone(),
                title: facts.title.clone(),
                screen: u32::from(facts.screen.0),
                seat: ticket.seat,
                category: seat.category.clone(),
                price: seat.price.to_string(),
                date: date.clone(),
                time: time.clone(),
                serial: None,
                booking: booking.code.clone(),
                group: None,
                issuer: Issuer::default(),
                code: ticket.code,
            })
        });
        Ok(Some(tickets.collect::<Vec<_>>()))
    });
    let tickets = gathered.await?.ok_or_else(unknown_booking)?;
    let title = match tickets.first() {
        Some(ticket) => format!("{}, {}", ticket.title, ticket.theatre),
        None => return Err(Problem::not_found("unknown_ticket", "This booking has no tickets.")),
    };
    let templates = Templates::load(std::path::Path::new("")).context("read the templates of tickets")?;
    let sheets = tickets.iter().map(|ticket| templates.ticket(ticket)).collect::<anyhow::Result<Vec<_>>>()?;
    let drawn = pdf::draw(&sheets, pdf::Page::A4, &title)?;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"tickets.pdf\""),
    ];
    Ok((headers, drawn).into_response())
}
