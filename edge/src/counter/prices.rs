//! What the seats of a day's shows cost, since when, and what they cost before. Prices are set at central, or with the show where the
//! house adds one itself: here they are only told.

use crate::desk::Desk;
use crate::desk::reading::Reading;
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{Params, Problem};
use node::view::ShowView;
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::entry::Fact;
use shared::ids::{ShowNumber, Side};
use shared::money::Money;
use shared::show::Show;
use shared::time::Timestamp;
use std::sync::Arc;

const READING: Reading = Reading { read: "prices_read", made: &["show_prices"] };

/// Which local day; today without one.
#[derive(Debug, Deserialize)]
pub struct PricesQuery {
    #[serde(default)]
    date: Option<String>,
}

/// A price and the moment from which it held.
#[derive(Debug, Clone, Copy)]
struct SetPrice {
    minor: i64,
    since: Timestamp,
}

/// The same, told.
#[derive(Debug, Serialize)]
struct SetPriceView {
    price: Money,
    since: String,
}

/// What a category of a show costs.
#[derive(Debug, Serialize)]
struct CategoryView {
    category: String,
    price: Money,
    /// Absent where the logs do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// The prices before it, the latest first.
    before: Vec<SetPriceView>,
}

/// A show with its prices.
#[derive(Debug, Serialize)]
struct PricedShowView {
    show: ShowView,
    categories: Vec<CategoryView>,
}

/// The shows that begin on a day.
#[derive(Debug, Serialize)]
pub struct PriceList {
    date: String,
    shows: Vec<PricedShowView>,
}

/// `GET /v1/prices?date=`: 400 `bad_date`.
pub async fn list(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Params(PricesQuery { date }): Params<PricesQuery>,
) -> Result<Json<PriceList>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let zone = &house.identity.zone;
    let date = date.unwrap_or_else(|| zone.local_date(house.clock.now()));
    let day = zone.day(&date).map_err(|error| Problem::bad_request("bad_date", error.to_string()))?;
    while house.writer.run(|desk, tx, _| desk.read_prices(tx)).await? {}
    let shows = house.writer.run(move |desk, tx, now| desk.prices_of(tx, day, now));
    Ok(Json(PriceList { date, shows: shows.await? }))
}

impl Desk {
    fn read_prices(&self, tx: &Transaction<'_>) -> anyhow::Result<bool> {
        let insert = "INSERT INTO show_prices (log, seq, category, show, price_minor, since, first)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        self.read_on(tx, READING, |log, seq, entry| {
            let note = |show: ShowNumber, category: u8, price: u32, first: bool| {
                let row = params![log.word(), seq.cast_signed(), category, show.0, price, entry.at.0, first];
                tx.prepare_cached(insert)?.execute(row).map(|_one| ())
            };
            match &entry.fact {
                Fact::ShowAdded(facts) => {
                    for (category, price) in (0..).zip(&facts.prices) {
                        note(facts.number, category, *price, true)?;
                    }
                }
                Fact::PriceSet { show, category, price } if log == Side::Central => {
                    note(*show, *category, *price, false)?;
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn prices_of(
        &self,
        db: &Connection,
        (from, until): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> anyhow::Result<Vec<PricedShowView>> {
        let shows = self.replica().ledger().shows();
        let mut shows: Vec<&Show> = shows.filter(|show| (from..until).contains(&show.facts.starts_at())).collect();
        shows.sort_by_key(|show| (show.facts.starts, show.facts.screen, show.facts.number));
        let told = shows.into_iter().map(|show| {
            let names = show.plan.plan.categories.iter().zip(&show.facts.prices);
            let categories = (0..).zip(names).map(|(category, (name, price))| {
                Ok(self.price_of(show, name, *price, set_prices(db, show.facts.number, category)?))
            });
            let categories = categories.collect::<rusqlite::Result<_>>()?;
            Ok(PricedShowView { show: self.view().show(show, now), categories })
        });
        told.collect()
    }

    fn price_of(&self, show: &Show, name: &str, price: u32, mut set: Vec<SetPrice>) -> CategoryView {
        let zone = &self.identity().zone;
        let money = |minor| Money { minor, currency: show.facts.currency };
        // The ledger says what it costs; the logs say since when, where they end with that price.
        let latest = set.last().copied().filter(|latest| latest.minor == i64::from(price));
        if latest.is_some() {
            set.pop();
        }
        let told = |one: &SetPrice| SetPriceView { price: money(one.minor), since: zone.rfc3339(one.since) };
        CategoryView {
            category: name.to_owned(),
            price: money(price.into()),
            since: latest.map(|latest| zone.rfc3339(latest.since)),
            before: set.iter().rev().map(told).collect(),
        }
    }
}

/// Every price that a category of a show has had, the first one first.
fn set_prices(db: &Connection, show: ShowNumber, category: u8) -> rusqlite::Result<Vec<SetPrice>> {
    let select =
        "SELECT price_minor, since FROM show_prices WHERE show = ?1 AND category = ?2 ORDER BY first DESC, seq";
    db.prepare_cached(select)?
        .query_map(params![show.0, category], |row| Ok(SetPrice { minor: row.get(0)?, since: Timestamp(row.get(1)?) }))?
        .collect()
}
