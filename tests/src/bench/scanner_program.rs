//! The scanner as a program: paired with the box of a house, started, killed and started again where it was.

use super::house::{BenchHouse, EARLY_MIN, get};
use super::programs::{Programs, Running};
use anyhow::Context;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A scanner that runs.
pub(super) struct ScannerProgram {
    /// Where its page and its API are.
    pub(super) address: SocketAddr,
    /// Its folder.
    pub(super) data: PathBuf,
    running: Running,
    flags: Vec<String>,
}

impl ScannerProgram {
    /// Pairs a scanner with the box; returns its folder.
    ///
    /// # Errors
    /// If the box does not pair it.
    pub(super) async fn pair(programs: &Programs, house: &BenchHouse, name: &str) -> anyhow::Result<PathBuf> {
        let data = house.dir().join(name);
        let folder = format!("--data={}", data.display());
        programs.run("usher-scanner", ["pair", &house.add_scanner(name).await?, &folder], "")?;
        Ok(data)
    }

    /// Starts it.
    ///
    /// # Errors
    /// If it does not start.
    pub(super) fn start(programs: &Programs, data: PathBuf, flags: Vec<String>) -> anyhow::Result<Self> {
        Self::start_at(programs, data, flags, "127.0.0.1:0")
    }

    fn start_at(programs: &Programs, data: PathBuf, flags: Vec<String>, listen: &str) -> anyhow::Result<Self> {
        let mut command = programs.command("usher-scanner");
        command.args(["serve", "--log=error", "--stale-after-s=86400", &format!("--listen={listen}")]).args(&flags);
        command.args([format!("--data={}", data.display()), format!("--early-min={EARLY_MIN}")]);
        let (running, line) = Running::listening("usher-scanner", command, &data.with_extension("log"))?;
        let address = line.rsplit("http://").next().and_then(|address| address.parse().ok());
        let address = address.with_context(|| format!("find the scanner's address in {line:?}"))?;
        Ok(Self { address, data, running, flags })
    }

    /// Kills it as a power cut does, and starts it again where it was.
    ///
    /// # Errors
    /// If it cannot be killed or started.
    pub(super) fn kill(mut self, programs: &Programs) -> anyhow::Result<Self> {
        self.running.kill()?;
        Self::start_at(programs, self.data, self.flags, &self.address.to_string())
    }

    /// Ends it and starts it again with other flags.
    ///
    /// # Errors
    /// If it does not end in order, or does not start.
    pub(super) async fn start_again(self, programs: &Programs, flags: Vec<String>) -> anyhow::Result<Self> {
        self.running.stop().await?;
        Self::start(programs, self.data, flags)
    }

    /// How it stands.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn status(&self) -> anyhow::Result<Value> {
        get(self.address, "/v1/status").await
    }

    /// Whether the box answers it.
    ///
    /// # Errors
    /// If it does not answer itself.
    pub(super) async fn is_shared(&self) -> anyhow::Result<bool> {
        Ok(self.status().await?["guarantee"] == "SHARED")
    }

    /// Whether it has taken in everything that the box had to tell, and the box everything that it has done.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn is_in_step(&self) -> anyhow::Result<bool> {
        let status = self.status().await?;
        let complete = status["guarantee"] == "SHARED" && status["data_age_s"].as_u64().is_some();
        Ok(complete && status["queued"] == 0)
    }

    /// The most memory that it has had, kilobytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn rss_kb(&self) -> anyhow::Result<u64> {
        self.running.rss_kb()
    }

    /// Ends it by SIGTERM.
    ///
    /// # Errors
    /// If it does not end in order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }
}
