//! What persons answer for: a box that nobody can prove, and seats whose sale may have been forgotten.

use crate::config::Unproven;
use crate::house::House;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use crate::staff::session::Session;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use node::ledger_store::StoredLogs;
use node::problem::{JsonBody, Problem};
use node::view::ShowView;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::entry::OpenedBy;
use shared::ids::Side;
use shared::refusal::Refusal;
use shared::show::Standing;
use shared::time::Timestamp;
use std::sync::Arc;

/// What was answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attested {
    /// A box was opened.
    Opened,
    /// Unknown seats of a show were put on sale again.
    SettledUnknown,
    /// A witness was named.
    NamedWitness,
    /// A ticket turned up that the log had lost.
    FoundTicket,
    /// Somebody got a role and a PIN.
    Staff,
}

impl Attested {
    fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::SettledUnknown => "settled_unknown",
            Self::NamedWitness => "named_witness",
            Self::FoundTicket => "found_ticket",
            Self::Staff => "staff",
        }
    }
}

/// Writes down who answered for what, in the transaction of it.
///
/// # Errors
/// If the database fails.
pub fn attest(
    db: &Connection,
    what: Attested,
    about: &str,
    staff: &str,
    second: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO attestations (at, what, about, staff, second) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![now.0, what.word(), about, staff, second],
    )?;
    tracing::warn!(what = what.word(), about, staff, second, "answered for by persons");
    Ok(())
}

/// How a box is opened that nobody can prove.
#[derive(Debug, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum OpenRequest {
    /// A manager alone.
    ManagerPin,
    /// A manager and a second person.
    TwoPersons {
        /// The second person.
        second: LoginRequest,
    },
}

/// `POST /v1/open`. Answers 403 `unproven_refused` where the house's rule forbids it, 409 `not_closed`, 409 `asking`.
pub async fn open(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<OpenRequest>,
) -> Result<StatusCode, Problem> {
    let session = house.authorise(&headers, Task::Open).await?;
    let (by, second) = match request {
        OpenRequest::ManagerPin if house.unproven == Unproven::Refuse => {
            let detail = "In this house no PIN opens a box that nobody can prove; two persons can.";
            return Err(Problem::forbidden("unproven_refused", detail));
        }
        OpenRequest::ManagerPin => (OpenedBy::ManagerPin, None),
        OpenRequest::TwoPersons { second } => {
            (OpenedBy::TwoPersons, Some(second_person(&house, &session, second).await?))
        }
    };
    let opened = house.writer.run(move |desk, tx, now| {
        let who =
            second.as_ref().map_or_else(|| session.staff.clone(), |second| format!("{} and {second}", session.staff));
        let logs = StoredLogs::new(tx, desk.replica().theatre());
        let opened = desk.replica_mut().open_unproven(by, &who, now, &logs).context("open an unproven box")?;
        if opened.is_ok() {
            attest(tx, Attested::Opened, "box", &session.staff, second.as_deref(), now)?;
        }
        Ok(opened)
    });
    opened.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// A show with seats whose sale may have been forgotten.
#[derive(Debug, Serialize)]
pub struct UnknownView {
    show: ShowView,
    /// Labels of its unknown seats under this box's authority.
    seats: Vec<String>,
}

/// The shows that are not over, by start.
#[derive(Debug, Serialize)]
pub struct UnknownList {
    shows: Vec<UnknownView>,
}

/// `GET /v1/unknown`: the seats that two persons may put on sale again.
pub async fn unknown(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<UnknownList>, Problem> {
    house.authorise(&headers, Task::Open).await?;
    let listed = house.writer.run(|desk, _, now| {
        let ledger = desk.replica().ledger();
        let mut shows: Vec<_> = ledger.shows().filter(|show| now < show.facts.ends_at() && !show.cancelled).collect();
        shows.sort_by_key(|show| (show.facts.starts, show.facts.screen, show.facts.number));
        let with_seats = shows.into_iter().map(|show| {
            let unknown = show.plan.seats().map(|(id, _)| id).filter(|id| {
                show.seat(*id).is_some_and(|seat| seat.standing == Standing::Unknown && seat.authority() == Side::Edge)
            });
            (show, unknown.map(|id| show.plan.label(id)).collect::<Vec<_>>())
        });
        let view = desk.view();
        let told = with_seats.filter(|(_, seats)| !seats.is_empty());
        Ok(told.map(|(show, seats)| UnknownView { show: view.show(show, now), seats }).collect())
    });
    Ok(Json(UnknownList { shows: listed.await? }))
}

/// Whose word puts unknown seats on sale again, and which; all of the show if none are named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    second: LoginRequest,
    seats: Option<Vec<String>>,
}

/// How many seats were put on sale.
#[derive(Debug, Serialize)]
pub struct SettledView {
    settled: usize,
}

/// `POST /v1/shows/{show}/unknown`: two persons answer for it that unknown seats were not sold.
pub async fn settle(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
    JsonBody(request): JsonBody<SettleRequest>,
) -> Result<Json<SettledView>, Problem> {
    let session = house.authorise(&headers, Task::Open).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let second = second_person(&house, &session, request.second).await?;
    let settled = house.writer.run(move |desk, tx, now| {
        let Some(found) = desk.replica().ledger().show(number) else { return Ok(Err(Refusal::UnknownShow)) };
        let named = request.seats.as_ref().map(|labels| found.plan.all_labelled(labels)).transpose();
        let settled = named.and_then(|seats| desk.replica_mut().settle_unknown(number, seats.as_deref(), now));
        if settled.is_ok() {
            attest(tx, Attested::SettledUnknown, &show, &session.staff, Some(&second), now)?;
        }
        Ok(settled)
    });
    Ok(Json(SettledView { settled: settled.await?? }))
}

/// The name of a second person, who is another one than the first and has shown it with a PIN.
///
/// # Errors
/// 401 `wrong_pin`, 403 `same_person` or `role_not_allowed`, 429 `pin_locked`.
pub async fn second_person(house: &Arc<House>, first: &Session, second: LoginRequest) -> Result<String, Problem> {
    if second.staff() == first.staff {
        return Err(Problem::forbidden("same_person", "It takes two persons."));
    }
    let (name, role) = house.prove(second).await?;
    if !Task::Attest.allowed_to(role) {
        return Err(Problem::forbidden("role_not_allowed", format!("A {role} may not answer for this.")));
    }
    Ok(name)
}
