//! What a person must settle: what the ledgers found, and money that fits no ticket. With them the dead letters.

use crate::bookings::cancel::VOID_UNANSWERED;
use crate::office::App;
use crate::operator::Operator;
use axum::Json;
use axum::extract::{Path, State};
use node::ledger_store::dead_letter::{self, DeadLetters, ReplayView, UnknownDeadLetter};
use node::ledger_store::discrepancy::{
    self, DiscrepancyView, LISTED_MAX, ProposalView, Settlement, SettlementRequest, Unsettled,
};
use node::problem::{JsonBody, Params, Problem};
use node::store::{Row, Sql, StoreError};
use node::values;
use node::zone::Zone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::ids::BookingId;
use shared::time::Timestamp;

/// Before the number of a discrepancy that the ledger does not know of.
const OF_BOOKING: char = 'b';

/// Which discrepancies are wanted.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// Those that are settled too.
    #[serde(default)]
    settled: bool,
}

/// `GET /v1/discrepancies`
#[derive(Debug, Serialize)]
pub struct Discrepancies {
    discrepancies: Vec<DiscrepancyView>,
}

/// Lists what nobody has settled, oldest first; with `settled=true` everything.
pub async fn list(
    _operator: Operator,
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Discrepancies>, Problem> {
    let listed = app.readers.read(move |conn| Ok(all(conn, wanted.settled)?));
    Ok(Json(Discrepancies { discrepancies: listed.await? }))
}

/// `POST /v1/discrepancies/{n}/settlement`
pub async fn settle(
    _operator: Operator,
    State(app): State<App>,
    Path(n): Path<String>,
    JsonBody(request): JsonBody<SettlementRequest>,
) -> Result<Json<DiscrepancyView>, Problem> {
    let request = request.checked()?;
    let settled = app.writer.run(move |_, tx, now| Ok(settle_either(tx, &n, &request, now)?));
    Ok(Json(settled.await??))
}

/// `GET /v1/dead-letters`
pub async fn dead_letters(_operator: Operator, State(app): State<App>) -> Result<Json<DeadLetters>, Problem> {
    Ok(Json(app.readers.read(|conn| Ok(dead_letter::list(conn, &Zone::utc())?)).await?))
}

/// `POST /v1/dead-letters/{n}/replay`
pub async fn replay(
    _operator: Operator,
    State(app): State<App>,
    Path(n): Path<String>,
) -> Result<Json<ReplayView>, Problem> {
    let n: i64 = n.parse().map_err(|_| UnknownDeadLetter)?;
    let replayed = app.writer.run(move |desk, tx, now| {
        let theatre = match dead_letter::theatre(tx, n)? {
            Ok(theatre) => theatre,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(UnknownDeadLetter)) };
        dead_letter::replay(tx, &mut house.replica, n, now, &Zone::utc())
    });
    Ok(Json(replayed.await??))
}

fn all(conn: &dyn Sql, settled_too: bool) -> Result<Vec<DiscrepancyView>, StoreError> {
    let zone = Zone::utc();
    let mut listed = discrepancy::list(conn, settled_too, &zone)?;
    let select = "SELECT * FROM discrepancy WHERE ?1 OR settled_at IS NULL ORDER BY id LIMIT ?2";
    listed.extend(conn.all(select, values![settled_too, LISTED_MAX], |row| of_booking(row, &zone))?);
    // RFC 3339 in one zone sorts as time does.
    listed.sort_by(|a, b| a.found_at.cmp(&b.found_at));
    Ok(listed)
}

fn settle_either(
    tx: &dyn Sql,
    n: &str,
    request: &SettlementRequest,
    now: Timestamp,
) -> Result<Result<DiscrepancyView, Unsettled>, StoreError> {
    let zone = Zone::utc();
    let Some(n) = n.strip_prefix(OF_BOOKING) else {
        let Ok(n) = n.parse() else { return Ok(Err(Unsettled::Unknown)) };
        return discrepancy::settle(tx, n, request, now, &zone);
    };
    let Ok(n) = n.parse::<i64>() else { return Ok(Err(Unsettled::Unknown)) };
    let changed = tx.execute("UPDATE discrepancy SET settled_at = ?2, settled_by = ?3, settled_how = ?4 WHERE id = ?1 AND settled_at IS NULL", values![n, now.0, request.by, request.how])?;
    let known = tx.first("SELECT * FROM discrepancy WHERE id = ?1", values![n], |row| of_booking(row, &zone))?;
    Ok(match (known, changed) {
        (None, _) => Err(Unsettled::Unknown),
        (Some(_), 0) => Err(Unsettled::Already),
        (Some(view), _) => {
            tracing::info!(n, by = request.by, how = request.how, "a booking's discrepancy is settled");
            Ok(view)
        }
    })
}

fn of_booking(row: &dyn Row, zone: &Zone) -> Result<DiscrepancyView, StoreError> {
    let booking = row.get::<Option<[u8; 16]>>("booking")?.map(|id| BookingId(id).to_string());
    let settled = match row.get::<Option<i64>>("settled_at")? {
        None => None,
        Some(at) => Some(Settlement {
            at: zone.rfc3339(Timestamp(at)),
            by: row.get::<Option<String>>("settled_by")?.unwrap_or_default(),
            how: row.get::<Option<String>>("settled_how")?.unwrap_or_default(),
        }),
    };
    let kind: String = row.get("code")?;
    let (proposed, text) = if kind == VOID_UNANSWERED {
        ("refund", "Pay the tickets back: nobody can say any more whether they were used.")
    } else {
        let text = "Compare the booking with what the gateway lists, and pay back or book by hand what does not fit.";
        ("compare_payments", text)
    };
    Ok(DiscrepancyView {
        n: format!("{OF_BOOKING}{}", row.get::<i64>("id")?),
        found_at: zone.rfc3339(Timestamp(row.get("found_at")?)),
        kind,
        theatre: row.get("theatre")?,
        log: None,
        seq: None,
        ours: json!({ "booking": booking, "text": row.get::<String>("text")? }),
        theirs: Value::Null,
        proposed: ProposalView { code: proposed.to_owned(), text: text.to_owned() },
        settled,
    })
}
