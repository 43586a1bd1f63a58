//! Who this device is: what pairing gave it.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::ids::{Incarnation, TheatreId};
use shared::keys::PublicKey;

/// The device's identity.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The edge it was paired with, `http://HOST:PORT`.
    pub edge: String,
    /// The edge's id for it.
    pub device: String,
    /// The door's name, for example `Door A`.
    pub door: String,
    /// What it identifies itself with to the edge.
    pub(crate) token: String,
    /// The theatre.
    pub theatre: TheatreId,
    /// The theatre's name.
    pub theatre_name: String,
    /// The key that certifies all others.
    pub root_key: PublicKey,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}) of theatre {}", self.door, self.device, self.theatre)
    }
}

/// The identity, nothing before pairing.
pub(crate) fn identity(db: &Connection) -> anyhow::Result<Option<Identity>> {
    let row = db
        .query_row("SELECT edge, device, door, token, theatre, theatre_name, root_key FROM identity", [], |row| {
            let theatre = TheatreId(row.get(4)?);
            let root: [u8; 32] = row.get(6)?;
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, theatre, row.get(5)?, root))
        })
        .optional()?;
    let Some((edge, device, door, token, theatre, theatre_name, root)) = row else { return Ok(None) };
    let root_key = PublicKey::from_bytes(&root)?;
    Ok(Some(Identity { edge, device, door, token, theatre, theatre_name, root_key }))
}

/// Takes on an identity. What was known is read anew from the edge; the device's own scans stay and are offered again, unless they are
/// another theatre's: seats and numbers of shows mean something else there.
pub(crate) fn pair(tx: &Transaction<'_>, identity: &Identity, certificates: &[String]) -> anyhow::Result<()> {
    // What is kept of the edge's log stays, but for another theatre it is of no use.
    let elsewhere = "SELECT EXISTS (SELECT 1 FROM witness_head WHERE theatre <> ?1)";
    if tx.query_row(elsewhere, [identity.theatre.0], |row| row.get(0))? {
        tx.execute_batch("DELETE FROM witness_head; DELETE FROM witness_entries;")?;
    }
    let before: Option<u32> = tx.query_row("SELECT theatre FROM identity", [], |row| row.get(0)).optional()?;
    if before.is_some_and(|before| before != identity.theatre.0) {
        for table in ["scans", "departures", "admissions", "departed", "gone", "asked"] {
            tx.execute(&format!("DELETE FROM {table}"), [])?;
        }
    } else {
        // The box may not be the one that was told: what it has, it takes for the same.
        offer_again(tx)?;
    }
    for table in ["identity", "certificates", "revoked_keys", "feed", "shows", "tickets"] {
        tx.execute(&format!("DELETE FROM {table}"), [])?;
    }
    tx.execute(
        "INSERT INTO identity (one, edge, device, door, token, theatre, theatre_name, root_key)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            identity.edge,
            identity.device,
            identity.door,
            identity.token,
            identity.theatre.0,
            identity.theatre_name,
            identity.root_key.to_bytes()
        ],
    )?;
    for certificate in certificates {
        tx.execute("INSERT OR IGNORE INTO certificates (text) VALUES (?1)", [certificate])?;
    }
    Ok(())
}

/// Has everything that was told an edge told again: the next one may know nothing of it.
pub(super) fn offer_again(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in ["scans", "departures"] {
        tx.execute(&format!("UPDATE {table} SET state = 'queued' WHERE state <> 'queued'"), [])?;
    }
    Ok(())
}

/// Which life of the device this store is.
pub(crate) fn incarnation(db: &Connection) -> rusqlite::Result<Incarnation> {
    db.query_row("SELECT incarnation FROM incarnation", [], |row| row.get(0)).map(u64::from_be_bytes).map(Incarnation)
}

/// What pages of other machines must show, 32 hex digits.
pub(crate) fn access_key(db: &Connection) -> rusqlite::Result<String> {
    db.query_row("SELECT lower(hex(key)) FROM access", [], |row| row.get(0))
}

/// Whether the door's page was served over HTTPS last.
pub(crate) fn serves_https(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT https FROM access", [], |row| row.get(0))
}

/// Notes how the door's page is served.
pub(crate) fn note_https(db: &Connection, https: bool) -> rusqlite::Result<()> {
    db.execute("UPDATE access SET https = ?1 WHERE https <> ?1", [https])?;
    Ok(())
}

/// Whether the edge has said that this device is declared off, and nothing else since.
pub(crate) fn is_off(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT off FROM identity", [], |row| row.get(0))
}

/// The edge says whether this device is declared off.
pub(crate) fn set_off(tx: &Transaction<'_>, off: bool) -> rusqlite::Result<()> {
    tx.execute("UPDATE identity SET off = ?1", [off])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SCHEMA;
    use shared::keys::SecretKey;

    fn identity_of(theatre: u32) -> Identity {
        Identity {
            edge: "http://box".into(),
            device: "d1".into(),
            door: "Door A".into(),
            token: "secret".into(),
            theatre: TheatreId(theatre),
            theatre_name: "Regal".into(),
            root_key: SecretKey::from_seed(&[1; 32]).public(),
        }
    }

    /// How many entries and scans to be told a device of theatre 12 has that was paired once more, with this one.
    fn kept(theatre: u32) -> (u32, u32) {
        let mut db = Connection::open_in_memory().expect("open");
        for migration in SCHEMA.migrations {
            db.execute_batch(migration.sql).expect(migration.name);
        }
        let tx = db.transaction().expect("begin");
        pair(&tx, &identity_of(12), &[]).expect("paired");
        tx.execute_batch(
            "INSERT INTO admissions (ticket, show, seat, admitted_at, door) VALUES (x'01', 1, 'A1', 5, 'Door A');
             INSERT INTO scans (scan, ticket, show, code, scanned_at, door, verdict, reason, guarantee, state)
                 VALUES (x'02', x'01', 1, 'C', 5, 'Door A', 'admit', 'ok', 'SHARED', 'stored');",
        )
        .expect("an entry");
        pair(&tx, &identity_of(theatre), &[]).expect("paired anew");
        let count = |sql| tx.query_row(sql, [], |row| row.get(0)).expect("a count");
        (count("SELECT count(*) FROM admissions"), count("SELECT count(*) FROM scans WHERE state = 'queued'"))
    }

    #[test]
    fn a_device_takes_its_entries_along_to_another_box_and_to_no_other_theatre() {
        assert_eq!(kept(12), (1, 1));
        assert_eq!(kept(13), (0, 0));
    }
}
