//! The journal's end, signed with the box's key when a report closes a shift and kept beside the report.

use super::journal;
use crate::identity::{Identity, JoinFile};
use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, params};
use shared::entry::Hash;
use shared::ids::{Side, TheatreId};
use shared::keys::{Certificate, Domain, PublicKey};
use shared::till::ShiftNumber;
use shared::till::drawer::Drawer;
use shared::till::journal::{Last, Tampered};
use shared::till::signed::SignedReport;

/// A journal that is as it was written.
#[derive(Debug)]
pub struct Checked {
    /// Its last row.
    pub last: Last,
    /// Reports that the box signed.
    pub signed: u32,
    /// Reports without a signature, all of them before the first that has one.
    pub unsigned: u32,
}

/// Signs the report that the journal's last row has just made.
///
/// # Errors
/// If the shift is open, or the database fails.
pub fn sign(tx: &Transaction<'_>, drawer: &Drawer, identity: &Identity) -> anyhow::Result<()> {
    let report = SignedReport::sign(identity.theatre, drawer, journal::last(tx)?, &identity.key)
        .with_context(|| format!("sign the report of shift {}, which is open", drawer.shift))?;
    let SignedReport { z, shift, last, expected_minor, counted_minor, signature } = report;
    let insert =
        "INSERT INTO signed_reports (z, shift, seq, hash, expected_minor, counted_minor, signature, certificate)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let certificate = &identity.join.edge_certificate;
    let row = params![z, shift.0, last.seq, last.hash.0, expected_minor, counted_minor, signature, certificate];
    tx.execute(insert, row).with_context(|| format!("keep the signature of report {z}"))?;
    Ok(())
}

/// The journal's end as it was signed at a report.
#[derive(Debug)]
pub struct SignedEnd {
    /// Its last row.
    pub last: Last,
    /// The box's signature.
    pub signature: Vec<u8>,
}

/// The journal's end that was signed at a report; nothing for one that was not signed.
///
/// # Errors
/// If the database fails.
pub fn end(db: &Connection, z: u32) -> rusqlite::Result<Option<SignedEnd>> {
    db.prepare_cached("SELECT seq, hash, signature FROM signed_reports WHERE z = ?1")?
        .query_row([z], |row| {
            let last = Last { seq: row.get(0)?, hash: Hash(row.get(1)?) };
            Ok(SignedEnd { last, signature: row.get(2)? })
        })
        .optional()
}

/// Follows the whole journal ([`journal::check`]) and compares it at every report with what the box signed then.
///
/// # Errors
/// If the database fails, or the join file names no root. On the inside: the row that is not what was written or, where every hash
/// was made to fit, the row of the first report whose signature it does not fit.
pub fn check(db: &Connection, join: &JoinFile) -> anyhow::Result<Result<Checked, Tampered>> {
    let last = match journal::check(db)? {
        Ok(last) => last,
        Err(tampered) => return Ok(Err(tampered)),
    };
    let root = PublicKey::from_hex(&join.root_key).context("read the root key of the join file")?;
    let theatre = TheatreId(join.theatre.id);
    let mut select = db.prepare(
        "SELECT j.seq, j.hash, s.shift, s.z, r.seq, r.hash, r.shift, r.expected_minor, r.counted_minor, r.signature,
                r.certificate, r.z IS NOT NULL
         FROM shifts s LEFT JOIN signed_reports r USING (z)
         JOIN till_journal j ON j.seq = (SELECT max(seq) FROM till_journal WHERE shift = s.shift)
         WHERE s.z IS NOT NULL ORDER BY s.z",
    )?;
    let mut rows = select.query([])?;
    let mut checked = Checked { last, signed: 0, unsigned: 0 };
    while let Some(row) = rows.next()? {
        let end = Last { seq: row.get(0)?, hash: Hash(row.get(1)?) };
        let bad = |seq, why| Ok(Err(Tampered { seq, why }));
        if !row.get::<_, bool>(11)? {
            if checked.signed > 0 {
                return bad(end.seq, "closes a shift whose report has lost its signature");
            }
            checked.unsigned += 1;
            continue;
        }
        // What cannot be read is not what was signed.
        let kept = read(row).ok().filter(|(report, certificate)| {
            let certificate = Certificate::read(certificate, &root);
            certificate.is_ok_and(|by| {
                let may = by.side == Side::Edge && by.theatre == theatre && by.purpose.covers(Domain::Till);
                may && report.is_signed_by(theatre, &by.public_key)
            })
        });
        let Some((report, _)) = kept else {
            return bad(end.seq, "closes a shift whose report carries no signature of this box");
        };
        if (report.last, report.shift) != (end, ShiftNumber(row.get(2)?)) {
            let seq = end.seq.min(report.last.seq);
            return bad(seq, "is not what its report was signed over: it, or one before it, was written anew");
        }
        checked.signed += 1;
    }
    let select = "SELECT min(seq) FROM signed_reports WHERE z NOT IN (SELECT z FROM shifts WHERE z IS NOT NULL)";
    Ok(match db.query_row(select, [], |row| row.get::<_, Option<i64>>(0))? {
        Some(seq) => {
            Err(Tampered { seq: u32::try_from(seq).unwrap_or_default(), why: "is missing: its report was signed" })
        }
        None => Ok(checked),
    })
}

fn read(row: &SqlRow<'_>) -> rusqlite::Result<(SignedReport, String)> {
    let report = SignedReport {
        z: row.get(3)?,
        last: Last { seq: row.get(4)?, hash: Hash(row.get(5)?) },
        shift: ShiftNumber(row.get(6)?),
        expected_minor: row.get(7)?,
        counted_minor: row.get(8)?,
        signature: row.get(9)?,
    };
    Ok((report, row.get(10)?))
}
