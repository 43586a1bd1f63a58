//! The scans this device has answered, and which of them the edge has still to store.

use node::view::VerdictView;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use shared::admission::{Member, Verdict};
use shared::ids::{ScanId, ShowNumber, TicketId};
use shared::time::Timestamp;

/// One reading of a genuine ticket at this door, or one ticket that is let in with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) id: ScanId,
    pub(crate) ticket: TicketId,
    /// The same ticket as the book has it, where the code is that of another one of its booking.
    pub(crate) member: Option<Member>,
    pub(crate) show: ShowNumber,
    pub(crate) code: String,
    pub(crate) at: Timestamp,
    pub(crate) door: String,
}

impl Scan {
    /// What it is about: one number stands for one of these.
    pub(crate) fn subject(&self) -> String {
        let Self { code, member, ticket, .. } = self;
        if member.is_some() { format!("{code} {ticket}") } else { code.clone() }
    }
}

/// A scan with the answer that was given here, waiting for the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) id: ScanId,
    pub(crate) code: String,
    /// The ticket, where it is not the one of the code.
    pub(crate) member: Option<Member>,
    pub(crate) show: ShowNumber,
    pub(crate) at: Timestamp,
    pub(crate) door: String,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) guarantee: String,
}

/// The ticket that was answered under a number for a code.
pub(crate) fn ticket_of(db: &Connection, id: ScanId, code: &str) -> rusqlite::Result<Option<TicketId>> {
    db.prepare_cached("SELECT ticket FROM scans WHERE scan = ?1 AND code = ?2")?
        .query_row(params![id.0, code], |row| row.get(0).map(TicketId))
        .optional()
}

/// Keeps a scan and its answer; `queued` unless the edge gave the answer.
pub(crate) fn keep(tx: &Transaction<'_>, scan: &Scan, view: &VerdictView, queued: bool) -> anyhow::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR IGNORE INTO scans
             (scan, ticket, show, code, scanned_at, door, verdict, reason, guarantee, state, seat, generation, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let state = if queued { "queued" } else { "stored" };
    put.execute(params![
        scan.id.0,
        scan.ticket.0,
        scan.show.0,
        scan.code,
        scan.at.0,
        scan.door,
        view.verdict,
        view.code,
        view.guarantee,
        state,
        scan.member.as_ref().map(|member| member.seat.as_str()),
        scan.member.as_ref().map(|member| member.generation),
        serde_json::to_string(view)?
    ])?;
    Ok(())
}

/// The oldest queued scans.
pub(crate) fn queued(db: &Connection, count: usize) -> rusqlite::Result<Vec<Queued>> {
    db.prepare_cached(
        "SELECT scan, code, scanned_at, door, verdict, reason, guarantee, ticket, seat, generation, show FROM scans
         WHERE state = 'queued' ORDER BY scanned_at, scan LIMIT ?1",
    )?
    .query_map([i64::try_from(count).unwrap_or(i64::MAX)], row)?
    .collect()
}

/// The scan by which this device let the ticket in, if it did and the guest has not left since.
pub(crate) fn admitting(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<Queued>> {
    db.prepare_cached(
        "SELECT scan, code, scanned_at, door, verdict, reason, guarantee, ticket, seat, generation, show FROM scans
         WHERE ticket = ?1 AND verdict = 'admit' AND NOT EXISTS
             (SELECT 1 FROM departed WHERE departed.ticket = scans.ticket AND departed.at >= scans.scanned_at)
         ORDER BY scanned_at, scan LIMIT 1",
    )?
    .query_row([ticket.0], row)
    .optional()
}

fn row(row: &Row<'_>) -> rusqlite::Result<Queued> {
    Ok(Queued {
        id: ScanId(row.get(0)?),
        code: row.get(1)?,
        at: Timestamp(row.get(2)?),
        door: row.get(3)?,
        verdict: row.get(4)?,
        reason: row.get(5)?,
        guarantee: row.get(6)?,
        member: match row.get(8)? {
            Some(seat) => Some(Member { ticket: TicketId(row.get(7)?), seat, generation: row.get(9)? }),
            None => None,
        },
        show: ShowNumber(row.get(10)?),
    })
}

/// How many scans wait for the edge.
pub(crate) fn queued_count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM scans WHERE state = 'queued'", [], |row| row.get::<_, u32>(0)).map(u64::from)
}

/// How many scans the edge will not take.
pub(crate) fn refused_count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM scans WHERE state = 'refused'", [], |row| row.get::<_, u32>(0)).map(u64::from)
}

/// The edge has stored these scans.
pub(crate) fn acknowledge(tx: &Transaction<'_>, scans: &[ScanId]) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached("UPDATE scans SET state = 'stored' WHERE scan = ?1")?;
    for scan in scans {
        put.execute([scan.0])?;
    }
    Ok(())
}

/// The edge will not take this scan, whatever the reason; it stays here for a person to look at.
pub(crate) fn refuse(tx: &Transaction<'_>, scan: ScanId) -> rusqlite::Result<()> {
    tx.execute("UPDATE scans SET state = 'refused' WHERE scan = ?1", [scan.0])?;
    Ok(())
}

/// The three words of a verdict as they are stored and sent.
pub(crate) fn words(verdict: &Verdict) -> (&'static str, &'static str, &'static str) {
    (verdict.kind().word(), verdict.code.code(), verdict.guarantee.word())
}
