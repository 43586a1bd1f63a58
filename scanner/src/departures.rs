//! `POST /v1/departures`: an entry is taken back right after it was made, or a guest goes out and may come back.

use crate::scan;
use crate::server::Device;
use crate::store::{self, Departed};
use crate::sync;
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::admission::{self, Departure, Guarantee, Reading};
use shared::ids::{ScanId, TicketId};
use std::sync::Arc;
use std::time::Duration;

/// What the door page sends: the ticket of a verdict, or a code that is read on the way out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepartureRequest {
    how: String,
    ticket: Option<String>,
    code: Option<String>,
}

/// Who may enter again.
#[derive(Debug, Serialize)]
pub(crate) struct DepartureView {
    ticket: String,
    how: &'static str,
    /// The edge knows: every door will let the ticket in again.
    shared: bool,
}

/// Writes a departure down and tells the edge.
///
/// # Errors
/// 409 `not_inside`, `undo_over` or `no_reentry`, 422 for what names no ticket, or the store's failure.
pub(crate) async fn depart(
    State(device): State<Arc<Device>>,
    JsonBody(request): JsonBody<DepartureRequest>,
) -> Result<Json<DepartureView>, Problem> {
    let unknown = || Problem::unprocessable("bad_departure", "Name the ticket and whether it goes out or is undone.");
    let how = Departure::from_word(&request.how).ok_or_else(unknown)?;
    let now = device.contact.clock(device.clock.now());
    let ticket: TicketId = match (request.ticket, request.code) {
        (Some(ticket), None) => ticket.parse().map_err(|_| unknown())?,
        (None, Some(code)) => match admission::read(&code, &device.ring(), &device.door, now, Guarantee::Solo) {
            Reading::Genuine(genuine) => genuine.body.ticket,
            Reading::Answered(_) => return Err(unknown()),
        },
        _ => return Err(unknown()),
    };
    let (at, door) = (now.now, device.identity.door.clone());
    let departed = device.writer.run(move |_, tx, _| {
        let Some((show, entry)) = store::entry_of(tx, ticket)? else {
            return Ok(Err(Problem::conflict("not_inside", "Nobody is inside on this ticket.")));
        };
        if !how.counts(&entry, at, store::reentry(tx, show)?) {
            return Ok(Err(match how {
                Departure::Out => Problem::conflict("no_reentry", "This show does not let people back in."),
                Departure::Undone => {
                    Problem::conflict("undo_over", "It was longer ago than ten seconds: call the supervisor.")
                }
            }));
        }
        let departed = Departed { id: ScanId::at(at, node::random::bytes()), ticket, show, how, at, door };
        store::keep_departure(tx, &departed)?;
        store::note_departed(tx, ticket, show, at)?;
        Ok(Ok(()))
    });
    departed.await??;
    let shared = tell(&device).await;
    Ok(Json(DepartureView { ticket: ticket.to_string(), how: how.word(), shared }))
}

/// The edge hears of it before the guest is back; where it does not answer in time it hears of it later.
async fn tell(device: &Arc<Device>) -> bool {
    if !device.contact.reachable() {
        return false;
    }
    let told =
        tokio::time::timeout(scan::edge_timeout(device) + Duration::from_millis(200), sync::upload_departures(device));
    let told = matches!(told.await, Ok(Ok(())));
    if !told {
        device.unsent.notify_one();
    }
    told
}
