//! The entries on a ticket as the doors told of them: a grow-only set, of which the one that began the last stay is the admission.

use super::scan::{LocalVerdict, SHARED};
use super::scans::{AREA, Standing};
use anyhow::Context;
use rusqlite::{Connection, Transaction, params};
use shared::admission::{Actor, Admission, AdmittedScan, CmRDT, ScanLog, ScanOp};
use shared::ids::{Incarnation, ScanId, TicketId};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// Who made a scan.
pub(super) fn actor(device: i64, incarnation: Incarnation) -> Actor {
    Actor { device: format!("d{device}"), incarnation }
}

/// What doors told of the entries on a ticket.
pub(super) struct Told {
    /// The entries.
    pub(super) log: ScanLog,
    /// What each door promised when it let somebody in.
    guarantees: BTreeMap<ScanId, String>,
}

impl Told {
    /// What the door of an entry promised.
    pub(super) fn guarantee(&self, scan: ScanId) -> &str {
        self.guarantees.get(&scan).map_or(SHARED, String::as_str)
    }

    /// Adds an entry that is not stored yet.
    pub(super) fn add(&mut self, op: ScanOp, guarantee: &str) {
        self.guarantees.insert(op.scan.id, guarantee.to_owned());
        self.log.apply(op);
    }
}

/// All entries on a ticket.
pub(super) fn told_of(db: &Connection, ticket: TicketId) -> anyhow::Result<Told> {
    let mut select = db.prepare_cached(
        "SELECT entry.scan, entry.at, entry.door, coalesce(scans.device, 0), coalesce(scans.incarnation, 0), scans.local
         FROM (SELECT scan, admitted_at AS at, door FROM admissions WHERE ticket = ?1 AND area = ?2
               UNION ALL SELECT scan, at, door FROM further_entries WHERE ticket = ?1) entry
         LEFT JOIN scans ON scans.scan = entry.scan",
    )?;
    let entries = select.query_map(params![ticket.0, AREA], |row| {
        let incarnation: i64 = row.get(4)?;
        let scan = AdmittedScan {
            id: ScanId(row.get(0)?),
            admission: Admission { at: Timestamp(row.get(1)?), door: row.get(2)? },
            actor: actor(row.get(3)?, Incarnation(incarnation.cast_unsigned())),
        };
        Ok((scan, row.get::<_, Option<String>>(5)?))
    })?;
    let mut told = Told { log: ScanLog::default(), guarantees: BTreeMap::new() };
    for entry in entries {
        let (scan, local) = entry?;
        if let Some(local) = local {
            let local: LocalVerdict = serde_json::from_str(&local).context("read what a door has promised")?;
            told.guarantees.insert(scan.id, local.guarantee);
        }
        told.log.insert(ticket, scan);
    }
    Ok(told)
}

/// Keeps an entry that does not count.
pub(super) fn keep_further(
    tx: &Transaction<'_>,
    ticket: TicketId,
    scan: ScanId,
    entry: &Admission,
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO further_entries (ticket, scan, door, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![ticket.0, scan.0, entry.door, entry.at.0])?;
    Ok(())
}

/// This entry counts from now on, in the place of the one that did.
pub(super) fn replace(
    tx: &Transaction<'_>,
    ticket: TicketId,
    before: &Standing,
    entry: &AdmittedScan,
) -> rusqlite::Result<()> {
    keep_further(tx, ticket, before.scan, &before.admission)?;
    tx.prepare_cached("DELETE FROM further_entries WHERE ticket = ?1 AND scan = ?2")?
        .execute(params![ticket.0, entry.id.0])?;
    tx.prepare_cached("UPDATE admissions SET scan = ?3, door = ?4, admitted_at = ?5 WHERE ticket = ?1 AND area = ?2")?
        .execute(params![ticket.0, AREA, entry.id.0, entry.admission.door, entry.admission.at.0])?;
    Ok(())
}
