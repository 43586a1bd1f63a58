//! How central stands with each theatre's box, for operators.

use crate::desk::house::House;
use crate::office::App;
use axum::Json;
use axum::extract::{Path, State};
use node::problem::Problem;
use node::view::{LinkView, PipeView, TheatreRef};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;
use shared::ids::{Side, TheatreId};
use shared::time::Timestamp;

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

/// Something that a person must settle.
#[derive(Debug, Serialize)]
pub struct DiscrepancyView {
    theatre: Option<u32>,
    /// RFC 3339.
    found_at: String,
    code: String,
    /// A sentence, or the ledger's own record of it.
    story: Value,
}

/// `GET /v1/discrepancies`
#[derive(Debug, Serialize)]
pub struct Discrepancies {
    discrepancies: Vec<DiscrepancyView>,
}

/// Lists the links of all enrolled theatres.
pub async fn status(State(app): State<App>) -> Result<Json<Status>, Problem> {
    let listed = app.writer.run(|desk, tx, now| {
        let enrolled = desk.houses().filter(|house| house.enrolled);
        enrolled.map(|house| theatre_link(tx, house, now)).collect::<anyhow::Result<Vec<_>>>()
    });
    Ok(Json(Status { pipe: app.publisher.status().into(), theatres: listed.await? }))
}

/// `GET /v1/theatres/{id}/link`
pub async fn link(State(app): State<App>, Path(theatre): Path<String>) -> Result<Json<LinkView>, Problem> {
    let unknown = || Problem::not_found("unknown_theatre", "There is no such theatre, or it has no shows.");
    let theatre: TheatreId = theatre.parse().map_err(|_| unknown())?;
    let found = app
        .writer
        .run(move |desk, tx, now| desk.house(theatre).ok().map(|house| theatre_link(tx, house, now)).transpose());
    Ok(Json(found.await?.ok_or_else(unknown)?.link))
}

/// Lists what nobody has settled, oldest first.
pub async fn discrepancies(State(app): State<App>) -> Result<Json<Discrepancies>, Problem> {
    Ok(Json(Discrepancies { discrepancies: app.readers.read(|conn| Ok(open_discrepancies(conn)?)).await? }))
}

fn open_discrepancies(conn: &Connection) -> rusqlite::Result<Vec<DiscrepancyView>> {
    let zone = node::zone::Zone::utc();
    conn.prepare(
        "SELECT theatre, found_at, code, text, 0 FROM discrepancy WHERE settled_at IS NULL
         UNION ALL
         SELECT theatre, found_at, log || ' ' || seq, story, 1 FROM ledger_discrepancy WHERE settled_at IS NULL
         ORDER BY 2",
    )?
    .query_map([], |row| {
        let (text, is_json): (String, bool) = (row.get(3)?, row.get(4)?);
        let parsed = serde_json::from_str(&text).ok().filter(|_| is_json);
        Ok(DiscrepancyView {
            theatre: row.get(0)?,
            found_at: zone.rfc3339(Timestamp(row.get(1)?)),
            code: row.get(2)?,
            story: parsed.unwrap_or(Value::String(text)),
        })
    })?
    .collect()
}

fn theatre_link(conn: &Connection, house: &House, now: Timestamp) -> anyhow::Result<TheatreLink> {
    let (heads, theatre) = (house.replica.heads(), house.theatre.id);
    let oldest: Option<i64> = conn
        .prepare_cached("SELECT at FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq = ?3")?
        .query_row(params![theatre.0, Side::Central.word(), heads.acked.cast_signed() + 1], |row| row.get(0))
        .optional()?;
    let discrepancies: i64 = conn
        .prepare_cached("SELECT count(*) FROM ledger_discrepancy WHERE theatre = ?1 AND settled_at IS NULL")?
        .query_row([theatre.0], |row| row.get(0))?;
    let oldest_s = oldest.map_or(0, |at| now.since(Timestamp(at)).as_secs());
    let link = house.view().link(discrepancies.cast_unsigned(), oldest_s);
    Ok(TheatreLink { theatre: house.reference.clone(), link })
}
