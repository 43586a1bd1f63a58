//! Sales that only this box knows of: a lost disk would lose them. Empty while the line is live, or a witness keeps them.

use crate::house::House;
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::ledger_store::StoredLogs;
use node::problem::Problem;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use shared::entry::{Entry, Fact};
use shared::ids::{BookingId, Side};
use shared::money::Money;
use shared::time::Timestamp;
use std::sync::Arc;
use sync_protocol::log::EntrySource;

/// Bytes of the log that are looked through, and sales that are listed.
const BYTES_MAX: usize = 1 << 20;
const LIST_MAX: usize = 200;

/// A sale that nobody else has seen.
#[derive(Debug, Serialize)]
struct UnwitnessedView {
    sale: String,
    code: String,
    seats: Vec<String>,
    total: Money,
    staff: String,
    sold_at: String,
}

/// The oldest first.
#[derive(Debug, Serialize)]
pub struct UnwitnessedList {
    /// Entries of any kind, as the badge counts them.
    entries: u64,
    sales: Vec<UnwitnessedView>,
}

/// `GET /v1/unwitnessed`: at most 200.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<UnwitnessedList>, Problem> {
    house.authorise(&headers, Task::Discrepancies).await?;
    let standing = house.board.borrow().standing.clone();
    let Some(entries) = standing.unwitnessed().filter(|count| *count > 0) else {
        return Ok(Json(UnwitnessedList { entries: 0, sales: Vec::new() }));
    };
    let (theatre, zone) = (house.identity.theatre, house.identity.zone.clone());
    let sales = house.readers.read(move |db| {
        let logs = StoredLogs::new(db, theatre);
        let facts = logs.entries(Side::Edge, standing.kept + 1, BYTES_MAX)?;
        let sold = facts.iter().filter_map(|bytes| match Entry::decode(bytes).ok()?.fact {
            Fact::Sold { booking, .. } => Some(booking),
            _ => None,
        });
        let told = sold.take(LIST_MAX).map(|booking| read(db, booking, |at| zone.rfc3339(at)));
        told.filter_map(Result::transpose).collect::<rusqlite::Result<_>>().context("read the sales that nobody keeps")
    });
    Ok(Json(UnwitnessedList { entries, sales: sales.await? }))
}

fn read(
    db: &Connection,
    sale: BookingId,
    when: impl Fn(Timestamp) -> String,
) -> rusqlite::Result<Option<UnwitnessedView>> {
    let select = "SELECT code, staff, currency, total_minor, sold_at,
                         (SELECT group_concat(seat, ' ') FROM sale_tickets t WHERE t.sale = s.sale)
                  FROM sales s WHERE sale = ?1";
    db.prepare_cached(select)?
        .query_row([sale.0], |row| {
            let seats: Option<String> = row.get(5)?;
            Ok(UnwitnessedView {
                sale: sale.to_string(),
                code: row.get(0)?,
                seats: seats.unwrap_or_default().split(' ').map(str::to_owned).collect(),
                total: Money { minor: row.get(3)?, currency: super::currency_at(row, 2)? },
                staff: row.get(1)?,
                sold_at: when(Timestamp(row.get(4)?)),
            })
        })
        .optional()
}
