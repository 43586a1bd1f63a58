//! The door feed: what scanners must know, as an append-only chain of rows, each the whole state of its subject.
//!
//! A scanner reads on from its cursor and by asking after it says that it has everything up to there. A cursor that
//! is not on this chain (another incarnation of the log, a restored box) is answered with everything from the start.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use shared::entry::Hash;
use shared::ids::Incarnation;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How many rows a page reads unless it is asked for more or fewer; about 100 KiB of JSON.
pub const PAGE_ROWS: u32 = 500;
/// The most rows of a page, for whoever has a house full of tickets to take in: each page costs a reader a flush of its disk.
pub const PAGE_ROWS_MAX: u32 = 5_000;

/// A position in the feed: `inc.seq.hash` in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The version of the edge's log under which the position was given out.
    pub incarnation: Incarnation,
    /// The last row read, 0 for none.
    pub seq: u64,
    /// The chain's hash after it.
    pub hash: Hash,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.incarnation, self.seq, self.hash)
    }
}

/// A text that is no cursor. Callers treat it as a cursor of another feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a feed cursor")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = text.split('.');
        let (Some(incarnation), Some(seq), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadCursor);
        };
        let hash = data_encoding::HEXLOWER.decode(hash.as_bytes()).map_err(|_| BadCursor)?;
        Ok(Self {
            incarnation: incarnation.parse().map_err(|_| BadCursor)?,
            seq: seq.parse().map_err(|_| BadCursor)?,
            hash: Hash(hash.try_into().map_err(|_| BadCursor)?),
        })
    }
}

/// How far the feed goes, and under which incarnation of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The version of the edge's log.
    pub incarnation: Incarnation,
    /// The last row, 0 for none.
    pub seq: u64,
}

/// The last row of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Its number, 0 for none.
    pub seq: u64,
    /// The hash after it, zero for none.
    pub hash: Hash,
}

/// What a row is about; a later row about the same subject replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Row {
    /// A ticket.
    Ticket(TicketRow),
    /// A show.
    Show(ShowRow),
    /// All certificates and revoked keys.
    Keys(KeysRow),
}

/// A ticket as the doors must know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// 16 hex digits.
    pub ticket: String,
    /// Show number.
    pub show: u32,
    /// `C12`.
    pub seat: String,
    /// The seat's generation it was sold at.
    pub generation: u16,
    /// `live`, `void_requested` or `void`.
    pub state: String,
    /// Its admission, if any.
    pub admitted: Option<node::view::FirstAdmission>,
    /// The short code of its booking, where its sale is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<String>,
    /// RFC 3339: the last departure after which it may enter again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<String>,
    /// RFC 3339: the last departure after which it stays used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<String>,
}

/// A show as the doors must know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowRow {
    /// Show number.
    pub show: u32,
    /// Screen number.
    pub screen: u8,
    /// The title.
    pub title: String,
    /// RFC 3339.
    pub starts_at: String,
    /// RFC 3339.
    pub ends_at: String,
    /// Cancelled, for ever.
    pub cancelled: bool,
    /// Whoever goes out is counted as outside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exit: bool,
    /// Guests may go out and come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reentry: bool,
}

/// The keys whose tickets are good, and those whose tickets are not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeysRow {
    /// Certificates, Base32.
    pub certificates: Vec<String>,
    /// Key ids, 8 hex digits.
    pub revoked_keys: Vec<String>,
}

impl Row {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Show(_) => "show",
            Self::Keys(_) => "keys",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Ticket(row) => row.ticket.clone(),
            Self::Show(row) => row.show.to_string(),
            Self::Keys(_) => String::new(),
        }
    }
}

/// The chain's head as stored.
pub fn head(db: &Connection) -> rusqlite::Result<Head> {
    let last = db.query_row("SELECT seq, hash FROM door_feed ORDER BY seq DESC LIMIT 1", [], read_head).optional()?;
    Ok(last.unwrap_or_default())
}

fn read_head(row: &rusqlite::Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head { seq: row.get::<_, i64>(0)?.unsigned_abs(), hash: Hash(row.get(1)?) })
}

/// Appends a row in the caller's transaction and moves the head. A row that changes nothing is not appended.
pub fn append(db: &Connection, head: &mut Head, row: &Row) -> rusqlite::Result<()> {
    let body = body_of(row)?;
    let mut last =
        db.prepare_cached("SELECT body FROM door_feed WHERE kind = ?1 AND subject = ?2 ORDER BY seq DESC LIMIT 1")?;
    let last: Option<String> = last.query_row(params![row.kind(), row.subject()], |found| found.get(0)).optional()?;
    if last.as_deref() == Some(body.as_str()) { Ok(()) } else { put(db, head, row, &body) }
}

/// [`append`] for a row that is known to say something new, whose predecessor need not be looked for.
pub fn append_new(db: &Connection, head: &mut Head, row: &Row) -> rusqlite::Result<()> {
    put(db, head, row, &body_of(row)?)
}

fn body_of(row: &Row) -> rusqlite::Result<String> {
    serde_json::to_string(row).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn put(db: &Connection, head: &mut Head, row: &Row, body: &str) -> rusqlite::Result<()> {
    let next = Head { seq: head.seq + 1, hash: head.hash.chain(body.as_bytes()) };
    db.prepare_cached("INSERT INTO door_feed (seq, hash, kind, subject, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![next.seq.cast_signed(), next.hash.0, row.kind(), row.subject(), body])?;
    *head = next;
    Ok(())
}

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where to read on.
    pub cursor: Cursor,
    /// The cursor was not on this chain: forget everything and take this as the start.
    pub reset: bool,
    /// More rows are there already.
    pub more: bool,
    /// The rows, the last one per subject only.
    pub rows: Vec<Row>,
}

/// Reads on after a cursor; `None`, or one of another chain, reads from the start.
pub fn page(db: &Connection, incarnation: Incarnation, after: Option<Cursor>, rows_max: u32) -> rusqlite::Result<Page> {
    let rows_max = rows_max.clamp(1, PAGE_ROWS_MAX);
    let known = match after {
        Some(cursor) => on_chain(db, incarnation, cursor)?,
        None => false,
    };
    let start = match after {
        Some(cursor) if known => Head { seq: cursor.seq, hash: cursor.hash },
        _ => Head::default(),
    };
    let mut read =
        db.prepare_cached("SELECT seq, hash, kind, subject, body FROM door_feed WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut found = read.query(params![start.seq.cast_signed(), rows_max + 1])?;
    let (mut end, mut more, mut rows) = (start, false, BTreeMap::new());
    let mut count = 0;
    while let Some(row) = found.next()? {
        if count == rows_max {
            more = true;
            break;
        }
        count += 1;
        end = read_head(row)?;
        let (kind, subject, body): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        rows.insert((kind, subject), (end.seq, body));
    }
    let mut rows: Vec<_> = rows.into_iter().map(|((kind, _), (seq, body))| (seq, kind, body)).collect();
    rows.sort_by_key(|(seq, ..)| *seq);
    let rows = rows.into_iter().map(|(_, kind, body)| parse(&kind, &body)).collect::<rusqlite::Result<_>>()?;
    Ok(Page { cursor: Cursor { incarnation, seq: end.seq, hash: end.hash }, reset: !known, more, rows })
}

/// Whether the cursor names a row of this chain.
pub fn on_chain(db: &Connection, incarnation: Incarnation, cursor: Cursor) -> rusqlite::Result<bool> {
    if cursor.incarnation != incarnation {
        return Ok(false);
    }
    if cursor.seq == 0 {
        return Ok(cursor.hash == Hash::default());
    }
    let Ok(seq) = i64::try_from(cursor.seq) else { return Ok(false) };
    let hash = db
        .prepare_cached("SELECT hash FROM door_feed WHERE seq = ?1")?
        .query_row([seq], |row| row.get::<_, [u8; 32]>(0))
        .optional()?;
    Ok(hash == Some(cursor.hash.0))
}

/// The last row about a ticket, 0 for none.
///
/// # Errors
/// If the database fails.
pub fn last_row(db: &Connection, ticket: &str) -> rusqlite::Result<u64> {
    let select = "SELECT max(seq) FROM door_feed WHERE kind = 'ticket' AND subject = ?1";
    let last: Option<i64> = db.query_row(select, [ticket], |row| row.get(0))?;
    Ok(last.unwrap_or(0).unsigned_abs())
}

fn parse(kind: &str, body: &str) -> rusqlite::Result<Row> {
    let row = match kind {
        "ticket" => serde_json::from_str(body).map(Row::Ticket),
        "show" => serde_json::from_str(body).map(Row::Show),
        _ => serde_json::from_str(body).map(Row::Keys),
    };
    row.map_err(|e| rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INC: Incarnation = Incarnation(7);

    fn feed(rows: &[Row]) -> (Connection, Head) {
        let db = Connection::open_in_memory().expect("open");
        db.execute_batch(include_str!("../../migrations/0003_door.sql")).expect("schema");
        let mut at = Head::default();
        for row in rows {
            append(&db, &mut at, row).expect("append");
        }
        assert_eq!(head(&db).expect("head"), at);
        (db, at)
    }

    fn ticket(id: u32, state: &str) -> Row {
        Row::Ticket(TicketRow {
            ticket: format!("{id:016x}"),
            show: 3,
            seat: "C12".into(),
            generation: 0,
            state: state.into(),
            admitted: None,
            booking: Some("7KQ2MXPA".into()),
            left_at: None,
            gone_at: None,
        })
    }

    #[test]
    fn a_reader_without_a_cursor_gets_the_last_state_of_everything() {
        let (db, head) = feed(&[ticket(1, "live"), ticket(2, "live"), ticket(1, "void")]);
        let page = page(&db, INC, None, PAGE_ROWS).expect("page");
        assert!(page.reset && !page.more);
        assert_eq!(page.rows, [ticket(2, "live"), ticket(1, "void")]);
        assert_eq!((page.cursor.seq, page.cursor.hash), (head.seq, head.hash));
    }

    #[test]
    fn a_reader_with_a_cursor_gets_what_came_after_it() {
        let (db, mut head) = feed(&[ticket(1, "live")]);
        let first = page(&db, INC, None, PAGE_ROWS).expect("page").cursor;
        append(&db, &mut head, &ticket(2, "live")).expect("append");
        let next = page(&db, INC, Some(first), PAGE_ROWS).expect("page");
        assert!(!next.reset);
        assert_eq!(next.rows, [ticket(2, "live")]);
        assert!(page(&db, INC, Some(next.cursor), PAGE_ROWS).expect("page").rows.is_empty());
    }

    #[test]
    fn a_cursor_of_another_chain_is_answered_from_the_start() {
        let (db, _) = feed(&[ticket(1, "live")]);
        let good = page(&db, INC, None, PAGE_ROWS).expect("page").cursor;
        let forks = [
            Cursor { incarnation: Incarnation(8), ..good },
            Cursor { hash: Hash([1; 32]), ..good },
            Cursor { seq: 99, ..good },
            Cursor { seq: u64::MAX, ..good },
        ];
        for fork in forks {
            let page = page(&db, INC, Some(fork), PAGE_ROWS).expect("page");
            assert!(page.reset, "{fork}");
            assert_eq!(page.rows.len(), 1);
        }
    }

    #[test]
    fn a_long_feed_comes_in_pages_of_which_only_the_first_resets() {
        let rows: Vec<_> = (0..PAGE_ROWS + 10).map(|id| ticket(id, "live")).collect();
        let (db, _) = feed(&rows);
        let first = page(&db, INC, None, PAGE_ROWS).expect("page");
        assert!(first.reset && first.more);
        let second = page(&db, INC, Some(first.cursor), PAGE_ROWS).expect("page");
        assert!(!second.reset && !second.more);
        assert_eq!(first.rows.len() + second.rows.len(), rows.len());
        let all = page(&db, INC, None, PAGE_ROWS_MAX).expect("page");
        assert_eq!((all.rows.len(), all.more, all.cursor), (rows.len(), false, second.cursor));
        assert_eq!(page(&db, INC, None, 0).expect("page").rows.len(), 1);
    }

    #[test]
    fn a_row_that_changes_nothing_is_not_appended() {
        let (_, head) = feed(&[ticket(1, "live"), ticket(1, "live")]);
        assert_eq!(head.seq, 1);
    }

    #[test]
    fn a_cursor_reads_back_as_it_was_written() {
        let cursor = Cursor { incarnation: INC, seq: 5, hash: Hash([9; 32]) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1.2", "x.1.00", "1.1.zz", "0000000000000007.1.00.4"] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor), "{bad}");
        }
    }
}
