//! Setting a house up as an operator would, and starting its servers.

use super::central_place::{CentralFiles, CentralPlace};
use super::theatre_place::{self, Joined, TheatrePlace, listen};
use super::{House, HouseConfig};
use crate::generate::export::{ShowCsv, plan_lines};
use crate::generate::programme::Programme;
use crate::generate::week::{Calendar, FIRST_START, ZONE, week};
use crate::generate::{Theatre, facts, generator, hall};
use crate::simulator::{self, SimulatorConfig};
use anyhow::{Context, ensure};
use central::Setup;
use central::catalogue::import::{ImportReport, Table};
use central::fleet::enrolment::Issuing;
use central::fleet::keys::KeyStore;
use jiff::ToSpan;
use node::shutdown::Shutdown;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use tokio::task::JoinHandle;

/// The file that says a house is set up, and which.
const DEED: &str = "house.json";
/// Days of shows.
const DAYS: u8 = 7;
/// The first shows of a fresh house start so many minutes from now: its doors are open, its seats on sale on both sides.
const OPENING_IN_MIN: i64 = 80;
/// The latest such opening: later than that the house opens tomorrow.
const LAST_OPENING: jiff::civil::Time = jiff::civil::Time::constant(22, 0, 0, 0);
/// A theatre of the demo is a multiplex of this size: some screens to choose from, seats enough for a crowd.
const SCREENS: std::ops::RangeInclusive<u8> = 3..=6;
const SEATS: std::ops::RangeInclusive<u32> = 900..=1_600;

/// The payment simulator while it runs.
pub(super) struct RunningSimulator {
    pub(super) url: String,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl RunningSimulator {
    async fn start(dir: &Path, secret: &str, frame_ancestors: &[String]) -> anyhow::Result<Self> {
        let (listener, url) = listen().await?;
        let config = SimulatorConfig {
            secret: secret.to_owned(),
            public_url: Some(url.clone()),
            frame_ancestors: frame_ancestors.to_vec(),
            file: Some(dir.join("payments.json")),
        };
        let shutdown = Shutdown::new();
        let task = tokio::spawn(simulator::run(config, listener, shutdown.clone()));
        Ok(Self { url, shutdown, task })
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        self.task.await.context("wait for the simulator")?
    }
}

/// What a set-up house is, so that it can be started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deed {
    seed: u64,
    theatres: Vec<DeedTheatre>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DeedTheatre {
    id: u32,
    name: String,
    city: String,
}

pub(super) async fn start(config: HouseConfig) -> anyhow::Result<House> {
    let HouseConfig { dir, seed, theatres, frame_ancestors, printers } = config;
    fs::create_dir_all(&dir).with_context(|| format!("make the folder {}", dir.display()))?;
    let files = CentralFiles::in_dir(&dir);
    let deed = match deed(&dir)? {
        Some(deed) => deed,
        None => {
            let (building, files) = (dir.clone(), files.clone());
            let built = tokio::task::spawn_blocking(move || build(&building, &files, seed, theatres));
            built.await.context("set the house up")?.context("set the house up")?
        }
    };
    let secret = format!("whsec_{}", data_encoding::BASE64.encode(&node::random::bytes::<24>()));
    let simulator = RunningSimulator::start(&dir, &secret, &frame_ancestors).await;
    let simulator = simulator.context("start the payment simulator")?;
    let central =
        CentralPlace::start(files, &simulator.url, &secret, &frame_ancestors).await.context("start central")?;
    let mut places = Vec::new();
    for (number, theatre) in (1..).zip(deed.theatres) {
        let data = theatre_dir(&dir, number);
        let (id, name, city) = (theatre.id, theatre.name, theatre.city);
        let context = format!("start theatre {name}");
        let place = TheatrePlace::start(Joined { id, name, city, data }, central.broker(), &frame_ancestors, &printers);
        places.push(place.await.context(context)?);
    }
    Ok(House { seed: deed.seed, simulator, central, theatres: places, cut: Mutex::new(None) })
}

fn theatre_dir(dir: &Path, number: usize) -> std::path::PathBuf {
    dir.join(format!("theatre-{number}"))
}

fn deed(dir: &Path) -> anyhow::Result<Option<Deed>> {
    match fs::read_to_string(dir.join(DEED)) {
        Ok(text) => serde_json::from_str(&text).context("read the deed of the house").map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("read the deed of the house"),
    }
}

/// Does once what an operator does: import the facts, take each box in, import plans and shows.
fn build(dir: &Path, files: &CentralFiles, seed: u64, count: usize) -> anyhow::Result<Deed> {
    let central_dir = files.database.parent().context("central's folder")?;
    fs::create_dir_all(central_dir).with_context(|| format!("make the folder {}", central_dir.display()))?;
    let mut central = Setup::open(&files.store()).context("open central's store")?;
    // The facts have rows that cannot be used; the reports name them, and nobody here needs those theatres.
    central.import(Table::Theatres, facts::THEATRES_CSV.as_bytes())?;
    central.import(Table::Movies, facts::FILMS_CSV.as_bytes())?;
    let keys = KeyStore::at(&files.keys);
    keys.init().context("make the root key")?;
    let chosen = choose(count, seed)?;
    let programme = Programme::of(&facts::films()?, seed);
    let mut shows = ShowCsv::new()?;
    let mut deed = Deed { seed, theatres: Vec::new() };
    for (number, theatre) in (1..).zip(&chosen) {
        let enrolled = enrol(&mut central, &keys, theatre, &theatre_dir(dir, number));
        deed.theatres.push(enrolled.with_context(|| format!("take in the box of {}", theatre.name))?);
        let plans =
            hall::seating_plans(theatre, seed).with_context(|| format!("plan the halls of {}", theatre.name))?;
        let lines = plan_lines(theatre, &plans)?;
        complete(&central.import(Table::Plans, lines.as_bytes())?)?;
        shows.add(theatre, &week(theatre, &plans, &programme, calendar(local_now()), seed))?;
    }
    complete(&central.import(Table::Shows, shows.finish()?.as_bytes())?)?;
    let text = serde_json::to_string_pretty(&deed).context("write the deed")?;
    fs::write(dir.join(DEED), text).context("write the deed")?;
    Ok(deed)
}

fn enrol(central: &mut Setup, keys: &KeyStore, theatre: &Theatre, data: &Path) -> anyhow::Result<DeedTheatre> {
    let request = serde_json::to_value(edge::identity::init(data)?).context("write the box's request")?;
    let request = serde_json::from_value(request).context("read the box's request")?;
    let known = central.theatre(&format!("{}/{}", theatre.city, theatre.name))?;
    let join_file = central.enrol(&known, &request, Issuing::Kept, keys)?;
    theatre_place::join(data, &serde_json::to_string(&join_file).context("write the join file")?)?;
    Ok(DeedTheatre { id: known.id.0, name: known.name, city: known.city })
}

/// What the demo made itself must be taken whole.
fn complete(report: &ImportReport) -> anyhow::Result<()> {
    ensure!(report.refused.is_empty() && report.added > 0, "central refused what was made for it: {report}");
    Ok(())
}

/// A week from today in which every screen's first show begins soon, or in the morning where it is too early or too late for that.
fn calendar(now: jiff::civil::DateTime) -> Calendar {
    let opening = now.saturating_add(OPENING_IN_MIN.minutes());
    let opening = opening.round(jiff::Unit::Minute).unwrap_or(opening);
    let in_hours = opening.date() == now.date() && (FIRST_START..=LAST_OPENING).contains(&opening.time());
    let tomorrow = now.time() > FIRST_START && !in_hours;
    let first_day = if tomorrow { now.date().saturating_add(1.day()) } else { now.date() };
    Calendar { first_day, days: DAYS, opening: in_hours.then_some(opening) }
}

fn local_now() -> jiff::civil::DateTime {
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::now().to_zoned_datetime(zone).datetime()
}

/// The theatres of the demo: of a size that suits it, by chance from the seed, in one city so that one customer finds them all.
fn choose(count: usize, seed: u64) -> anyhow::Result<Vec<Theatre>> {
    let fits = |theatre: &Theatre| SCREENS.contains(&theatre.screens) && SEATS.contains(&theatre.seats);
    let mut fitting: Vec<Theatre> = facts::theatres()?.into_iter().filter(fits).collect();
    fitting.shuffle(&mut generator(seed, &["house"]));
    let in_city = |city: &str| fitting.iter().filter(|theatre| theatre.city == city).count();
    let city = fitting.iter().map(|theatre| theatre.city.clone()).find(|city| in_city(city) >= count);
    let city = city.with_context(|| format!("no city has {count} theatres of a size for the demo"))?;
    Ok(fitting.into_iter().filter(|theatre| theatre.city == city).take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theatres_of_a_house_are_different_ones_in_one_city() {
        for seed in 0..50 {
            let theatres = choose(2, seed).expect("theatres");
            assert_eq!((theatres.len(), &theatres[0].city), (2, &theatres[1].city));
            assert_ne!(theatres[0].name, theatres[1].name);
        }
    }

    #[test]
    fn a_house_opens_soon_by_day_and_in_the_morning_by_night() {
        let monday = jiff::civil::date(2026, 11, 23);
        for (hour, first_day, opens_soon) in
            [(2, 23, false), (8, 23, true), (13, 23, true), (20, 23, true), (22, 24, false)]
        {
            let calendar = calendar(monday.at(hour, 10, 0, 0));
            assert_eq!((calendar.first_day.day(), calendar.opening.is_some()), (first_day, opens_soon), "{hour}");
        }
    }
}
