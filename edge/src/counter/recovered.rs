//! Sales and voids that this box had forgotten, or never knew, and has again: from its witness, from central, or by a ticket that
//! turned up. The log tells seats, prices and tickets; nobody knows how they were paid, so they are in nobody's shift.

use super::sales::{SERIES, next_serial};
use super::void::{self, Outcome};
use crate::desk::Desk;
use node::replica_view::lines;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::entry::{Fact, SoldSeat};
use shared::ids::{BookingId, ShowNumber, TicketId};
use shared::ledger::SaleLine;
use shared::ticket::booking_code;
use shared::till::Tender;
use shared::time::Timestamp;

/// The series of tickets that turned up: what number stands on them is not in the log.
const FOUND_SERIES: &str = "found";

/// Whether rows of the counter are made of this fact of the own log.
pub fn tells(fact: &Fact, returned: bool) -> bool {
    match fact {
        Fact::Sold { .. } | Fact::Voided(_) => returned,
        Fact::TicketFound { .. } => true,
        _ => false,
    }
}

impl Desk {
    /// Makes rows of what came back, in the order in which it was written.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) fn record_returned(&mut self, tx: &Transaction<'_>) -> anyhow::Result<()> {
        for (fact, at) in self.take_returned() {
            match fact {
                Fact::Sold { show, booking, seats, .. } => self.record_seats(tx, show, booking, &seats, SERIES, at)?,
                Fact::TicketFound { show, booking, seat } => {
                    self.record_seats(tx, show, booking, &[seat], FOUND_SERIES, at)?;
                }
                Fact::Voided(ended) => self.record_void(tx, ended.ticket, at)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The serials come out as they are on paper: each ticket of this log had the next one.
    fn record_seats(
        &self,
        tx: &Transaction<'_>,
        number: ShowNumber,
        sale: BookingId,
        seats: &[SoldSeat],
        series: &str,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        let ledger = self.replica().ledger();
        for seat in seats {
            if has_ticket(tx, seat.ticket)? {
                continue;
            }
            let serial = next_serial(tx, series)?;
            // Its show is over and forgotten, or it is listed as what does not fit: its number is on paper all the same.
            let (Some(show), Some(ticket)) = (ledger.show(number), ledger.ticket(seat.ticket)) else { continue };
            let code = booking_code(sale);
            let currency = show.facts.currency.code();
            tx.prepare_cached(
                "INSERT INTO sales (sale, code, show, staff, tender, currency, total_minor, sold_at)
                 VALUES (?1, ?2, ?3, '', ?4, ?5, 0, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![sale.0, code, number.0, Tender::Recovered.word(), currency, at.0])?;
            let line = SaleLine { at: ticket.at, price: seat.price };
            let (told, total) = lines(show, [(line.at.seat, line.price)]);
            let Some(told) = told.first() else { continue };
            tx.prepare_cached(
                "INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                line.at.ticket.0,
                sale.0,
                told.seat,
                told.category,
                total.minor,
                self.sign(show, &line)?,
                series,
                serial
            ])?;
            tx.prepare_cached("UPDATE sales SET total_minor = total_minor + ?2 WHERE sale = ?1 AND tender = ?3")?
                .execute(params![sale.0, total.minor, Tender::Recovered.word()])?;
        }
        Ok(())
    }

    /// Whoever gave the money back, it is in no shift that this box knows.
    fn record_void(&mut self, tx: &Transaction<'_>, ticket: TicketId, at: Timestamp) -> anyhow::Result<()> {
        tx.prepare_cached(
            "UPDATE sale_tickets SET (voided_at, back) = (?2, ?3) WHERE ticket = ?1 AND voided_at IS NULL",
        )?
        .execute(params![ticket.0, at.0, Tender::Recovered.word()])?;
        self.forget_asked(ticket);
        Ok(void::ended(tx, ticket, Outcome::Void, at)?)
    }
}

fn has_ticket(db: &Connection, ticket: TicketId) -> rusqlite::Result<bool> {
    let select = "SELECT 1 FROM sale_tickets WHERE ticket = ?1";
    Ok(db.prepare_cached(select)?.query_row([ticket.0], |_| Ok(())).optional()?.is_some())
}
