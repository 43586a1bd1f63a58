//! Codes by a key that only the edge knows, and the numbers under which it was asked about them.
//!
//! The edge may have admitted under a number whose answer came too late. Nobody was let in on it then, so the next reading of the code
//! takes that number over, once: whoever is answered under it is the one who comes in.

use super::Scan;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::ids::ScanId;

/// The number to ask under.
pub(crate) fn ask_under(tx: &Transaction<'_>, scan: &Scan) -> rusqlite::Result<ScanId> {
    tx.prepare_cached("INSERT OR IGNORE INTO asked (code, scan, taken, at) VALUES (?1, ?2, ?2, ?3)")?
        .execute(params![scan.code, scan.id.0, scan.at.0])?;
    take_over(tx, scan)
}

/// Whether a number waits for the next reading of this code.
pub(crate) fn is_free(db: &Connection, scan: &Scan) -> rusqlite::Result<bool> {
    let free = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM asked WHERE code = ?1 AND taken IS NULL)")?
        .query_row([&scan.code], |row| row.get(0))?;
    Ok(free && scan.member.is_none())
}

/// Takes over the number that waits for the next reading of this code, if one does; returns the one to go on with.
pub(crate) fn take_over(tx: &Transaction<'_>, scan: &Scan) -> rusqlite::Result<ScanId> {
    if scan.member.is_none() {
        tx.prepare_cached("UPDATE asked SET taken = ?2 WHERE code = ?1 AND taken IS NULL")?
            .execute(params![scan.code, scan.id.0])?;
    }
    taken_over(tx, scan)
}

/// The number that a scan goes under: its own, or the one it has taken over.
pub(crate) fn taken_over(db: &Connection, scan: &Scan) -> rusqlite::Result<ScanId> {
    let taken = db
        .prepare_cached("SELECT scan FROM asked WHERE code = ?1 AND taken = ?2")?
        .query_row(params![scan.code, scan.id.0], |row| row.get(0))
        .optional()?;
    Ok(taken.map_or(scan.id, ScanId))
}

/// No answer came: the number waits for the next reading.
pub(crate) fn set_free(tx: &Transaction<'_>, code: &str, id: ScanId) -> rusqlite::Result<()> {
    tx.execute("UPDATE asked SET taken = NULL WHERE code = ?1 AND taken = ?2", params![code, id.0])?;
    Ok(())
}
