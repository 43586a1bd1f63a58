//! `POST /v1/overrides`: a supervisor lets somebody in against the verdict. The box knows the supervisors' PINs, so it is the box that
//! writes it down.

use crate::ask;
use crate::edge::{EdgeError, OverrideCall};
use crate::scan::{new_id, new_scan, read_either};
use crate::server::Device;
use crate::store;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use node::problem::{JsonBody, Problem};
use node::view::VerdictView;
use serde::Deserialize;
use shared::admission::{self, Guarantee, Reading, VerdictCode};
use std::sync::Arc;

/// What the door page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideRequest {
    code: String,
    /// The same by the places of its keys, from a reader that types.
    keys: Option<String>,
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
    let (code, reading) = read_either(&device, &request.code, request.keys.as_deref(), clock, Guarantee::Solo);
    let Reading::Genuine(genuine) = reading else {
        return Err(Problem::conflict("no_override", "That is no genuine ticket of this house: sell a new one."));
    };
    let scan = new_scan(&device, new_id(clock), &genuine, None, code, clock);
    let (door, ticket) = (device.door.clone(), genuine.clone());
    let own = device.readers.read(move |db| {
        let facts = store::facts(db, &ticket.body)?;
        Ok(admission::decide(&ticket, &facts, &door, clock, Guarantee::Solo).code)
    });
    let own = own.await?;
    let of_this_door = matches!(own, VerdictCode::WrongScreen | VerdictCode::WrongShow | VerdictCode::TooEarly);
    let OverrideRequest { person, reason, staff, pin, .. } = request;
    let call = OverrideCall::new(scan.id, &scan.code, &scan.door, person, reason, staff, pin)
        .against(of_this_door.then(|| own.code()));
    let view = device.edge.let_in(&call).await.map_err(|error| problem(&error))?;
    ask::note(&device, vec![(scan, genuine.body.seat())], std::slice::from_ref(&view)).await;
    device.count(&view);
    Ok(Json(view))
}

pub(crate) fn problem(error: &EdgeError) -> Problem {
    match error {
        EdgeError::Refused { status, code: Some(code) } => match *status {
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
