//! `faults --partitions N --edge-kills N …`: faults with the real programs; exits 1 if an invariant did not hold.

use anyhow::{Context, ensure};
use clap::Parser;
use node::shutdown::Shutdown;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tests::processes::{Campaign, Counts, Fault, Programs, Summary};

/// Real programs under faults: nothing may be sold twice, nothing acknowledged may be lost.
#[derive(Debug, Parser)]
struct Flags {
    /// Lines cut, in both directions or in one.
    #[arg(long, default_value_t = 0)]
    partitions: usize,
    /// Boxes killed.
    #[arg(long, default_value_t = 0)]
    edge_kills: usize,
    /// Central killed.
    #[arg(long, default_value_t = 0)]
    central_kills: usize,
    /// The broker killed.
    #[arg(long, default_value_t = 0)]
    broker_kills: usize,
    /// Old copies of data put back, of the box and of central by turns.
    #[arg(long, default_value_t = 0)]
    stale_restores: usize,
    /// Second boxes started on a copy of the data, and ended as an operator does.
    #[arg(long, default_value_t = 0)]
    clones: usize,
    /// Disks filled up; takes root.
    #[arg(long, default_value_t = 0)]
    disk_full: usize,
    /// Disks that fail to keep what they are given.
    #[arg(long, default_value_t = 0)]
    fsync_errors: usize,
    /// What chance is made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this round, counted from 1.
    #[arg(long)]
    round: Option<usize>,
    /// Builds the programs first; `cargo run` names itself. Without it those that are there are taken.
    #[arg(long, env = "CARGO", hide_env_values = true)]
    cargo: Option<PathBuf>,
    /// The folders where Mosquitto may be.
    #[arg(long, env = "PATH", hide_env_values = true, default_value = "")]
    path: String,
}

impl Flags {
    fn counts(&self) -> Counts {
        let of = Fault::ALL.into_iter().map(|fault| match fault {
            Fault::Partition => (fault, self.partitions),
            Fault::EdgeKill => (fault, self.edge_kills),
            Fault::CentralKill => (fault, self.central_kills),
            Fault::BrokerKill => (fault, self.broker_kills),
            Fault::StaleRestore => (fault, self.stale_restores),
            Fault::DiskFull => (fault, self.disk_full),
            Fault::FsyncError => (fault, self.fsync_errors),
        });
        Counts { of: of.collect(), clones: self.clones }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let flags = Flags::parse();
    let counts = flags.counts();
    ensure!(!counts.is_empty(), "name some faults; see --help");
    node::telemetry::install_crypto();
    let this = std::env::current_exe().context("find this program")?;
    if let Some(cargo) = &flags.cargo {
        Programs::build(cargo)?;
    }
    let programs = Programs::beside(&this, &flags.path)?;
    let campaign = Campaign { seed: flags.seed, counts, only: flags.round };
    let stopped = Shutdown::on_signals().context("listen for signals")?;
    let mut out = std::io::stdout();
    let summary = tokio::select! {
        summary = campaign.play(&programs, &mut out) => summary?,
        // What was started is killed as the campaign is dropped.
        () = stopped.wait() => anyhow::bail!("stopped by a signal"),
    };
    report(&summary, flags.seed, &mut out)?;
    Ok(if summary.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(summary: &Summary, seed: u64, out: &mut impl Write) -> std::io::Result<()> {
    for line in summary.lines() {
        writeln!(out, "{line}")?;
    }
    for violation in summary.violations() {
        writeln!(out, "VIOLATION seed={seed} {violation}")?;
    }
    writeln!(out, "{}", summary.totals())
}
