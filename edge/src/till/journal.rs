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

/// What goes back for a ticket.
pub struct Price {
    /// Who sold it.
    seller: String,
    /// How it goes back.
    pub tender: Tender,
    currency: Currency,
    /// How much, minor units.
    pub minor: i64,
}

/// The price of a ticket of this counter; nothing of any other.
///
/// # Errors
/// If the database fails.
pub fn price(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<Price>> {
    let select = "SELECT s.staff, coalesce(t.back, s.tender), s.currency, t.price_minor
                  FROM sale_tickets t JOIN sales s USING (sale) WHERE t.ticket = ?1";
    let read = |row: &SqlRow<'_>| {
        let (tender, currency) = (tender_at(row, 1)?, currency_at(row, 2)?);
        Ok(Price { seller: row.get(0)?, tender, currency, minor: row.get(3)? })
    };
    db.prepare_cached(select)?.query_row([ticket.0], read).optional()
}

/// Writes that a ticket of this counter was taken back: its price leaves the drawer of whoever gave it back, or, where that one has
/// none open, the drawer it went into.
///
/// # Errors
/// If the database fails.
pub fn note_void(tx: &Transaction<'_>, ticket: TicketId, by: &str, now: Timestamp) -> anyhow::Result<()> {
    let Some(price) = price(tx, ticket)? else { return Ok(()) };
    let shift = match (open_shift(tx, by)?, open_shift(tx, &price.seller)?) {
        (Some(shift), _) | (None, Some(shift)) => shift,
        (None, None) => open(tx, by, price.currency, Vec::new(), now)?,
    };
    append_void(tx, ticket, shift, by, &price, now)
}

/// Writes that the price of a ticket whose void waited was given back: it stands in the shift of whoever did that. Returns what went
/// back.
///
/// # Errors
/// If there is no such ticket, or the database fails.
pub fn note_handed_over(tx: &Transaction<'_>, ticket: TicketId, by: &str, now: Timestamp) -> anyhow::Result<Money> {
    let price = price(tx, ticket)?.with_context(|| format!("find the price of ticket {ticket}"))?;
    let shift = shift_of(tx, by, price.currency, now)?;
    append_void(tx, ticket, shift, by, &price, now)?;
    Ok(Money { minor: price.tender.charges(price.minor), currency: price.currency })
}

fn append_void(
    tx: &Transaction<'_>,
    ticket: TicketId,
    shift: ShiftNumber,
    by: &str,
    price: &Price,
    now: Timestamp,
) -> anyhow::Result<()> {
    tx.prepare_cached("UPDATE sale_tickets SET voided_at = ?2 WHERE ticket = ?1")?.execute(params![ticket.0, now.0])?;
    let fact = TillFact::Voided { ticket, tender: price.tender, minor: price.minor };
    append(tx, &TillEntry { at: now, shift, staff: by.to_owned(), fact })
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

/// The shifts that were closed in a time, by their reports' numbers. Reports are numbered as they are closed, so that only the last row
/// of those that came later is read.
///
/// # Errors
/// If the database fails, or a row of the journal cannot be read.
pub fn closed_in(db: &Connection, from: Timestamp, until: Timestamp) -> anyhow::Result<Vec<Drawer>> {
    let mut select = db.prepare_cached(
        "SELECT s.shift, (SELECT entry FROM till_journal j WHERE j.shift = s.shift ORDER BY seq DESC LIMIT 1)
         FROM shifts s WHERE z IS NOT NULL ORDER BY z DESC",
    )?;
    let mut rows = select.query([])?;
    let mut closed = Vec::new();
    while let Some(row) = rows.next()? {
        let (shift, bytes): (u32, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let last = TillEntry::decode(&bytes).with_context(|| format!("read the end of shift {shift}"))?;
        if last.at < from {
            break;
        }
        if last.at < until {
            closed.extend(drawer(db, ShiftNumber(shift))?);
        }
    }
    closed.reverse();
    Ok(closed)
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

/// Follows the whole journal and compares it with the sales, the voids and the shifts that it tells of. Returns its last row.
///
/// # Errors
/// If the database fails. On the inside: the first row that is not what was written.
pub fn check(db: &Connection) -> anyhow::Result<Result<Last, Tampered>> {
    let mut select = db.prepare("SELECT seq, entry, hash, shift FROM till_journal ORDER BY seq")?;
    let read = |row: &SqlRow<'_>| {
        // What is no hash is not the one that was written.
        let hash = row.get::<_, Vec<u8>>(2)?.try_into().map(Hash).unwrap_or_default();
        let seq = row.get::<_, i64>(0)?;
        Ok((Row { seq: u32::try_from(seq).unwrap_or_default(), bytes: row.get(1)?, hash }, row.get::<_, i64>(3)?))
    };
    let (rows, filed): (Vec<Row>, Vec<i64>) =
        select.query_map([], read)?.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let last = last(db)?;
    let told = Told::of(&rows);
    if let Err(tampered) = journal::read(rows, last) {
        return Ok(Err(tampered));
    }
    if let Some(found) = told.shifts.iter().zip(filed).find(|((_, shift), filed)| i64::from(*shift) != *filed) {
        return Ok(Err(Tampered { seq: found.0.0, why: "is filed under another shift" }));
    }
    told.compare(db, last)
}

/// What the rows tell, with the number of the row that does.
struct Told {
    sold: ToldAmounts<BookingId>,
    voided: ToldAmounts<TicketId>,
    /// The shift that each row is of.
    shifts: Vec<(u32, u32)>,
    closed: BTreeMap<u32, (u32, u32)>,
}

impl Told {
    fn of(rows: &[Row]) -> Self {
        let mut told =
            Self { sold: BTreeMap::new(), voided: BTreeMap::new(), shifts: Vec::new(), closed: BTreeMap::new() };
        for row in rows {
            let Ok(TillEntry { shift, fact, .. }) = TillEntry::decode(&row.bytes) else { continue };
            told.shifts.push((row.seq, shift.0));
            match fact {
                TillFact::Sold { sale, tender, minor } => {
                    told.sold.insert(sale, (row.seq, tender, minor));
                }
                TillFact::Voided { ticket, tender, minor } => {
                    told.voided.insert(ticket, (row.seq, tender, minor));
                }
                TillFact::Closed { z, .. } => {
                    told.closed.insert(shift.0, (row.seq, z));
                }
                _ => {}
            }
        }
        told
    }

    fn compare(mut self, db: &Connection, last: Last) -> anyhow::Result<Result<Last, Tampered>> {
        let missing = |why| Ok(Err(Tampered { seq: last.seq + 1, why }));
        let bad = |seq, why| Ok(Err(Tampered { seq, why }));
        let differs = SALES.compare(db, &mut self.sold, |row| Ok(BookingId(row.get(0)?)), last)?;
        if let Some(tampered) = differs {
            return Ok(Err(tampered));
        }
        let differs = VOIDS.compare(db, &mut self.voided, |row| Ok(TicketId(row.get(0)?)), last)?;
        if let Some(tampered) = differs {
            return Ok(Err(tampered));
        }
        let mut select = db.prepare("SELECT shift, z FROM shifts WHERE z IS NOT NULL")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let z = row.get::<_, u32>(1)?;
            match self.closed.remove(&row.get(0)?) {
                Some((_, told)) if told == z => {}
                Some((seq, _)) => return bad(seq, "tells another report than its shift"),
                None => return missing("is missing: the end of a shift is not told"),
            }
        }
        let untold = [
            self.sold.values().map(|(seq, ..)| *seq).min().map(|seq| (seq, "tells of a sale that is not there")),
            self.voided.values().map(|(seq, ..)| *seq).min().map(|seq| (seq, "tells of a void that is not there")),
            self.closed.values().map(|(seq, _)| *seq).min().map(|seq| (seq, "closes a shift that is open")),
        ];
        Ok(match untold.into_iter().flatten().next() {
            Some((seq, why)) => Err(Tampered { seq, why }),
            None => Ok(last),
        })
    }
}

/// An amount of each, and the row that tells it.
type ToldAmounts<K> = BTreeMap<K, (u32, Tender, i64)>;

/// Rows beside the journal with an amount each, and what is said where the journal tells another one or none.
struct Amounts {
    select: &'static str,
    differs: &'static str,
    missing: &'static str,
}

const SALES: Amounts = Amounts {
    select: "SELECT sale, tender, total_minor FROM sales",
    differs: "tells another amount than its sale",
    missing: "is missing: a sale is not told",
};
const VOIDS: Amounts = Amounts {
    select: "SELECT t.ticket, coalesce(t.back, s.tender), t.price_minor FROM sale_tickets t JOIN sales s USING (sale)
             WHERE t.voided_at IS NOT NULL",
    differs: "tells another amount than its ticket",
    missing: "is missing: a void is not told",
};

impl Amounts {
    /// The first that is not as the journal tells it. What it tells rightly is taken out of `told`.
    fn compare<K: Ord>(
        &self,
        db: &Connection,
        told: &mut ToldAmounts<K>,
        id: impl Fn(&SqlRow<'_>) -> rusqlite::Result<K>,
        last: Last,
    ) -> anyhow::Result<Option<Tampered>> {
        let mut select = db.prepare(self.select)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (tender, minor) = (tender_at(row, 1)?, row.get::<_, i64>(2)?);
            match told.remove(&id(row)?) {
                Some((_, told, told_minor)) if told == tender && told_minor == minor => {}
                Some((seq, ..)) => return Ok(Some(Tampered { seq, why: self.differs })),
                // Nobody knows in which shift it was paid.
                None if tender == Tender::Recovered => {}
                None => return Ok(Some(Tampered { seq: last.seq + 1, why: self.missing })),
            }
        }
        Ok(None)
    }
}

pub(super) fn last(db: &Connection) -> rusqlite::Result<Last> {
    let found = db
        .prepare_cached("SELECT seq, hash FROM till_last")?
        .query_row([], |row| Ok(Last { seq: row.get(0)?, hash: Hash(row.get(1)?) }))
        .optional()?;
    Ok(found.unwrap_or_default())
}
