//! Setting central up while it is not running: importing the catalogue, plans and shows, enrolling boxes.

use crate::catalogue::import::{ImportError, ImportReport, Imported, RowError};
use crate::catalogue::theatres::Theatre;
use crate::catalogue::{movies, plans, shows, theatres};
use crate::config::store_path;
use crate::desk::house::Added;
use crate::desk::{Desk, KeySource};
use crate::events::SeatBoard;
use crate::fleet::enrolment::{self, JoinFile, JoinRequest};
use crate::fleet::keys::KeyStore;
use crate::schema;
use anyhow::Context;
use node::clock::{self, StoreClock};
use node::sqlite::{self, StoreLock};
use node::writer::Core;
use rusqlite::{Connection, Transaction};
use shared::ids::ScreenId;
use shared::ledger::HoldTimes;
use shared::time::Timestamp;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use sync_protocol::Settings;
use tokio::sync::Notify;

/// Central's store, held by this process alone.
pub struct Setup {
    db: Connection,
    clock: StoreClock,
    _lock: StoreLock,
}

impl Setup {
    /// Opens the store of `sqlite:PATH`, or creates it.
    ///
    /// # Errors
    /// If central is running on it, or it cannot be opened.
    pub fn open(store: &str) -> anyhow::Result<Self> {
        let path = store_path(store)?;
        let lock = sqlite::lock(path.parent().unwrap_or(Path::new("")))?;
        let db = sqlite::open(&path, &schema::SCHEMA)?;
        let clock = StoreClock::starting_at(clock::last_persisted(&db).context("read the store time")?);
        Ok(Self { db, clock, _lock: lock })
    }

    /// Imports theatres from CSV.
    ///
    /// # Errors
    /// If the table cannot be read at all; bad rows are in the report.
    pub fn import_theatres(&mut self, input: impl Read) -> anyhow::Result<ImportReport> {
        self.in_one_transaction(|tx| theatres::import(tx, input)).context("import theatres")
    }

    /// Imports movies from CSV.
    ///
    /// # Errors
    /// If the table cannot be read at all; bad rows are in the report.
    pub fn import_movies(&mut self, input: impl Read) -> anyhow::Result<ImportReport> {
        self.in_one_transaction(|tx| movies::import(tx, input)).context("import movies")
    }

    /// Imports seating plans from JSON lines into the theatres' logs.
    ///
    /// # Errors
    /// If the input cannot be read or the store fails; bad lines are in the report.
    pub fn import_plans(&mut self, input: impl Read) -> anyhow::Result<ImportReport> {
        let rows = plans::read(input).context("import plans")?;
        self.with_desk(|desk, tx, now| {
            let mut report = ImportReport::default();
            for (line, row) in rows {
                let imported = match row {
                    Ok(row) => publish(desk, tx, &row, now)?,
                    Err(reason) => Err(reason),
                };
                report.count(line, imported);
            }
            Ok(report)
        })
        .context("import plans")
    }

    /// Imports shows from CSV into the theatres' logs.
    ///
    /// # Errors
    /// If the table cannot be read at all or the store fails; bad rows are in the report.
    pub fn import_shows(&mut self, input: impl Read) -> anyhow::Result<ImportReport> {
        self.with_desk(|desk, tx, now| {
            Ok(shows::import(tx, input, |planned| {
                let house =
                    desk.house_mut(planned.theatre.id).map_err(|_| "the theatre has no seating plans".to_owned())?;
                let number = house.next_number(tx)?;
                match house.add_show(number, &planned, now).map_err(RowError::Bad)? {
                    Added::Now => Ok(Imported::Added),
                    Added::Already => Ok(Imported::Unchanged),
                }
            })?)
        })
        .context("import shows")
    }

    /// The theatre that a person names by id, by name, or by `City/Name`.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn theatre(&self, name: &str) -> anyhow::Result<Theatre> {
        enrolment::theatre_named(&self.db, name)
    }

    /// Enrols a box for a theatre.
    ///
    /// # Errors
    /// If the request is not usable, a key is missing or the store fails.
    pub fn enrol(&mut self, theatre: &Theatre, request: &JoinRequest, keys: &KeyStore) -> anyhow::Result<JoinFile> {
        let now = self.clock.now();
        let tx = self.db.transaction()?;
        let file = enrolment::enrol(&tx, keys, theatre, request, now);
        let file = file.with_context(|| format!("enrol a box for {} ({})", theatre.name, theatre.id))?;
        tx.commit()?;
        Ok(file)
    }

    fn in_one_transaction(
        &mut self,
        import: impl FnOnce(&Transaction<'_>) -> Result<ImportReport, ImportError>,
    ) -> anyhow::Result<ImportReport> {
        let tx = self.db.transaction()?;
        let report = import(&tx)?;
        tx.commit()?;
        Ok(report)
    }

    /// Runs one job on a desk that signs nothing and sends nothing.
    fn with_desk<T>(
        &mut self,
        job: impl FnOnce(&mut Desk, &Transaction<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let now = self.clock.now();
        let (board, payments) = (SeatBoard::default(), Arc::new(Notify::new()));
        let mut desk = Desk::load(&self.db, KeySource::None, settings(), board, payments, now)?;
        let tx = self.db.transaction()?;
        let done = job(&mut desk, &tx, now)?;
        desk.before_commit(&tx, now)?;
        tx.commit()?;
        Ok(done)
    }
}

fn settings() -> Settings {
    Settings::with_holds(HoldTimes::WEB)
}

fn publish(
    desk: &mut Desk,
    tx: &Transaction<'_>,
    row: &plans::PlanRow,
    now: Timestamp,
) -> anyhow::Result<Result<Imported, String>> {
    let Some(theatre) = theatres::by_name(tx, &row.city, &row.theatre)? else {
        return Ok(Err(format!("no theatre {:?} in {}", row.theatre, row.city)));
    };
    if u32::from(row.screen) > theatre.screens {
        return Ok(Err(format!("screen {} where {} has {}", row.screen, theatre.name, theatre.screens)));
    }
    let house = desk.house_or_new(tx, &theatre, KeySource::None, settings(), now)?;
    Ok(house.publish_plan(ScreenId(row.screen), &row.plan, now).map(|added| match added {
        Added::Now => Imported::Added,
        Added::Already => Imported::Unchanged,
    }))
}
