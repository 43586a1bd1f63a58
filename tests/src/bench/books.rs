//! What a benchmark ends with: the books of both sides are the same, and hold every ticket that was handed out, once.

use anyhow::{Context, ensure};
use node::sqlite::open_read_only;
use rusqlite::Connection;
use shared::entry::{Entry, Fact};
use shared::ids::TicketId;
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
    let sold = sold(&central).context("read what was sold")?;
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
