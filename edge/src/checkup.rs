//! What `usher-edge doctor` looks at, while the box runs or not: the file, both logs, the till journal with the sales it tells of, and
//! what waits for a person.

use crate::clock_back;
use crate::door::discrepancies;
use crate::till::signed::{self, Checked};
use crate::till::{journal, slips};
use crate::{identity, schema};
use anyhow::{Context, ensure};
use node::checkup::{self, Finding, Grade};
use node::clock;
use node::ledger_store::discrepancy;
use node::sqlite;
use rusqlite::Connection;
use shared::ids::{Side, TheatreId};
use std::path::Path;

/// Looks at the box in a data directory. Nothing is changed.
///
/// # Errors
/// If its store cannot be opened at all.
pub fn examine(data: &Path) -> anyhow::Result<Vec<Finding>> {
    let path = data.join(schema::FILE);
    ensure!(path.exists(), "there is no store {}", path.display());
    let mut findings = Vec::new();
    let mut say = |grade, text: String| findings.push(Finding { grade, text });
    let pending = sqlite::pending(&path, &schema::SCHEMA)?;
    if !pending.is_empty() {
        say(Grade::Attention, format!("the tables grow at the next start: {}", pending.join(", ")));
        return Ok(findings);
    }
    say(Grade::Good, "the tables are those of this release".to_owned());
    let db = sqlite::open_read_only(&path)?;
    match sqlite::whole(&db) {
        Ok(()) => say(Grade::Good, "every page and reference is whole".to_owned()),
        Err(error) => say(Grade::Bad, format!("{error:#}")),
    }
    let join = identity::read_join(data)?;
    let checked = match &join {
        Some(join) => signed::check(&db, join),
        None => journal::check(&db).map(|checked| checked.map(|last| Checked { last, signed: 0, unsigned: 0 })),
    };
    if join.is_none() {
        say(Grade::Attention, "there is no join file to tell whether the box signed the till's reports".to_owned());
    }
    match checked {
        Ok(Ok(Checked { last, signed, unsigned })) => {
            let rows = last.seq;
            say(
                Grade::Good,
                format!("{rows} rows of the till journal are as they were written, {signed} reports signed"),
            );
            if unsigned > 0 {
                say(Grade::Attention, format!("{unsigned} reports before the first signed one carry no signature"));
            }
        }
        Ok(Err(tampered)) => say(Grade::Bad, tampered.to_string()),
        Err(error) => say(Grade::Bad, format!("the till journal cannot be read: {error:#}")),
    }
    if let Some(ahead) = clock_back::ahead(clock::last_persisted(&db)?, clock::wall()) {
        let text = "the box's time is ahead of this machine's clock, and shows look over too early. If that clock is right, stop the \
                    box and run `usher-edge set-clock-back`; ahead by s:";
        say(Grade::Attention, format!("{text} {}", ahead.as_secs()));
    }
    let theatres: Vec<u32> = db
        .prepare("SELECT theatre FROM ledger_head ORDER BY theatre")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for theatre in theatres.into_iter().map(TheatreId) {
        match checkup::logs(&db, theatre, Side::Edge) {
            Ok((entries, None)) => say(Grade::Good, format!("{entries} entries, both chains whole")),
            Ok((entries, Some(closed))) => {
                say(Grade::Attention, format!("{entries} entries; closed for sale: {closed}"))
            }
            Err(error) => say(Grade::Bad, format!("{error:#}")),
        }
        for (open, what) in waiting(&db, theatre)? {
            say(if open == 0 { Grade::Good } else { Grade::Attention }, format!("{open} {what}"));
        }
    }
    Ok(findings)
}

fn waiting(db: &Connection, theatre: TheatreId) -> anyhow::Result<[(u64, &'static str); 3]> {
    let at_doors = discrepancies::open_count(db).context("count the discrepancies of the doors")?;
    Ok([
        (discrepancy::open_count(db, theatre)?, "discrepancies of the ledger wait for a person"),
        (at_doors, "discrepancies of the doors wait for a person"),
        (slips::open_count(db).context("count the payments to verify")?, "payments are to be verified"),
    ])
}
