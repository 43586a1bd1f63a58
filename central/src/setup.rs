//! Setting central up while it is not running: importing the catalogue, plans and shows, enrolling boxes.

use crate::backup;
use crate::catalogue::import::{ImportReport, Table};
use crate::catalogue::theatres::Theatre;
use crate::database::{Database, Place};
use crate::desk::{Desk, KeySource, silent_replica};
use crate::discovery::schedule;
use crate::events::SeatBoard;
use crate::fleet::enrolment::{self, Issuing, JoinFile, JoinRequest};
use crate::fleet::keys::KeyStore;
use anyhow::Context;
use node::clock::{self, StoreClock};
use node::ledger_store;
use node::store::Sql;
use node::values;
use node::writer::{Core, Engine};
use shared::ids::{Side, TheatreId};
use shared::ledger::HoldTimes;
use shared::time::Timestamp;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync_protocol::Settings;
use sync_protocol::replica::{Snapshot, Start};
use tokio::sync::Notify;

/// Numbers of shows that are left out after a backup was put back: more than were added since.
const NUMBERS_SKIPPED: u32 = 1_000;

/// Central's store, held by this process alone.
pub struct Setup {
    db: Database,
    clock: StoreClock,
}

impl Setup {
    /// Opens the store of `sqlite:PATH`, or creates it.
    ///
    /// # Errors
    /// If central is running on it, or it cannot be opened.
    pub fn open(store: &str) -> anyhow::Result<Self> {
        let db = Database::open(&Place::parse(store)?)?;
        let clock = db.clock()?.unkept();
        Ok(Self { db, clock })
    }

    /// Puts a copy in the place of the store and marks it as put back. Returns how many theatres wait for their
    /// boxes now, and where the store that was there is kept.
    ///
    /// # Errors
    /// If central is running on the store, or the backup is not one of central's.
    pub fn restore(store: &str, copy: &Path) -> anyhow::Result<(usize, Option<PathBuf>)> {
        let kept = backup::put_back(&Place::parse(store)?, copy)?;
        Ok((Self::open(store)?.mark_restored()?, kept))
    }

    /// Imports a table; plans and shows go into the theatres' logs.
    ///
    /// # Errors
    /// If the table cannot be read at all or the store fails; bad rows are in the report.
    pub fn import(&mut self, table: Table, input: impl Read) -> anyhow::Result<ImportReport> {
        self.with_desk(|desk, tx, now| Ok(desk.import(tx, table, input, now)?))
            .with_context(|| format!("import {}", table.name()))
    }

    /// The theatre that a person names by id, by name, or by `City/Name`.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn theatre(&self, name: &str) -> anyhow::Result<Theatre> {
        enrolment::theatre_named(self.db.sql(), name)?.map_err(anyhow::Error::msg)
    }

    /// Enrols a box for a theatre.
    ///
    /// # Errors
    /// If the request is not usable, a key is missing or the store fails.
    pub fn enrol(
        &mut self,
        theatre: &Theatre,
        request: &JoinRequest,
        issuing: Issuing,
        keys: &KeyStore,
    ) -> anyhow::Result<JoinFile> {
        let enrolled =
            self.db.transaction(&self.clock, |tx, now| enrolment::enrol(tx, keys, theatre, request, issuing, now));
        enrolled
            .done()
            .map(|enrolled| enrolled.file)
            .with_context(|| format!("enrol a box for {} ({})", theatre.name, theatre.id))
    }

    /// Marks every theatre as put back from a backup: it stays closed until its box has given the log back, and numbers of shows
    /// that may have been used since the backup are not used again. Returns how many theatres there are.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mark_restored(&mut self) -> anyhow::Result<usize> {
        mark_store_restored(&mut self.db, &self.clock)
    }

    /// Runs one job on a desk that signs nothing and sends nothing.
    fn with_desk<T>(
        &mut self,
        job: impl FnOnce(&mut Desk, &dyn Sql, Timestamp) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let worked = self.db.transaction(&self.clock, |tx, now| {
            let (board, payments) = (SeatBoard::default(), Arc::new(Notify::new()));
            let settings = Settings::with_holds(HoldTimes::WEB);
            let mut desk = Desk::load(tx, KeySource::None, settings, board, payments, now)?;
            let done = job(&mut desk, tx, now)?;
            desk.before_commit(tx, now)?;
            Ok(done)
        });
        worked.done()
    }
}

/// Marks every theatre of a store as [`Setup::mark_restored`] does, and says in the store that it is no older than now.
pub(crate) fn mark_store_restored(db: &mut Database, clock: &StoreClock) -> anyhow::Result<usize> {
    let marked = db.transaction(clock, |tx, now| {
        let select = "SELECT theatre FROM ledger_head UNION SELECT theatre FROM enrolment ORDER BY 1";
        let theatres = tx.all(select, &[], |row| row.get(0).map(TheatreId))?;
        for theatre in &theatres {
            mark_restored(tx, *theatre, now).with_context(|| format!("mark theatre {theatre} as restored"))?;
        }
        clock::persist(tx, now).context("write the store time")?;
        Ok(theatres.len())
    });
    marked.done()
}

/// The theatre begins as the protocol begins after a backup was put back, and that is what is stored.
fn mark_restored(tx: &dyn Sql, theatre: TheatreId, now: Timestamp) -> anyhow::Result<()> {
    let snapshot = Snapshot { start: Start::Restored, ..ledger_store::load(tx, theatre, Side::Central)? };
    ledger_store::write(tx, theatre, silent_replica(theatre, snapshot, now).take_changes())?;
    let used = schedule::highest_number(tx, theatre)?;
    tx.execute(
        "INSERT INTO number_floor (theatre, number) VALUES (?1, ?2)
         ON CONFLICT (theatre) DO UPDATE SET number = excluded.number",
        values![theatre.0, used.saturating_add(NUMBERS_SKIPPED)],
    )?;
    Ok(())
}
