//! A disk that fails to keep what it is given: `fsync` and `fdatasync` answer EIO while a file exists.

use super::Story;
use super::loud::must_end_loudly;
use crate::processes::commands::run;
use crate::processes::house::Preload;
use crate::processes::round::Scene;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// Put between a server and the C library.
const SOURCE: &str = include_str!("sync_fails.c");
/// Names the file that makes them fail.
const VARIABLE: &str = "USHER_SYNC_FAILS_WHILE";

impl Scene {
    /// The disk of the box fails, and every second time central's.
    pub(super) async fn break_fsync(&mut self) -> anyhow::Result<Story> {
        self.sync_errors += 1;
        let at_the_box = self.sync_errors % 2 == 1;
        let (library, trigger) =
            (compile(self.house.folder(), "sync_fails", SOURCE)?, self.house.folder().join("sync-fails"));
        let preload = Preload { library, variable: (VARIABLE, trigger.clone()) };
        let house = &mut self.house;
        if at_the_box {
            house.edge.server.stop().await?;
            house.edge.start(Some(&preload)).await?;
        } else {
            house.central.server.stop().await?;
            house.central.start(Some(&preload)).await?;
        }
        self.settle().await.context("start with the library between")?;
        fs::write(&trigger, "").context("make fsync fail")?;
        let house = &mut self.house;
        let server = if at_the_box { &mut house.edge.server } else { &mut house.central.server };
        let story = must_end_loudly(server).await.context("make fsync fail")?;
        fs::remove_file(&trigger).context("let fsync work")?;
        if at_the_box {
            house.edge.start(None).await?;
        } else {
            house.central.start(None).await?;
        }
        Ok(format!("{story}, {}", if at_the_box { "the box" } else { "central" }))
    }
}

/// A library that is loaded before the C library.
pub(super) fn compile(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let (source, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    fs::write(&source, text).context("write the library's source")?;
    let arguments = [Path::new("-shared"), Path::new("-fPIC"), Path::new("-O1"), Path::new("-o"), &library, &source];
    run(Path::new("gcc"), arguments, "").context("compile the library")?;
    Ok(library)
}
