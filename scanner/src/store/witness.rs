//! What this device keeps of the edge's log: its highest signed head and, at the named witness, the entries that central has
//! not acknowledged.

use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::entry::{Entry, Fact, Hash, Head};
use shared::ids::{Incarnation, Side, TheatreId};
use sync_protocol::message::{Batch, EntryBytes};
use sync_protocol::witness::{SignedHead, WITNESS_BYTES_MAX};

/// How far this device remembers the edge's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) head: SignedHead,
    /// The head before the first kept entry; nothing where entries are not kept.
    pub(crate) before: Option<Head>,
}

/// What became of a head and its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    Stored,
    /// There is no room for these entries.
    Full,
    /// The entries do not lead to the head, or the head is older than the one kept.
    Unfit,
}

/// What is kept of this theatre's edge.
pub(crate) fn kept(db: &Connection, theatre: TheatreId) -> anyhow::Result<Option<Kept>> {
    let select = "SELECT kept, before FROM witness_head WHERE theatre = ?1";
    let row = db.query_row(select, [theatre.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((head, before)): Option<(String, Option<String>)> = row else { return Ok(None) };
    let before = before.map(|before| serde_json::from_str(&before)).transpose();
    let head = serde_json::from_str(&head).context("read the kept head")?;
    Ok(Some(Kept { head, before: before.context("read the head before the kept entries")? }))
}

/// Keeps a head whose signature was checked, with the entries that lead to it.
pub(crate) fn keep(
    tx: &Transaction<'_>,
    head: &SignedHead,
    batch: Option<&Batch>,
    acked: u64,
) -> anyhow::Result<Keeping> {
    let before = kept(tx, head.theatre)?;
    // A device that is named reads the entries up to its bare head from further back.
    let reads_up = |kept: &Kept| kept.before.is_none() && batch.is_some();
    if before.as_ref().is_some_and(|before| !head.replaces(&before.head) && !reads_up(before)) {
        return Ok(Keeping::Unfit);
    }
    let first = match batch {
        None => {
            // Not the named witness, or not any more: the head alone is kept.
            tx.execute("DELETE FROM witness_entries", [])?;
            None
        }
        Some(batch) => {
            let walked = walk(batch);
            if walked.last().map_or(batch.before, |(last, _)| *last) != head.head {
                return Ok(Keeping::Unfit);
            }
            let follows = before.as_ref().is_some_and(|kept| kept.head.head == batch.before && kept.before.is_some());
            let size = "SELECT coalesce(sum(length(bytes)), 0) FROM witness_entries WHERE seq > ?1 AND ?2";
            let held: i64 = tx.query_row(size, params![acked.cast_signed(), follows], |row| row.get(0))?;
            let more: usize = batch.entries.iter().map(|entry| entry.0.len()).sum();
            if usize::try_from(held).unwrap_or(usize::MAX).saturating_add(more) > WITNESS_BYTES_MAX {
                return Ok(Keeping::Full);
            }
            let first = if follows {
                before.and_then(|kept| kept.before)
            } else {
                tx.execute("DELETE FROM witness_entries", [])?;
                Some(batch.before)
            };
            let mut put = tx.prepare_cached("INSERT OR REPLACE INTO witness_entries VALUES (?1, ?2, ?3, ?4)")?;
            for (at, bytes) in walked {
                let seq = at.seq.cast_signed();
                put.execute(params![seq, at.incarnation.0.to_be_bytes(), at.hash.0, bytes])?;
            }
            Some(trim(tx, first.unwrap_or(batch.before), acked)?)
        }
    };
    let (kept, first) = (serde_json::to_string(head)?, first.map(|first| serde_json::to_string(&first)).transpose()?);
    tx.execute(
        "INSERT OR REPLACE INTO witness_head (one, theatre, kept, before) VALUES (1, ?1, ?2, ?3)",
        params![head.theatre.0, kept, first],
    )?;
    Ok(Keeping::Stored)
}

/// Entries that central has are not kept any longer. Gives the head before the first one that is.
fn trim(tx: &Transaction<'_>, first: Head, acked: u64) -> rusqlite::Result<Head> {
    let last = head_at(tx, acked)?;
    tx.execute("DELETE FROM witness_entries WHERE seq <= ?1", [acked.cast_signed()])?;
    Ok(last.filter(|last| last.seq > first.seq).unwrap_or(first))
}

/// The heads after each entry of a batch, with the entries.
fn walk(batch: &Batch) -> Vec<(Head, &[u8])> {
    let mut head = batch.before;
    let step = |entry: &'_ EntryBytes| {
        if let Ok(Entry { fact: Fact::LogOpened { incarnation, .. }, .. }) = Entry::decode(&entry.0) {
            head.incarnation = incarnation;
        }
        head = Head { seq: head.seq + 1, hash: head.hash.chain(&entry.0), ..head };
        head
    };
    let heads: Vec<Head> = batch.entries.iter().map(step).collect();
    heads.into_iter().zip(batch.entries.iter().map(|entry| entry.0.as_slice())).collect()
}

/// The kept entries after a number, at most so many bytes; nothing where they do not reach back that far or there are none.
pub(crate) fn entries_after(
    db: &Connection,
    theatre: TheatreId,
    after: u64,
    bytes_max: usize,
) -> anyhow::Result<Option<Batch>> {
    let Some(Kept { before: Some(first), .. }) = kept(db, theatre)? else { return Ok(None) };
    let before = if first.seq == after { Some(first) } else { head_at(db, after)? };
    let Some(before) = before else { return Ok(None) };
    let mut select = db.prepare_cached("SELECT bytes FROM witness_entries WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = select.query([after.cast_signed()])?;
    let (mut size, mut entries) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(0)?;
        size += bytes.len();
        if size > bytes_max && !entries.is_empty() {
            break;
        }
        entries.push(EntryBytes(bytes));
    }
    Ok((!entries.is_empty()).then_some(Batch { log: Side::Edge, before, entries }))
}

fn head_at(db: &Connection, seq: u64) -> rusqlite::Result<Option<Head>> {
    db.prepare_cached("SELECT incarnation, hash FROM witness_entries WHERE seq = ?1")?
        .query_row([seq.cast_signed()], |row| {
            let incarnation = Incarnation(u64::from_be_bytes(row.get(0)?));
            Ok(Head { incarnation, seq, hash: Hash(row.get(1)?) })
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::keys::SecretKey;

    const THEATRE: TheatreId = TheatreId(12);
    const FIRST: Head = Head { incarnation: Incarnation(u64::MAX), seq: 4, hash: Hash([4; 32]) };

    fn store() -> Connection {
        let db = Connection::open_in_memory().expect("open");
        db.execute_batch(include_str!("../../migrations/0002_witness.sql")).expect("tables");
        db
    }

    /// A batch of entries after a head, each with these bytes, and the signed head after it.
    fn batch(before: Head, entries: &[&[u8]]) -> (Batch, SignedHead) {
        let entries = entries.iter().map(|bytes| EntryBytes(bytes.to_vec())).collect();
        let batch = Batch { log: Side::Edge, before, entries };
        let head = walk(&batch).last().map_or(before, |(head, _)| *head);
        (batch, SignedHead::sign(THEATRE, Side::Edge, head, &SecretKey::from_seed(&[3; 32])))
    }

    fn put(db: &mut Connection, head: &SignedHead, batch: Option<&Batch>, acked: u64) -> Keeping {
        let tx = db.transaction().expect("begin");
        let kept = keep(&tx, head, batch, acked).expect("kept");
        if kept == Keeping::Stored {
            tx.commit().expect("committed");
        }
        kept
    }

    #[test]
    fn entries_are_kept_in_line_trimmed_when_central_has_them_and_given_back() {
        let mut db = store();
        let (one, first) = batch(FIRST, &[b"five", b"six"]);
        assert_eq!(put(&mut db, &first, Some(&one), 4), Keeping::Stored);
        let (two, second) = batch(first.head, &[b"seven"]);
        assert_eq!(put(&mut db, &second, Some(&two), 5), Keeping::Stored);
        let kept = kept(&db, THEATRE).expect("read").expect("kept");
        assert_eq!((kept.head, kept.before.map(|head| head.seq)), (second, Some(5)));
        let given = entries_after(&db, THEATRE, 5, 1000).expect("read").expect("entries");
        assert_eq!((given.before.seq, given.entries.len()), (5, 2));
        assert_eq!(given.entries[0].0, b"six");
        let given = entries_after(&db, THEATRE, 6, 1000).expect("read").expect("entries");
        assert_eq!((given.before, given.entries.len()), (first.head, 1));
        assert_eq!(entries_after(&db, THEATRE, 4, 1000).expect("read"), None, "trimmed");
        assert_eq!(entries_after(&db, THEATRE, 7, 1000).expect("read"), None, "nothing more");
    }

    #[test]
    fn entries_that_do_not_lead_to_the_head_are_not_kept() {
        let mut db = store();
        let (_, head) = batch(FIRST, &[b"five"]);
        let (other, _) = batch(FIRST, &[b"fake"]);
        assert_eq!(put(&mut db, &head, Some(&other), 4), Keeping::Unfit);
        assert_eq!(kept(&db, THEATRE).expect("read"), None);
    }

    #[test]
    fn a_head_never_goes_back_and_one_alone_ends_the_keeping_of_entries() {
        let mut db = store();
        let (one, first) = batch(FIRST, &[b"five", b"six"]);
        put(&mut db, &first, Some(&one), 4);
        let (_, older) = batch(FIRST, &[b"five"]);
        assert_eq!(put(&mut db, &older, None, 4), Keeping::Unfit);
        let (_, newer) = batch(first.head, &[b"seven"]);
        assert_eq!(put(&mut db, &newer, None, 4), Keeping::Stored);
        let kept = kept(&db, THEATRE).expect("read").expect("kept");
        assert_eq!((kept.head, kept.before), (newer, None));
        assert_eq!(entries_after(&db, THEATRE, 4, 1000).expect("read"), None);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut db = store();
        let long = vec![7; WITNESS_BYTES_MAX / 2 + 1];
        let (one, first) = batch(FIRST, &[&long]);
        assert_eq!(put(&mut db, &first, Some(&one), 4), Keeping::Stored);
        let (two, second) = batch(first.head, &[&long]);
        assert_eq!(put(&mut db, &second, Some(&two), 4), Keeping::Full);
        assert_eq!(kept(&db, THEATRE).expect("read").expect("kept").head, first);
    }
}
