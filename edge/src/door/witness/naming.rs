//! Which device is the named witness.

use rusqlite::{Connection, OptionalExtension};
use sync_protocol::gate::DeviceNumber;

/// The named witness, if there is one.
///
/// # Errors
/// If the database fails.
pub fn named(db: &Connection) -> rusqlite::Result<Option<DeviceNumber>> {
    db.query_row("SELECT number FROM devices WHERE witness = 1", [], |row| Ok(DeviceNumber(row.get(0)?))).optional()
}

/// Names a device, or none, in the place of the one named before.
///
/// # Errors
/// If the database fails.
pub fn name(db: &Connection, device: Option<DeviceNumber>) -> rusqlite::Result<()> {
    db.execute("UPDATE devices SET witness = 0 WHERE witness = 1", [])?;
    db.execute("UPDATE devices SET witness = 1 WHERE number = ?1", [device.map(|device| device.0)])?;
    Ok(())
}

/// Whether a device is a paired scanner that nobody declared off.
///
/// # Errors
/// If the database fails.
pub fn can_be_named(db: &Connection, device: DeviceNumber) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM devices
                        WHERE number = ?1 AND kind = 'scanner' AND token_hash IS NOT NULL AND off_by IS NULL)",
        [device.0],
        |row| row.get(0),
    )
}
