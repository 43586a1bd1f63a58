//! Old copies of data directories, made and put back as an operator does.

use anyhow::Context;
use rusqlite::{Connection, OpenFlags};
use shared::ids::Side;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A running database may be busy for so long.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// The copies of a round.
#[derive(Debug, Default)]
pub(in crate::processes) struct Shelf {
    made: usize,
    last: BTreeMap<Side, PathBuf>,
}

impl Shelf {
    /// Copies made so far.
    pub(super) fn made(&self) -> usize {
        self.made
    }

    /// Where the next copy goes.
    pub(super) fn place(&mut self, folder: &Path) -> PathBuf {
        self.made += 1;
        folder.join(format!("copy-{}", self.made))
    }

    /// Keeps a copy and returns the one kept before it.
    pub(super) fn keep(&mut self, side: Side, copy: PathBuf) -> Option<PathBuf> {
        self.last.insert(side, copy)
    }
}

/// Copies the plain files of a folder, as `cp` does. The database must not be in use.
pub(in crate::processes) fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    copy_files(from, to, |name| !name.ends_with("-shm"))
}

/// Backs a server's data up while it runs: the database by `VACUUM INTO`, the other files as they are.
pub(super) fn back_up(data: &Path, database: &Path, to: &Path) -> anyhow::Result<()> {
    let name = database.file_name().and_then(|name| name.to_str()).context("the database has no name")?;
    copy_files(data, to, |file| !file.starts_with(name))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(database, flags).context("open the database")?;
    db.busy_timeout(BUSY_MAX)?;
    let target = to.join(name);
    db.execute("VACUUM INTO ?1", [target.to_str().context("the backup's path is no text")?]).context("vacuum")?;
    Ok(())
}

/// Puts a copy in the place of what is there.
pub(super) fn put_back(copy: &Path, data: &Path) -> anyhow::Result<()> {
    fs::remove_dir_all(data).with_context(|| format!("remove {}", data.display()))?;
    copy_folder(copy, data)
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && wanted(&entry.file_name().to_string_lossy()) {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().with_context(|| format!("copy {} to {}", from.display(), to.display()))
}
