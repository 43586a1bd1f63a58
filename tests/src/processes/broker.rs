//! Mosquitto as it comes: a listener for everybody on this machine, and every other setting at its default.

use super::program::Program;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The broker between central and the box. Killed, it forgets everything.
#[derive(Debug)]
pub(super) struct Broker {
    mosquitto: PathBuf,
    settings: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    running: Option<Program>,
}

impl Broker {
    /// Starts it on `address` with its files in `folder`.
    pub(super) async fn start(mosquitto: &Path, folder: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let settings = folder.join("mosquitto.conf");
        let text = format!("listener {} {}\nallow_anonymous true\n", address.port(), address.ip());
        std::fs::write(&settings, text).context("write the broker's settings")?;
        let log = folder.join("mosquitto.log");
        let mut broker = Self { mosquitto: mosquitto.to_owned(), settings, log, address, running: None };
        broker.start_again().await?;
        Ok(broker)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it on its old port.
    pub(super) async fn start_again(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.mosquitto);
        command.arg("-c").arg(&self.settings);
        let running = self.running.insert(Program::start("mosquitto", command, &self.log)?);
        super::commands::answers("mosquitto", running, self.address).await
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.running.take().context("the broker does not run")?.kill().await
    }

    /// Nothing while it runs.
    pub(super) fn refuse_ended(&mut self) -> anyhow::Result<()> {
        self.running.as_mut().map_or(Ok(()), Program::refuse_ended)
    }
}
