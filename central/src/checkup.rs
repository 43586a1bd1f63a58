//! What `usher-central doctor` looks at, while central runs or not: the file, the logs, and what waits for a person.

use crate::database::Place;
use crate::watermark::Watermark;
use anyhow::{Context, ensure};
use node::clock;
use node::ledger_store::{self, StoredLogs};
use node::store::Sql;
use node::{postgres, sqlite};
use shared::entry::{Entry, Fact, Head};
use shared::ids::{Side, TheatreId};
use std::fmt;
use std::path::Path;
use sync_protocol::log::EntrySource;

/// Bytes of a log that are read at once.
const BYTES_AT_ONCE: usize = 1 << 20;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Good,
    /// Something waits for a person.
    Attention,
    /// Nothing should be sold from this store before it is mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What was looked at, and what was found.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.grade {
            Grade::Good => "good     ",
            Grade::Attention => "attention",
            Grade::Bad => "BAD      ",
        };
        write!(f, "{word}  {}", self.text)
    }
}

/// Looks at a store and, where there is one, at its keys directory. Nothing is changed.
///
/// # Errors
/// If it cannot be opened at all.
pub fn examine(place: &Place, keys: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut say = |grade, text: String| findings.push(Finding { grade, text });
    if let Place::File(path) = place {
        ensure!(path.exists(), "there is no store {}", path.display());
    }
    let pending = place.pending()?;
    if pending.is_empty() {
        say(Grade::Good, "the tables are those of this release".to_owned());
    } else {
        say(Grade::Attention, format!("the tables grow at the next start: {}", pending.join(", ")));
        return Ok(findings);
    }
    match place {
        Place::File(path) => {
            let conn = sqlite::open_read_only(path)?;
            match sqlite::whole(&conn) {
                Ok(()) => say(Grade::Good, "every page and reference is whole".to_owned()),
                Err(error) => say(Grade::Bad, format!("{error:#}")),
            }
            examine_rows(&conn, keys, &mut say)?;
        }
        Place::Server(url) => examine_rows(&postgres::Connection::open(url)?, keys, &mut say)?,
    }
    Ok(findings)
}

fn examine_rows(conn: &dyn Sql, keys: &Path, say: &mut dyn FnMut(Grade, String)) -> anyhow::Result<()> {
    let theatres =
        conn.all("SELECT theatre FROM ledger_head ORDER BY theatre", &[], |row| row.get(0).map(TheatreId))?;
    for theatre in theatres {
        match logs(conn, theatre) {
            Ok((entries, None)) => say(Grade::Good, format!("theatre {theatre}: {entries} entries, both chains whole")),
            Ok((entries, Some(closed))) => {
                say(Grade::Attention, format!("theatre {theatre}: {entries} entries; closed for sale: {closed}"));
            }
            Err(error) => say(Grade::Bad, format!("theatre {theatre}: {error:#}")),
        }
    }
    for (table, what) in [
        ("ledger_discrepancy", "discrepancies of the ledgers wait for a person"),
        ("discrepancy", "discrepancies of bookings wait for a person"),
    ] {
        let select = format!("SELECT count(*) FROM {table} WHERE settled_at IS NULL");
        let open: i64 = conn.only(&select, &[], |row| row.get(0)).with_context(|| format!("count {table}"))?;
        say(if open == 0 { Grade::Good } else { Grade::Attention }, format!("{open} {what}"));
    }
    let persisted = clock::last_persisted(conn)?;
    match Watermark::look(keys) {
        Ok(Some(watermark)) if watermark.is_above(persisted) => {
            say(Grade::Attention, "this store is an older copy: it closes at the next start".to_owned());
        }
        Ok(Some(_)) => say(Grade::Good, "the store is as new as its watermark".to_owned()),
        Ok(None) => say(Grade::Attention, format!("there is no watermark in {}", keys.display())),
        Err(error) => say(Grade::Attention, format!("{error:#}")),
    }
    Ok(())
}

/// Follows both chains of a theatre from their beginnings to the heads that are noted; how many entries there are, and why the
/// theatre is closed.
fn logs(conn: &dyn Sql, theatre: TheatreId) -> anyhow::Result<(u64, Option<&'static str>)> {
    let snapshot = ledger_store::load(conn, theatre, Side::Central).context("load the ledger")?;
    let source = StoredLogs::new(conn, theatre);
    let mut count = 0;
    for (log, noted) in [(Side::Central, snapshot.heads.own), (Side::Edge, snapshot.heads.peer)] {
        let mut head = Head::default();
        while head.seq < noted.seq {
            let entries = source.entries(log, head.seq + 1, BYTES_AT_ONCE)?;
            ensure!(!entries.is_empty(), "the log of {log} ends at {} and should end at {}", head.seq, noted.seq);
            for bytes in entries.into_iter().take(usize::try_from(noted.seq - head.seq).unwrap_or(usize::MAX)) {
                if let Ok(Entry { fact: Fact::LogOpened { incarnation, .. }, .. }) = Entry::decode(&bytes) {
                    head.incarnation = incarnation;
                }
                head = Head { seq: head.seq + 1, hash: head.hash.chain(&bytes), ..head };
                let stored = source.head_at(log, head.seq)?;
                ensure!(stored == Some(head), "entry {} of {log} does not follow on the one before it", head.seq);
            }
        }
        ensure!(head == noted, "the head of {log}'s log is not the one that is noted");
        count += head.seq;
    }
    Ok((count, snapshot.heads.closed.map(sync_protocol::replica::Closed::code)))
}
