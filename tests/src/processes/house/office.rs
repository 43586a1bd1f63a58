//! Central as a process.

use super::server::{Preload, Server};
use super::set_up::{central_data, central_database, central_keys, store};
use super::{GATEWAY_SECRET, LINK_FLAGS};
use crate::processes::commands::run;
use crate::processes::persons::OPERATOR_TOKEN;
use crate::processes::programs::Programs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// `usher-central serve` on SQLite, with the broker behind a valve.
#[derive(Debug)]
pub(in crate::processes) struct Office {
    pub(in crate::processes) server: Server,
    program: PathBuf,
    folder: PathBuf,
    broker: SocketAddr,
    simulator: SocketAddr,
}

impl Office {
    pub(super) fn new(
        programs: &Programs,
        folder: &Path,
        broker: SocketAddr,
        simulator: SocketAddr,
    ) -> anyhow::Result<Self> {
        let (program, server) = (programs.central.clone(), Server::new("usher-central", folder)?);
        Ok(Self { server, program, folder: folder.to_owned(), broker, simulator })
    }

    pub(in crate::processes) fn data(&self) -> PathBuf {
        central_data(&self.folder)
    }

    pub(in crate::processes) fn database(&self) -> PathBuf {
        central_database(&self.folder)
    }

    /// Says that its store was put back from a backup.
    pub(in crate::processes) fn mark_restored(&self) -> anyhow::Result<()> {
        run(&self.program, ["mark-restored", "--store", &store(&self.folder)], "").map(drop)
    }

    /// Starts it on its port and waits until it listens.
    pub(in crate::processes) async fn start(&mut self, preload: Option<&Preload>) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("serve").args(LINK_FLAGS).args(["--listen", &self.server.address().to_string()]);
        command.args(["--store", &store(&self.folder), "--mqtt", &format!("mqtt://{}", self.broker)]);
        command.args(["--mqtt-username", "central", "--gateway-secret", GATEWAY_SECRET]);
        command.args(["--gateway", &format!("simulator:http://{}", self.simulator)]);
        // A hold that nobody books must not take its seats out of the whole round.
        command
            .args(["--hold-s", "20", "--log", "info", "--operator-token", OPERATOR_TOKEN])
            .arg("--keys")
            .arg(central_keys(&self.folder));
        self.server.start(command, preload).await
    }
}
