//! Guests who went out again, and entries that were taken back: those of this door, which the edge must hear of, and the last one of
//! each ticket.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::admission::{Admission, Departure, Effect, WayOut};
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
    note(tx, "departed", (ticket, show, at))
}

/// Notes that nobody is inside on a ticket after this time, and that it stays used.
pub(crate) fn note_gone(
    tx: &Transaction<'_>,
    ticket: TicketId,
    show: ShowNumber,
    at: Timestamp,
) -> rusqlite::Result<()> {
    note(tx, "gone", (ticket, show, at))
}

fn note(
    tx: &Transaction<'_>,
    table: &str,
    (ticket, show, at): (TicketId, ShowNumber, Timestamp),
) -> rusqlite::Result<()> {
    tx.prepare_cached(&format!(
        "INSERT INTO {table} (ticket, show, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (ticket) DO UPDATE SET at = ?3 WHERE ?3 > at"
    ))?
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

/// What a departure of the ticket came to that was written down under this number; nothing if none was.
pub(crate) fn effect_of(db: &Connection, id: ScanId, ticket: TicketId) -> rusqlite::Result<Option<Effect>> {
    let since = |table: &str| {
        format!(
            "EXISTS (SELECT 1 FROM {table} WHERE {table}.ticket = departures.ticket AND {table}.at >= departures.at)"
        )
    };
    let select =
        format!("SELECT {}, {} FROM departures WHERE departure = ?1 AND ticket = ?2", since("departed"), since("gone"));
    db.prepare_cached(&select)?
        .query_row(params![id.0, ticket.0], |row| {
            Ok(match (row.get(0)?, row.get(1)?) {
                (true, _) => Effect::Again,
                (false, true) => Effect::Gone,
                (false, false) => Effect::Nothing,
            })
        })
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

/// The edge has said what these departures come to.
pub(crate) fn settle_departures(tx: &Transaction<'_>, told: &[(ScanId, Effect)]) -> rusqlite::Result<()> {
    for (id, effect) in told {
        for (table, counts) in [("departed", *effect == Effect::Again), ("gone", *effect == Effect::Gone)] {
            let kept = if counts {
                format!(
                    "INSERT INTO {table} (ticket, show, at) SELECT ticket, show, at FROM departures WHERE departure = ?1
                     ON CONFLICT (ticket) DO UPDATE SET at = excluded.at WHERE excluded.at > {table}.at"
                )
            } else {
                format!(
                    "DELETE FROM {table} WHERE (ticket, at) = (SELECT ticket, at FROM departures WHERE departure = ?1)"
                )
            };
            tx.prepare_cached(&kept)?.execute([id.0])?;
        }
    }
    Ok(())
}

/// The entry of somebody who is inside on a ticket, as known here, with its show.
pub(crate) fn entry_of(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<(ShowNumber, Admission)>> {
    db.prepare_cached(
        "SELECT show, admitted_at, door FROM admissions WHERE ticket = ?1
             AND NOT EXISTS (SELECT 1 FROM departed WHERE departed.ticket = admissions.ticket AND departed.at >= admitted_at)
             AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.ticket = admissions.ticket AND gone.at >= admitted_at)",
    )?
    .query_row([ticket.0], |row| {
        Ok((ShowNumber(row.get(0)?), Admission { at: Timestamp(row.get(1)?), door: row.get(2)? }))
    })
    .optional()
}

/// Whether guests of the show are let out, and back; nothing for a show that is not known here.
pub(crate) fn way_out(db: &Connection, show: ShowNumber) -> rusqlite::Result<Option<WayOut>> {
    db.prepare_cached("SELECT exit, reentry FROM shows WHERE show = ?1")?
        .query_row([show.0], |row| Ok(WayOut::new(row.get(0)?, row.get(1)?)))
        .optional()
}
