//! What the seats of a show cost: from now on, or from a moment to come. Whoever holds seats keeps the price they were held at.

use crate::desk::Desk;
use crate::office::{App, show_id};
use crate::operator::Operator;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use node::problem::{JsonBody, Problem};
use node::store::{Sql, StoreError};
use node::values;
use node::zone::parse_rfc3339;
use serde::{Deserialize, Serialize};
use shared::ids::{ShowId, ShowNumber, TheatreId};
use shared::money::Money;
use shared::refusal::Refusal;
use shared::time::Timestamp;

/// Changes that one sweep lets begin.
const DUE_MAX: u32 = 100;

/// A category's price.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceRequest {
    category: String,
    price: Money,
    /// RFC 3339; at once where it is missing or past.
    #[serde(default)]
    from: Option<String>,
}

/// What a show costs, now and later.
#[derive(Debug, Serialize)]
pub struct Prices {
    show: String,
    prices: Vec<CategoryPrice>,
    to_come: Vec<PriceToCome>,
}

/// What a category costs.
#[derive(Debug, Serialize)]
pub struct CategoryPrice {
    category: String,
    price: Money,
}

/// What a category will cost.
#[derive(Debug, Serialize)]
pub struct PriceToCome {
    category: String,
    price: Money,
    from: String,
}

/// A change that has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    show: ShowId,
    category: u8,
    price: u32,
    begins_at: Timestamp,
}

/// `GET /v1/shows/{show}/prices`
pub async fn list(
    _operator: Operator,
    State(app): State<App>,
    Path(show): Path<String>,
) -> Result<Json<Prices>, Problem> {
    let show = show_id(&show)?;
    let prices = app.writer.run(move |desk, tx, _| prices(desk, tx, show));
    Ok(Json(prices.await??))
}

/// `POST /v1/shows/{show}/prices`: one for the same moment replaces the one before.
pub async fn set(
    _operator: Operator,
    State(app): State<App>,
    Path(show): Path<String>,
    JsonBody(request): JsonBody<PriceRequest>,
) -> Result<Json<Prices>, Problem> {
    let show = show_id(&show)?;
    let bad = |detail: &str| Problem::unprocessable("bad_price", detail);
    let price = u32::try_from(request.price.minor).map_err(|_| bad("A price is a whole number of minor units."))?;
    let from = request.from.as_deref().map(parse_rfc3339).transpose().map_err(Problem::from)?;
    let changed = app.writer.run(move |desk, tx, now| {
        let category = match check(desk, show, &request) {
            Ok(category) => category,
            Err(problem) => return Ok(Err(problem)),
        };
        let change = PriceChange { show, category, price, begins_at: from.unwrap_or(now) };
        if change.begins_at > now {
            keep(tx, &change)?;
        } else if let Err(refusal) = begin(desk, &change, now) {
            return Ok(Err(refusal.into()));
        }
        tracing::info!(%show, category = request.category, price, "an operator sets a price");
        prices(desk, tx, show)
    });
    Ok(Json(changed.await??))
}

/// The category, where the show has it and money of this currency.
fn check(desk: &Desk, show: ShowId, request: &PriceRequest) -> Result<u8, Problem> {
    let house = desk.house(show.theatre)?;
    let category = house.category(show.number, &request.category)?;
    let known = house.show(show.number)?;
    if known.facts.currency == request.price.currency {
        return Ok(category);
    }
    let detail = format!("This show is paid in {}.", known.facts.currency.code());
    Err(Problem::unprocessable("bad_price", detail))
}

fn begin(desk: &mut Desk, change: &PriceChange, now: Timestamp) -> Result<(), Refusal> {
    desk.house_mut(change.show.theatre)?.replica.set_price(change.show.number, change.category, change.price, now)
}

/// Lets the changes begin whose moment has come. One of a theatre that is closed waits; one of a show that is over is dropped.
///
/// # Errors
/// If the store fails.
pub fn begin_due(desk: &mut Desk, tx: &dyn Sql, now: Timestamp) -> Result<(), StoreError> {
    for change in due(tx, now)? {
        match begin(desk, &change, now) {
            Err(Refusal::Closed) => continue,
            Ok(()) => tracing::info!(show = %change.show, price = change.price, "a price that was set for now begins"),
            Err(refusal) => tracing::warn!(show = %change.show, refusal = refusal.code(), "a price cannot begin"),
        }
        let done = "UPDATE price_change SET done_at = ?5 WHERE theatre = ?1 AND show = ?2 AND category = ?3 AND begins_at = ?4";
        let PriceChange { show, category, begins_at, .. } = change;
        tx.send(done, values![show.theatre.0, show.number.0, category, begins_at.0, now.0])?;
    }
    Ok(())
}

fn prices(desk: &Desk, tx: &dyn Sql, show: ShowId) -> anyhow::Result<Result<Prices, Problem>> {
    let house = match desk.house(show.theatre) {
        Ok(house) => house,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    let Ok(known) = house.show(show.number) else { return Ok(Err(Refusal::UnknownShow.into())) };
    let (currency, categories) = (known.facts.currency, &known.plan.plan.categories);
    let money = |minor: u32| Money { minor: minor.into(), currency };
    let now = categories.iter().zip(&known.facts.prices);
    let prices = now.map(|(category, price)| CategoryPrice { category: category.clone(), price: money(*price) });
    let later = to_come(tx, show)?;
    let later = later.iter().map(|change| {
        let category =
            categories.get(usize::from(change.category)).cloned().context("a category that the plan has not")?;
        let from = house.zone.rfc3339(change.begins_at);
        anyhow::Ok(PriceToCome { category, price: money(change.price), from })
    });
    let to_come = later.collect::<anyhow::Result<_>>()?;
    Ok(Ok(Prices { show: show.to_string(), prices: prices.collect(), to_come }))
}

fn keep(tx: &dyn Sql, change: &PriceChange) -> Result<(), StoreError> {
    let PriceChange { show, category, price, begins_at } = change;
    tx.send(
        "INSERT INTO price_change (theatre, show, category, price_minor, begins_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (theatre, show, category, begins_at) DO UPDATE SET price_minor = excluded.price_minor",
        values![show.theatre.0, show.number.0, category, price, begins_at.0],
    )
}

/// Changes whose moment has come, the earliest first.
///
/// # Errors
/// If the store fails.
pub fn due(tx: &dyn Sql, now: Timestamp) -> Result<Vec<PriceChange>, StoreError> {
    // Those of closed theatres wait, and must not stand in the way of the others.
    let of_open_theatres = "done_at IS NULL AND begins_at <= ?1
        AND (SELECT closed FROM ledger_head WHERE ledger_head.theatre = price_change.theatre) IS NULL
        ORDER BY begins_at LIMIT ?2";
    changes(tx, of_open_theatres, values![now.0, DUE_MAX])
}

fn to_come(tx: &dyn Sql, show: ShowId) -> Result<Vec<PriceChange>, StoreError> {
    let of_show = "theatre = ?1 AND show = ?2 AND done_at IS NULL ORDER BY begins_at, category";
    changes(tx, of_show, values![show.theatre.0, show.number.0])
}

fn changes(tx: &dyn Sql, which: &str, values: &[node::store::Value<'_>]) -> Result<Vec<PriceChange>, StoreError> {
    let select = format!("SELECT theatre, show, category, price_minor, begins_at FROM price_change WHERE {which}");
    tx.all(&select, values, |row| {
        let show = ShowId { theatre: TheatreId(row.get(0)?), number: ShowNumber(row.get(1)?) };
        Ok(PriceChange { show, category: row.get(2)?, price: row.get(3)?, begins_at: Timestamp(row.get(4)?) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_closed_theatre_is_in_nobodys_way() {
        let conn = crate::schema::empty();
        for (theatre, closed) in [(1, Some("fork")), (2, None)] {
            conn.execute(
                "INSERT INTO ledger_head (theatre, own_incarnation, own_seq, own_hash, peer_incarnation, peer_seq, peer_hash,
                                          acked, closed, recovery)
                 VALUES (?1, x'', 0, x'', x'', 0, x'', 0, ?2, '')",
                rusqlite::params![theatre, closed],
            )
            .expect("a head");
        }
        let change = |theatre: u32, number: u32| PriceChange {
            show: ShowId { theatre: TheatreId(theatre), number: ShowNumber(number) },
            category: 0,
            price: 100,
            begins_at: Timestamp(i64::from(number)),
        };
        for number in 0..=DUE_MAX {
            keep(&conn, &change(1, number)).expect("kept");
        }
        keep(&conn, &change(2, DUE_MAX + 1)).expect("kept");
        let found = due(&conn, Timestamp(1_000)).expect("read");
        assert_eq!(found.iter().map(|change| change.show.theatre).collect::<Vec<_>>(), [TheatreId(2)]);
    }
}
