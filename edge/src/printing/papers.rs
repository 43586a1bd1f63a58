//! What stands on the papers of a sale, gathered from its rows and the show.

use super::jobs::{Document, Print};
use crate::counter::sold::SaleRow;
use crate::desk::Desk;
use crate::house::House;
use crate::till::tender_at;
use anyhow::Context;
use node::paper::{GroupFacts, GroupRow, Issuer, ReceiptFacts, ReceiptLine, Sheet, TaxLine, Templates, TicketFacts};
use rusqlite::{Connection, OptionalExtension, Row};
use shared::ids::BookingId;
use shared::money::{Currency, Money, decimal};
use shared::show::Show;
use shared::tax::{self, INDIA};
use shared::till::Tender;
use std::collections::BTreeMap;

/// Everything the templates may name of a sale.
#[derive(Debug)]
pub struct Papers {
    tickets: Vec<TicketFacts>,
    receipt: ReceiptFacts,
    group: Option<GroupFacts>,
}

/// A ticket's row.
struct Ticket {
    seat: String,
    category: String,
    price: i64,
    code: String,
    serial: String,
}

/// What printing asks about a sale.
#[derive(Debug, Clone, Copy)]
pub struct Printable {
    /// How it was paid.
    pub tender: Tender,
    /// How many of its tickets were not taken back.
    pub tickets: u32,
    /// It is a whole group's.
    pub group: bool,
}

/// The same of this sale; nothing where there is no such sale.
///
/// # Errors
/// If the database fails.
pub fn printable(db: &Connection, sale: BookingId) -> rusqlite::Result<Option<Printable>> {
    let select = "SELECT tender, (SELECT count(*) FROM sale_tickets t WHERE t.sale = ?1 AND t.voided_at IS NULL
                                  AND ticket NOT IN (SELECT ticket FROM refunds)),
                         group_name IS NOT NULL FROM sales WHERE sale = ?1";
    let read = |row: &Row<'_>| Ok(Printable { tender: tender_at(row, 0)?, tickets: row.get(1)?, group: row.get(2)? });
    db.prepare_cached(select)?.query_row([sale.0], read).optional()
}

impl Papers {
    /// The papers of a print, as sheets.
    ///
    /// # Errors
    /// If a template does not give a sheet.
    pub fn sheets(&self, print: &Print, templates: &Templates) -> anyhow::Result<Vec<Sheet>> {
        let sheets = match print.document {
            Document::Tickets => {
                self.tickets.iter().map(|ticket| templates.ticket(ticket)).collect::<Result<_, _>>()?
            }
            Document::Receipt => vec![templates.receipt(&self.receipt)?],
            Document::Group => self.group.iter().map(|group| templates.group(group)).collect::<Result<_, _>>()?,
        };
        let marked = |sheet: Sheet| if print.copy == 0 { sheet } else { sheet.duplicate(print.copy) };
        Ok(sheets.into_iter().map(marked).collect())
    }
}

impl House {
    /// The sheets of a print.
    ///
    /// # Errors
    /// If the sale or its show cannot be read.
    pub async fn sheets(&self, print: &Print) -> anyhow::Result<Vec<Sheet>> {
        let sale = print.sale;
        let issuer = self.counter.issuer.clone();
        let gathered = self.writer.run(move |desk, tx, _| desk.papers(tx, sale, &issuer)).await;
        gathered.context("gather what is printed")?.sheets(print, &self.printers.templates)
    }
}

impl Desk {
    fn papers(&self, db: &Connection, sale: BookingId, issuer: &Issuer) -> anyhow::Result<Papers> {
        let SaleRow { code, show, staff, tender, currency, total, received, sold_at, group } = SaleRow::read(db, sale)?;
        let select = "SELECT seat, category, price_minor, code, series, serial FROM sale_tickets
                      WHERE sale = ?1 AND voided_at IS NULL AND ticket NOT IN (SELECT ticket FROM refunds)
                      ORDER BY series, serial";
        let mut select = db.prepare_cached(select)?;
        let rows = select.query_map([sale.0], |row| {
            let serial = format!("{}-{:06}", row.get::<_, String>(4)?, row.get::<_, i64>(5)?);
            let price = tender.charges(row.get(2)?);
            Ok(Ticket { seat: row.get(0)?, category: row.get(1)?, price, code: row.get(3)?, serial })
        })?;
        let rows: Vec<Ticket> = rows.collect::<Result<_, _>>()?;
        let show = self.replica().ledger().show(show).context("find the show of a sale")?;
        let facts = &show.facts;
        let (zone, house) = (&self.identity().zone, &self.identity().join.theatre);
        let (date, time) = (zone.local_date(facts.starts_at()), zone.local_time(facts.starts_at()));
        let (sold_date, sold_time) = (zone.local_date(sold_at), zone.local_time(sold_at));
        let screen = u32::from(facts.screen.0);
        let lines = rows.iter().map(|row| ReceiptLine {
            seat: row.seat.clone(),
            category: row.category.clone(),
            price: decimal(row.price),
            serial: row.serial.clone(),
        });
        let prices = rows.iter().map(|row| row.price);
        let taxes = if currency == Currency::INR { taxes(&sold_date, prices) } else { Vec::new() };
        // What was taken back since is in none of the lines, and what was handed over says nothing about the rest.
        let rest = rows.iter().map(|row| row.price).sum();
        let is_whole = rest == tender.charges(total);
        let (total, cash) = (rest, received.filter(|_| tender == Tender::Cash && is_whole));
        let receipt = ReceiptFacts {
            theatre: house.name.clone(),
            city: house.city.clone(),
            booking: code.clone(),
            staff,
            sold_date,
            sold_time,
            title: facts.title.clone(),
            screen,
            date: date.clone(),
            time: time.clone(),
            lines: lines.collect(),
            total: Money { minor: total, currency }.to_string(),
            tender: told(tender).to_owned(),
            received: cash.map(decimal),
            change: cash.map(|received| received - total).filter(|change| *change > 0).map(decimal),
            taxes,
            issuer: issuer.clone(),
        };
        let serials = [rows.first(), rows.last()].map(|row| row.map(|row| row.serial.as_str()).unwrap_or_default());
        let group_facts = group.as_ref().map(|name| GroupFacts {
            theatre: house.name.clone(),
            city: house.city.clone(),
            group: name.clone(),
            booking: code.clone(),
            title: facts.title.clone(),
            screen,
            date: date.clone(),
            time: time.clone(),
            count: rows.len(),
            rows: by_row(show, &rows),
            total: Money { minor: rows.iter().map(|row| row.price).sum(), currency }.to_string(),
            tender: told(tender).to_owned(),
            serials: serials.join(" to "),
            sold_date: receipt.sold_date.clone(),
            sold_time: receipt.sold_time.clone(),
            staff: receipt.staff.clone(),
            taxes: receipt.taxes.clone(),
            issuer: issuer.clone(),
        });
        let tickets = rows.into_iter().map(|row| TicketFacts {
            theatre: house.name.clone(),
            city: house.city.clone(),
            title: facts.title.clone(),
            screen,
            seat: row.seat,
            category: row.category,
            price: Money { minor: row.price, currency }.to_string(),
            date: date.clone(),
            time: time.clone(),
            serial: Some(row.serial),
            booking: code.clone(),
            group: group.clone(),
            issuer: issuer.clone(),
            code: row.code,
        });
        Ok(Papers { tickets: tickets.collect(), receipt, group: group_facts })
    }
}

/// How it was paid, as a guest reads it.
fn told(tender: Tender) -> &'static str {
    if tender == Tender::Recovered { "not known" } else { tender.word() }
}

/// The seats as people find them: row by row.
fn by_row(show: &Show, tickets: &[Ticket]) -> Vec<GroupRow> {
    let labelled = tickets.iter().filter_map(|ticket| show.plan.labelled(&ticket.seat));
    let mut seats: Vec<_> = labelled.filter_map(|seat| show.plan.seat(seat)).collect();
    seats.sort_by_key(|seat| (seat.row_index, seat.number));
    GroupRow::of(seats.into_iter().map(|seat| (seat.row.as_str(), seat.number)))
}

/// The tax inside the prices, by rate: rounded ticket by ticket, as the daily collection is.
fn taxes(day: &str, prices: impl Iterator<Item = i64>) -> Vec<TaxLine> {
    let mut by_rate: BTreeMap<u8, (i64, i64, i64)> = BTreeMap::new();
    for price in prices.filter(|price| *price > 0) {
        let taxed = tax::inside(INDIA, day, price);
        let (net, cgst, sgst) = by_rate.entry(taxed.percent).or_default();
        (*net, *cgst, *sgst) = (*net + taxed.net, *cgst + taxed.cgst, *sgst + taxed.sgst);
    }
    let line =
        |(percent, (net, cgst, sgst))| TaxLine { percent, net: decimal(net), cgst: decimal(cgst), sgst: decimal(sgst) };
    by_rate.into_iter().map(line).collect()
}
