//! Sales that were made, found again by what somebody has of them: the code on the paper, a ticket, a seat, or the hold whose
//! sale was asked for without an answer.

use super::sales::{SaleView, TicketView, UNVERIFIED};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use crate::till::{currency_at, tender_at};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{Params, Problem};
use node::view::LineView;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use shared::admission::TicketState;
use shared::ids::{BookingId, HoldId, ShowNumber, Side, TicketId};
use shared::money::{Currency, Money};
use shared::ticket::{TicketCode, booking_code, has_booking_code};
use shared::till::Tender;
use shared::time::Timestamp;
use std::sync::Arc;

/// Sales that are listed at once, the latest first.
const SALES_MAX: u32 = 20;

/// By what a sale is looked for: one of these.
#[derive(Debug, Default, Deserialize)]
pub struct SoldQuery {
    /// The short code on its paper, in any case, with or without a space.
    code: Option<String>,
    /// The code on one of its tickets, or the ticket's id.
    ticket: Option<String>,
    /// The hold that it was made of.
    hold: Option<String>,
    /// With a seat.
    show: Option<String>,
    seat: Option<String>,
    /// `mine`: one's own, the latest first; `waiting`: those whose void waits for the doors.
    list: Option<String>,
}

/// A ticket of a sale, and what it is worth now.
#[derive(Debug, Serialize)]
struct SoldTicketView {
    #[serde(flatten)]
    ticket: TicketView,
    price: Money,
    /// `live`, `admitted`, `void_requested` or `void`.
    state: &'static str,
}

/// A sale that was made.
#[derive(Debug, Serialize)]
struct SoldView {
    #[serde(flatten)]
    sale: SaleView<SoldTicketView>,
    staff: String,
    sold_at: String,
}

/// Sales, the latest first.
#[derive(Debug, Serialize)]
pub struct SoldList {
    sales: Vec<SoldView>,
    /// The short code of a booking that was made online: it is none of this counter's sales.
    online: Option<String>,
}

/// What is looked for.
enum Wanted {
    Code(String),
    Ticket(TicketId),
    Hold(HoldId),
    Seat(ShowNumber, String),
    Mine(String),
    Waiting,
}

/// `GET /v1/sales`: what is not there is an empty list. 400 `bad_query` where it is not said by what to look.
pub async fn find(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Params(query): Params<SoldQuery>,
) -> Result<Json<SoldList>, Problem> {
    let session = house.authorise(&headers, Task::Sell).await?;
    let wanted = Wanted::read(query, &house, session.staff)?;
    let Some(wanted) = wanted else { return Ok(Json(SoldList { sales: Vec::new(), online: None })) };
    let found = house.writer.run(move |desk, tx, now| {
        let ids = wanted.ids(tx)?;
        let sales = ids.into_iter().map(|id| desk.sold(tx, id, now)).filter_map(Result::transpose);
        let sales: Vec<_> = sales.collect::<anyhow::Result<_>>()?;
        let online = if sales.is_empty() { desk.sold_online(&wanted) } else { None };
        Ok(SoldList { sales, online })
    });
    Ok(Json(found.await?))
}

impl Wanted {
    /// Nothing for what can be no sale's.
    fn read(query: SoldQuery, house: &House, staff: String) -> Result<Option<Self>, Problem> {
        let bad = || Problem::bad_request("bad_query", "Name a code, a ticket, a hold, a show and a seat, or a list.");
        let given = [&query.code, &query.ticket, &query.hold, &query.seat, &query.list];
        if given.into_iter().flatten().count() != 1 || query.show.is_some() != query.seat.is_some() {
            return Err(bad());
        }
        if let Some(code) = query.code {
            let letters = code.chars().filter(|one| !one.is_whitespace() && *one != '-');
            return Ok(Some(Self::Code(letters.collect::<String>().to_ascii_uppercase())));
        }
        if let Some(text) = query.ticket {
            let signed = || TicketCode::parse(&text).map(|ticket| ticket.body().ticket).ok();
            return Ok(text.trim().parse().ok().or_else(signed).map(Self::Ticket));
        }
        if let Some(hold) = query.hold {
            return Ok(hold.parse().ok().map(Self::Hold));
        }
        if let (Some(show), Some(seat)) = (query.show, query.seat) {
            return Ok(house.show_number(&show).map(|show| Self::Seat(show, seat.trim().to_ascii_uppercase())));
        }
        match query.list.as_deref() {
            Some("mine") => Ok(Some(Self::Mine(staff))),
            Some("waiting") => Ok(Some(Self::Waiting)),
            _ => Err(bad()),
        }
    }

    fn ids(&self, db: &Connection) -> rusqlite::Result<Vec<BookingId>> {
        let (select, values): (&str, &[&dyn ToSql]) = match self {
            Self::Code(code) => ("SELECT sale FROM sales WHERE code = ?2 LIMIT ?1", &[code]),
            Self::Ticket(ticket) => ("SELECT sale FROM sale_tickets WHERE ticket = ?2 LIMIT ?1", &[&ticket.0]),
            Self::Hold(hold) => ("SELECT sale FROM sales WHERE hold = ?2 LIMIT ?1", &[&hold.0]),
            Self::Seat(show, seat) => (
                "SELECT sale FROM sales JOIN sale_tickets USING (sale) WHERE show = ?2 AND seat = ?3
                 ORDER BY sold_at DESC LIMIT ?1",
                &[&show.0, seat],
            ),
            Self::Mine(staff) => ("SELECT sale FROM sales WHERE staff = ?2 ORDER BY sold_at DESC LIMIT ?1", &[staff]),
            Self::Waiting => (
                "SELECT sale FROM voids JOIN sale_tickets USING (ticket) WHERE outcome IS NULL
                 GROUP BY sale ORDER BY max(number) DESC LIMIT ?1",
                &[],
            ),
        };
        let values: Vec<&dyn ToSql> = [&SALES_MAX as &dyn ToSql].into_iter().chain(values.iter().copied()).collect();
        db.prepare_cached(select)?.query_map(values.as_slice(), |row| row.get(0).map(BookingId))?.collect()
    }
}

/// The row of a sale.
pub(crate) struct SaleRow {
    pub(crate) code: String,
    pub(crate) show: ShowNumber,
    pub(crate) staff: String,
    pub(crate) tender: Tender,
    pub(crate) currency: Currency,
    /// Minor units, as the received ones.
    pub(crate) total: i64,
    pub(crate) received: Option<i64>,
    pub(crate) sold_at: Timestamp,
    pub(crate) group: Option<String>,
}

impl SaleRow {
    /// Reads it.
    ///
    /// # Errors
    /// If there is no such sale, or the database fails.
    pub(crate) fn read(db: &Connection, sale: BookingId) -> rusqlite::Result<Self> {
        let select = "SELECT code, show, staff, tender, currency, total_minor, received_minor, sold_at, group_name
                      FROM sales WHERE sale = ?1";
        db.prepare_cached(select)?.query_row([sale.0], |row| {
            Ok(Self {
                code: row.get(0)?,
                show: ShowNumber(row.get(1)?),
                staff: row.get(2)?,
                tender: tender_at(row, 3)?,
                currency: currency_at(row, 4)?,
                total: row.get(5)?,
                received: row.get(6)?,
                sold_at: Timestamp(row.get(7)?),
                group: row.get(8)?,
            })
        })
    }
}

/// What came of comparing a sale's payment with the bank's list; nothing for one that is not compared.
fn verification(db: &Connection, sale: BookingId) -> rusqlite::Result<Option<String>> {
    let outcome = db.prepare_cached("SELECT outcome FROM slips WHERE sale = ?1")?.query_row([sale.0], |row| row.get(0));
    Ok(outcome.optional()?.flatten())
}

impl Desk {
    /// A sale as it stands; nothing where its show is over and forgotten.
    fn sold(&self, db: &Connection, id: BookingId, now: Timestamp) -> anyhow::Result<Option<SoldView>> {
        let row = SaleRow::read(db, id)?;
        let Some(show) = self.replica().ledger().show(row.show) else { return Ok(None) };
        let money = |minor| Money { minor, currency: row.currency };
        let select =
            "SELECT ticket, seat, category, price_minor, code, series, serial, voided_at IS NOT NULL FROM sale_tickets
                      WHERE sale = ?1 ORDER BY series, serial";
        let mut select = db.prepare_cached(select)?;
        let tickets = select.query_map([id.0], |row| {
            let (ticket, seat, price) = (TicketId(row.get(0)?), row.get::<_, String>(1)?, money(row.get(3)?));
            let (series, serial): (String, i64) = (row.get(5)?, row.get(6)?);
            let line = LineView { seat: seat.clone(), category: row.get(2)?, price };
            let state = if row.get(7)? { TicketState::Void.word() } else { self.worth(ticket) };
            let ticket = TicketView::new(&seat, ticket, row.get(4)?, &series, serial);
            Ok((line, SoldTicketView { ticket, price, state }))
        })?;
        let (lines, tickets): (Vec<_>, Vec<_>) = tickets.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().unzip();
        let unverified = matches!(row.tender, Tender::Card | Tender::Upi).then(|| UNVERIFIED.to_owned());
        let sale = SaleView {
            sale: id.to_string(),
            code: row.code,
            show: self.view().show(show, now),
            lines,
            total: money(row.total),
            tender: row.tender,
            verification: verification(db, id)?.or(unverified),
            change: row.received.map(|received| money(received - row.total)),
            group: row.group,
            tickets,
        };
        let sold_at = self.identity().zone.rfc3339(row.sold_at);
        Ok(Some(SoldView { sale, staff: row.staff, sold_at }))
    }

    /// What a ticket of this counter is worth: somebody who is in is not sent away any more.
    fn worth(&self, id: TicketId) -> &'static str {
        let Some(ticket) = self.replica().ledger().ticket(id) else { return TicketState::Live.word() };
        match self.door_state(ticket) {
            TicketState::Live if ticket.admitted.is_some() => "admitted",
            state => state.word(),
        }
    }

    /// The short code of a booking of central that has what is looked for.
    fn sold_online(&self, wanted: &Wanted) -> Option<String> {
        let ledger = self.replica().ledger();
        let code = |ticket: &shared::ledger::Ticket| {
            ticket.sale.filter(|sale| sale.seller == Side::Central).map(|sale| booking_code(sale.booking))
        };
        match wanted {
            Wanted::Ticket(id) => ledger.ticket(*id).and_then(code),
            Wanted::Code(wanted) => {
                let has = has_booking_code(wanted)?;
                let of_it = |ticket: &&shared::ledger::Ticket| ticket.sale.is_some_and(|sale| has(sale.booking));
                ledger.tickets().filter(of_it).find_map(code)
            }
            Wanted::Seat(show, label) => {
                let seat = ledger.show(*show)?.plan.all_labelled(std::slice::from_ref(label)).ok()?;
                let of_seat =
                    |ticket: &&shared::ledger::Ticket| ticket.at.show == *show && seat.contains(&ticket.at.seat);
                ledger.tickets().filter(of_seat).max_by_key(|ticket| ticket.at.generation).and_then(code)
            }
            Wanted::Hold(_) | Wanted::Mine(_) | Wanted::Waiting => None,
        }
    }
}
