//! `POST /v1/groups`: the others of a booking come in with the one that was let in here, all of them or some; or those of a booking whose
//! short code was typed.
//!
//! The code is the one that was read at that entry, or the short one; everybody else is a ticket of the book. Each is a scan of its own, with its own
//! number, verdict and record, so it is asked of the edge, decided alone, uploaded and taken back like any other.

use crate::scan::{Presented, let_in, new_id, new_scan};
use crate::server::Device;
use crate::short_code;
use crate::store::{self, Booked};
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use node::view::VerdictView;
use serde::{Deserialize, Serialize};
use shared::admission::{self, Clock, Guarantee, Member, Reading};
use shared::ids::{ScanId, TicketId};
use shared::ticket::read_booking_code;
use std::sync::Arc;

/// The most that come in at once: as many as one upload takes with what was told of them before.
const MEMBERS_MAX: usize = 60;

/// A ticket of a booking, short.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MemberView {
    ticket: String,
    seat: String,
}

/// A verdict, and who of the booking is outside yet.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnswerView {
    #[serde(flatten)]
    pub(crate) verdict: VerdictView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group: Vec<MemberView>,
    /// The short code that was typed, where somebody must choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<String>,
}

impl AnswerView {
    pub(crate) fn new(verdict: VerdictView, others: &[Member]) -> Self {
        let view = |member: &Member| MemberView { ticket: member.ticket.to_string(), seat: member.seat.clone() };
        Self { verdict, group: others.iter().map(view).collect(), booking: None }
    }

    /// The same where all of them are outside.
    pub(crate) fn of_booking(self, code: String) -> Self {
        Self { booking: Some(code), ..self }
    }
}

impl From<VerdictView> for AnswerView {
    fn from(verdict: VerdictView) -> Self {
        Self { verdict, group: Vec::new(), booking: None }
    }
}

/// What the door page sends: the ticket that was let in, or a short code, and those who come in by it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupRequest {
    with: Option<String>,
    booking: Option<String>,
    tickets: Vec<String>,
    /// The page's number for each of these scans, the same at every try.
    ids: Option<Vec<String>>,
}

/// A verdict for each, in the order of the tickets.
#[derive(Debug, Serialize)]
pub(crate) struct GroupView {
    verdicts: Vec<VerdictView>,
}

/// Lets the others in.
///
/// # Errors
/// 409 `not_let_in_here` or `not_in_group`, 422 `bad_group`, or the store's failure.
pub(crate) async fn enter(
    State(device): State<Arc<Device>>,
    JsonBody(request): JsonBody<GroupRequest>,
) -> Result<Json<GroupView>, Problem> {
    let bad = || Problem::unprocessable("bad_group", "Name the ticket that was let in and those who come with it.");
    let by = match (request.with, request.booking) {
        (Some(with), None) => By::Ticket(with.parse().map_err(|_| bad())?),
        (None, Some(code)) => By::ShortCode(read_booking_code(&code).ok_or_else(bad)?),
        _ => return Err(bad()),
    };
    let (clock, alone) = device.stands();
    let mut ids = request.ids.map(Vec::into_iter);
    let mut tickets: Vec<(TicketId, ScanId)> = Vec::with_capacity(request.tickets.len().min(MEMBERS_MAX));
    for text in &request.tickets {
        let ticket = text.parse().map_err(|_| bad())?;
        let id = match &mut ids {
            Some(ids) => ids.next().ok_or_else(bad)?.parse().map_err(|_| bad())?,
            None => new_id(clock),
        };
        if !tickets.iter().any(|(known, _)| *known == ticket) {
            tickets.push((ticket, id));
        }
    }
    if !(1..=MEMBERS_MAX).contains(&tickets.len()) || ids.is_some_and(|mut left| left.next().is_some()) {
        return Err(bad());
    }
    let (tickets, ids): (Vec<TicketId>, Vec<ScanId>) = tickets.into_iter().unzip();
    let presented = match by {
        By::Ticket(with) => company(&device, with, tickets, ids, clock, alone).await?,
        By::ShortCode(code) => booked_under(&device, code, tickets, ids, clock).await?,
    };
    let answers = let_in(&device, presented, clock, alone).await?;
    let verdicts: Vec<VerdictView> = answers.into_iter().map(|(verdict, _)| verdict).collect();
    for verdict in &verdicts {
        device.count(verdict);
    }
    Ok(Json(GroupView { verdicts }))
}

/// By what a group comes in.
enum By {
    /// One of them that was let in here.
    Ticket(TicketId),
    /// What is printed on each of their tickets.
    ShortCode(String),
}

fn not_in_group() -> Problem {
    Problem::conflict("not_in_group", "A ticket is not of this booking: scan its own code.")
}

/// Those who come with somebody who was let in here.
async fn company(
    device: &Device,
    with: TicketId,
    tickets: Vec<TicketId>,
    ids: Vec<ScanId>,
    clock: Clock,
    alone: Guarantee,
) -> Result<Vec<Presented>, Problem> {
    let not_here = || {
        Problem::conflict("not_let_in_here", "Nobody of this booking was let in at this door just now: scan a ticket.")
    };
    let asked = tickets.clone();
    let found = device.readers.read(move |db| {
        let entry = store::admitting(db, with)?;
        Ok((entry, store::members(db, with, &asked)?))
    });
    let (entry, members) = found.await?;
    let entry = entry.ok_or_else(not_here)?;
    let members = members.ok_or_else(not_in_group)?;
    if let Some(code) = read_booking_code(&entry.code) {
        return booked_under(device, code, tickets, ids, clock).await;
    }
    let Reading::Genuine(read) = admission::read(&entry.code, &device.ring(), &device.door, clock, alone) else {
        return Err(not_here());
    };
    let present = |(member, id): (Member, ScanId)| {
        // Its own code was the one that was read.
        let own = member.ticket == read.body.ticket;
        let ticket = if own { read.clone() } else { member.vouched_by(&read).ok_or_else(not_in_group)? };
        let member = (!own).then_some(member);
        let scan = new_scan(device, id, &ticket, member, &entry.code, clock);
        Ok(Presented { scan, ticket, read: read.body.ticket })
    };
    members.into_iter().zip(ids).map(present).collect()
}

/// Those who were chosen of the tickets under a short code.
async fn booked_under(
    device: &Device,
    code: String,
    tickets: Vec<TicketId>,
    ids: Vec<ScanId>,
    clock: Clock,
) -> Result<Vec<Presented>, Problem> {
    let asked = code.clone();
    let all = device.readers.read(move |db| Ok(store::booked(db, &asked)?)).await?;
    let chosen = |ticket: &TicketId| all.iter().find(|booked| booked.member.ticket == *ticket).cloned();
    let chosen: Option<Vec<Booked>> = tickets.iter().map(chosen).collect();
    chosen.and_then(|chosen| short_code::present(device, &code, (chosen, ids), clock)).ok_or_else(not_in_group)
}
