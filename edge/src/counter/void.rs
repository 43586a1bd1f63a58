//! Taking a sale back.

use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use crate::till::journal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use node::problem::{JsonBody, Problem};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, TicketId};
use shared::ledger::TicketState;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a sale is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidRequest {
    reason: String,
    /// The printed tickets are in the till: no door can meet them any more.
    #[serde(default)]
    paper_surrendered: bool,
    /// Who allows it, where whoever asks may not.
    #[serde(default)]
    approved_by: Option<LoginRequest>,
}

/// How far the void has come: `voided`, or `void_requested` while the doors are being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoidView {
    state: &'static str,
}

/// `POST /v1/sales/{sale}/void`. Asking again tells how far it has come. 403 `approval_required` where a cashier asks alone.
pub async fn void(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(sale): Path<String>,
    JsonBody(request): JsonBody<VoidRequest>,
) -> Result<Json<VoidView>, Problem> {
    let session = house.authorise(&headers, Task::Sell).await?;
    let unknown = || Problem::not_found("unknown_sale", "There is no such sale.");
    let sale: BookingId = sale.parse().map_err(|_| unknown())?;
    let reason = request.reason.trim().to_owned();
    if !(1..=200).contains(&reason.chars().count()) {
        return Err(Problem::unprocessable("bad_reason", "Say why, in 1 to 200 characters."));
    }
    let approved_by = house.approve(&session, Task::Void, request.approved_by).await?;
    let voided = house.writer.run(move |desk, tx, now| {
        let tickets = tickets_of(tx, sale)?;
        if tickets.is_empty() {
            return Ok(None);
        }
        let state = match desk.void_sale(tx, &tickets, request.paper_surrendered, &session.staff, now)? {
            Ok(state) => state,
            Err(refusal) => return Ok(Some(Err(refusal))),
        };
        tx.execute(
            "UPDATE sales SET void_reason = ?2, void_by = ?3, void_approved_by = ?6, void_at = ?4, void_waits = ?5
             WHERE sale = ?1 AND (void_at IS NULL OR void_waits != ?5)",
            params![sale.0, reason, session.staff, now.0, state == "void_requested", approved_by],
        )?;
        Ok(Some(Ok(state)))
    });
    let state = voided.await?.ok_or_else(unknown)??;
    Ok(Json(VoidView { state }))
}

impl Desk {
    fn void_sale(
        &mut self,
        tx: &Transaction<'_>,
        tickets: &[TicketId],
        paper_surrendered: bool,
        by: &str,
        now: Timestamp,
    ) -> anyhow::Result<Result<&'static str, Refusal>> {
        let known: Vec<_> = tickets.iter().filter_map(|id| self.replica().ledger().ticket(*id).cloned()).collect();
        if known.iter().any(|ticket| ticket.admitted.is_some()) {
            return Ok(Err(Refusal::AlreadyAdmitted));
        }
        let mut state = "voided";
        for ticket in known.iter().filter(|ticket| ticket.state() == TicketState::Live) {
            let id = ticket.at.ticket;
            if paper_surrendered || self.may_void_at_once(tx, ticket.at.show, now)? {
                self.forget_asked(id);
                if let Err(refusal) = self.replica_mut().void(id, now) {
                    return Ok(Err(refusal));
                }
                journal::note_void(tx, id, Some(by), now)?;
            } else {
                self.ask_void(id);
                state = "void_requested";
            }
        }
        Ok(Ok(state))
    }
}

fn tickets_of(db: &Connection, sale: BookingId) -> rusqlite::Result<Vec<TicketId>> {
    db.prepare_cached("SELECT ticket FROM sale_tickets WHERE sale = ?1")?
        .query_map([sale.0], |row| row.get(0).map(TicketId))?
        .collect()
}

/// Tickets of sales whose void waits for the doors; those that ended since are among them.
///
/// # Errors
/// If the database fails.
pub fn asked(db: &Connection) -> rusqlite::Result<BTreeSet<TicketId>> {
    db.prepare("SELECT ticket FROM sale_tickets JOIN sales USING (sale) WHERE void_waits")?
        .query_map([], |row| row.get(0).map(TicketId))?
        .collect()
}

/// Notes that a ticket's void waits no longer; its sale's does not either once none of its tickets is `still_asked`.
///
/// # Errors
/// If the database fails.
pub fn settled(tx: &Transaction<'_>, ticket: TicketId, still_asked: impl Fn(TicketId) -> bool) -> anyhow::Result<()> {
    let sale: Option<[u8; 16]> =
        tx.query_row("SELECT sale FROM sale_tickets WHERE ticket = ?1", [ticket.0], |row| row.get(0)).optional()?;
    let Some(sale) = sale else { return Ok(()) };
    if !tickets_of(tx, BookingId(sale))?.into_iter().any(still_asked) {
        tx.execute("UPDATE sales SET void_waits = 0 WHERE sale = ?1", [sale])?;
    }
    Ok(())
}
