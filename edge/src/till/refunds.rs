//! What is to be given back of tickets whose void waited for the doors. It goes into the shift of whoever gives it back, when that is
//! said: cash leaves that drawer, a card or UPI payment goes back the way it came.

use super::{currency_at, journal, tender_at};
use crate::counter::answer::{Answer, Outcomes, RequestKey};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{IdempotencyKey, JsonBody, Problem};
use node::view::ShowView;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, ShowNumber, TicketId};
use shared::money::Money;
use shared::till::Tender;
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Refunds that are listed, and given back, at once.
const REFUNDS_MAX: u32 = 500;

/// The price of a ticket that is to be given back.
#[derive(Debug, Serialize)]
struct RefundView {
    ticket: String,
    sale: String,
    /// The short code on the sale's papers.
    code: String,
    /// The number on the ticket's paper.
    serial: String,
    /// Absent where the show is over and forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    show: Option<ShowView>,
    seat: String,
    /// How it goes back.
    tender: Tender,
    /// Nothing of what was given away.
    amount: Money,
    since: String,
}

/// What is to be given back, the oldest first.
#[derive(Debug, Serialize)]
pub struct RefundList {
    refunds: Vec<RefundView>,
}

/// Tickets whose price was given back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedOver {
    tickets: Vec<String>,
}

/// How much went back.
#[derive(Debug, Serialize)]
struct GivenView {
    given: Money,
}

/// A void that waited is done: its ticket is listed until somebody has given its price back, one that was given away too, for a shift
/// is opened for nobody who has gone home.
///
/// # Errors
/// If the database fails.
pub fn owe(tx: &Transaction<'_>, ticket: TicketId, now: Timestamp) -> anyhow::Result<()> {
    if journal::price(tx, ticket)?.is_none() {
        return Ok(());
    }
    tx.prepare_cached("INSERT INTO refunds (ticket, since) VALUES (?1, ?2)")?.execute(params![ticket.0, now.0])?;
    Ok(())
}

/// Who gave a ticket's price back; on the inside nothing as long as nobody has.
fn given_by(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<Option<String>>> {
    let select = "SELECT given_by FROM refunds WHERE ticket = ?1";
    db.prepare_cached(select)?.query_row([ticket.0], |row| row.get(0)).optional()
}

/// The price of a ticket goes back in the shift of whoever gives it back, which is opened where there is none.
///
/// # Errors
/// If the database fails.
pub fn hand_over(tx: &Transaction<'_>, ticket: TicketId, by: &str, now: Timestamp) -> anyhow::Result<Money> {
    let given = journal::note_handed_over(tx, ticket, by, now)?;
    tx.prepare_cached("UPDATE refunds SET (given_by, given_at) = (?2, ?3) WHERE ticket = ?1")?
        .execute(params![ticket.0, by, now.0])?;
    Ok(given)
}

/// `GET /v1/refunds`: what every window may give back.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<RefundList>, Problem> {
    house.authorise(&headers, Task::Till).await?;
    let listed = house.writer.run(|desk, tx, now| Ok(RefundList { refunds: desk.refunds(tx, now)? }));
    Ok(Json(listed.await?))
}

/// `POST /v1/refunds`: the money was given back, for all of these tickets or for none. 404 `unknown_refund`; 409
/// `already_given_back` where somebody has done it.
pub async fn give(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<HandedOver>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Till).await?;
    let key = RequestKey::new(&session.staff, key, "POST /v1/refunds", &request)?;
    let unknown = || Problem::not_found("unknown_refund", "Nothing is to be given back for one of these tickets.");
    let tickets: Result<BTreeSet<TicketId>, _> = request.tickets.iter().map(|one| one.parse()).collect();
    let tickets = tickets.map_err(|_| unknown())?;
    if tickets.is_empty() || tickets.len() > REFUNDS_MAX as usize {
        return Err(unknown());
    }
    let currency = house.identity.join.currency;
    let given = house.writer.run(move |_, tx, now| {
        key.once(tx, now + super::shifts::REMEMBERED, || {
            for ticket in &tickets {
                match given_by(tx, *ticket)? {
                    None => return Ok(Err(unknown())),
                    Some(Some(by)) => {
                        let detail = format!("{by} has given this back already.");
                        return Ok(Err(Problem::conflict("already_given_back", detail)));
                    }
                    Some(None) => {}
                }
            }
            let mut given = Money { minor: 0, currency };
            for ticket in &tickets {
                let paid = hand_over(tx, *ticket, &session.staff, now)?;
                given = Money { minor: given.minor + paid.minor, currency: paid.currency };
            }
            Ok(Ok(Answer::done(&GivenView { given })?))
        })
    });
    given.await?
}

impl Desk {
    fn refunds(&self, db: &Connection, now: Timestamp) -> anyhow::Result<Vec<RefundView>> {
        let mut select = db.prepare_cached(
            "SELECT t.ticket, s.sale, s.code, t.series, t.serial, s.show, t.seat, s.currency, t.price_minor, r.since,
                    coalesce(t.back, s.tender)
             FROM refunds r JOIN sale_tickets t USING (ticket) JOIN sales s USING (sale) WHERE r.given_at IS NULL
             ORDER BY r.since, t.series, t.serial LIMIT ?1",
        )?;
        let rows = select.query_map([REFUNDS_MAX], |row| {
            let show = self.replica().ledger().show(ShowNumber(row.get(5)?));
            let tender = tender_at(row, 10)?;
            Ok(RefundView {
                ticket: TicketId(row.get(0)?).to_string(),
                sale: BookingId(row.get(1)?).to_string(),
                code: row.get(2)?,
                serial: format!("{}-{:06}", row.get::<_, String>(3)?, row.get::<_, i64>(4)?),
                show: show.map(|show| self.view().show(show, now)),
                seat: row.get(6)?,
                tender,
                amount: Money { minor: tender.charges(row.get(8)?), currency: currency_at(row, 7)? },
                since: self.identity().zone.rfc3339(Timestamp(row.get(9)?)),
            })
        })?;
        rows.collect::<Result<_, _>>().context("list what is to be given back")
    }
}
