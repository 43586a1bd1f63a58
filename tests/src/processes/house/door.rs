//! A scanner as a process: the box's named witness.

use super::server::Server;
use crate::processes::commands::run;
use crate::processes::programs::Programs;
use anyhow::Context;
use demo::client::{Cashier, wait_for};
use demo::house::MANAGER;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The first scanner that keeps the box's head is named.
const NAMED_WITHIN: Duration = Duration::from_secs(30);

/// `usher-scanner serve`, paired with the box.
#[derive(Debug)]
pub(in crate::processes) struct Door {
    server: Server,
    program: PathBuf,
    data: PathBuf,
}

impl Door {
    /// Pairs a scanner as a manager does, starts it, and waits until it is the box's named witness.
    pub(super) async fn start(programs: &Programs, at: &Path, edge_url: &str) -> anyhow::Result<Self> {
        let manager = Cashier::log_in(edge_url, MANAGER.name, MANAGER.pin).await.context("log in as the manager")?;
        let device = json!({ "name": "Door", "kind": "scanner" });
        let device: Value = manager.edge().post("/v1/devices", &device).await?.read().context("add a scanner")?;
        let (address, data) = (device["pair_url"].as_str().unwrap_or_default(), at.join("door"));
        run(&programs.scanner, ["pair".as_ref(), address.as_ref(), "--data".as_ref(), data.as_os_str()], "")?;
        let mut door = Self { server: Server::new("usher-scanner", at)?, program: programs.scanner.clone(), data };
        door.serve().await.context("start the scanner")?;
        let named = wait_for("the scanner to be the named witness", NAMED_WITHIN, || async {
            let list: Value = manager.edge().get("/v1/devices").await?.read()?;
            Ok((list["devices"][0]["witness"] == true).then_some(()))
        });
        named.await?;
        Ok(door)
    }

    /// Nothing while it runs.
    pub(super) fn refuse_ended(&mut self) -> anyhow::Result<()> {
        self.server.refuse_ended()
    }

    /// `kill -9`.
    pub(in crate::processes) async fn kill(&mut self) -> anyhow::Result<()> {
        self.server.kill().await
    }

    /// Starts it on its port and waits until it listens.
    pub(in crate::processes) async fn serve(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--log", "info", "--listen", &self.server.address().to_string()]);
        command.arg("--data").arg(&self.data);
        self.server.start(command, None).await
    }
}
