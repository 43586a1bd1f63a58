//! A manager's view of a day: what each show sold and admitted, what was taken by which tender, and what is still open.

use super::reports;
use super::web::{self, WebView};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{Params, Problem};
use node::view::{LinkView, ShowView};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use shared::ids::{ShowNumber, Side};
use shared::ledger::TicketState;
use shared::money::{Currency, Money};
use shared::show::Standing;
use shared::till::Tender;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which local day; today without one.
#[derive(Debug, Deserialize)]
pub struct DayQuery {
    #[serde(default)]
    date: Option<String>,
}

/// What one channel sold of a show, voids taken off.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct ChannelView {
    tickets: u32,
    minor: i64,
}

/// A show of the day.
#[derive(Debug, Serialize)]
struct DayShowView {
    #[serde(skip)]
    number: ShowNumber,
    show: ShowView,
    currency: Currency,
    counter: ChannelView,
    web: ChannelView,
    /// Of the counter's tickets, those that were given away; no money of theirs is counted.
    given_away: u32,
    void: u32,
    admitted: u32,
    withheld: u32,
    unknown: u32,
}

/// What the counter took on the day by a tender.
#[derive(Debug, Serialize)]
struct TakenView {
    /// `recovered` is what was got back from whoever remembered it: nobody knows how it was paid.
    tender: Tender,
    sales: u32,
    net: Money,
}

/// The day.
#[derive(Debug, Serialize)]
pub struct DayView {
    date: String,
    shows: Vec<DayShowView>,
    tenders: Vec<TakenView>,
    /// What the web sold on the day, whichever show it was for.
    web: WebView,
    /// Its `backlog` is what central has not got.
    link: LinkView,
    /// What a person must settle, of the ledger and of the doors.
    to_settle: u64,
    /// Payments to verify.
    to_verify: u64,
}

/// `GET /v1/day?date=`: 400 `bad_date`.
pub async fn view(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Params(DayQuery { date }): Params<DayQuery>,
) -> Result<Json<DayView>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let zone = house.identity.zone.clone();
    let date = date.unwrap_or_else(|| zone.local_date(house.clock.now()));
    let day = zone.day(&date).map_err(|error| Problem::bad_request("bad_date", error.to_string()))?;
    let mut shows = house.writer.run(move |desk, _, now| Ok(desk.shows_of(day, now))).await?;
    web::catch_up(&house).await?;
    let currency = house.identity.join.currency;
    let read = move |db: &Connection| Ok((taken(db, day)?, given_away(db)?, WebView::of(db, currency, day)?));
    let (tenders, given_away, web) = house.readers.read(read).await?;
    for told in &mut shows {
        let Some((tickets, minor)) = given_away.get(&told.number) else { continue };
        told.given_away = *tickets;
        told.counter.minor -= minor;
    }
    let board = house.board.borrow();
    let link = board.link.clone();
    Ok(Json(DayView {
        date,
        shows,
        tenders,
        web,
        to_settle: link.discrepancies + board.door_discrepancies,
        to_verify: board.slips,
        link,
    }))
}

impl Desk {
    /// The shows that begin in a time, by start.
    fn shows_of(&self, (from, until): (Timestamp, Timestamp), now: Timestamp) -> Vec<DayShowView> {
        let (ledger, view) = (self.replica().ledger(), self.view());
        let of_the_day = ledger.shows().filter(|show| (from..until).contains(&show.facts.starts_at()));
        let mut shows: BTreeMap<ShowNumber, DayShowView> = of_the_day
            .map(|show| {
                let standing = |wanted| show.touched().filter(|(_, seat)| seat.standing == wanted).count();
                let count = |wanted| u32::try_from(standing(wanted)).unwrap_or(u32::MAX);
                let told = DayShowView {
                    number: show.facts.number,
                    show: view.show(show, now),
                    currency: show.facts.currency,
                    counter: ChannelView::default(),
                    web: ChannelView::default(),
                    given_away: 0,
                    void: 0,
                    admitted: 0,
                    withheld: count(Standing::Withheld),
                    unknown: count(Standing::Unknown),
                };
                (show.facts.number, told)
            })
            .collect();
        for ticket in ledger.tickets() {
            let (Some(told), Some(sale)) = (shows.get_mut(&ticket.at.show), ticket.sale) else { continue };
            told.admitted += u32::from(ticket.admitted.is_some());
            if ticket.state() == TicketState::Void {
                told.void += 1;
                continue;
            }
            let channel = if sale.seller == Side::Edge { &mut told.counter } else { &mut told.web };
            channel.tickets += 1;
            channel.minor += i64::from(sale.price);
        }
        let mut shows: Vec<_> = shows.into_values().collect();
        shows.sort_by(|a, b| (&a.show.starts_at, a.show.screen).cmp(&(&b.show.starts_at, b.show.screen)));
        shows
    }
}

/// How many tickets of each show are given away, and what they would have cost, minor units.
fn given_away(db: &Connection) -> rusqlite::Result<BTreeMap<ShowNumber, (u32, i64)>> {
    let mut select = db.prepare_cached(
        "SELECT s.show, count(*), sum(t.price_minor) FROM sales s JOIN sale_tickets t USING (sale)
         WHERE s.tender = 'complimentary' AND t.voided_at IS NULL AND ticket NOT IN (SELECT ticket FROM refunds)
         GROUP BY s.show",
    )?;
    let rows = select.query_map([], |row| Ok((ShowNumber(row.get(0)?), (row.get(1)?, row.get(2)?))))?;
    rows.collect()
}

/// What was taken on the day by tender, whoever took it, less what went back on it.
fn taken(db: &Connection, day: (Timestamp, Timestamp)) -> rusqlite::Result<Vec<TakenView>> {
    let mut by_tender = BTreeMap::new();
    for taken in reports::taken(db, day)? {
        let key = (taken.tender, taken.currency.code().to_owned());
        let (sales, net) = by_tender.entry(key).or_insert((0, Money { minor: 0, currency: taken.currency }));
        *sales += taken.sales;
        net.minor += taken.gross - taken.back;
    }
    Ok(by_tender.into_iter().map(|((tender, _), (sales, net))| TakenView { tender, sales, net }).collect())
}
