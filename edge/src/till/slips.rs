//! Slips: card and UPI payments that are recorded and not verified, until somebody has compared them with the bank's list.

use super::{currency_at, tender_at};
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{JsonBody, Problem};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, HoldId};
use shared::money::Money;
use shared::till::{REASON_CHARS_MAX, Tender};
use shared::time::Timestamp;
use std::sync::Arc;

/// Slips that are listed, and settled, at once.
const SLIPS_MAX: u32 = 500;

/// A payment to verify.
#[derive(Debug, Serialize)]
struct SlipView {
    /// The sale; of a payment for which nothing was sold, its hold.
    sale: String,
    /// The seats that were paid for and not sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsold: Option<String>,
    code: String,
    tender: String,
    total: Money,
    /// What has gone back of it.
    voided: Money,
    digits: Option<String>,
    approval: Option<String>,
    /// What the bank's list calls a UPI payment that was asked for by the box's own code.
    reference: Option<String>,
    staff: String,
    sold_at: String,
}

/// Payments to verify, the oldest first.
#[derive(Debug, Serialize)]
pub struct SlipList {
    slips: Vec<SlipView>,
    /// How many there are in all.
    open: u64,
}

/// What the bank's list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Paid,
    Missing,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Missing => "missing",
        }
    }
}

/// Slips that were compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementRequest {
    sales: Vec<String>,
    outcome: Outcome,
    #[serde(default)]
    note: String,
}

/// How many were settled; the others were before.
#[derive(Debug, Serialize)]
pub struct SettledView {
    settled: usize,
}

/// `GET /v1/slips`: what is to be verified.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<SlipList>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let zone = house.identity.zone.clone();
    let listed = house.readers.read(move |db| {
        let mut select = db.prepare_cached(
            "SELECT s.sale, s.code, s.tender, s.currency, s.total_minor, p.digits, p.approval, s.staff, s.sold_at,
                    s.hold, coalesce((SELECT sum(price_minor) FROM sale_tickets t WHERE t.sale = s.sale AND voided_at IS NOT NULL), 0),
                    NULL
             FROM slips p JOIN sales s USING (sale) WHERE p.outcome IS NULL
             UNION ALL
             SELECT hold, '', tender, currency, total_minor, digits, approval, staff, at, hold, 0, seats
             FROM unsold_payments WHERE outcome IS NULL
             ORDER BY 9 LIMIT ?1",
        )?;
        let slips = select.query_map([SLIPS_MAX], |row| {
            let (tender, currency) = (tender_at(row, 2)?, currency_at(row, 3)?);
            let money = |minor| Money { minor, currency };
            Ok(SlipView {
                sale: BookingId(row.get(0)?).to_string(),
                unsold: row.get(11)?,
                code: row.get(1)?,
                tender: row.get(2)?,
                total: money(row.get(4)?),
                voided: money(row.get(10)?),
                reference: row.get::<_, Option<_>>(9)?.filter(|_| tender == Tender::Upi).map(|id| HoldId(id).to_string()),
                digits: row.get(5)?,
                approval: row.get(6)?,
                staff: row.get(7)?,
                sold_at: zone.rfc3339(Timestamp(row.get(8)?)),
            })
        })?;
        Ok(SlipList { slips: slips.collect::<Result<_, _>>()?, open: open_count(db)? })
    });
    Ok(Json(listed.await?))
}

/// `POST /v1/slips/settlement`: 404 `unknown_slip`, 422 `bad_settlement`.
pub async fn settle(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SettlementRequest>,
) -> Result<Json<SettledView>, Problem> {
    let session = house.authorise(&headers, Task::Reports).await?;
    let SettlementRequest { sales, outcome, note } = request;
    let note = note.trim().to_owned();
    let bad = |detail: &str| Err(Problem::unprocessable("bad_settlement", detail));
    if sales.is_empty() || sales.len() > SLIPS_MAX as usize {
        return bad("Name 1 to 500 sales.");
    }
    if note.chars().count() > REASON_CHARS_MAX || (outcome == Outcome::Missing && note.is_empty()) {
        return bad("Say what was done about missing money, in at most 200 characters.");
    }
    let unknown = move || Problem::not_found("unknown_slip", "One of these sales has no slip.");
    let sales: Vec<BookingId> =
        sales.iter().map(|sale| sale.parse()).collect::<Result<_, _>>().map_err(|_| unknown())?;
    let settled = house.writer.run(move |desk, tx, now| {
        let exists = |select: &str, sale: &BookingId| {
            tx.prepare_cached(select)?.query_row([sale.0], |row| row.get::<_, bool>(0))
        };
        let mut listed = Vec::with_capacity(sales.len());
        for sale in &sales {
            let unsold = exists("SELECT EXISTS (SELECT 1 FROM unsold_payments WHERE hold = ?1)", sale)?;
            if !unsold && !exists("SELECT EXISTS (SELECT 1 FROM slips WHERE sale = ?1)", sale)? {
                return Ok(Err(unknown()));
            }
            if unsold && note.is_empty() {
                let detail = "Say what was done about money for which nothing was sold.";
                return Ok(Err(Problem::unprocessable("bad_settlement", detail)));
            }
            listed.push((sale, if unsold { ("unsold_payments", "hold") } else { ("slips", "sale") }));
        }
        let mut settled = 0;
        for (sale, (table, key)) in listed {
            let update = format!(
                "UPDATE {table} SET outcome = ?2, settled_by = ?3, settled_at = ?4, note = ?5 WHERE {key} = ?1 AND outcome IS NULL"
            );
            settled +=
                tx.prepare_cached(&update)?.execute(params![sale.0, outcome.word(), session.staff, now.0, note])?;
        }
        desk.count_slips(-i64::try_from(settled).unwrap_or_default());
        Ok(Ok(settled))
    });
    let settled = settled.await??;
    Ok(Json(SettledView { settled }))
}

/// How many payments are still to be verified.
///
/// # Errors
/// If the database fails.
pub fn open_count(db: &Connection) -> rusqlite::Result<u64> {
    let select = "SELECT (SELECT count(*) FROM slips WHERE outcome IS NULL)
                       + (SELECT count(*) FROM unsold_payments WHERE outcome IS NULL)";
    db.prepare_cached(select)?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(|count| u64::try_from(count).unwrap_or_default())
}
