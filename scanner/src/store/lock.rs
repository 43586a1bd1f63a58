//! Whether the page's settings are locked, and by which PIN. It is kept here, so a restart or another page opens nothing.

use node::pin;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::time::Timestamp;

/// A lock that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    /// The hash of the PIN that opens it.
    pub(crate) pin_hash: String,
    /// Nobody may try before.
    pub(crate) until: Timestamp,
}

/// The lock, if there is one.
pub(crate) fn lock_of(db: &Connection) -> rusqlite::Result<Option<Lock>> {
    db.query_row("SELECT pin_hash, locked_until FROM lock", [], |row| {
        Ok(Lock { pin_hash: row.get(0)?, until: Timestamp(row.get(1)?) })
    })
    .optional()
}

/// Locks; false where it is locked already.
pub(crate) fn set_lock(tx: &Transaction<'_>, pin_hash: &str) -> rusqlite::Result<bool> {
    Ok(tx.execute("INSERT OR IGNORE INTO lock (one, pin_hash) VALUES (1, ?1)", [pin_hash])? == 1)
}

/// Opens.
pub(crate) fn open_lock(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM lock", [])?;
    Ok(())
}

/// A PIN was not the right one: the next one waits the longer, the more there were.
pub(crate) fn note_wrong_pin(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let wrong: Option<u32> = tx
        .query_row("UPDATE lock SET wrong_pins = wrong_pins + 1 RETURNING wrong_pins", [], |row| row.get(0))
        .optional()?;
    let until = now + pin::delay_after(wrong.unwrap_or(0));
    tx.execute("UPDATE lock SET locked_until = ?1", params![until.0])?;
    Ok(())
}
