//! `POST /v1/departures`: an entry is taken back right after it was made, or a guest goes out and may come back. Of a group all are
//! taken back at once, each by its own clock.

use crate::ask;
use crate::scan::read_either;
use crate::server::Device;
use crate::store::{self, Departed};
use crate::sync;
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};
use shared::admission::{Departure, Effect, Reading, WayOut};
use shared::ids::{ScanId, ShowNumber, TicketId};
use shared::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The most tickets of one request: a group and the one it came with.
const TICKETS_MAX: usize = 64;

/// What the door page sends: the ticket of a verdict, those of a group, or a code that is read on the way out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepartureRequest {
    how: String,
    ticket: Option<String>,
    tickets: Option<Vec<String>>,
    code: Option<String>,
    /// The same by the places of its keys, from a reader that types.
    keys: Option<String>,
    /// The page's number for it, the same at every try.
    id: Option<String>,
}

impl DepartureRequest {
    /// A code that is read on the way out.
    pub(crate) fn of_code(code: String) -> Self {
        let (how, code) = (Departure::Out.word().to_owned(), Some(code));
        Self { how, ticket: None, tickets: None, code, keys: None, id: None }
    }
}

/// Who may enter again.
#[derive(Debug, Serialize)]
pub(crate) struct DepartureView {
    /// The one that was asked for; absent for a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<String>,
    how: &'static str,
    /// The edge knows, and so will every door.
    pub(crate) shared: bool,
    /// Nobody comes back on the ticket: it stays used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) used: bool,
    /// Of a group, those that are inside all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stay: Vec<StayView>,
}

/// A ticket whose entry stands.
#[derive(Debug, Serialize)]
pub(crate) struct StayView {
    ticket: String,
    /// `not_inside`, `undo_over`, `no_reentry` or `not_counted`.
    code: &'static str,
}

/// Why an entry stands.
#[derive(Debug, Clone, Copy)]
enum Stays {
    NotInside,
    NoReentry,
    UndoOver,
    /// The box knows better.
    NotCounted,
}

impl Stays {
    fn code(self) -> &'static str {
        match self {
            Self::NotInside => "not_inside",
            Self::NoReentry => "no_reentry",
            Self::UndoOver => "undo_over",
            Self::NotCounted => "not_counted",
        }
    }
}

impl From<Stays> for Problem {
    fn from(stays: Stays) -> Self {
        let detail = match stays {
            Stays::NotInside => "Nobody is inside on this ticket.",
            Stays::NoReentry => "This show does not let people back in.",
            Stays::NotCounted => "The box does not count it, so the entry stands: call the supervisor.",
            Stays::UndoOver => "It was longer ago than ten seconds: call the supervisor.",
        };
        Self::conflict(stays.code(), detail)
    }
}

/// Writes departures down and tells the edge.
///
/// # Errors
/// 409 `not_inside`, `undo_over`, `no_reentry` or `not_counted` where it is one ticket, 422 for what names no ticket, or the store's failure.
pub(crate) async fn depart(
    State(device): State<Arc<Device>>,
    JsonBody(request): JsonBody<DepartureRequest>,
) -> Result<Json<DepartureView>, Problem> {
    Ok(Json(end_entries(&device, request).await?))
}

/// Ends entries, each if it may end.
///
/// # Errors
/// See [`depart`].
pub(crate) async fn end_entries(device: &Arc<Device>, request: DepartureRequest) -> Result<DepartureView, Problem> {
    let unknown = || Problem::unprocessable("bad_departure", "Name the ticket and whether it goes out or is undone.");
    let how = Departure::from_word(&request.how).ok_or_else(unknown)?;
    let (now, alone) = device.stands();
    let id: Option<ScanId> = request.id.map(|id| id.parse()).transpose().map_err(|_| unknown())?;
    let group = request.tickets.is_some();
    let mut signed = None;
    let tickets: Vec<TicketId> = match (request.ticket, request.tickets, request.code) {
        (Some(ticket), None, None) => vec![ticket.parse().map_err(|_| unknown())?],
        (None, Some(tickets), None) if (1..=TICKETS_MAX).contains(&tickets.len()) => {
            tickets.iter().map(|ticket| ticket.parse()).collect::<Result<_, _>>().map_err(|_| unknown())?
        }
        (None, None, Some(code)) => match read_either(device, &code, request.keys.as_deref(), now, alone).1 {
            Reading::Genuine(genuine) => {
                signed = Some(genuine.body.show);
                vec![genuine.body.ticket]
            }
            Reading::Answered(_) => {
                let detail = "That is no ticket that can be checked here: nobody may come back on it.";
                return Err(Problem::unprocessable("bad_departure", detail));
            }
        },
        _ => return Err(unknown()),
    };
    let (at, door, asked) = (now.now, device.identity.door.clone(), tickets.clone());
    let departed = device.writer.run(move |_, tx, _| {
        asked
            .into_iter()
            .map(|ticket| {
                let id = id.map(|id| id.of_code(&ticket.to_string()));
                end(tx, id, (ticket, signed), how, at, &door)
            })
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(Into::into)
    });
    let mut ended = departed.await?;
    let told = if ended.iter().any(Result::is_ok) { tell(device).await } else { Some(Vec::new()) };
    for one in &mut ended {
        let Ok(Ended { id, effect, not_counted }) = one else { continue };
        let of_edge = told.iter().flatten().find(|(told, _)| told == id).map(|(_, effect)| *effect);
        *effect = of_edge.unwrap_or(*effect);
        if *effect == Effect::Nothing {
            *one = Err(*not_counted);
        }
    }
    if let ([Err(stays)], false) = (ended.as_slice(), group) {
        return Err((*stays).into());
    }
    let shared = told.is_some() && device.contact.reachable();
    let stay = |(ticket, ended): (&TicketId, &Result<Ended, Stays>)| {
        let stays = (*ended).err()?;
        Some(StayView { ticket: ticket.to_string(), code: stays.code() })
    };
    let stay = tickets.iter().zip(&ended).filter_map(stay).collect();
    let ticket = tickets.first().filter(|_| !group).map(TicketId::to_string);
    let used = ended.iter().flatten().any(|ended| ended.effect == Effect::Gone);
    Ok(DepartureView { ticket, how: how.word(), shared, used, stay })
}

/// A departure that is written down.
#[derive(Debug, Clone, Copy)]
struct Ended {
    id: ScanId,
    /// As far as known here; never nothing.
    effect: Effect,
    /// What it means if the box does not count it.
    not_counted: Stays,
}

/// Ends one entry, if it may end. What was ended under that number before has ended. A guest who goes out with a genuine ticket may
/// have come in by a door that was not heard of yet, in a cut for long: that is for the box to judge, which hears of all doors.
fn end(
    tx: &Transaction<'_>,
    id: Option<ScanId>,
    (ticket, signed): (TicketId, Option<ShowNumber>),
    how: Departure,
    at: Timestamp,
    door: &str,
) -> rusqlite::Result<Result<Ended, Stays>> {
    let entry = store::entry_of(tx, ticket)?;
    let not_counted = if entry.is_some() { Stays::NotCounted } else { Stays::NotInside };
    if let Some(id) = id
        && let Some(effect) = store::effect_of(tx, id, ticket)?
    {
        return Ok(if effect == Effect::Nothing { Err(not_counted) } else { Ok(Ended { id, effect, not_counted }) });
    }
    let signed = signed.filter(|_| how == Departure::Out);
    let Some(show) = entry.as_ref().map(|(show, _)| *show).or(signed) else { return Ok(Err(Stays::NotInside)) };
    // Of a show that is not known here nobody knows better.
    let way_out = store::way_out(tx, show)?.unwrap_or(WayOut::new(true, true));
    let effect = entry.map_or(way_out.effect(), |(_, entry)| how.effect(&entry, at, way_out));
    if effect == Effect::Nothing {
        return Ok(Err(match how {
            Departure::Out => Stays::NoReentry,
            Departure::Undone => Stays::UndoOver,
        }));
    }
    let id = id.unwrap_or_else(|| ScanId::at(at, node::random::bytes()));
    let departed = Departed { id, ticket, show, how, at, door: door.to_owned() };
    store::keep_departure(tx, &departed)?;
    if effect == Effect::Again {
        store::note_departed(tx, ticket, show, at)?;
    } else {
        store::note_gone(tx, ticket, show, at)?;
    }
    Ok(Ok(Ended { id, effect, not_counted }))
}

/// The edge hears of it before the guest is back; where it does not answer in time it hears of it later. Returns what each comes to
/// by its word, nothing where it was not told.
async fn tell(device: &Arc<Device>) -> Option<Vec<(ScanId, Effect)>> {
    if !device.contact.reachable() {
        return None;
    }
    let told = tokio::time::timeout(ask::timeout(device) + Duration::from_millis(200), sync::upload_departures(device));
    let told = told.await.ok().and_then(Result::ok);
    if told.is_none() {
        device.unsent.notify_one();
    }
    told
}
