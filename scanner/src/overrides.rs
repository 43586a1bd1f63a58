//! `POST /v1/overrides`: a supervisor lets somebody in against the verdict. The box knows the supervisors' PINs, so it is the box that
//! writes it down.

use crate::ask;
use crate::edge::{EdgeError, OverrideCall};
use crate::scan::{Presented, new_id, new_scan, read_either};
use crate::server::Device;
use crate::short_code;
use crate::store::{self, Booked};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use node::problem::{JsonBody, Problem};
use node::view::VerdictView;
use serde::Deserialize;
use shared::admission::{self, Clock, Guarantee, Reading};
use shared::ids::{ScanId, TicketId};
use shared::ticket::read_booking_code;
use std::sync::Arc;

/// What the door page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideRequest {
    code: String,
    /// The same by the places of its keys, from a reader that types.
    keys: Option<String>,
    /// The ticket that the verdict was about, where the code is a short one.
    ticket: Option<String>,
    /// The page's number for it, the same at every try: a lost answer that is asked for again is no second entry.
    id: Option<String>,
    person: String,
    reason: String,
    staff: String,
    pin: String,
}

/// Asks the edge to let somebody in.
///
/// # Errors
/// What the edge refuses, or 503 `edge_out_of_reach`.
pub(crate) async fn let_in(
    State(device): State<Arc<Device>>,
    JsonBody(request): JsonBody<OverrideRequest>,
) -> Result<Json<VerdictView>, Problem> {
    let clock = device.contact.clock(device.clock.now());
    let bad = |_| Problem::unprocessable("bad_override", "An override's number has 32 hex digits.");
    let id = request.id.as_deref().map(str::parse).transpose().map_err(bad)?.unwrap_or_else(|| new_id(clock));
    let (code, reading) = read_either(&device, &request.code, request.keys.as_deref(), clock, Guarantee::Solo);
    let none = || Problem::conflict("no_override", "That is no genuine ticket of this house: sell a new one.");
    let Presented { scan, ticket, .. } = match reading {
        Reading::Genuine(genuine) => {
            let scan = new_scan(&device, id, &genuine, None, code, clock);
            let read = genuine.body.ticket;
            Presented { scan, ticket: genuine, read }
        }
        Reading::Answered(_) => {
            booked(&device, code, request.ticket.as_deref(), (id, clock)).await?.ok_or_else(none)?
        }
    };
    let (door, asked) = (device.door.clone(), ticket.clone());
    let own = device.readers.read(move |db| {
        let facts = store::facts(db, &asked.body)?;
        Ok(admission::decide(&asked, &facts, &door, clock, Guarantee::Solo).code)
    });
    let own = own.await?;
    let OverrideRequest { person, reason, staff, pin, .. } = request;
    let call = OverrideCall::new(&scan, person, reason, (staff, pin)).against(own.is_of_the_door().then(|| own.code()));
    let view = device.edge.let_in(&call).await.map_err(|error| problem(&error))?;
    ask::note(&device, vec![(scan, ticket.body.seat())], std::slice::from_ref(&view)).await;
    device.count(&view);
    Ok(Json(view))
}

/// The ticket under a short code that a verdict was about.
async fn booked(
    device: &Device,
    code: &str,
    ticket: Option<&str>,
    (id, clock): (ScanId, Clock),
) -> Result<Option<Presented>, Problem> {
    let Some(code) = read_booking_code(code) else { return Ok(None) };
    let asked = code.clone();
    let booked = device.readers.read(move |db| Ok(store::booked(db, &asked)?)).await?;
    let ticket: Option<TicketId> = ticket.and_then(|ticket| ticket.parse().ok());
    let chosen = match ticket {
        Some(ticket) => booked.into_iter().find(|one| one.member.ticket == ticket),
        None => <[Booked; 1]>::try_from(booked).ok().map(|[one]| one),
    };
    let Some(chosen) = chosen else { return Ok(None) };
    let presented = short_code::present(device, &code, (vec![chosen], vec![id]), clock);
    Ok(presented.and_then(|mut presented| presented.pop()))
}

pub(crate) fn problem(error: &EdgeError) -> Problem {
    match error {
        EdgeError::Refused { status, code: Some(code) } => match *status {
            _ if error.is_off() => Problem::unauthorized(code.clone(), "This device was declared off."),
            StatusCode::UNAUTHORIZED => Problem::unauthorized(code.clone(), "Name and PIN do not fit."),
            StatusCode::FORBIDDEN => {
                Problem::forbidden(code.clone(), "It takes a supervisor beside the person at the door.")
            }
            StatusCode::TOO_MANY_REQUESTS => {
                Problem::too_many(code.clone(), "Too many wrong PINs: try again later.", 60)
            }
            StatusCode::CONFLICT => Problem::conflict(code.clone(), "The ticket needs none, or is none of this house."),
            StatusCode::UNPROCESSABLE_ENTITY => {
                Problem::unprocessable(code.clone(), "Name the person at the door and the reason.")
            }
            _ => Problem::unavailable("edge_out_of_reach", "The box does not answer as it should."),
        },
        _ => Problem::unavailable("edge_out_of_reach", "The box is out of reach: it alone knows the PINs."),
    }
}
