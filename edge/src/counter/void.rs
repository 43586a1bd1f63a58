//! Taking a sale back, or some of its tickets.

use super::sold::SaleRow;
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use crate::till::journal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use node::problem::{JsonBody, Problem};
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, TicketId};
use shared::refusal::Refusal;
use shared::till::{self, Tender};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why what is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidRequest {
    reason: String,
    /// The printed tickets are in the till: no door can meet them any more.
    #[serde(default)]
    paper_surrendered: bool,
    /// Which of its tickets; all of them without.
    #[serde(default)]
    tickets: Option<Vec<String>>,
    /// Who allows it, where whoever asks may not.
    #[serde(default)]
    approved_by: Option<LoginRequest>,
    /// How the price goes back, where nobody knows how it came.
    #[serde(default)]
    back: Option<Tender>,
}

/// How far the void has come: `voided`, or `void_requested` while the doors are being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoidView {
    state: &'static str,
}

/// What is written down of a void.
struct Asked {
    reason: String,
    by: String,
    approved_by: String,
    paper_surrendered: bool,
    back: Option<Tender>,
}

/// `POST /v1/sales/{sale}/void`. Asking again tells how far it has come. 403 `approval_required` where a cashier asks alone; 404
/// `unknown_ticket` for one that is not of this sale, or whose show is over and forgotten; 422 `bad_back` where it is not said how the
/// price of a recovered sale goes back, or said of another. Nothing is taken back where a part of what was asked for cannot be.
pub async fn void(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(sale): Path<String>,
    JsonBody(request): JsonBody<VoidRequest>,
) -> Result<Json<VoidView>, Problem> {
    let session = house.authorise(&headers, Task::Sell).await?;
    let unknown = || Problem::not_found("unknown_sale", "There is no such sale.");
    let sale: BookingId = sale.parse().map_err(|_| unknown())?;
    let bad = || Problem::unprocessable("bad_reason", "Say why, in 1 to 200 characters.");
    let reason = till::reason(&request.reason).ok_or_else(bad)?;
    let wanted =
        request.tickets.map(|tickets| tickets.iter().map(|one| one.parse()).collect::<Result<BTreeSet<_>, _>>());
    let wanted: Option<BTreeSet<TicketId>> = wanted.transpose().map_err(|_| Refusal::UnknownTicket)?;
    if wanted.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(Refusal::BadSeatCount.into());
    }
    let approved_by = house.approve(&session, Task::Void, request.approved_by).await?;
    let (paper_surrendered, back) = (request.paper_surrendered, request.back);
    let voided = house.writer.run(move |desk, tx, now| {
        let of_sale = tickets_of(tx, sale)?;
        if of_sale.is_empty() {
            return Ok(None);
        }
        if wanted.as_ref().is_some_and(|wanted| wanted.iter().any(|ticket| !of_sale.contains(ticket))) {
            return Ok(Some(Err(Refusal::UnknownTicket.into())));
        }
        let recovered = SaleRow::read(tx, sale)?.tender == Tender::Recovered;
        if recovered != back.is_some_and(Tender::goes_back) {
            let detail =
                "Say how the price goes back, cash, card or upi, where nobody knows how it came, and only there.";
            return Ok(Some(Err(Problem::unprocessable("bad_back", detail))));
        }
        let tickets: Vec<_> =
            of_sale.into_iter().filter(|id| wanted.as_ref().is_none_or(|wanted| wanted.contains(id))).collect();
        let asked = Asked { reason, by: session.staff, approved_by, paper_surrendered, back };
        Ok(Some(desk.void_tickets(tx, &tickets, &asked, now)?.map_err(Problem::from)))
    });
    let state = voided.await?.ok_or_else(unknown)??;
    Ok(Json(VoidView { state }))
}

impl Desk {
    /// Takes tickets back, all of them or none.
    fn void_tickets(
        &mut self,
        tx: &Transaction<'_>,
        tickets: &[TicketId],
        asked: &Asked,
        now: Timestamp,
    ) -> anyhow::Result<Result<&'static str, Refusal>> {
        let mut live = Vec::new();
        for id in tickets {
            match self.replica().ledger().void(*id) {
                Ok(_) => live.push(*id),
                Err(Refusal::AlreadyVoid) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        if !live.is_empty() && !self.replica().can_sell() {
            return Ok(Err(Refusal::Closed));
        }
        let mut state = "voided";
        for id in live {
            let Some(show) = self.replica().ledger().ticket(id).map(|ticket| ticket.at.show) else { continue };
            note_asked(tx, id, asked, now)?;
            if asked.paper_surrendered || self.may_void_at_once(tx, show, now)? {
                self.forget_asked(id);
                if let Err(refusal) = self.replica_mut().void(id, now) {
                    return Ok(Err(refusal));
                }
                journal::note_void(tx, id, &asked.by, now)?;
                ended(tx, id, Outcome::Void, now)?;
            } else {
                self.ask_void(id);
                state = "void_requested";
            }
        }
        Ok(Ok(state))
    }
}

/// What a void came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The ticket has ended.
    Void,
    /// It was used before: it stays sold.
    Used,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::Used => "used",
        }
    }
}

/// A void that waits already is asked for by whoever asks last.
fn note_asked(tx: &Transaction<'_>, ticket: TicketId, asked: &Asked, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO voids (ticket, reason, asked_by, approved_by, asked_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (ticket) WHERE outcome IS NULL
         DO UPDATE SET (reason, asked_by, approved_by) = (excluded.reason, excluded.asked_by, excluded.approved_by)",
    )?
    .execute(params![ticket.0, asked.reason, asked.by, asked.approved_by, now.0])?;
    tx.prepare_cached("UPDATE sale_tickets SET back = ?2 WHERE ticket = ?1")?
        .execute(params![ticket.0, asked.back.map(Tender::word)])
        .map(|_one| ())
}

fn tickets_of(db: &Connection, sale: BookingId) -> rusqlite::Result<Vec<TicketId>> {
    db.prepare_cached("SELECT ticket FROM sale_tickets WHERE sale = ?1 ORDER BY serial")?
        .query_map([sale.0], |row| row.get(0).map(TicketId))?
        .collect()
}

/// Tickets whose void waits for the doors.
///
/// # Errors
/// If the database fails.
pub fn asked(db: &Connection) -> rusqlite::Result<BTreeSet<TicketId>> {
    db.prepare("SELECT ticket FROM voids WHERE outcome IS NULL")?
        .query_map([], |row| row.get(0).map(TicketId))?
        .collect()
}

/// Notes what a void that was asked for came to.
///
/// # Errors
/// If the database fails.
pub fn ended(tx: &Transaction<'_>, ticket: TicketId, outcome: Outcome, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE voids SET outcome = ?2, ended_at = ?3 WHERE ticket = ?1 AND outcome IS NULL")?
        .execute(params![ticket.0, outcome.word(), now.0])
        .map(|_one| ())
}
