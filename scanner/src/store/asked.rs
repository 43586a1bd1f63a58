//! The number under which a scan goes, and what was answered under it before.
//!
//! The edge may have admitted a code by a key that only it knows under a number whose answer came too late. Nobody was let in on it
//! then, so the next reading of the code takes that number over, once: whoever is answered under it is the one who comes in.

use super::Scan;
use node::view::VerdictView;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::ids::ScanId;

/// A scan by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Its own number, or the one it has taken over; another one where a scan of something else has that.
    pub(crate) id: ScanId,
    /// What was answered under it.
    pub(crate) answered: Option<Box<VerdictView>>,
    /// The number is there to be taken over, which nobody has done yet.
    pub(crate) waits: bool,
}

/// Finds the number of a scan. One statement: a door has less than a millisecond for its whole answer.
pub(crate) fn numbered(db: &Connection, scan: &Scan) -> rusqlite::Result<Numbered> {
    let mut select = db.prepare_cached(
        "SELECT asked.scan, asked.scan IS NOT NULL AND asked.taken IS NULL, scans.code = ?2 AND scans.ticket = ?3, scans.answer
         FROM (SELECT 1)
         LEFT JOIN asked ON asked.code = ?2 AND ?4 AND (asked.taken IS NULL OR asked.taken = ?1)
         LEFT JOIN scans ON scans.scan = coalesce(asked.scan, ?1)",
    )?;
    let (taken, waits, same, answer) =
        select.query_row(params![scan.id.0, scan.code, scan.ticket.0, scan.member.is_none()], |row| {
            let taken: Option<[u8; 16]> = row.get(0)?;
            Ok((taken, row.get(1)?, row.get::<_, Option<bool>>(2)?, row.get::<_, Option<String>>(3)?))
        })?;
    let id = taken.map_or(scan.id, ScanId);
    let answered =
        answer.filter(|_| same == Some(true)).and_then(|answer| serde_json::from_str(&answer).ok()).map(Box::new);
    if same.is_none() || answered.is_some() {
        return Ok(Numbered { id, answered, waits });
    }
    // Its number is another scan's: it goes under one that is the same at every try.
    let id = id.of_code(&scan.subject());
    Ok(Numbered { id, answered: answer_under(db, id)?, waits })
}

/// The same, and takes over the number that waits for the next reading of this code, if one does.
pub(crate) fn take_number(tx: &Transaction<'_>, scan: &Scan) -> rusqlite::Result<Numbered> {
    let numbered = numbered(tx, scan)?;
    if numbered.waits {
        tx.prepare_cached("UPDATE asked SET taken = ?2 WHERE code = ?1 AND taken IS NULL")?
            .execute(params![scan.code, scan.id.0])?;
    }
    Ok(Numbered { waits: false, ..numbered })
}

/// The same for a code that the edge is asked about: its number is kept for whoever reads it next if no answer comes.
pub(crate) fn ask_under(tx: &Transaction<'_>, scan: &Scan) -> rusqlite::Result<Numbered> {
    tx.prepare_cached("INSERT OR IGNORE INTO asked (code, scan, taken, at) VALUES (?1, ?2, ?2, ?3)")?
        .execute(params![scan.code, scan.id.0, scan.at.0])?;
    take_number(tx, scan)
}

/// No answer came: the number waits for the next reading.
pub(crate) fn set_free(tx: &Transaction<'_>, code: &str, id: ScanId) -> rusqlite::Result<()> {
    tx.execute("UPDATE asked SET taken = NULL WHERE code = ?1 AND taken = ?2", params![code, id.0])?;
    Ok(())
}

fn answer_under(db: &Connection, id: ScanId) -> rusqlite::Result<Option<Box<VerdictView>>> {
    let answer: Option<Option<String>> = db
        .prepare_cached("SELECT answer FROM scans WHERE scan = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    Ok(answer.flatten().and_then(|answer| serde_json::from_str(&answer).ok()).map(Box::new))
}
