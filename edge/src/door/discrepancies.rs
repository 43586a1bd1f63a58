//! Admissions that should not have been, noted with both sides of the story for a person to settle.

use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::Problem;
use node::view::FirstAdmission;
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use shared::admission::Admission;
use shared::ids::{ScanId, TicketId};
use shared::ticket::TicketBody;
use shared::time::Timestamp;
use std::sync::Arc;

/// The code of a second admission of one ticket.
pub(super) const TWICE: &str = "admitted_twice";

/// What happened.
pub(super) struct Story<'a> {
    /// [`TWICE`], or `admitted_` and why it should not have been.
    pub(super) code: &'a str,
    /// The ticket.
    pub(super) body: &'a TicketBody,
    /// The scan that let somebody in.
    pub(super) scan: ScanId,
    /// What its door promised.
    pub(super) guarantee: &'a str,
    /// Where and when.
    pub(super) entry: Admission,
    /// The admission that counts, where there is one.
    pub(super) first: Option<&'a Admission>,
}

impl Desk {
    pub(super) fn note(&mut self, tx: &Transaction<'_>, story: &Story<'_>, now: Timestamp) -> anyhow::Result<()> {
        let Story { code, body, scan, guarantee, entry, first } = story;
        let noted = tx
            .prepare_cached(
                "INSERT INTO door_discrepancies
                     (scan, code, ticket, show, seat, door, at, guarantee, first_door, first_at, noted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (scan, code) DO NOTHING",
            )?
            .execute(params![
                scan.0,
                code,
                body.ticket.0,
                body.show.0,
                body.seat(),
                entry.door,
                entry.at.0,
                guarantee,
                first.map(|first| first.door.as_str()),
                first.map(|first| first.at.0),
                now.0
            ])?;
        if noted > 0 {
            self.count_door_discrepancy();
            tracing::warn!(ticket = %body.ticket, code, door = entry.door, "a discrepancy at the door");
        }
        Ok(())
    }
}

/// An admission that should not have been.
#[derive(Debug, Serialize)]
pub struct DiscrepancyView {
    code: String,
    ticket: String,
    show: u32,
    seat: String,
    door: String,
    at: String,
    /// What that door promised: `SHARED`, `SOLO` or `STALE`.
    guarantee: String,
    /// The admission that counts.
    first: Option<FirstAdmission>,
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct DiscrepancyList {
    discrepancies: Vec<DiscrepancyView>,
}

/// `GET /v1/discrepancies`: the doors' part, oldest first.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<DiscrepancyList>, Problem> {
    house.authorise(&headers, Task::Discrepancies).await?;
    let zone = house.identity.zone.clone();
    let read = move |row: &rusqlite::Row<'_>| {
        let first: (Option<String>, Option<i64>) = (row.get(7)?, row.get(8)?);
        let time = |at| zone.rfc3339(Timestamp(at));
        Ok(DiscrepancyView {
            code: row.get(0)?,
            ticket: TicketId(row.get(1)?).to_string(),
            show: row.get(2)?,
            seat: row.get(3)?,
            door: row.get(4)?,
            at: time(row.get(5)?),
            guarantee: row.get(6)?,
            first: first.0.zip(first.1).map(|(door, at)| FirstAdmission { at: time(at), door }),
        })
    };
    let select = "SELECT code, ticket, show, seat, door, at, guarantee, first_door, first_at
                  FROM door_discrepancies ORDER BY noted_at, scan";
    let discrepancies = house
        .readers
        .read(move |db| Ok(db.prepare_cached(select)?.query_map([], read)?.collect::<rusqlite::Result<_>>()?))
        .await?;
    Ok(Json(DiscrepancyList { discrepancies }))
}

/// How many there are.
///
/// # Errors
/// If the database fails.
pub fn count(db: &Connection) -> rusqlite::Result<u64> {
    let count: i64 = db.query_row("SELECT count(*) FROM door_discrepancies", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
