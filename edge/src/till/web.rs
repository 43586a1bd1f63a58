//! What was sold on the web, told by day. The ledger knows which tickets central sold and not when: both logs are read for that, each
//! entry once, when somebody asks for a day.

use crate::desk::Desk;
use crate::desk::reading::Reading;
use crate::house::House;
use node::problem::Problem;
use node::replica_view::lines;
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use shared::entry::{Fact, SoldSeat};
use shared::ids::{ShowNumber, Side};
use shared::money::{Currency, Money};
use shared::time::Timestamp;
use std::sync::Arc;

const READING: Reading = Reading { read: "web_read", made: &["web_tickets"] };

/// What the web sold on a day, and what went back on it.
#[derive(Debug, Serialize)]
pub struct WebView {
    /// Tickets.
    sold: u32,
    void: u32,
    net: Money,
}

impl WebView {
    /// The same of a day.
    ///
    /// # Errors
    /// If the database fails.
    pub fn of(db: &Connection, currency: Currency, (from, until): (Timestamp, Timestamp)) -> rusqlite::Result<Self> {
        let count = |column: &str| {
            let select = format!(
                "SELECT count(*), coalesce(sum(price_minor), 0) FROM web_tickets WHERE {column} >= ?1 AND {column} < ?2"
            );
            db.prepare_cached(&select)?
                .query_row([from.0, until.0], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?)))
        };
        let ((sold, gross), (void, back)) = (count("sold_at")?, count("voided_at")?);
        Ok(Self { sold, void, net: Money { minor: gross - back, currency } })
    }
}

/// Reads both logs to their ends.
///
/// # Errors
/// If the store fails, or a log cannot be read.
pub async fn catch_up(house: &Arc<House>) -> Result<(), Problem> {
    while house.writer.run(|desk, tx, _| desk.read_web_sales(tx)).await? {}
    Ok(())
}

impl Desk {
    /// Reads a part of what is new in the logs: a void follows on its sale, so central's comes first. True while there is more.
    fn read_web_sales(&self, tx: &Transaction<'_>) -> anyhow::Result<bool> {
        self.read_on(tx, READING, |log, _, entry| self.note_web_fact(tx, log, &entry.fact, entry.at))
    }

    fn note_web_fact(&self, tx: &Transaction<'_>, log: Side, fact: &Fact, at: Timestamp) -> anyhow::Result<()> {
        match (log, fact) {
            (Side::Central, Fact::Sold { show, seats, .. }) => {
                seats.iter().try_for_each(|seat| self.note_web_seat(tx, *show, *seat, at))
            }
            (Side::Central, Fact::TicketFound { show, seat, .. }) => self.note_web_seat(tx, *show, *seat, at),
            (Side::Edge, Fact::VoidAccepted(ended)) => {
                let update = "UPDATE web_tickets SET voided_at = ?2 WHERE ticket = ?1 AND voided_at IS NULL";
                tx.prepare_cached(update)?.execute(params![ended.ticket.0, at.0])?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note_web_seat(
        &self,
        tx: &Transaction<'_>,
        number: ShowNumber,
        seat: SoldSeat,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        let ledger = self.replica().ledger();
        let known = ledger.show(number);
        if known.is_some() && ledger.ticket(seat.ticket).is_none_or(|ticket| ticket.sale.is_none()) {
            // Listed as what does not fit: it gave nobody a seat.
            return Ok(());
        }
        let category = known.and_then(|show| lines(show, [(seat.seat, seat.price)]).0.pop()).map(|line| line.category);
        tx.prepare_cached(
            "INSERT INTO web_tickets (ticket, show, category, price_minor, sold_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![seat.ticket.0, number.0, category.unwrap_or_default(), seat.price, at.0])?;
        Ok(())
    }
}
