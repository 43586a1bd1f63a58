//! A server as a process on a port of its own that it keeps.

use crate::processes::commands::{answers, free_port};
use crate::processes::program::Program;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::Command;

/// A library that is put between a server and the operating system.
#[derive(Debug, Clone)]
pub(in crate::processes) struct Preload {
    /// The library.
    pub(in crate::processes) library: PathBuf,
    /// A variable for it.
    pub(in crate::processes) variable: (&'static str, PathBuf),
}

/// `usher-central serve` or `usher-edge serve`, running or not.
#[derive(Debug)]
pub(in crate::processes) struct Server {
    name: &'static str,
    address: SocketAddr,
    log: PathBuf,
    running: Option<Program>,
}

impl Server {
    pub(super) fn new(name: &'static str, logs: &Path) -> anyhow::Result<Self> {
        Ok(Self { name, address: free_port()?, log: logs.join(format!("{name}.log")), running: None })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(in crate::processes) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts it and waits until it listens.
    pub(super) async fn start(&mut self, mut command: Command, preload: Option<&Preload>) -> anyhow::Result<()> {
        if let Some(Preload { library, variable }) = preload {
            command.env("LD_PRELOAD", library).env(variable.0, &variable.1);
        }
        let running = self.running.insert(Program::start(self.name, command, &self.log)?);
        answers(self.name, running, self.address).await
    }

    /// `kill -9`.
    pub(in crate::processes) async fn kill(&mut self) -> anyhow::Result<()> {
        self.take()?.kill().await
    }

    /// SIGTERM, and it must end in order.
    pub(in crate::processes) async fn stop(&mut self) -> anyhow::Result<()> {
        self.take()?.terminate().await
    }

    /// Waits until it has ended by itself; returns how, and its last words.
    pub(in crate::processes) async fn end_within(&mut self, at_most: Duration) -> anyhow::Result<(ExitStatus, String)> {
        let running = self.running.as_mut().with_context(|| format!("{} does not run", self.name))?;
        let status = running.end_within(at_most).await?;
        let words = running.last_words();
        self.running = None;
        Ok((status, words))
    }

    /// Nothing unless it has ended by itself.
    pub(super) fn refuse_ended(&mut self) -> anyhow::Result<()> {
        self.running.as_mut().map_or(Ok(()), Program::refuse_ended)
    }

    fn take(&mut self) -> anyhow::Result<Program> {
        self.running.take().with_context(|| format!("{} does not run", self.name))
    }
}
