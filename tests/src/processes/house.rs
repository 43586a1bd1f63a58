//! A theatre, central and the broker between them, as real processes on this machine.

use super::broker::Broker;
use super::caller::Caller;
use super::commands::{answers, free_port};
use super::judge::Books;
use super::program::Program;
use super::programs::Programs;
use super::standing::Lookout;
use anyhow::Context;
use demo::truth::{Sources, TheatreSource};
use demo::valve::Valve;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

mod door;
mod edge_box;
mod office;
mod server;
mod set_up;

use door::Door;
pub(super) use edge_box::EdgeBox;
use office::Office;
pub(super) use server::{Preload, Server};

/// Links notice a cut before one has looked up; a box on a slow machine is still believed in.
const LINK_FLAGS: [&str; 8] =
    ["--heartbeat-ms", "100", "--suspect-after-ms", "500", "--lock-down-after-ms", "250", "--claim-wait-ms", "400"];
/// What central's webhooks are signed with; no payment is made.
const GATEWAY_SECRET: &str = "whsec_ZmF1bHRzIHdpdGhvdXQgcGF5bWVudHM=";

/// A running house. Dropping it kills its programs and removes its files.
#[derive(Debug)]
pub(super) struct House {
    pub(super) broker: Broker,
    pub(super) central: Office,
    pub(super) edge: EdgeBox,
    /// Between the box and the broker.
    pub(super) line: Valve,
    /// Between central and the broker.
    pub(super) trunk: Valve,
    /// The box's named witness, where the house has one.
    pub(super) door: Option<Door>,
    theatre: u32,
    simulator: Program,
    simulator_address: SocketAddr,
    folder: TempDir,
}

impl House {
    /// Sets a house with so many shows up by the programs' command lines, and starts everything; with a scanner at the door if
    /// the box is to have a witness.
    pub(super) async fn start(programs: &Programs, shows: usize, witnessed: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("usher-faults-").tempdir().context("make a folder for a house")?;
        let at = folder.path();
        let theatre = set_up::set_up(programs, at, shows).context("set a house up")?;
        let broker_address = free_port()?;
        let broker = Broker::start(&programs.mosquitto, at, broker_address).await.context("start the broker")?;
        let (simulator, simulator_address) = simulator(programs, at).await.context("start the payment simulator")?;
        let line = Valve::start(broker_address).await.context("start the valve of the box")?;
        let trunk = Valve::start(broker_address).await.context("start central's valve")?;
        let mut central = Office::new(programs, at, trunk.address(), simulator_address)?;
        central.start(None).await?;
        let mut edge = EdgeBox::new(programs, "usher-edge", set_up::edge_data(at), line.address(), at)?;
        edge.start(None).await?;
        let door = match witnessed {
            true => Some(Door::start(programs, at, &edge.server.url()).await.context("start the scanner")?),
            false => None,
        };
        Ok(Self { broker, central, edge, door, line, trunk, theatre, simulator, simulator_address, folder })
    }

    /// The theatre's id.
    pub(super) fn theatre(&self) -> u32 {
        self.theatre
    }

    /// The box has a named witness.
    pub(super) fn is_witnessed(&self) -> bool {
        self.door.is_some()
    }

    /// Where its files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A counter's view of the box.
    pub(super) fn at_the_counter(&self) -> anyhow::Result<Caller> {
        Caller::new(&self.edge.server.url())
    }

    /// A browser's view of central.
    pub(super) fn on_the_web(&self) -> anyhow::Result<Caller> {
        Caller::new(&self.central.server.url())
    }

    /// How both sides say they stand.
    pub(super) fn lookout(&self) -> anyhow::Result<Lookout> {
        Lookout::new(&self.edge.server.url(), &self.central.server.url(), self.theatre)
    }

    /// The databases.
    pub(super) fn books(&self) -> Books {
        Books { theatre: self.theatre, central: self.central.database(), edge: self.edge.database() }
    }

    /// Where the demo's checker finds everything.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            central_url: self.central.server.url(),
            central_database: self.central.database(),
            simulator_url: format!("http://{}", self.simulator_address),
            theatres: vec![TheatreSource {
                theatre: self.theatre,
                edge_url: self.edge.server.url(),
                edge_database: self.edge.database(),
            }],
        }
    }

    /// Nothing while every program runs that should.
    ///
    /// # Errors
    /// If one has ended by itself.
    pub(super) fn refuse_ended(&mut self) -> anyhow::Result<()> {
        self.broker.refuse_ended()?;
        self.simulator.refuse_ended()?;
        self.door.as_mut().map_or(Ok(()), Door::refuse_ended)?;
        self.central.server.refuse_ended()?;
        self.edge.server.refuse_ended()
    }

    /// Asks box and central to end, which they must do in order.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let edge = self.edge.server.stop().await.context("stop the box");
        edge.and(self.central.server.stop().await.context("stop central"))
    }

    /// Kills what runs of box and central; what has ended already is fine.
    pub(super) async fn kill(&mut self) {
        let _ended = (self.edge.server.kill().await, self.central.server.kill().await);
    }

    /// Kills what runs and keeps the files; returns where they are.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

async fn simulator(programs: &Programs, at: &Path) -> anyhow::Result<(Program, SocketAddr)> {
    let address = free_port()?;
    let mut command = Command::new(&programs.simulator);
    command.args(["--listen", &address.to_string(), "--secret", GATEWAY_SECRET, "--log", "warn"]);
    let mut program = Program::start("usher-payment-simulator", command, &at.join("simulator.log"))?;
    answers("the payment simulator", &mut program, address).await?;
    Ok((program, address))
}
