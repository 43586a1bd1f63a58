//! What was sold on the web, told by day. The ledger knows which tickets central sold and not when: both logs are read for that, each
//! entry once, when somebody asks for a day.

use crate::desk::Desk;
use crate::house::House;
use anyhow::Context;
use node::ledger_store::StoredLogs;
use node::problem::Problem;
use node::replica_view::lines;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use shared::entry::{Entry, Fact, SoldSeat};
use shared::ids::{ShowNumber, Side};
use shared::money::{Currency, Money};
use shared::time::Timestamp;
use std::sync::Arc;
use sync_protocol::log::EntrySource;

/// Bytes of a log that are read in one turn of the writer.
const BYTES_AT_ONCE: usize = 256 << 10;

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
    /// Reads a part of what is new in the logs. True while there is more.
    fn read_web_sales(&self, tx: &Transaction<'_>) -> anyhow::Result<bool> {
        let logs = StoredLogs::new(tx, self.replica().theatre());
        // A void follows on its sale, so the one log is read to its end before the other.
        for log in [Side::Central, Side::Edge] {
            let (seq, hash) = read_to(tx, log)?;
            let same = seq == 0 || logs.head_at(log, seq)?.is_some_and(|head| head.hash.0 == hash);
            if !same {
                // Another line of the log counts by now: everything is read again.
                tx.execute_batch("DELETE FROM web_tickets; DELETE FROM web_read;")?;
                return Ok(true);
            }
            let entries = logs.entries(log, seq + 1, BYTES_AT_ONCE)?;
            let last = seq + entries.len() as u64;
            for bytes in &entries {
                if let Ok(Entry { at, fact, .. }) = Entry::decode(bytes) {
                    self.note_web_fact(tx, log, &fact, at)?;
                }
            }
            if last > seq {
                let head = logs.head_at(log, last)?.context("find the entry that was read last")?;
                tx.prepare_cached(
                    "INSERT INTO web_read (log, seq, hash) VALUES (?1, ?2, ?3)
                     ON CONFLICT (log) DO UPDATE SET (seq, hash) = (excluded.seq, excluded.hash)",
                )?
                .execute(params![log.word(), last.cast_signed(), head.hash.0])?;
                return Ok(true);
            }
        }
        Ok(false)
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

fn read_to(db: &Connection, log: Side) -> rusqlite::Result<(u64, [u8; 32])> {
    let found = db
        .prepare_cached("SELECT seq, hash FROM web_read WHERE log = ?1")?
        .query_row([log.word()], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or_default())
}
