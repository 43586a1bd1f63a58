//! Guests who went out again, and entries that were taken back: those of this door, which the edge must hear of, and the last one of
//! each ticket.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::admission::{Admission, Departure};
use shared::ids::{ScanId, ShowNumber, TicketId};
use shared::time::Timestamp;

/// A departure at this door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Departed {
    pub(crate) id: ScanId,
    pub(crate) ticket: TicketId,
    pub(crate) show: ShowNumber,
    pub(crate) how: Departure,
    pub(crate) at: Timestamp,
    pub(crate) door: String,
}

/// Notes that a ticket may enter again after this time.
pub(crate) fn note_departed(
    tx: &Transaction<'_>,
    ticket: TicketId,
    show: ShowNumber,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO departed (ticket, show, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (ticket) DO UPDATE SET at = ?3 WHERE ?3 > at",
    )?
    .execute(params![ticket.0, show.0, at.0])?;
    Ok(())
}

/// Keeps a departure of this door until the edge has it.
pub(crate) fn keep_departure(tx: &Transaction<'_>, departed: &Departed) -> rusqlite::Result<()> {
    let Departed { id, ticket, show, how, at, door } = departed;
    tx.prepare_cached(
        "INSERT OR IGNORE INTO departures (departure, ticket, show, how, at, door, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued')",
    )?
    .execute(params![id.0, ticket.0, show.0, how.word(), at.0, door])?;
    Ok(())
}

/// Whether a departure of the ticket that was written down under this number counts; nothing if none was.
pub(crate) fn has_departed(db: &Connection, id: ScanId, ticket: TicketId) -> rusqlite::Result<Option<bool>> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM departed WHERE departed.ticket = departures.ticket AND departed.at >= departures.at)
         FROM departures WHERE departure = ?1 AND ticket = ?2",
    )?
    .query_row(params![id.0, ticket.0], |row| row.get(0))
    .optional()
}

/// The oldest departures that the edge has not stored yet.
pub(crate) fn queued_departures(db: &Connection, count: usize) -> rusqlite::Result<Vec<Departed>> {
    db.prepare_cached(
        "SELECT departure, ticket, show, how, at, door FROM departures WHERE state = 'queued' ORDER BY at LIMIT ?1",
    )?
    .query_map([i64::try_from(count).unwrap_or(i64::MAX)], |row| {
        let how: String = row.get(3)?;
        Ok(Departed {
            id: ScanId(row.get(0)?),
            ticket: TicketId(row.get(1)?),
            show: ShowNumber(row.get(2)?),
            how: Departure::from_word(&how).unwrap_or(Departure::Out),
            at: Timestamp(row.get(4)?),
            door: row.get(5)?,
        })
    })?
    .collect()
}

/// The edge has stored these departures.
pub(crate) fn acknowledge_departures(tx: &Transaction<'_>, departures: &[ScanId]) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached("UPDATE departures SET state = 'stored' WHERE departure = ?1")?;
    for departure in departures {
        put.execute([departure.0])?;
    }
    Ok(())
}

/// These departures do not count: whoever came in before them is inside.
pub(crate) fn forget_departed(tx: &Transaction<'_>, departures: &[ScanId]) -> rusqlite::Result<()> {
    let mut forget = tx.prepare_cached(
        "DELETE FROM departed WHERE (ticket, at) = (SELECT ticket, at FROM departures WHERE departure = ?1)",
    )?;
    for departure in departures {
        forget.execute([departure.0])?;
    }
    Ok(())
}

/// The entry of a ticket as known here, with its show.
pub(crate) fn entry_of(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<(ShowNumber, Admission)>> {
    db.prepare_cached(
        "SELECT show, admitted_at, door FROM admissions WHERE ticket = ?1 AND NOT EXISTS
             (SELECT 1 FROM departed WHERE departed.ticket = admissions.ticket AND departed.at >= admissions.admitted_at)",
    )?
    .query_row([ticket.0], |row| {
        Ok((ShowNumber(row.get(0)?), Admission { at: Timestamp(row.get(1)?), door: row.get(2)? }))
    })
    .optional()
}

/// Whether guests of the show may come back; nothing for a show that is not known here.
pub(crate) fn reentry(db: &Connection, show: ShowNumber) -> rusqlite::Result<Option<bool>> {
    db.prepare_cached("SELECT reentry FROM shows WHERE show = ?1")?.query_row([show.0], |row| row.get(0)).optional()
}
