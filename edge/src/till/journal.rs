//! The till journal in the database: rows are appended in the transaction of what they tell, and never touched again.

use super::{currency_at, tender_at};
use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, params};
use shared::entry::Hash;
use shared::ids::{BookingId, TicketId};
use shared::money::{Currency, Money};
use shared::till::drawer::Drawer;
use shared::till::journal::{self, Last, Row, Tampered};
use shared::till::{Pieces, ShiftNumber, Tender, TillEntry, TillFact};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// The shift that a member of staff has open.
///
/// # Errors
/// If the database fails.
pub fn open_shift(db: &Connection, staff: &str) -> rusqlite::Result<Option<ShiftNumber>> {
    db.prepare_cached("SELECT shift FROM shifts WHERE staff = ?1 AND z IS NULL")?
        .query_row([staff], |row| row.get(0).map(ShiftNumber))
        .optional()
}

/// Opens the next shift.
///
/// # Errors
/// If the person has one open, or the database fails.
pub fn open(
    tx: &Transaction<'_>,
    staff: &str,
    currency: Currency,
    float: Vec<Pieces>,
    now: Timestamp,
) -> anyhow::Result<ShiftNumber> {
    let shift =
        tx.query_row("SELECT coalesce(max(shift), 0) + 1 FROM shifts", [], |row| row.get(0).map(ShiftNumber))?;
    tx.execute("INSERT INTO shifts (shift, staff, z) VALUES (?1, ?2, NULL)", params![shift.0, staff])
        .with_context(|| format!("open a shift of {staff}"))?;
    append(tx, &TillEntry { at: now, shift, staff: staff.to_owned(), fact: TillFact::Opened { currency, float } })?;
    Ok(shift)
}

/// The shift that somebody has open, or one that begins now without a float.
///
/// # Errors
/// If the database fails.
pub fn shift_of(tx: &Transaction<'_>, staff: &str, currency: Currency, now: Timestamp) -> anyhow::Result<ShiftNumber> {
    match open_shift(tx, staff)? {
        Some(shift) => Ok(shift),
        None => open(tx, staff, currency, Vec::new(), now),
    }
}

/// Writes a sale into the seller's shift, which is opened without a float where there is none.
///
/// # Errors
/// If the database fails.
pub fn note_sale(
    tx: &Transaction<'_>,
    staff: &str,
    sale: BookingId,
    tender: Tender,
    total: Money,
    now: Timestamp,
) -> anyhow::Result<()> {
    let shift = shift_of(tx, staff, total.currency, now)?;
    let fact = TillFact::Sold { sale, tender, minor: total.minor };
    append(tx, &TillEntry { at: now, shift, staff: staff.to_owned(), fact })
}

/// Writes that a ticket of this counter was taken back: its price leaves the drawer of whoever gave it back, or, where that one has
/// none open, the drawer it went into.
///
/// # Errors
/// If the database fails.
pub fn note_void(tx: &Transaction<'_>, ticket: TicketId, by: &str, now: Timestamp) -> anyhow::Result<()> {
    let select = "SELECT s.staff, s.tender, s.currency, t.price_minor
                  FROM sale_tickets t JOIN sales s USING (sale) WHERE t.ticket = ?1";
    let read = |row: &SqlRow<'_>| {
        Ok((row.get::<_, String>(0)?, tender_at(row, 1)?, currency_at(row, 2)?, row.get::<_, i64>(3)?))
    };
    let found = tx.prepare_cached(select)?.query_row([ticket.0], read).optional()?;
    let Some((seller, tender, currency, minor)) = found else { return Ok(()) };
    let shift = match (open_shift(tx, by)?, open_shift(tx, &seller)?) {
        (Some(shift), _) | (None, Some(shift)) => shift,
        (None, None) => open(tx, by, currency, Vec::new(), now)?,
    };
    tx.prepare_cached("UPDATE sale_tickets SET voided_at = ?2 WHERE ticket = ?1")?.execute(params![ticket.0, now.0])?;
    append(tx, &TillEntry { at: now, shift, staff: by.to_owned(), fact: TillFact::Voided { ticket, tender, minor } })
}

/// Appends a row.
///
/// # Errors
/// If the database fails.
pub fn append(tx: &Transaction<'_>, entry: &TillEntry) -> anyhow::Result<()> {
    let row = last(tx)?.next(entry.encode().context("encode a row of the till journal")?);
    tx.prepare_cached("INSERT INTO till_journal (seq, shift, entry, hash) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![row.seq, entry.shift.0, row.bytes, row.hash.0])?;
    tx.prepare_cached(
        "INSERT INTO till_last (one, seq, hash) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET (seq, hash) = (excluded.seq, excluded.hash)",
    )?
    .execute(params![row.seq, row.hash.0])?;
    Ok(())
}

/// Notes the report that closed a shift.
///
/// # Errors
/// If the database fails.
pub fn close(tx: &Transaction<'_>, shift: ShiftNumber, z: u32) -> rusqlite::Result<()> {
    tx.execute("UPDATE shifts SET z = ?2 WHERE shift = ?1", params![shift.0, z]).map(|_one| ())
}

/// The number of the next report.
///
/// # Errors
/// If the database fails.
pub fn next_z(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("SELECT coalesce(max(z), 0) + 1 FROM shifts", [], |row| row.get(0))
}

/// Shifts, the latest first: the open ones, or those with a report.
///
/// # Errors
/// If the database fails, or a row of the journal cannot be read.
pub fn drawers(db: &Connection, closed: bool, at_most: u32) -> anyhow::Result<Vec<Drawer>> {
    let select = "SELECT shift FROM shifts WHERE (z IS NOT NULL) = ?1 ORDER BY shift DESC LIMIT ?2";
    let numbers: Vec<u32> =
        db.prepare_cached(select)?.query_map(params![closed, at_most], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let found = numbers.into_iter().map(|number| drawer(db, ShiftNumber(number)));
    found.filter_map(Result::transpose).collect()
}

/// The shift that a report closed.
///
/// # Errors
/// If the database fails, or a row of the journal cannot be read.
pub fn report(db: &Connection, z: u32) -> anyhow::Result<Option<Drawer>> {
    let shift =
        db.query_row("SELECT shift FROM shifts WHERE z = ?1", [z], |row| row.get(0).map(ShiftNumber)).optional()?;
    shift.map_or(Ok(None), |shift| drawer(db, shift))
}

/// A shift, from its rows.
///
/// # Errors
/// If the database fails, or a row of the journal cannot be read.
pub fn drawer(db: &Connection, shift: ShiftNumber) -> anyhow::Result<Option<Drawer>> {
    let mut select = db.prepare_cached("SELECT seq, entry FROM till_journal WHERE shift = ?1 ORDER BY seq")?;
    let rows = select.query_map([shift.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut drawer: Option<Drawer> = None;
    for row in rows {
        let (seq, bytes): (u32, Vec<u8>) = row?;
        let entry = TillEntry::decode(&bytes).with_context(|| format!("read row {seq} of the till journal"))?;
        let fits = match &mut drawer {
            Some(drawer) => drawer.apply(&entry),
            None => {
                drawer = Drawer::open(&entry);
                drawer.is_some()
            }
        };
        anyhow::ensure!(fits, "row {seq} of the till journal does not belong to shift {shift}");
    }
    Ok(drawer)
}

/// Follows the whole journal and compares it with the sales it must tell of. Returns its last row.
///
/// # Errors
/// If the database fails. On the inside: the first row that is not what was written.
pub fn check(db: &Connection) -> anyhow::Result<Result<Last, Tampered>> {
    let mut select = db.prepare("SELECT seq, entry, hash FROM till_journal ORDER BY seq")?;
    let read = |row: &SqlRow<'_>| Ok(Row { seq: row.get(0)?, bytes: row.get(1)?, hash: Hash(row.get(2)?) });
    let rows: Vec<Row> = select.query_map([], read)?.collect::<Result<_, _>>()?;
    let last = last(db)?;
    let sold = told_sales(&rows);
    if let Err(tampered) = journal::read(rows, last) {
        return Ok(Err(tampered));
    }
    let mut select = db.prepare("SELECT sale, tender, total_minor FROM sales")?;
    let sales =
        select.query_map([], |row| Ok((BookingId(row.get(0)?), row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))?;
    for sale in sales {
        let (sale, tender, minor) = sale?;
        match sold.get(&sale) {
            Some((_, told, told_minor)) if told.word() == tender && *told_minor == minor => {}
            Some((seq, ..)) => return Ok(Err(Tampered { seq: *seq, why: "tells another amount than its sale" })),
            None => return Ok(Err(Tampered { seq: last.seq + 1, why: "is missing: a sale is not told" })),
        }
    }
    Ok(Ok(last))
}

fn told_sales(rows: &[Row]) -> BTreeMap<BookingId, (u32, Tender, i64)> {
    let told = |row: &Row| match TillEntry::decode(&row.bytes).ok()?.fact {
        TillFact::Sold { sale, tender, minor } => Some((sale, (row.seq, tender, minor))),
        _ => None,
    };
    rows.iter().filter_map(told).collect()
}

fn last(db: &Connection) -> rusqlite::Result<Last> {
    let found = db
        .prepare_cached("SELECT seq, hash FROM till_last")?
        .query_row([], |row| Ok(Last { seq: row.get(0)?, hash: Hash(row.get(1)?) }))
        .optional()?;
    Ok(found.unwrap_or_default())
}
