//! The databases, opened for reading only.

use super::Sources;
use super::book::Book;
use super::findings::{GrantedScan, TheatreBooks};
use anyhow::{Context, ensure};
use rusqlite::{Connection, OpenFlags, params};
use serde_json::Value;
use shared::ids::{Side, TicketId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The books of a house, kept as far as they were read.
#[derive(Debug)]
pub(super) struct Shelf {
    central: PathBuf,
    edges: BTreeMap<u32, PathBuf>,
    theatres: BTreeMap<u32, TheatreBooks>,
}

impl Shelf {
    pub(super) fn new(sources: &Sources) -> Self {
        let edges: BTreeMap<u32, PathBuf> =
            sources.theatres.iter().map(|source| (source.theatre, source.edge_database.clone())).collect();
        let theatres = edges.keys().map(|theatre| (*theatre, TheatreBooks::default())).collect();
        Self { central: sources.central_database.clone(), edges, theatres }
    }

    pub(super) fn theatres(&self) -> &BTreeMap<u32, TheatreBooks> {
        &self.theatres
    }

    /// Reads what is new in all databases; returns every scan that let somebody in.
    pub(super) fn refresh(&mut self) -> anyhow::Result<Vec<GrantedScan>> {
        let mut scans = Vec::new();
        let central = open(&self.central)?;
        for (theatre, books) in &mut self.theatres {
            let path = self.edges.get(theatre).context("a theatre without a database")?;
            let edge = open(path)?;
            // The edge first: what it has from central, central had before.
            read_logs(&edge, *theatre, &mut books.at_edge)
                .with_context(|| format!("read the logs in {}", path.display()))?;
            read_logs(&central, *theatre, &mut books.at_central).context("read the logs in central's database")?;
            books.listed = tickets(&edge).context("read the counter's tickets")?;
            scans.extend(granted(&edge).context("read the scans at the doors")?);
        }
        Ok(scans)
    }
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).with_context(|| format!("open {}", path.display()))?;
    database.busy_timeout(Duration::from_secs(2)).context("set the busy timeout")?;
    Ok(database)
}

fn read_logs(database: &Connection, theatre: u32, book: &mut Book) -> anyhow::Result<()> {
    for side in [Side::Central, Side::Edge] {
        for written in entries(database, theatre, side, book.log(side).entries.len() as u64)? {
            let last = book.log(side).entries.len() as u64;
            ensure!(written.seq == last + 1, "entry {} of the {side} log follows entry {last}", written.seq);
            book.take(side, written.bytes);
        }
    }
    Ok(())
}

/// An entry as it stands in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its number.
    pub seq: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The entries of a theatre's log after a number, as the database of one side has them.
///
/// # Errors
/// If the database cannot be read.
pub fn read_since(database: &Path, theatre: u32, log: Side, after: u64) -> anyhow::Result<Vec<Written>> {
    entries(&open(database)?, theatre, log, after)
}

fn entries(database: &Connection, theatre: u32, log: Side, after: u64) -> anyhow::Result<Vec<Written>> {
    let mut select = database
        .prepare_cached("SELECT seq, bytes FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq > ?3 ORDER BY seq")
        .context("prepare to read the logs")?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let written = |row: &rusqlite::Row<'_>| Ok(Written { seq: row.get::<_, i64>(0)? as u64, bytes: row.get(1)? });
    let rows = select.query_map(params![theatre, log.word(), after], written).context("read a log")?;
    rows.collect::<rusqlite::Result<_>>().context("read an entry")
}

fn tickets(edge: &Connection) -> anyhow::Result<BTreeSet<TicketId>> {
    let mut select = edge.prepare_cached("SELECT ticket FROM sale_tickets")?;
    let ids = select.query_map([], |row| row.get(0).map(TicketId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

fn granted(edge: &Connection) -> anyhow::Result<Vec<GrantedScan>> {
    // Whom a supervisor let in against the verdict is no second entry by the ticket.
    let mut select = edge.prepare_cached(
        "SELECT ticket, local, answer FROM scans
         WHERE ticket IS NOT NULL AND scan NOT IN (SELECT scan FROM overrides)",
    )?;
    let mut rows = select.query([])?;
    let mut granted = Vec::new();
    while let Some(row) = rows.next()? {
        let (local, answer): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        // What the door did by itself is what happened; else it did what the edge answered.
        let acted: Value = serde_json::from_str(local.as_deref().unwrap_or(&answer)).context("read a verdict")?;
        if acted["verdict"] == "admit" {
            granted.push(GrantedScan { ticket: TicketId(row.get(0)?), shared: acted["guarantee"] == "SHARED" });
        }
    }
    // Whoever went out, or whose entry was taken back, may enter once more.
    let mut select = edge.prepare_cached("SELECT ticket, count(*) FROM departures WHERE counts GROUP BY ticket")?;
    let gone = select.query_map([], |row| Ok((row.get(0).map(TicketId)?, row.get::<_, u32>(1)?)))?;
    let mut gone: BTreeMap<TicketId, u32> = gone.collect::<rusqlite::Result<_>>()?;
    granted.retain(|scan| match gone.get_mut(&scan.ticket).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            false
        }
        None => true,
    });
    Ok(granted)
}
