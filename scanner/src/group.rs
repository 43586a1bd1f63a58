//! `POST /v1/groups`: the others of a booking come in with the one that was let in here, all of them or some.
//!
//! The code is the one that was read at that entry; everybody else is a ticket of the book. Each is a scan of its own, with its own
//! number, verdict and record, so it is asked of the edge, decided alone, uploaded and taken back like any other.

use crate::scan::{Presented, let_in, new_id, new_scan};
use crate::server::Device;
use crate::store;
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use node::view::VerdictView;
use serde::{Deserialize, Serialize};
use shared::admission::{self, Member, Reading};
use shared::ids::{ScanId, TicketId};
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
}

impl AnswerView {
    pub(crate) fn new(verdict: VerdictView, others: &[Member]) -> Self {
        let view = |member: &Member| MemberView { ticket: member.ticket.to_string(), seat: member.seat.clone() };
        Self { verdict, group: others.iter().map(view).collect() }
    }
}

impl From<VerdictView> for AnswerView {
    fn from(verdict: VerdictView) -> Self {
        Self { verdict, group: Vec::new() }
    }
}

/// What the door page sends: the ticket that was let in, and those who come with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupRequest {
    with: String,
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
    let with: TicketId = request.with.parse().map_err(|_| bad())?;
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
    let not_here = || {
        Problem::conflict("not_let_in_here", "Nobody of this booking was let in at this door just now: scan a ticket.")
    };
    let (tickets, ids): (Vec<TicketId>, Vec<ScanId>) = tickets.into_iter().unzip();
    let found = device.readers.read(move |db| {
        let entry = store::admitting(db, with)?;
        Ok((entry, store::members(db, with, &tickets)?))
    });
    let (entry, members) = found.await?;
    let entry = entry.ok_or_else(not_here)?;
    let members = members
        .ok_or_else(|| Problem::conflict("not_in_group", "A ticket is not of this booking: scan its own code."))?;
    let Reading::Genuine(read) = admission::read(&entry.code, &device.ring(), &device.door, clock, alone) else {
        return Err(not_here());
    };
    let present = |(member, id): (Member, ScanId)| {
        // Its own code was the one that was read.
        let own = member.ticket == read.body.ticket;
        let ticket = if own { read.clone() } else { member.vouched_by(&read).ok_or_else(bad)? };
        let member = (!own).then_some(member);
        let scan = new_scan(&device, id, &ticket, member, &entry.code, clock);
        Ok(Presented { scan, ticket, read: read.body.ticket })
    };
    let presented = members.into_iter().zip(ids).map(present).collect::<Result<Vec<_>, Problem>>()?;
    let answers = let_in(&device, presented, clock, alone).await?;
    let verdicts: Vec<VerdictView> = answers.into_iter().map(|(verdict, _)| verdict).collect();
    for verdict in &verdicts {
        device.count(verdict);
    }
    Ok(Json(GroupView { verdicts }))
}
