//! Importing into the theatres as they are held in memory: what was imported is sold from the commit on.

use super::house::{Added, House};
use super::{Desk, KeySource};
use crate::catalogue::import::{ImportError, ImportReport, Imported, RowError, Table};
use crate::catalogue::shows::PlannedShow;
use crate::catalogue::theatres::{self, Theatre};
use crate::catalogue::{movies, plans, shows};
use crate::discovery::schedule;
use node::store::Sql;
use shared::ids::ScreenId;
use shared::ledger::HoldTimes;
use shared::time::Timestamp;
use std::io::Read;
use sync_protocol::Settings;

impl Desk {
    /// Imports a table. What is there already stays as it is, so that a table may be imported again.
    ///
    /// # Errors
    /// If the table cannot be read at all or the store fails; bad rows are in the report.
    pub fn import(
        &mut self,
        tx: &dyn Sql,
        table: Table,
        input: impl Read,
        now: Timestamp,
    ) -> Result<ImportReport, ImportError> {
        match table {
            Table::Movies => movies::import(tx, input),
            Table::Theatres => {
                let report = theatres::import(tx, input)?;
                if report.updated > 0 {
                    self.follow_catalogue(tx)?;
                }
                Ok(report)
            }
            Table::Plans => {
                let mut report = ImportReport::default();
                for (line, row) in plans::read(input)? {
                    let imported = match row {
                        Ok(row) => self.publish(tx, &row, now)?,
                        Err(reason) => Err(reason),
                    };
                    report.count(line, imported);
                }
                Ok(report)
            }
            Table::Shows => shows::import(tx, input, |planned| self.add_show(tx, &planned, now)),
        }
    }

    fn publish(
        &mut self,
        tx: &dyn Sql,
        row: &plans::PlanRow,
        now: Timestamp,
    ) -> Result<Result<Imported, String>, ImportError> {
        let Some(theatre) = theatres::by_name(tx, &row.city, &row.theatre)? else {
            return Ok(Err(format!("no theatre {:?} in {}", row.theatre, row.city)));
        };
        if u32::from(row.screen) > theatre.screens {
            return Ok(Err(format!("screen {} where {} has {}", row.screen, theatre.name, theatre.screens)));
        }
        let house = self.house_or_new(tx, &theatre, now).map_err(ImportError::Log)?;
        Ok(house.publish_plan(ScreenId(row.screen), &row.plan, now).map(Imported::from))
    }

    fn add_show(&mut self, tx: &dyn Sql, planned: &PlannedShow, now: Timestamp) -> Result<Imported, RowError> {
        let house = self.house_mut(planned.theatre.id).map_err(|_| "the theatre has no seating plans".to_owned())?;
        let number = house.next_number(tx)?;
        Ok(house.add_show(number, planned, now).map_err(RowError::Bad)?.into())
    }

    /// The theatre, opened if it had no ledger.
    fn house_or_new(&mut self, tx: &dyn Sql, theatre: &Theatre, now: Timestamp) -> anyhow::Result<&mut House> {
        if self.house(theatre.id).is_err() {
            let source = self.source.as_ref();
            let (keys, settings) = source.map_or_else(
                || (KeySource::None, Settings::with_holds(HoldTimes::WEB)),
                |(keys, settings)| (KeySource::Directory(keys), *settings),
            );
            let house = House::load(tx, theatre.clone(), None, keys, settings, now)?;
            self.put_house(house, now);
        }
        self.house_mut(theatre.id).map_err(anyhow::Error::msg)
    }

    /// Lets the theatres that are held in memory have the names and clocks that the catalogue has now.
    fn follow_catalogue(&mut self, tx: &dyn Sql) -> Result<(), ImportError> {
        for theatre in theatres::list(tx, None, 0, usize::MAX)? {
            if let Some(house) = self.houses.get_mut(&theatre.id)
                && house.theatre != theatre
            {
                let is_elsewhere = house.theatre.zone != theatre.zone;
                house.rename(theatre).map_err(ImportError::Log)?;
                if is_elsewhere {
                    schedule::follow_zone(tx, house.theatre.id, &house.zone)?;
                }
            }
        }
        self.scheduled.clear();
        Ok(())
    }
}

impl From<Added> for Imported {
    fn from(added: Added) -> Self {
        match added {
            Added::Now => Self::Added,
            Added::Already => Self::Unchanged,
        }
    }
}
