//! A box as a process.

use super::LINK_FLAGS;
use super::server::{Preload, Server};
use crate::processes::programs::Programs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// `usher-edge serve`, with the broker behind a valve.
#[derive(Debug)]
pub(in crate::processes) struct EdgeBox {
    pub(in crate::processes) server: Server,
    program: PathBuf,
    data: PathBuf,
    broker: SocketAddr,
}

impl EdgeBox {
    pub(in crate::processes) fn new(
        programs: &Programs,
        name: &'static str,
        data: PathBuf,
        broker: SocketAddr,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        Ok(Self { server: Server::new(name, logs)?, program: programs.edge.clone(), data, broker })
    }

    pub(in crate::processes) fn data(&self) -> &Path {
        &self.data
    }

    /// Uses another data directory from the next start on.
    pub(in crate::processes) fn move_to(&mut self, data: PathBuf) {
        self.data = data;
    }

    pub(in crate::processes) fn database(&self) -> PathBuf {
        self.data.join(edge::schema::FILE)
    }

    /// Starts it on its port and waits until it listens.
    pub(in crate::processes) async fn start(&mut self, preload: Option<&Preload>) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("serve").args(LINK_FLAGS).args(["--listen", &self.server.address().to_string()]);
        command.args(["--mqtt", &format!("mqtt://{}", self.broker), "--log", "info"]).arg("--data").arg(&self.data);
        self.server.start(command, preload).await
    }
}
