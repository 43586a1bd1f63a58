//! Setting the box's time back. It never runs backwards by itself, for a machine whose clock has lost its battery is behind and not
//! right; so after a clock that was ahead by mistake the shows of today would be over until real time has caught up. A person who has
//! looked at the machine's clock decides.

use crate::schema;
use anyhow::Context;
use node::clock;
use node::sqlite;
use rusqlite::Connection;
use shared::time::Timestamp;
use std::path::Path;
use std::time::Duration;

/// Less is no mistake of a clock.
pub const AHEAD_MIN: Duration = Duration::from_secs(5 * 60);

/// How far the box's time is ahead of what its machine shows, where that is a mistake.
pub fn ahead(stored: Timestamp, machine: Timestamp) -> Option<Duration> {
    Some(stored.since(machine)).filter(|ahead| *ahead >= AHEAD_MIN)
}

/// Sets the time of a box that does not run to what its machine shows. Holds and waits after wrong PINs last as long as they would
/// have; everybody logs in again. Returns by how much.
///
/// # Errors
/// If the box runs, its time is not ahead, or its store fails.
pub fn set_back(data: &Path, machine: Timestamp) -> anyhow::Result<Duration> {
    let _lock = sqlite::lock(data)?;
    let mut db = sqlite::open(&data.join(schema::FILE), &schema::SCHEMA)?;
    let tx = db.transaction().context("begin a transaction")?;
    let stored = clock::last_persisted(&tx).context("read the box's time")?;
    let by = ahead(stored, machine);
    let by = by.context("the box's time is not ahead of this machine's clock: there is nothing to set back")?;
    move_all(&tx, by, machine).context("set the box's time back")?;
    tx.commit().context("commit the box's time")?;
    Ok(by)
}

fn move_all(tx: &Connection, by: Duration, machine: Timestamp) -> rusqlite::Result<()> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    tx.execute("UPDATE store_time SET persisted_ms = ?1", [machine.0])?;
    tx.execute("UPDATE ledger_hold SET deadline = deadline - ?1, cap = cap - ?1", [by])?;
    tx.execute("UPDATE counter_holds SET at = at - ?1", [by])?;
    tx.execute("UPDATE staff SET locked_until = locked_until - ?1 WHERE locked_until <> 0", [by])?;
    tx.execute("DELETE FROM sessions", [])?;
    Ok(())
}
