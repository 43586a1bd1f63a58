//! What a person must settle: what the ledger found, and what happened at the doors.

mod cursor;

use crate::desk::Desk;
use crate::door::discrepancies::{self as at_doors, AT_DOOR};
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use cursor::Cursor;
use node::ledger_store::discrepancy::{self, DiscrepancyView, SettlementRequest, Unsettled};
use node::problem::{JsonBody, Params, Problem};
use node::store::{Sql, StoreError};
use node::values;
use node::zone::Zone;
use serde::{Deserialize, Serialize};
use shared::ids::TheatreId;
use shared::time::Timestamp;
use std::sync::Arc;

/// Discrepancies of one answer, if not asked for otherwise, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// Whether settled ones are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Settled {
    /// Only what nobody has settled.
    #[default]
    False,
    /// Both.
    True,
    /// Only what somebody has settled.
    Only,
}

/// Which discrepancies are wanted.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    settled: Settled,
    after: Option<Cursor>,
    limit: Option<u32>,
}

/// A page of them, oldest first.
#[derive(Debug, Serialize)]
pub struct Discrepancies {
    discrepancies: Vec<DiscrepancyView>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// `GET /v1/discrepancies?settled=false|true|only&after=&limit=`.
pub async fn list(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Discrepancies>, Problem> {
    house.authorise(&headers, Task::Discrepancies).await?;
    let (theatre, zone) = (house.identity.theatre, house.identity.zone.clone());
    let read = move |db: &rusqlite::Connection| Ok(page(db, &wanted, theatre, &zone)?);
    Ok(Json(house.readers.read(read).await?))
}

fn page(db: &dyn Sql, wanted: &Wanted, theatre: TheatreId, zone: &Zone) -> Result<Discrepancies, StoreError> {
    let limit = wanted.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let after = wanted.after.unwrap_or_default();
    let (open, settled) = (wanted.settled != Settled::Only, wanted.settled != Settled::False);
    let mut places: Vec<Cursor> = db.all(
        "SELECT found_at, at_door, n FROM (
                 SELECT found_at, 0 AS at_door, n, settled_at FROM ledger_discrepancy
                 UNION ALL SELECT noted_at, 1, n, settled_at FROM door_discrepancies)
             WHERE CASE WHEN settled_at IS NULL THEN ?1 ELSE ?2 END AND (found_at, at_door, n) > (?3, ?4, ?5)
             ORDER BY found_at, at_door, n LIMIT ?6",
        values![open, settled, after.found_at, after.at_door, after.n, limit + 1],
        |row| Ok(Cursor { found_at: row.get(0)?, at_door: row.get(1)?, n: row.get(2)? }),
    )?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| more).map(Cursor::to_string);
    let mut discrepancies = Vec::with_capacity(places.len());
    for place in places {
        let found = match place.at_door {
            true => at_doors::find(db, theatre, place.n, zone)?,
            false => discrepancy::find(db, place.n, zone)?,
        };
        discrepancies.extend(found);
    }
    Ok(Discrepancies { discrepancies, next })
}

/// What was done about a discrepancy; who says so is whose login it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HowRequest {
    how: String,
}

/// `POST /v1/discrepancies/{n}/settlement`: once. Answers 404 `unknown_discrepancy`, 409 `already_settled`.
pub async fn settle(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(n): Path<String>,
    JsonBody(HowRequest { how }): JsonBody<HowRequest>,
) -> Result<Json<DiscrepancyView>, Problem> {
    let session = house.authorise(&headers, Task::Discrepancies).await?;
    let request = SettlementRequest { by: session.staff, how }.checked()?;
    let settled = house.writer.run(move |desk, tx, now| Ok(desk.settle_discrepancy(tx, &n, &request, now)?));
    Ok(Json(settled.await??))
}

impl Desk {
    fn settle_discrepancy(
        &mut self,
        tx: &dyn Sql,
        n: &str,
        request: &SettlementRequest,
        now: Timestamp,
    ) -> Result<Result<DiscrepancyView, Unsettled>, StoreError> {
        let (theatre, zone) = (self.identity().theatre, self.identity().zone.clone());
        let (at_door, number) = n.strip_prefix(AT_DOOR).map_or((false, n), |number| (true, number));
        let Ok(number) = number.parse() else { return Ok(Err(Unsettled::Unknown)) };
        let settled = match at_door {
            true => at_doors::settle(tx, theatre, number, request, now, &zone)?,
            false => discrepancy::settle(tx, number, request, now, &zone)?,
        };
        if settled.is_ok() {
            self.discrepancy_is_settled(at_door);
        }
        Ok(settled)
    }
}
