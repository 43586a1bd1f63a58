//! Setting a house up as an operator would, and starting its servers.

use super::central_place::{CentralFiles, CentralPlace};
use super::theatre_place::{self, Joined, TheatrePlace, listen};
use super::{House, HouseConfig};
use crate::generate::export::{ShowCsv, plan_lines};
use crate::generate::programme::Programme;
use crate::generate::week::{Calendar, ZONE, week};
use crate::generate::{Theatre, facts, generator, hall};
use crate::simulator::{self, SimulatorConfig};
use anyhow::{Context, ensure};
use node::shutdown::Shutdown;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use tokio::task::JoinHandle;

/// Days of shows.
const DAYS: u8 = 7;
/// The first shows of a fresh house start so many minutes from now: its doors are open, its seats on sale on both sides.
const OPENING_IN_MIN: i64 = 80;
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
    async fn start(secret: &str, frame_ancestors: &[String]) -> anyhow::Result<Self> {
        let (listener, url) = listen().await?;
        let config = SimulatorConfig {
            secret: secret.to_owned(),
            public_url: Some(url.clone()),
            frame_ancestors: frame_ancestors.to_vec(),
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
    let HouseConfig { dir, seed, theatres, frame_ancestors } = config;
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
    let simulator = RunningSimulator::start(&secret, &frame_ancestors).await.context("start the payment simulator")?;
    let central = CentralPlace::start(files, &simulator.url, &secret, &frame_ancestors).await.context("start central")?;
    let mut places = Vec::new();
    for (number, theatre) in (1..).zip(deed.theatres) {
        let data = theatre_dir(&dir, number);
        let (id, name, city) = (theatre.id, theatre.name, theatre.city);
        let context = format!("start theatre {name}");
        let place = TheatrePlace::start(Joined { id, name, city, data }, central.broker(), &frame_ancestors);
        places.push(place.await.context(context)?);
    }
    Ok(House { seed: deed.seed, simulator, central, theatres: places, cut: Mutex::new(None) })
}

fn theatre_dir(dir: &Path, number: usize) -> std::path::PathBuf {
    dir.join(format!("theatre-{number}"))
}

fn deed(dir: &Path) -> anyhow::Result<Option<Deed>> {
    match fs::read_to_string(dir.join("house.json")) {
        Ok(text) => serde_json::from_str(&text).context("read house.json").map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("read house.json"),
    }
}

/// The theatres of the demo: of a size that suits it, by chance from the seed.
fn choose(count: usize, seed: u64) -> anyhow::Result<Vec<Theatre>> {
    let fits = |theatre: &Theatre| SCREENS.contains(&theatre.screens) && SEATS.contains(&theatre.seats);
    let mut fitting: Vec<Theatre> = facts::theatres()?.into_iter().filter(fits).collect();
    fitting.shuffle(&mut generator(seed, &["house"]));
    fitting.truncate(count);
    ensure!(fitting.len() == count, "only {} theatres are of a size for the demo", fitting.len());
    Ok(fitting)
}
