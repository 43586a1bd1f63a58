//! The entries on a ticket as the doors told of them: a grow-only set, of which the earliest is the admission.

use super::departures::departed;
use super::scans::AREA;
use rusqlite::{Connection, Transaction, params};
use shared::admission::{Actor, Admission, AdmittedScan, ScanLog};
use shared::ids::{Incarnation, ScanId, TicketId};
use shared::time::Timestamp;

/// Who made a scan.
pub(super) fn actor(device: i64, incarnation: Incarnation) -> Actor {
    Actor { device: format!("d{device}"), incarnation }
}

/// All entries on a ticket since its guest was outside last.
pub(super) fn log_of(db: &Connection, ticket: TicketId) -> rusqlite::Result<ScanLog> {
    let since = departed(db, ticket)?.map_or(i64::MIN, |at| at.0);
    let mut select = db.prepare_cached(
        "SELECT entry.scan, entry.at, entry.door, coalesce(scans.device, 0), coalesce(scans.incarnation, 0)
         FROM (SELECT scan, admitted_at AS at, door FROM admissions WHERE ticket = ?1 AND area = ?2
               UNION ALL SELECT scan, at, door FROM further_entries WHERE ticket = ?1 AND at > ?3) entry
         LEFT JOIN scans ON scans.scan = entry.scan",
    )?;
    let mut log = ScanLog::default();
    let entries = select.query_map(params![ticket.0, AREA, since], |row| {
        let incarnation: i64 = row.get(4)?;
        Ok(AdmittedScan {
            id: ScanId(row.get(0)?),
            admission: Admission { at: Timestamp(row.get(1)?), door: row.get(2)? },
            actor: actor(row.get(3)?, Incarnation(incarnation.cast_unsigned())),
        })
    })?;
    for entry in entries {
        log.insert(ticket, entry?);
    }
    Ok(log)
}

/// Keeps an entry that does not count.
pub(super) fn keep_further(tx: &Transaction<'_>, ticket: TicketId, scan: &AdmittedScan) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO further_entries (ticket, scan, door, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![ticket.0, scan.id.0, scan.admission.door, scan.admission.at.0])?;
    Ok(())
}
