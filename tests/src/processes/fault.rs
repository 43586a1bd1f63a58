//! The faults. Each one strikes while counter and web sell, and ends with everything started and every line open.

use super::round::Scene;
use anyhow::{Context, ensure};
use rand::RngExt;
use shared::ids::Side;
use std::fmt;
use std::time::{Duration, Instant};

mod copies;
mod disk;
mod kills;
mod loud;
mod office;
mod partition;
mod stale;
mod sync;
mod unwritable;

pub(super) use copies::{Shelf, copy_folder};

/// Sales that are waited for are made within this time.
const SOLD_WITHIN: Duration = Duration::from_secs(30);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A line is cut, in both directions or in one.
    Partition,
    /// The box is killed in the middle of its sales.
    EdgeKill,
    /// Central is killed in the middle of its bookings.
    CentralKill,
    /// The broker is killed, and forgets everything.
    BrokerKill,
    /// The box, or every second time central, is put back to an old copy of its data.
    StaleRestore,
    /// The disk of the box is full.
    DiskFull,
    /// The disk of the box fails to keep what it is given.
    FsyncError,
}

impl Fault {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 7] = [
        Self::Partition,
        Self::EdgeKill,
        Self::CentralKill,
        Self::BrokerKill,
        Self::StaleRestore,
        Self::DiskFull,
        Self::FsyncError,
    ];

    /// Its name in the last line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Partition => "partitions",
            Self::EdgeKill => "edge_kills",
            Self::CentralKill => "central_kills",
            Self::BrokerKill => "broker_kills",
            Self::StaleRestore => "stale_restores",
            Self::DiskFull => "disk_full",
            Self::FsyncError => "fsync_errors",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// What a fault was exactly, for the report: `up only, at the box`.
pub(super) type Story = String;

impl Scene {
    /// Lets it happen and puts things right again.
    ///
    /// # Errors
    /// If a program does not do what it must under the fault; the error says which.
    pub(super) async fn inflict(&mut self, fault: Fault) -> anyhow::Result<Story> {
        let done = match fault {
            Fault::Partition => self.partition().await,
            Fault::EdgeKill => self.kill_edge().await,
            Fault::CentralKill => self.kill_central().await,
            Fault::BrokerKill => self.kill_broker().await,
            Fault::StaleRestore => self.restore_a_stale_copy().await,
            Fault::DiskFull => match self.fill_the_disk().await {
                Ok(full) => self.refuse_writes().await.map(|read_only| format!("{full}, {read_only}")),
                failed => failed,
            },
            Fault::FsyncError => self.break_fsync().await,
        };
        done.with_context(|| format!("inflict {fault}"))
    }

    /// True this often out of a hundred times.
    fn percent(&mut self, percent: u32) -> bool {
        self.fate.random_ratio(percent, 100)
    }

    /// Waits until one side has made so many more sales.
    async fn sell(&mut self, seller: Side, sales: u64) -> anyhow::Result<()> {
        let (began, before) = (Instant::now(), self.ghosts.sales_of(seller));
        while self.ghosts.sales_of(seller) < before + sales {
            let sold = self.ghosts.sales_of(seller) - before;
            ensure!(began.elapsed() < SOLD_WITHIN, "only {sold} of {sales} sales in {} s", SOLD_WITHIN.as_secs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits for a time by chance.
    async fn pass(&mut self, least_ms: u64, most_ms: u64) {
        let time = Duration::from_millis(self.fate.random_range(least_ms..=most_ms));
        tokio::time::sleep(time).await;
    }
}
