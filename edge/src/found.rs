//! Tickets that turn up after the log that sold them was lost.

use crate::house::House;
use crate::opening::{Attested, attest, second_person};
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::found::FoundTicket;
use shared::ids::{BookingId, ShowId};
use std::sync::Arc;

/// The code on a ticket that the book does not have; a second person where its key is revoked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundRequest {
    code: String,
    second: Option<LoginRequest>,
}

/// The seat that is sold to the ticket from now on.
#[derive(Debug, Serialize)]
pub struct FoundView {
    ticket: String,
    show: String,
    seat: String,
}

/// `POST /v1/tickets/found`: its seat, which nobody could tell sold or unsold, is sold to the ticket. Answers 422 with the code of
/// a door for what is no genuine ticket, 403 `two_persons_needed` where its key is revoked, 409 `ticket_known`, 409
/// `seat_not_unknown` where the seat is another's, which is listed as a discrepancy.
pub async fn find(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(FoundRequest { code, second }): JsonBody<FoundRequest>,
) -> Result<Json<FoundView>, Problem> {
    let session = house.authorise(&headers, Task::Discrepancies).await?;
    let second = match second {
        Some(second) => Some(second_person(&house, &session, second).await?),
        None => None,
    };
    let theatre = house.identity.theatre;
    let found = house.writer.run(move |desk, tx, now| {
        let found = match FoundTicket::read(&code, desk.ring(), desk.replica().ledger(), now) {
            Ok(found) => found,
            Err(not_found) => return Ok(Err(Problem::from(not_found))),
        };
        if found.revoked && second.is_none() {
            let detail = "The key that signed this ticket is revoked: it takes two persons to believe it.";
            return Ok(Err(Problem::forbidden("two_persons_needed", detail)));
        }
        let booking = BookingId(node::random::bytes());
        if let Err(refusal) = desk.replica_mut().find_ticket(found.at, booking, found.price, now) {
            return Ok(Err(refusal.into()));
        }
        let (ticket, show) = (found.at.ticket.to_string(), ShowId { theatre, number: found.at.show }.to_string());
        attest(tx, Attested::FoundTicket, &ticket, &session.staff, second.as_deref(), now)?;
        Ok(Ok(FoundView { ticket, show, seat: found.label }))
    });
    Ok(Json(found.await??))
}
