//! Prints as rows.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::BookingId;
use shared::time::Timestamp;

/// Which paper of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// Its tickets.
    Tickets,
    /// Its receipt.
    Receipt,
    /// One paper for a whole group.
    Group,
}

impl Document {
    /// Every paper.
    pub const ALL: [Self; 3] = [Self::Tickets, Self::Receipt, Self::Group];

    fn word(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Receipt => "receipt",
            Self::Group => "group",
        }
    }
}

/// How far a print has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A printer has it, or will soon.
    Waiting,
    /// It is on paper, or in a document.
    Printed,
    /// It is not, or not all of it.
    Failed,
    /// Nobody wants it any more.
    Skipped,
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Printed, Self::Failed, Self::Skipped];

    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Printed => "printed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What it came to at the printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The printer has taken all of it.
    Printed,
    /// It has not.
    Failed {
        /// Why, a stable word.
        reason: &'static str,
        /// Some of it may be on paper.
        maybe_out: bool,
    },
}

/// A print, 128 random bits: whoever has its address may read it, as whoever has the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrintId(pub [u8; 16]);

impl PrintId {
    /// Reads 32 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(|BookingId(bytes)| Self(bytes))
    }
}

impl std::fmt::Display for PrintId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        BookingId(self.0).fmt(f)
    }
}

/// A print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// Its id.
    pub id: PrintId,
    /// Of which sale.
    pub sale: BookingId,
    /// Which paper.
    pub document: Document,
    /// 0, or the number of the duplicate.
    pub copy: u32,
    /// Where.
    pub printer: String,
    /// How far.
    pub state: State,
    /// Why it failed.
    pub reason: Option<String>,
    /// Some of it may be on paper.
    pub maybe_out: bool,
    /// Opens the drawer.
    pub kick: bool,
}

impl Print {
    /// A paper of this may be in somebody's hands.
    pub fn may_be_out(&self) -> bool {
        self.state == State::Printed || self.maybe_out
    }
}

const SELECT: &str = "SELECT print, sale, document, copy, printer, state, reason, maybe_out, kick FROM prints";

fn read(row: &Row<'_>) -> rusqlite::Result<Print> {
    let (document, state): (String, String) = (row.get(2)?, row.get(5)?);
    Ok(Print {
        id: PrintId(row.get(0)?),
        sale: BookingId(row.get(1)?),
        document: Document::ALL.into_iter().find(|known| known.word() == document).unwrap_or(Document::Receipt),
        copy: row.get(3)?,
        printer: row.get(4)?,
        state: State::ALL.into_iter().find(|known| known.word() == state).unwrap_or(State::Failed),
        reason: row.get(6)?,
        maybe_out: row.get(7)?,
        kick: row.get(8)?,
    })
}

/// A print.
///
/// # Errors
/// If the database fails.
pub fn find(db: &Connection, id: PrintId) -> rusqlite::Result<Option<Print>> {
    db.prepare_cached(&format!("{SELECT} WHERE print = ?1"))?.query_row([id.0], read).optional()
}

/// The prints of one paper of a sale, the last asked for last.
///
/// # Errors
/// If the database fails.
pub fn of_sale(db: &Connection, sale: BookingId, document: Document) -> rusqlite::Result<Vec<Print>> {
    db.prepare_cached(&format!("{SELECT} WHERE sale = ?1 AND document = ?2 ORDER BY asked_at, rowid"))?
        .query_map(params![sale.0, document.word()], read)?
        .collect()
}

/// Whether a print of the sale opens the drawer, or may have opened it.
///
/// # Errors
/// If the database fails.
pub fn kicked(db: &Connection, sale: BookingId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM prints WHERE sale = ?1 AND (maybe_out OR copy > 0 OR (kick AND state <> 'skipped')))")?
        .query_row([sale.0], |row| row.get(0))
}

/// Prints that wait or failed, the oldest first.
///
/// # Errors
/// If the database fails.
pub fn open(db: &Connection, at_most: u32) -> rusqlite::Result<Vec<Print>> {
    let select = format!("{SELECT} WHERE state = 'waiting' OR state = 'failed' ORDER BY asked_at, rowid LIMIT ?1");
    db.prepare_cached(&select)?.query_map([at_most], read)?.collect()
}

/// Writes a new print down.
///
/// # Errors
/// If the database fails.
pub fn add(
    tx: &Transaction<'_>,
    print: &Print,
    asked_by: &str,
    second: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let ended = (print.state != State::Waiting).then_some(now.0);
    tx.prepare_cached(
        "INSERT INTO prints (print, sale, document, copy, printer, state, kick, asked_by, second, asked_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        print.id.0,
        print.sale.0,
        print.document.word(),
        print.copy,
        print.printer,
        print.state.word(),
        print.kick,
        asked_by,
        second,
        now.0,
        ended
    ])
    .map(|_one| ())
}

/// A failed print waits again at somebody's word, perhaps elsewhere, and as a duplicate where some of it may be out.
///
/// # Errors
/// If the database fails.
pub fn again(tx: &Transaction<'_>, print: &Print, printer: &str, state: State, by: &str) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE prints SET state = ?2, printer = ?3, copy = copy + maybe_out, reason = NULL, maybe_out = 0, read_at = NULL,
             settled_by = ?4
         WHERE print = ?1 AND state = 'failed'",
        params![print.id.0, state.word(), printer, by],
    )
    .map(|_one| ())
}

/// A document is given out, once. False if it was before.
///
/// # Errors
/// If the database fails.
pub fn give_out(tx: &Transaction<'_>, id: PrintId, now: Timestamp) -> rusqlite::Result<bool> {
    let update = "UPDATE prints SET read_at = ?2 WHERE print = ?1 AND read_at IS NULL";
    tx.execute(update, params![id.0, now.0]).map(|given| given == 1)
}

/// Nobody wants a failed print any more, somebody says.
///
/// # Errors
/// If the database fails.
pub fn skip(tx: &Transaction<'_>, id: PrintId, by: &str, now: Timestamp) -> rusqlite::Result<()> {
    let update =
        "UPDATE prints SET state = 'skipped', ended_at = ?2, settled_by = ?3 WHERE print = ?1 AND state = 'failed'";
    tx.execute(update, params![id.0, now.0, by]).map(|_one| ())
}

/// What a waiting print came to.
///
/// # Errors
/// If the database fails.
pub fn ended(tx: &Transaction<'_>, id: PrintId, outcome: Outcome, now: Timestamp) -> rusqlite::Result<()> {
    let (state, reason, maybe_out) = match outcome {
        Outcome::Printed => (State::Printed, None, false),
        Outcome::Failed { reason, maybe_out } => (State::Failed, Some(reason), maybe_out),
    };
    // A drawer that was opened is not opened by the next try.
    tx.execute(
        "UPDATE prints SET state = ?2, reason = ?3, maybe_out = ?4, ended_at = ?5, kick = kick AND NOT ?4
         WHERE print = ?1 AND state = 'waiting'",
        params![id.0, state.word(), reason, maybe_out, now.0],
    )
    .map(|_one| ())
}

/// At a start nobody knows what became of those that waited.
///
/// # Errors
/// If the database fails.
pub fn give_up_waiting(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE prints SET state = 'failed', reason = 'box_restarted', maybe_out = 1, kick = 0, ended_at = ?1
         WHERE state = 'waiting'",
        [now.0],
    )
    .map(|_all| ())
}
