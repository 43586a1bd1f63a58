//! What a door device knows, read from its data directory without the device: what it would answer by itself. For benchmarks and
//! drills; a device at work answers by the same functions.

use crate::store;
use anyhow::Context;
use node::sqlite::open_read_only;
use rusqlite::Connection;
use shared::admission::{Clock, Door, Guarantee, Verdict, check};
use shared::keys::KeyRing;
use std::path::Path;
use std::time::Duration;

/// The keys, shows, tickets and admissions of a device.
#[derive(Debug)]
pub struct Book {
    db: Connection,
    ring: KeyRing,
    door: Door,
}

impl Book {
    /// Opens the book of a paired data directory, for a door to all screens that opens so long before a show.
    ///
    /// # Errors
    /// If the device is not paired, or its store cannot be read.
    pub fn open(data: &Path, early: Duration) -> anyhow::Result<Self> {
        let db = open_read_only(&data.join(store::FILE))?;
        let identity = store::identity(&db)?.with_context(|| format!("{} is not paired", data.display()))?;
        let ring = store::key_ring(&db, &identity).context("read the keys")?;
        let door = Door { early, ..Door::to_all_screens(identity.theatre) };
        Ok(Self { db, ring, door })
    }

    /// The keys it believes.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// What the device would answer; nothing is written down.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn decide(&self, code: &str, clock: Clock, guarantee: Guarantee) -> anyhow::Result<Verdict> {
        check(code, &self.ring, &self.door, clock, guarantee, |ticket| store::facts(&self.db, ticket))
    }
}
