//! What `usher-central doctor` looks at, while central runs or not: the file, the logs, and what waits for a person.

use crate::database::Place;
use crate::watermark::Watermark;
use anyhow::{Context, ensure};
use node::checkup::{self, Finding, Grade};
use node::store::Sql;
use node::{clock, postgres, sqlite};
use shared::ids::{Side, TheatreId};
use std::path::Path;

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
        match checkup::logs(conn, theatre, Side::Central) {
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
