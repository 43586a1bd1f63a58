//! What a benchmark ends with: the books of both sides are the same, and hold every ticket that was handed out, once.

use anyhow::{Context, ensure};
use node::sqlite::open_read_only;
use rusqlite::Connection;
use shared::entry::{Entry, Fact};
use shared::ids::TicketId;
use shared::ledger::HeldSeat;
use std::collections::BTreeSet;
use std::path::Path;

/// An entry's log, number and chain hash.
type Link = (String, i64, Vec<u8>);

/// Reads both databases and the tickets that were handed out. Returns how many tickets were sold.
///
/// # Errors
/// If a log differs, a seat was sold twice, or a ticket is missing or was never handed out.
pub(super) fn check(central: &Path, edge: &Path, handed: &[TicketId]) -> anyhow::Result<usize> {
    let (central, edge) = (open_read_only(central)?, open_read_only(edge)?);
    // Equal hashes are equal entries, and all entries before them.
    ensure!(links(&central)? == links(&edge)?, "the logs of the two sides differ");
    hold_all(&central, handed)
}

/// [`check`] of one side's database alone, where the logs are known to be equal.
///
/// # Errors
/// If a seat was sold twice, or a ticket is missing or was never handed out.
pub(super) fn check_one(side: &Path, handed: &[TicketId]) -> anyhow::Result<usize> {
    hold_all(&open_read_only(side)?, handed)
}

fn hold_all(side: &Connection, handed: &[TicketId]) -> anyhow::Result<usize> {
    let sold = sold(side).context("read what was sold")?;
    let handed: BTreeSet<TicketId> = handed.iter().copied().collect();
    let missing = handed.difference(&sold).count();
    ensure!(missing == 0, "{missing} of {} tickets that were handed out are in no book", handed.len());
    ensure!(sold.len() == handed.len(), "{} tickets are in the books, {} were handed out", sold.len(), handed.len());
    Ok(sold.len())
}

fn links(database: &Connection) -> rusqlite::Result<Vec<Link>> {
    database
        .prepare("SELECT log, seq, hash FROM ledger_entry ORDER BY log, seq")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

fn sold(database: &Connection) -> anyhow::Result<BTreeSet<TicketId>> {
    let (mut tickets, mut seats) = (BTreeSet::new(), BTreeSet::new());
    let mut select = database.prepare("SELECT bytes FROM ledger_entry ORDER BY log, seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let entry = Entry::decode(&row.get::<_, Vec<u8>>(0)?)?;
        let Fact::Sold { show, seats: lines, .. } = entry.fact else { continue };
        for line in lines {
            let seat = (show, line.seat, line.generation);
            ensure!(seats.insert(seat), "seat {} of show {show} was sold twice", line.seat);
            ensure!(tickets.insert(line.ticket), "ticket {} was sold twice", line.ticket);
        }
    }
    Ok(tickets)
}

/// How the seats of a central stand at one moment.
pub(super) struct Standing {
    pub(super) sold: usize,
    pub(super) held: usize,
}

/// Adds the books of a central up as they are at this moment: each seat that is sold has one booked line with its ticket and no line
/// is of a seat that is not, no seat is held twice, and none is both.
///
/// # Errors
/// If they do not add up.
pub(super) fn add_up(central: &Path) -> anyhow::Result<Standing> {
    let mut central = open_read_only(central)?;
    let snapshot = central.transaction().context("read the books at one moment")?;
    let seats = |sql: &str| -> anyhow::Result<Vec<(i64, u32)>> {
        let mut select = snapshot.prepare(sql)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let sold = seats("SELECT show, seat FROM ledger_seat WHERE standing = 'sold' ORDER BY show, seat")?;
    let booked = "SELECT show, seat FROM booked_seat JOIN booking ON booking.id = booking WHERE ticket IS NOT NULL ORDER BY show, seat";
    let booked = seats(booked).context("read what is booked")?;
    ensure!(sold == booked, "{} seats are sold, {} booked with a ticket", sold.len(), booked.len());
    let mut select = snapshot.prepare("SELECT show, seats FROM ledger_hold WHERE kind <> 'tentative'")?;
    let (mut rows, mut held) = (select.query([])?, BTreeSet::new());
    while let Some(row) = rows.next()? {
        let (show, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let seats: Vec<HeldSeat> = postcard::from_bytes(&bytes).context("read a hold's seats")?;
        for HeldSeat { seat, .. } in seats {
            ensure!(held.insert((show, seat.0)), "seat {seat} of show {show} is held twice");
            ensure!(sold.binary_search(&(show, seat.0)).is_err(), "seat {seat} of show {show} is sold and held");
        }
    }
    Ok(Standing { sold: sold.len(), held: held.len() })
}
