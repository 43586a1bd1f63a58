//! One theatre of a house: its edge, the valve on its line, and its doors.

use super::{CASHIER, Cut, MANAGER, Staff, cut_of};
use crate::client::{Api, Cashier};
use crate::valve::{Mode, Valve};
use anyhow::{Context, ensure};
use edge::printing::PrinterSetting;
use edge::staff::session;
use edge::{Edge, identity};
use node::pin;
use node::shutdown::Shutdown;
use node::view::LinkView;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The doors of every theatre.
const DOORS: [&str; 2] = ["Door A", "Door B"];
/// Links of the demo notice a cut while one is looking.
const HEARTBEAT_MS: u64 = 1_000;
const SUSPECT_AFTER_MS: u64 = 2_500;
const LOCK_DOWN_AFTER_MS: u64 = 1_500;
/// Nobody is paid by this address: the demo draws the code, and no bank knows it.
const UPI_ADDRESS: &str = "box.office@example";
/// So early that tomorrow's first show can be tried at the doors tonight.
pub const DOORS_OPEN_EARLY_MIN: u64 = 14 * 60;

/// A door with its scanner.
pub struct DoorPlace {
    /// Its name.
    pub name: String,
    /// The scanner's address.
    pub url: String,
    shutdown: Shutdown,
    scanner: JoinHandle<anyhow::Result<()>>,
}

/// A theatre of the house.
pub struct TheatrePlace {
    /// Its id at central.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its city.
    pub city: String,
    /// The edge's address.
    pub edge_url: String,
    /// The edge's database.
    pub database: PathBuf,
    /// Its doors.
    pub doors: Vec<DoorPlace>,
    valve: Valve,
    // Only its end is asked of it; the lock is what lets a whole house be shared.
    edge: Mutex<Edge>,
    status: Api,
}

/// A box that central has taken in.
pub(super) struct Joined {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) city: String,
    /// The edge's data directory.
    pub(super) data: PathBuf,
}

/// Takes in the join file of a box and adds the people of its house.
pub(super) fn join(data: &Path, join_file: &str) -> anyhow::Result<()> {
    identity::join(data, join_file).context("take in the join file")?;
    let database = node::sqlite::open(&data.join(edge::schema::FILE), &edge::schema::SCHEMA)?;
    for Staff { name, role, pin } in [CASHIER, MANAGER] {
        let (role, hash) = (role.parse().context("read a role")?, pin::hash(pin).context("hash a PIN")?);
        session::add(&database, name, role, &hash).with_context(|| format!("add {name} to the staff"))?;
    }
    Ok(())
}

impl TheatrePlace {
    /// Starts the edge behind a valve and its scanners, pairing those that are new.
    pub(super) async fn start(
        joined: Joined,
        broker: SocketAddr,
        frame_ancestors: &[String],
        printers: &[PrinterSetting],
    ) -> anyhow::Result<Self> {
        let Joined { id, name, city, data } = joined;
        let valve = Valve::start(broker).await.context("start the valve")?;
        let (listener, edge_url) = listen().await?;
        let config = edge::Config {
            data: data.clone(),
            mqtt: format!("mqtt://{}", valve.address()),
            public_url: edge_url.clone(),
            frame_ancestors: frame_ancestors.to_vec(),
            printers: printers.to_vec(),
            heartbeat_ms: HEARTBEAT_MS,
            suspect_after_ms: SUSPECT_AFTER_MS,
            lock_down_after_ms: LOCK_DOWN_AFTER_MS,
            early_min: DOORS_OPEN_EARLY_MIN,
            upi: UPI_ADDRESS.into(),
            ..edge::Config::default()
        };
        let edge = Edge::start(config, listener).await.context("start the edge")?;
        let mut doors = Vec::new();
        for (number, door) in DOORS.into_iter().enumerate() {
            let data = data.join(format!("door-{}", number + 1));
            let place = DoorPlace::start(door, &data, &edge_url, frame_ancestors);
            doors.push(place.await.with_context(|| format!("start {door}"))?);
        }
        let (database, status) = (data.join(edge::schema::FILE), Api::new(&edge_url)?);
        Ok(Self { id, name, city, edge_url, database, doors, valve, edge: Mutex::new(edge), status })
    }

    /// How the line is cut, nothing where it is open.
    pub fn cut_now(&self) -> Option<Cut> {
        cut_of(&self.valve)
    }

    /// Bytes on the line so far, both ways.
    pub fn line_bytes(&self) -> u64 {
        let flow = self.valve.flow();
        flow.up + flow.down
    }

    /// How the edge stands with central.
    ///
    /// # Errors
    /// If the edge does not answer.
    pub async fn link(&self) -> anyhow::Result<LinkView> {
        #[derive(Deserialize)]
        struct Status {
            link: LinkView,
        }
        let status: Status = self.status.get("/v1/status").await?.read()?;
        Ok(status.link)
    }

    pub(super) fn cut(&self, cut: Cut) {
        self.valve.set(cut.mode());
    }

    pub(super) fn heal(&self) {
        self.valve.set(Mode::Open);
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let mut first_error = Ok(());
        for door in self.doors {
            first_error = first_error.and(door.stop().await);
        }
        first_error = first_error.and(self.edge.into_inner().stop().await.context("stop the edge"));
        self.valve.shutdown().await;
        first_error
    }
}

impl DoorPlace {
    async fn start(name: &str, data: &Path, edge_url: &str, frame_ancestors: &[String]) -> anyhow::Result<Self> {
        if !data.exists()
            && let Err(error) = pair(name, data, edge_url).await
        {
            // What is left of a failed pairing would pass for a paired device at the next start.
            let _ = std::fs::remove_dir_all(data);
            return Err(error).context("pair the scanner");
        }
        let (listener, url) = listen().await?;
        let config = scanner::Config {
            data: data.to_owned(),
            edge: edge_url.to_owned(),
            early_min: DOORS_OPEN_EARLY_MIN,
            frame_ancestors: frame_ancestors.to_vec(),
            ..scanner::Config::default()
        };
        let shutdown = Shutdown::new();
        let scanner = tokio::spawn(scanner::run(config, listener, shutdown.clone()));
        Ok(Self { name: name.to_owned(), url, shutdown, scanner })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        self.scanner
            .await
            .context("wait for the scanner")?
            .with_context(|| format!("stop the scanner of {}", self.name))
    }
}

/// Pairs as a manager does: a pairing address from the edge, taken by the device.
async fn pair(name: &str, data: &Path, edge_url: &str) -> anyhow::Result<()> {
    let manager = Cashier::log_in(edge_url, MANAGER.name, MANAGER.pin).await.context("log in as the manager")?;
    let device: Value =
        manager.edge().post("/v1/devices", &json!({ "name": name, "kind": "scanner" })).await?.read()?;
    let pair_url = device["pair_url"].as_str().unwrap_or_default();
    ensure!(!pair_url.is_empty(), "the edge names no pairing address");
    scanner::pair(pair_url, data).await?;
    Ok(())
}

/// A listener on a free port, and its address for browsers.
pub(super) async fn listen() -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen on a free port")?;
    let url = format!("http://{}", listener.local_addr().context("read the port")?);
    Ok((listener, url))
}
