//! A whole house in one program: the unmodified servers, each on its own port of 127.0.0.1 with its own files.
//!
//! Central with its embedded broker, the payment simulator, one edge per theatre and two scanners per edge. What an edge says to
//! the broker goes through a [`Valve`], so that its line can be cut.

use crate::client::Customer;
use crate::truth::{Sources, TheatreSource, Truth};
use crate::valve::{Mode, Valve};
use anyhow::{Context, ensure};
use edge::printing::PrinterSetting;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod central_place;
mod set_up;
mod theatre_place;

use central_place::CentralPlace;
pub use theatre_place::{DOORS_OPEN_EARLY_MIN, DoorPlace, TheatrePlace};

/// The cashier of every theatre of the demo.
pub const CASHIER: Staff = Staff { name: "counter", role: "cashier", pin: "2580" };
/// The manager of every theatre of the demo.
pub const MANAGER: Staff = Staff { name: "manager", role: "manager", pin: "7391" };

/// The delay of a line cut by [`Cut::Latency`].
const LATENCY: Duration = Duration::from_secs(30);

/// Somebody who can log in at a counter of the demo.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Staff {
    /// The name.
    pub name: &'static str,
    /// The role.
    pub role: &'static str,
    /// The PIN; the demo prints it.
    pub pin: &'static str,
}

/// How a house is set up.
#[derive(Debug, Clone)]
pub struct HouseConfig {
    /// Where all files go. A house that was here before goes on.
    pub dir: PathBuf,
    /// What plans and shows are made from.
    pub seed: u64,
    /// How many theatres.
    pub theatres: usize,
    /// Origins whose pages may show the servers' pages in a frame: the stage.
    pub frame_ancestors: Vec<String>,
    /// Printers at each counter.
    pub printers: Vec<PrinterSetting>,
}

/// How a theatre's line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Connections are closed, new ones at once.
    Clean,
    /// What the theatre says arrives; what it should hear vanishes.
    UpOnly,
    /// What the theatre should hear arrives; what it says vanishes.
    DownOnly,
    /// Everything arrives, 30 s later each way.
    Latency,
}

impl Cut {
    fn mode(self) -> Mode {
        match self {
            Self::Clean => Mode::CutBoth,
            Self::UpOnly => Mode::UpOnly,
            Self::DownOnly => Mode::DownOnly,
            Self::Latency => Mode::Latency(LATENCY),
        }
    }
}

/// What fails for the whole house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseCut {
    /// No theatre reaches the broker.
    Broker,
    /// Central is stopped, its files and its port stay.
    Central,
}

/// A running house.
pub struct House {
    seed: u64,
    simulator: set_up::RunningSimulator,
    central: CentralPlace,
    theatres: Vec<TheatrePlace>,
    cut: Mutex<Option<HouseCut>>,
}

impl House {
    /// Starts everything; on an empty directory it is set up first, as an operator would.
    ///
    /// # Errors
    /// If anything cannot be started; the error says what.
    pub async fn start(config: HouseConfig) -> anyhow::Result<Self> {
        ensure!((1..=8).contains(&config.theatres), "a house has 1 to 8 theatres, not {}", config.theatres);
        set_up::start(config).await.context("start the house")
    }

    /// The seed it was made from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Central's address.
    pub fn central_url(&self) -> &str {
        self.central.url()
    }

    /// The payment simulator's address.
    pub fn simulator_url(&self) -> &str {
        &self.simulator.url
    }

    /// Central's database.
    pub fn central_database(&self) -> PathBuf {
        self.central.database()
    }

    /// The theatres.
    pub fn theatres(&self) -> &[TheatrePlace] {
        &self.theatres
    }

    /// A new customer.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn customer(&self) -> anyhow::Result<Customer> {
        Customer::new(self.central_url())
    }

    /// A checker of this house.
    ///
    /// # Errors
    /// If its HTTP clients cannot be built.
    pub fn truth(&self) -> anyhow::Result<Truth> {
        let theatre = |place: &TheatrePlace| TheatreSource {
            theatre: place.id,
            edge_url: place.edge_url.clone(),
            edge_database: place.database.clone(),
        };
        Truth::new(Sources {
            central_url: self.central_url().to_owned(),
            central_database: self.central.database(),
            simulator_url: self.simulator.url.clone(),
            theatres: self.theatres.iter().map(theatre).collect(),
        })
    }

    /// Cuts the line of a theatre, counted from 0; nothing happens where there is no such theatre.
    pub fn cut(&self, theatre: usize, cut: Cut) {
        if let Some(place) = self.theatres.get(theatre) {
            place.cut(cut);
        }
    }

    /// What fails for the whole house now.
    pub fn house_cut(&self) -> Option<HouseCut> {
        *self.house_cut_lock()
    }

    /// Makes something fail for the whole house, in place of what failed before. Lines cut one by one stay cut.
    ///
    /// # Errors
    /// If central cannot be stopped or started.
    pub async fn cut_house(&self, cut: HouseCut) -> anyhow::Result<()> {
        if self.house_cut() == Some(cut) {
            return Ok(());
        }
        if self.house_cut() == Some(HouseCut::Broker) {
            self.theatres.iter().for_each(TheatrePlace::heal);
        }
        self.central.start_again().await.context("start central again")?;
        match cut {
            HouseCut::Broker => self.theatres.iter().for_each(|place| place.cut(Cut::Clean)),
            HouseCut::Central => self.central.stop().await.context("stop central")?,
        }
        *self.house_cut_lock() = Some(cut);
        Ok(())
    }

    /// Puts everything right.
    ///
    /// # Errors
    /// If central cannot be started again.
    pub async fn heal(&self) -> anyhow::Result<()> {
        self.theatres.iter().for_each(TheatrePlace::heal);
        self.central.start_again().await.context("start central again")?;
        *self.house_cut_lock() = None;
        Ok(())
    }

    /// Stops everything, the edges first.
    ///
    /// # Errors
    /// If a server does not end in order; the others are ended all the same.
    pub async fn stop(self) -> anyhow::Result<()> {
        let mut first_error = Ok(());
        for place in self.theatres {
            let name = place.name.clone();
            first_error = first_error.and(place.stop().await.with_context(|| format!("stop {name}")));
        }
        first_error = first_error.and(self.central.stop().await.context("stop central"));
        first_error.and(self.simulator.stop().await.context("stop the payment simulator"))
    }

    fn house_cut_lock(&self) -> MutexGuard<'_, Option<HouseCut>> {
        // A plain value: no panic leaves it half-written.
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The valve's mode as a cut, nothing where the line is open.
fn cut_of(valve: &Valve) -> Option<Cut> {
    match valve.mode() {
        Mode::Open => None,
        Mode::CutBoth => Some(Cut::Clean),
        Mode::UpOnly => Some(Cut::UpOnly),
        Mode::DownOnly => Some(Cut::DownOnly),
        Mode::Latency(_) => Some(Cut::Latency),
    }
}
