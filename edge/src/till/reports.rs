//! The reports of a day as CSV (RFC 4180, with the byte order mark that spreadsheets want): the daily collection by show and class,
//! and the sales by tender. And the check of the till journal.

use super::signed::{self, Checked, SignedEnd};
use super::{currency_at, journal, tender_at, web};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use node::problem::{Params, Problem};
use node::zone::Zone;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::money::{Currency, decimal};
use shared::show::Show;
use shared::tax::{self, INDIA, Taxed};
use shared::till::Tender;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which local day.
#[derive(Debug, Deserialize)]
pub struct DayQuery {
    date: String,
}

/// What a check of the journal found.
#[derive(Debug, Serialize)]
pub struct JournalView {
    rows: u32,
    hash: String,
    /// The first row that is not what was written, and what is wrong with it.
    tampered: Option<TamperedView>,
}

#[derive(Debug, Serialize)]
struct TamperedView {
    row: u32,
    text: String,
}

/// `GET /v1/reports/{file}?date=`: `collection.csv`, `tenders.csv` or `z.csv`. 404 `unknown_report`, 400 `bad_date`.
pub async fn day(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(file): Path<String>,
    Params(DayQuery { date }): Params<DayQuery>,
) -> Result<Response, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let day = house.identity.zone.day(&date).map_err(|error| Problem::bad_request("bad_date", error.to_string()))?;
    let name = format!("attachment; filename=\"{date}-{file}\"");
    let text = match file.as_str() {
        "collection.csv" => {
            let shows = house.writer.run(|desk, _, _| Ok(shows(desk))).await?;
            web::catch_up(&house).await?;
            let zone = house.identity.zone.clone();
            let date_of = move |at| zone.local_date(at);
            house.readers.read(move |db| csv_text(&collection(db, &shows, &date, day, date_of)?)).await?
        }
        "tenders.csv" => house.readers.read(move |db| csv_text(&by_tender(db, &date, day)?)).await?,
        "z.csv" => {
            let zone = house.identity.zone.clone();
            house.readers.read(move |db| csv_text(&closed_shifts(db, &date, day, &zone)?)).await?
        }
        _ => return Err(Problem::not_found("unknown_report", "Reports are collection.csv, tenders.csv and z.csv.")),
    };
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text)
        .into_response())
}

/// `GET /v1/till/check`: follows the whole journal and compares it with the signed reports.
pub async fn check(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<JournalView>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let identity = house.identity.clone();
    Ok(Json(match house.readers.read(move |db| signed::check(db, &identity.join)).await? {
        Ok(Checked { last, .. }) => JournalView { rows: last.seq, hash: last.hash.to_string(), tampered: None },
        Err(tampered) => JournalView {
            rows: tampered.seq.saturating_sub(1),
            hash: String::new(),
            tampered: Some(TamperedView { row: tampered.seq, text: tampered.to_string() }),
        },
    }))
}

/// Title and start of every show, by number.
fn shows(desk: &Desk) -> BTreeMap<u32, (String, String)> {
    let zone = &desk.identity().zone;
    let told = |show: &Show| (show.facts.number.0, (show.facts.title.clone(), zone.rfc3339(show.facts.starts_at())));
    desk.replica().ledger().shows().map(told).collect()
}

/// One class of a show at one price and one rate of tax.
#[derive(Debug, Default)]
struct Class {
    /// The first and the last serial that was issued on the day.
    serials: Option<(i64, i64)>,
    issued: u32,
    void: u32,
    taxed: Taxed,
}

/// The daily collection, by show, class and price: what was sold on the day, with the serials of the tickets, and what was taken back on
/// it, whenever that was sold; so a day that is over never changes. What was given away has the price 0. What the web sold is a channel
/// of its own, without serials. `date_of` is the local date.
pub(super) fn collection(
    db: &Connection,
    shows: &BTreeMap<u32, (String, String)>,
    date: &str,
    (from, until): (Timestamp, Timestamp),
    date_of: impl Fn(Timestamp) -> String,
) -> anyhow::Result<Vec<Vec<String>>> {
    let mut select = db.prepare(
        "SELECT s.show, t.category, t.price_minor, t.series, t.serial, s.tender, s.sold_at, 0, 'counter'
         FROM sales s JOIN sale_tickets t USING (sale) WHERE s.sold_at >= ?1 AND s.sold_at < ?2
         UNION ALL
         SELECT s.show, t.category, t.price_minor, t.series, t.serial, s.tender, s.sold_at, 1, 'counter'
         FROM sale_tickets t JOIN sales s USING (sale) WHERE t.voided_at >= ?1 AND t.voided_at < ?2
         UNION ALL
         SELECT show, category, price_minor, '', NULL, NULL, sold_at, 0, 'web'
         FROM web_tickets WHERE sold_at >= ?1 AND sold_at < ?2
         UNION ALL
         SELECT show, category, price_minor, '', NULL, NULL, sold_at, 1, 'web'
         FROM web_tickets WHERE voided_at >= ?1 AND voided_at < ?2
         ORDER BY 4, 5",
    )?;
    let rows = select.query_map(params![from.0, until.0], |row| {
        let (channel, serial): (String, Option<i64>) = (row.get(8)?, row.get(4)?);
        let price: i64 = row.get(2)?;
        let price = if serial.is_some() { tender_at(row, 5)?.charges(price) } else { price };
        let key: (u32, String, i64, String, String) = (row.get(0)?, row.get(1)?, price, row.get(3)?, channel);
        Ok((key, serial, Timestamp(row.get(6)?), row.get::<_, bool>(7)?))
    })?;
    let mut classes: BTreeMap<_, Class> = BTreeMap::new();
    for row in rows {
        let ((show, category, price, series, channel), serial, sold_at, void) = row?;
        // The tax goes back as it was taken.
        let taxed = tax::inside(INDIA, &date_of(sold_at), price);
        let class = classes.entry((show, category, price, series, channel, taxed.percent)).or_default();
        class.taxed = taxed;
        if void {
            class.void += 1;
        } else {
            class.issued += 1;
            class.serials = serial.map(|serial| (class.serials.map_or(serial, |(first, _)| first), serial));
        }
    }
    let head = "date,show,title,starts_at,class,series,serial_from,serial_to,issued,void,count,rate,gross,net,cgst,sgst,percent,channel";
    let mut lines = vec![head.split(',').map(str::to_owned).collect()];
    for ((show, category, price, series, channel, percent), class) in classes {
        let (title, starts_at) = shows.get(&show).cloned().unwrap_or_default();
        let count = i64::from(class.issued) - i64::from(class.void);
        let taxed = class.taxed;
        let serials = class.serials.map(|(first, last)| [first, last].map(|n| n.to_string())).unwrap_or_default();
        let numbers = [class.issued.into(), class.void.into(), count].map(|n: i64| n.to_string());
        let amounts = [price, price * count, taxed.net * count, taxed.cgst * count, taxed.sgst * count].map(decimal);
        let mut line = vec![date.to_owned(), show.to_string(), title, starts_at, category, series];
        line.extend(serials);
        line.extend(numbers);
        line.extend(amounts);
        line.push(percent.to_string());
        line.push(channel);
        lines.push(line);
    }
    Ok(lines)
}

/// What one cashier took by one tender, and what went back of whatever that cashier had sold. Nobody's name is empty.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) staff: String,
    pub(super) tender: Tender,
    pub(super) currency: Currency,
    pub(super) sales: u32,
    /// Minor units, as what went back.
    pub(super) gross: i64,
    pub(super) void: u32,
    pub(super) back: i64,
}

/// What was taken on the day, by cashier and tender, and what went back on it, by the way in which it did.
pub(super) fn taken(db: &Connection, (from, until): (Timestamp, Timestamp)) -> rusqlite::Result<Vec<Taken>> {
    let mut select = db.prepare_cached(
        "SELECT staff, tender, currency, sum(sales), sum(gross), sum(void), sum(back) FROM (
             SELECT s.staff, s.tender, s.currency, count(DISTINCT s.sale) AS sales,
                    sum(iif(s.tender = 'complimentary', 0, t.price_minor)) AS gross, 0 AS void, 0 AS back
             FROM sales s JOIN sale_tickets t USING (sale) WHERE s.sold_at >= ?1 AND s.sold_at < ?2 GROUP BY 1, 2, 3
             UNION ALL
             SELECT iif(t.back = 'recovered', '', s.staff), coalesce(t.back, s.tender), s.currency, 0, 0, count(*),
                    sum(iif(s.tender = 'complimentary', 0, t.price_minor))
             FROM sale_tickets t JOIN sales s USING (sale) WHERE t.voided_at >= ?1 AND t.voided_at < ?2 GROUP BY 1, 2, 3
         ) GROUP BY 1, 2, 3 ORDER BY 1, 2",
    )?;
    let rows = select.query_map(params![from.0, until.0], |row| {
        Ok(Taken {
            staff: row.get(0)?,
            tender: tender_at(row, 1)?,
            currency: currency_at(row, 2)?,
            sales: row.get(3)?,
            gross: row.get(4)?,
            void: row.get(5)?,
            back: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// The same as lines of a table.
pub(super) fn by_tender(
    db: &Connection,
    date: &str,
    day: (Timestamp, Timestamp),
) -> rusqlite::Result<Vec<Vec<String>>> {
    let head = "date,staff,tender,currency,sales,gross,void,void_amount,net";
    let mut lines = vec![head.split(',').map(str::to_owned).collect()];
    for Taken { staff, tender, currency, sales, gross, void, back } in taken(db, day)? {
        lines.push(vec![
            date.to_owned(),
            staff,
            tender.word().to_owned(),
            currency.code().to_owned(),
            sales.to_string(),
            decimal(gross),
            void.to_string(),
            decimal(back),
            decimal(gross - back),
        ]);
    }
    Ok(lines)
}

/// The shifts that were closed on the day, by their reports' numbers, each with the journal's end as the box signed it then: empty where
/// it did not.
fn closed_shifts(
    db: &Connection,
    date: &str,
    (from, until): (Timestamp, Timestamp),
    zone: &Zone,
) -> anyhow::Result<Vec<Vec<String>>> {
    let head = "date,z,shift,staff,opened_at,closed_at,float,cash,card,upi,paid_in,paid_out,drawer_opened,expected,counted,difference,journal_row,journal_hash,signature";
    let mut lines = vec![head.split(',').map(str::to_owned).collect()];
    for drawer in journal::closed_in(db, from, until)? {
        let Some(close) = drawer.closed.as_ref() else { continue };
        let words = [close.z.to_string(), drawer.shift.to_string(), drawer.staff.clone()];
        let times = [drawer.opened_at, close.at].map(|at| zone.rfc3339(at));
        let taken = [Tender::Cash, Tender::Card, Tender::Upi].map(|tender| decimal(drawer.net(tender)));
        let moved = [drawer.paid_in.minor, drawer.paid_out.minor].map(decimal);
        let counted = close.counted_minor;
        let ends = [drawer.expected_cash(), counted, counted - drawer.expected_cash()].map(decimal);
        let mut line = vec![date.to_owned()];
        line.extend(words);
        line.extend(times);
        line.push(decimal(drawer.float_minor));
        line.extend(taken);
        line.extend(moved);
        line.push(drawer.opened.to_string());
        line.extend(ends);
        line.extend(signed::end(db, close.z)?.map_or_else(Default::default, |SignedEnd { last, signature }| {
            let hex = signature.iter().map(|byte| format!("{byte:02x}")).collect();
            [last.seq.to_string(), last.hash.to_string(), hex]
        }));
        lines.push(line);
    }
    Ok(lines)
}

fn csv_text(lines: &[Vec<String>]) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    lines.iter().try_for_each(|line| writer.write_record(line)).context("write the report")?;
    let bytes = writer.into_inner().context("write the report")?;
    Ok(format!("\u{feff}{}", String::from_utf8(bytes)?))
}
