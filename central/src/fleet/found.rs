//! Tickets that turn up after central has lost the log that sold them.

use super::overrides::{theatre_id, unknown_theatre};
use crate::office::App;
use crate::operator::{Operator, TwoPersons};
use axum::Json;
use axum::extract::{Path, State};
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::found::FoundTicket;
use shared::ids::{BookingId, ShowId};

/// The code on a ticket that the book does not have; two persons where its key is revoked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundCode {
    code: String,
    persons: Option<TwoPersons>,
}

/// The seat that is sold to the ticket from now on.
#[derive(Debug, Serialize)]
pub struct FoundSeat {
    ticket: String,
    show: String,
    seat: String,
}

/// `POST /v1/theatres/{theatre}/tickets/found`: its seat, which nobody could tell sold or unsold, is sold to the ticket.
pub async fn find(
    _operator: Operator,
    State(app): State<App>,
    Path(theatre): Path<String>,
    JsonBody(FoundCode { code, persons }): JsonBody<FoundCode>,
) -> Result<Json<FoundSeat>, Problem> {
    let theatre = theatre_id(&theatre)?;
    let found = app.writer.run(move |desk, tx, now| {
        let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(unknown_theatre())) };
        let Some(ring) = house.ring() else {
            return Ok(Err(Problem::unprocessable("unknown_key", "No key was ever certified for this theatre.")));
        };
        let found = match FoundTicket::read(&code, &ring, house.replica.ledger(), now) {
            Ok(found) => found,
            Err(not_found) => return Ok(Err(not_found.into())),
        };
        if found.revoked && persons.is_none() {
            let detail = "The key that signed this ticket is revoked: it takes two persons to believe it.";
            return Ok(Err(Problem::forbidden("two_persons_needed", detail)));
        }
        let booking = BookingId(node::random::bytes());
        if let Err(refusal) = house.replica.find_ticket(found.at, booking, found.price, now) {
            return Ok(Err(refusal.into()));
        }
        let (ticket, show) = (found.at.ticket.to_string(), ShowId { theatre, number: found.at.show }.to_string());
        tracing::warn!(%show, ticket, "an operator puts a ticket that was found into the book");
        if let Some(persons) = persons {
            persons.answer_for(tx, theatre, &format!("believe the ticket {ticket}, signed with a revoked key"), now)?;
        }
        Ok(Ok(FoundSeat { ticket, show, seat: found.label }))
    });
    Ok(Json(found.await??))
}
