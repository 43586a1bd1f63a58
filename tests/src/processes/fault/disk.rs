//! A full disk: the box works on a small file system in memory that is filled up. It refuses what it would have to write, is read
//! meanwhile, and sells again once there is room.

use super::Story;
use super::unwritable::refused_and_read;
use crate::processes::commands::run;
use crate::processes::fault::copy_folder;
use crate::processes::round::Scene;
use anyhow::Context;
use shared::ids::Side;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Room beside the data for the box to start and to sell a little.
const ROOM_BYTES: u64 = 16 << 20;
/// What is left when the disk is nearly full: a few sales.
const LEFT_BYTES: u64 = 256 << 10;

/// A file system of a few megabytes. Dropping it unmounts it.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: PathBuf, bytes: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(&at).with_context(|| format!("make the folder {}", at.display()))?;
        let size = format!("size={bytes}");
        run(Path::new("mount"), ["-t", "tmpfs", "-o", &size, "tmpfs", &at.display().to_string()], "")
            .context("mount a small disk: this takes root, so run it as root; a step that cannot run has failed")?;
        Ok(Self { at })
    }

    /// Writes until nothing more fits, and leaves a little.
    fn fill(&self) -> anyhow::Result<()> {
        let (chunk, mut written) = (vec![0; 64 << 10], 0);
        let mut filler = File::create(self.filler()).context("make the file that fills the disk")?;
        while let Ok(count) = filler.write(&chunk) {
            written += count as u64;
        }
        filler.set_len(written.saturating_sub(LEFT_BYTES)).context("leave a little room")
    }

    fn empty(&self) -> anyhow::Result<()> {
        fs::remove_file(self.filler()).context("remove the file that fills the disk")
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a box that was only just killed may still hold it.
        let unmounted = run(Path::new("umount"), ["-l", &self.at.display().to_string()], "");
        if let Err(error) = unmounted {
            tracing::error!("a small disk stays mounted: {error:#}");
        }
    }
}

impl Scene {
    pub(super) async fn fill_the_disk(&mut self) -> anyhow::Result<Story> {
        let home = self.house.edge.data().to_owned();
        self.house.edge.server.stop().await?;
        let disk = SmallDisk::mount(self.house.folder().join("small-disk"), folder_bytes(&home)? + ROOM_BYTES)?;
        let away = disk.at.join("edge");
        copy_folder(&home, &away)?;
        self.house.edge.move_to(away.clone());
        let sold = self.sell_on(&disk).await;
        match &sold {
            Ok(_) => self.house.edge.server.stop().await?,
            // Whether it still runs or not: its books are judged where they can be read.
            Err(_) => drop(self.house.edge.server.kill().await),
        }
        fs::remove_dir_all(&home).context("remove the data that went to the small disk")?;
        copy_folder(&away, &home)?;
        self.house.edge.move_to(home);
        if sold.is_ok() {
            self.house.edge.start(None).await?;
        }
        sold
    }

    async fn sell_on(&mut self, disk: &SmallDisk) -> anyhow::Result<Story> {
        self.house.edge.start(None).await?;
        self.settle().await.context("start on the small disk")?;
        let manager = self.manager().await?;
        disk.fill()?;
        let noticed = refused_and_read(&manager, "disk_full").await.context("sell on a full disk")?;
        disk.empty()?;
        self.sell(Side::Edge, 3).await.context("sell after room was made, without a start")?;
        self.settle().await.context("go on after room was made")?;
        Ok(format!("full noticed after {} ms", noticed.as_millis()))
    }
}

fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.metadata()?.len())).sum()
}
