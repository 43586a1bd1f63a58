//! Both logs, read once and on from where that ended: what the ledger does not keep, such as when something was, is made of it.

use super::Desk;
use anyhow::Context;
use node::ledger_store::StoredLogs;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::entry::Entry;
use shared::ids::Side;
use sync_protocol::log::EntrySource;

/// Bytes of a log that are read in one turn of the writer.
const BYTES_AT_ONCE: usize = 256 << 10;

/// Where a reader keeps how far it is, and what it made of the entries.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The table with `log`, `seq` and `hash`.
    pub read: &'static str,
    /// The tables made of the entries.
    pub made: &'static [&'static str],
}

impl Desk {
    /// Reads a part of what is new in the logs, the one to its end before the other. True while there is more.
    ///
    /// # Errors
    /// If the store fails, a log cannot be read, or `note` fails.
    pub fn read_on(
        &self,
        tx: &Transaction<'_>,
        reading: Reading,
        mut note: impl FnMut(Side, u64, &Entry) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let logs = StoredLogs::new(tx, self.replica().theatre());
        for log in [Side::Central, Side::Edge] {
            let (seq, hash) = reading.read_to(tx, log)?;
            let same = seq == 0 || logs.head_at(log, seq)?.is_some_and(|head| head.hash.0 == hash);
            if !same {
                // Another line of the log counts by now: everything is read again.
                for table in reading.made.iter().chain([&reading.read]) {
                    tx.execute(&format!("DELETE FROM {table}"), [])?;
                }
                return Ok(true);
            }
            let entries = logs.entries(log, seq + 1, BYTES_AT_ONCE)?;
            for (seq, bytes) in (seq + 1..).zip(&entries) {
                if let Ok(entry) = Entry::decode(bytes) {
                    note(log, seq, &entry)?;
                }
            }
            let last = seq + entries.len() as u64;
            if last > seq {
                let head = logs.head_at(log, last)?.context("find the entry that was read last")?;
                let insert = format!(
                    "INSERT INTO {} (log, seq, hash) VALUES (?1, ?2, ?3)
                     ON CONFLICT (log) DO UPDATE SET (seq, hash) = (excluded.seq, excluded.hash)",
                    reading.read
                );
                tx.prepare_cached(&insert)?.execute(params![log.word(), last.cast_signed(), head.hash.0])?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Reading {
    fn read_to(self, db: &Connection, log: Side) -> rusqlite::Result<(u64, [u8; 32])> {
        let found = db
            .prepare_cached(&format!("SELECT seq, hash FROM {} WHERE log = ?1", self.read))?
            .query_row([log.word()], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))
            .optional()?;
        Ok(found.unwrap_or_default())
    }
}
