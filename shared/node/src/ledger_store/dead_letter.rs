//! Dead letters in the store: bytes that could not be processed, kept to be tried again.

use crate::problem::Problem;
use crate::store::{Sql, StoreError};
use crate::values;
use crate::zone::Zone;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use shared::entry::Entry;
use shared::ids::TheatreId;
use shared::time::Timestamp;
use sync_protocol::Replica;
use sync_protocol::replica::{Changes, DeadLetter};

/// Dead letters kept: whoever may publish could fill the disk otherwise.
const KEPT_MAX: u32 = 1_000;
/// Bytes of a letter that a list shows.
const SHOWN_BYTES: usize = 64;

/// Bytes that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterView {
    /// Its number, as replaying names it.
    pub n: i64,
    /// RFC 3339: when it came.
    pub at: String,
    /// The theatre.
    pub theatre: u32,
    /// Why it could not be processed.
    pub why: String,
    /// How many bytes it has.
    pub bytes_count: usize,
    /// Its first bytes, hex.
    pub begins: String,
    /// The last replay, if there was one.
    pub replayed: Option<ReplayView>,
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayView {
    /// RFC 3339.
    pub at: String,
    /// `taken`: the message was processed. `applied`: the entry is in its log. `readable`: the entry can be read, and applies when
    /// the other side sends it again. Anything else is why it still cannot be processed.
    pub outcome: String,
}

/// Dead letters, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// Those that are kept.
    pub dead_letters: Vec<DeadLetterView>,
    /// Older ones that had to make room.
    pub dropped: u64,
}

/// There is no dead letter with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("There is no such dead letter.")]
pub struct UnknownDeadLetter;

impl From<UnknownDeadLetter> for Problem {
    fn from(unknown: UnknownDeadLetter) -> Self {
        Self::not_found("unknown_dead_letter", unknown.to_string())
    }
}

/// Keeps what a replica could not process.
pub(super) fn keep(tx: &dyn Sql, theatre: TheatreId, letter: &DeadLetter) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO dead_letter (theatre, at, why, bytes) VALUES (?1, ?2, ?3, ?4)",
        values![theatre.0, letter.at.0, letter.why, letter.bytes],
    )?;
    let dropped = tx.execute(
        "DELETE FROM dead_letter WHERE n <= (SELECT n FROM dead_letter ORDER BY n DESC LIMIT 1 OFFSET ?1)",
        values![KEPT_MAX],
    )?;
    if dropped > 0 {
        tracing::warn!(%theatre, dropped, "dead letters had to make room for newer ones");
    }
    Ok(())
}

/// Every dead letter that is kept.
///
/// # Errors
/// A store failure.
pub fn list(conn: &dyn Sql, zone: &Zone) -> Result<DeadLetters, StoreError> {
    let dead_letters: Vec<DeadLetterView> =
        conn.all("SELECT n, at, theatre, why, bytes, replayed_at, outcome FROM dead_letter ORDER BY n", &[], |row| {
            let bytes: Vec<u8> = row.get(4)?;
            let begins = bytes.get(..bytes.len().min(SHOWN_BYTES)).unwrap_or_default();
            let replayed = match (row.get::<Option<i64>>(5)?, row.get::<Option<String>>(6)?) {
                (Some(at), Some(outcome)) => Some(ReplayView { at: zone.rfc3339(Timestamp(at)), outcome }),
                _ => None,
            };
            Ok(DeadLetterView {
                n: row.get(0)?,
                at: zone.rfc3339(Timestamp(row.get(1)?)),
                theatre: row.get(2)?,
                why: row.get(3)?,
                bytes_count: bytes.len(),
                begins: data_encoding::HEXLOWER.encode(begins),
                replayed,
            })
        })?;
    // Only where the shelf is full have older ones had to go. An engine may leave numbers out, but hardly ever does.
    let full = dead_letters.len() >= KEPT_MAX as usize;
    let oldest = dead_letters.first().filter(|_| full).map_or(1, |letter| letter.n);
    let dropped = oldest.saturating_sub(1).unsigned_abs();
    Ok(DeadLetters { dead_letters, dropped })
}

/// The theatre whose replica has to try a dead letter again.
///
/// # Errors
/// Outside a store failure; inside if there is none.
pub fn theatre(conn: &dyn Sql, n: i64) -> Result<Result<TheatreId, UnknownDeadLetter>, StoreError> {
    let found = conn.first("SELECT theatre FROM dead_letter WHERE n = ?1", values![n], |row| row.get(0))?;
    Ok(found.map(TheatreId).ok_or(UnknownDeadLetter))
}

/// A dead letter that was fed to its replica again: what that changed must be stored before [`note`] keeps the outcome.
#[derive(Debug)]
pub struct Replayed {
    bytes: Vec<u8>,
    /// Why it cannot be processed this time either.
    again: Option<String>,
}

/// Feeds a dead letter's bytes to its replica again, and stores what follows with the outcome.
///
/// # Errors
/// Outside a store failure; inside if there is no such letter of this replica's theatre.
pub fn replay(
    tx: &dyn Sql,
    replica: &mut Replica,
    n: i64,
    now: Timestamp,
    zone: &Zone,
) -> anyhow::Result<Result<ReplayView, UnknownDeadLetter>> {
    let theatre = replica.theatre();
    // What was waiting to be stored is none of this letter's.
    super::write(tx, theatre, replica.take_changes()).context("store what came before")?;
    let Ok((replayed, changes)) = feed(tx, replica, n, now)? else { return Ok(Err(UnknownDeadLetter)) };
    super::write(tx, theatre, changes).with_context(|| format!("store what dead letter {n} came to"))?;
    note(tx, theatre, n, replayed, now, zone).map(Ok)
}

/// Feeds a dead letter's bytes to its replica again. The changes are for the caller to store, and then to [`note`]; changes that
/// waited before must have been taken.
///
/// # Errors
/// Outside a store failure; inside if there is no such letter of this replica's theatre.
pub fn feed(
    tx: &dyn Sql,
    replica: &mut Replica,
    n: i64,
    now: Timestamp,
) -> anyhow::Result<Result<(Replayed, Changes), UnknownDeadLetter>> {
    let theatre = replica.theatre();
    let select = "SELECT bytes FROM dead_letter WHERE n = ?1 AND theatre = ?2";
    let found: Option<Vec<u8>> = tx.first(select, values![n, theatre.0], |row| row.get(0))?;
    let Some(bytes) = found else { return Ok(Err(UnknownDeadLetter)) };
    replica
        .handle_message(&bytes, now, &super::StoredLogs::new(tx, theatre))
        .with_context(|| format!("replay dead letter {n}"))?;
    let mut changes = replica.take_changes();
    let again = changes.dead_letters.iter().position(|letter| letter.bytes == bytes);
    let again = again.map(|at| changes.dead_letters.remove(at).why);
    Ok(Ok((Replayed { bytes, again }, changes)))
}

/// Keeps with a dead letter what came of its replay.
///
/// # Errors
/// A store failure.
pub fn note(
    tx: &dyn Sql,
    theatre: TheatreId,
    n: i64,
    replayed: Replayed,
    now: Timestamp,
    zone: &Zone,
) -> anyhow::Result<ReplayView> {
    let outcome = match replayed.again {
        None => "taken".to_owned(),
        Some(why) => outcome_of_entry(tx, theatre, &replayed.bytes)?.map_or(why, str::to_owned),
    };
    tx.send("UPDATE dead_letter SET replayed_at = ?2, outcome = ?3 WHERE n = ?1", values![n, now.0, outcome])?;
    tracing::info!(%theatre, n, outcome, "a dead letter was replayed");
    Ok(ReplayView { at: zone.rfc3339(now), outcome })
}

/// Some dead letters are no messages but entries that could not be read, or were cut off.
fn outcome_of_entry(conn: &dyn Sql, theatre: TheatreId, bytes: &[u8]) -> Result<Option<&'static str>, StoreError> {
    if Entry::decode(bytes).is_err() {
        return Ok(None);
    }
    let select = "SELECT EXISTS (SELECT 1 FROM ledger_entry WHERE theatre = ?1 AND bytes = ?2)";
    let applied: bool = conn.only(select, values![theatre.0, bytes], |row| row.get(0))?;
    Ok(Some(if applied { "applied" } else { "readable" }))
}
