//! How central stands with each theatre's box, for operators.

use crate::desk::house::House;
use crate::office::App;
use axum::Json;
use axum::extract::{Path, State};
use node::ledger_store::discrepancy;
use node::problem::Problem;
use node::store::{Sql, StoreError};
use node::values;
use node::view::{LinkView, PipeView, TheatreRef};
use node::zone::Zone;
use serde::Serialize;
use serde_json::Value;
use shared::ids::{Side, TheatreId};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// Closings and openings that are shown.
const STANDINGS_SHOWN: u32 = 20;

/// One theatre's link.
#[derive(Debug, Serialize)]
pub struct TheatreLink {
    theatre: TheatreRef,
    link: LinkView,
}

/// `GET /v1/status`
#[derive(Debug, Serialize)]
pub struct Status {
    pipe: PipeView,
    theatres: Vec<TheatreLink>,
}

/// `GET /v1/theatres/{id}/link`
#[derive(Debug, Serialize)]
pub struct LinkDetail {
    #[serde(flatten)]
    link: LinkView,
    /// The box is retired, and no other one has taken its place.
    box_retired: bool,
    /// The last closings and openings, newest first.
    standings: Vec<StandingView>,
}

/// A closing, or an opening.
#[derive(Debug, Serialize)]
pub struct StandingView {
    /// RFC 3339.
    at: String,
    /// The reason of a closing.
    closed: Option<String>,
    /// The proof of an opening.
    proof: Option<Value>,
}

/// Lists the links of all enrolled theatres.
pub async fn status(State(app): State<App>) -> Result<Json<Status>, Problem> {
    let listed = app.writer.run_for_newcomer(|desk, tx, now| {
        let (discrepancies, oldest) = (discrepancy::open_counts(tx)?, oldest_unacknowledged(tx)?);
        let enrolled = desk.houses().filter(|house| house.enrolled);
        let link = |house: &House| {
            let theatre = house.theatre.id;
            let found = discrepancies.get(&theatre).copied().unwrap_or_default();
            theatre_link(house, found, oldest.get(&theatre).copied(), now)
        };
        Ok(enrolled.map(link).collect::<Vec<_>>())
    });
    Ok(Json(Status { pipe: app.publisher.status().into(), theatres: listed.await? }))
}

/// `GET /v1/theatres/{id}/link`
pub async fn link(State(app): State<App>, Path(theatre): Path<String>) -> Result<Json<LinkDetail>, Problem> {
    let unknown = || Problem::not_found("unknown_theatre", "There is no such theatre, or it has no shows.");
    let theatre: TheatreId = theatre.parse().map_err(|_| unknown())?;
    let found = app.writer.run_for_newcomer(move |desk, tx, now| {
        let Ok(house) = desk.house(theatre) else { return Ok(None) };
        let next = i64::try_from(house.replica.heads().acked).unwrap_or(i64::MAX).saturating_add(1);
        let of_next = "SELECT at FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq = ?3";
        let oldest =
            tx.first(of_next, values![theatre.0, Side::Central.word(), next], |row| row.get(0).map(Timestamp))?;
        let TheatreLink { link, .. } = theatre_link(house, discrepancy::open_count(tx, theatre)?, oldest, now);
        let box_retired = house.replica.ledger().marks().retired;
        Ok(Some(LinkDetail { link, box_retired, standings: standings(tx, theatre, &house.zone)? }))
    });
    Ok(Json(found.await?.ok_or_else(unknown)?))
}

/// A theatre's latest closings and openings, the last one first.
///
/// # Errors
/// If the store cannot be read.
pub fn standings(conn: &dyn Sql, theatre: TheatreId, zone: &Zone) -> anyhow::Result<Vec<StandingView>> {
    let select = "SELECT at, closed, proof FROM ledger_standing WHERE theatre = ?1 ORDER BY n DESC LIMIT ?2";
    Ok(conn.all(select, values![theatre.0, STANDINGS_SHOWN], |row| {
        let proof: Option<String> = row.get(2)?;
        Ok(StandingView {
            at: zone.rfc3339(Timestamp(row.get(0)?)),
            closed: row.get(1)?,
            proof: proof.and_then(|proof| serde_json::from_str(&proof).ok()),
        })
    })?)
}

/// When the first entry was written that its box has not acknowledged, for each theatre with one.
///
/// # Errors
/// If the store cannot be read.
pub fn oldest_unacknowledged(conn: &dyn Sql) -> Result<BTreeMap<TheatreId, Timestamp>, StoreError> {
    let select = "SELECT e.theatre, e.at FROM ledger_head h JOIN ledger_entry e
                  ON e.theatre = h.theatre AND e.log = ?1 AND e.seq = h.acked + 1";
    let rows =
        conn.all(select, values![Side::Central.word()], |row| Ok((TheatreId(row.get(0)?), Timestamp(row.get(1)?))))?;
    Ok(rows.into_iter().collect())
}

fn theatre_link(house: &House, discrepancies: u64, oldest: Option<Timestamp>, now: Timestamp) -> TheatreLink {
    let oldest_s = oldest.map_or(0, |at| now.since(at).as_secs());
    TheatreLink { theatre: house.reference.clone(), link: house.view().link(discrepancies, oldest_s) }
}
