//! An old copy of the box's data directory is put back.

use super::Story;
use crate::processes::house::DATABASE;
use crate::processes::round::{Scene, wait_until};
use anyhow::{Context, ensure};
use rusqlite::{Connection, OpenFlags};
use shared::ids::Side;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Counter sales between the copy and its return.
const FORGOTTEN_SALES: u64 = 12;
/// They are made within this time.
const SOLD_WITHIN: Duration = Duration::from_secs(30);
/// Central has them within this time.
const SYNCED_WITHIN: Duration = Duration::from_secs(20);
/// The files that `-shm` is not among: it is made anew.
const FILES: [&str; 4] = ["edge.pem", "join.json", DATABASE, "lock"];

impl Scene {
    /// Takes a copy, sells on, kills the box and puts the copy back (at times an older one). The box must find that it has
    /// forgotten sales, take its own log back from central, and sell again.
    pub(super) async fn restore_a_stale_copy(&mut self) -> anyhow::Result<Story> {
        self.copies += 1;
        let copy = self.house.folder().join(format!("copy-{}", self.copies));
        let stopped = self.percent(50);
        if stopped {
            self.house.edge.server.kill().await?;
            copy_folder(self.house.edge.data(), &copy)?;
            self.house.edge.start(None).await?;
            self.settle().await.context("go on after the copy")?;
        } else {
            back_up(self.house.edge.data(), &copy).context("back the running box up")?;
        }
        let chosen = match self.older_copy.take() {
            Some(older) if self.percent(25) => older,
            _ => copy.clone(),
        };
        self.sell_at_the_counter(FORGOTTEN_SALES).await?;
        let Self { house, load, lookout, .. } = &mut *self;
        // What only the box's own disk holds dies with that disk: see the description of the module.
        let rest = load.rest_tills().await?;
        let synced = wait_until(house, lookout, SYNCED_WITHIN, "central to have all counter sales", |standing| {
            standing.edge.link.edge == standing.central.edge && standing.edge.link.backlog == 0
        });
        synced.await?;
        house.edge.server.kill().await?;
        let data = house.edge.data().to_owned();
        fs::remove_dir_all(&data).with_context(|| format!("remove {}", data.display()))?;
        copy_folder(&chosen, &data)?;
        house.edge.start(None).await?;
        drop(rest);
        let story = if chosen == copy { "a fresh copy" } else { "an older copy" };
        self.older_copy = Some(copy);
        Ok(format!("{story}, made {}", if stopped { "of a killed box" } else { "while it ran" }))
    }

    async fn sell_at_the_counter(&mut self, sales: u64) -> anyhow::Result<()> {
        let (began, before) = (Instant::now(), self.ghosts.sales_of(Side::Edge));
        while self.ghosts.sales_of(Side::Edge) < before + sales {
            let sold = self.ghosts.sales_of(Side::Edge) - before;
            ensure!(began.elapsed() < SOLD_WITHIN, "only {sold} of {sales} sales in {} s", SOLD_WITHIN.as_secs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Copies the plain files of a folder, as `cp` does. The database must not be in use.
pub(in crate::processes) fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let shared_memory = entry.file_name().to_string_lossy().ends_with("-shm");
            if entry.file_type()?.is_file() && !shared_memory {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().with_context(|| format!("copy {} to {}", from.display(), to.display()))
}

/// Backs a box up while it runs: the database by `VACUUM INTO`, the other files as they are.
fn back_up(data: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).context("make the folder of the backup")?;
    for file in FILES.iter().filter(|file| **file != DATABASE) {
        fs::copy(data.join(file), to.join(file)).with_context(|| format!("copy {file}"))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(data.join(DATABASE), flags).context("open the database")?;
    db.busy_timeout(Duration::from_secs(5))?;
    let target: PathBuf = to.join(DATABASE);
    db.execute("VACUUM INTO ?1", [target.to_str().context("the backup's path is no text")?]).context("vacuum")?;
    Ok(())
}
