//! What a writer asks of its database.

use crate::clock::StoreClock;
use shared::time::Timestamp;
use std::time::Duration;

/// A database that one writer thread owns a connection to.
pub trait Engine: Send + 'static {
    /// A transaction under way, as jobs see it.
    type Tx<'t>: ?Sized;

    /// Runs `work` in one transaction, persists the store time with whatever it wrote, and commits.
    fn transaction<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Self::Tx<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> Ended<T>;

    /// Tries to reach a database that went away, and finds out whether the last commit was done.
    fn recover(&mut self) -> Recovery {
        Recovery::Never
    }

    /// Runs `work` in a transaction of which nothing is kept, and says whether it wanted to write: for a database that can be read only.
    ///
    /// # Errors
    /// What `work` returns, or that the database cannot be read.
    fn look<T>(
        &mut self,
        _clock: &StoreClock,
        _work: impl FnOnce(&Self::Tx<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> anyhow::Result<Looked<T>> {
        anyhow::bail!("this engine's database is never one that can be read only")
    }

    /// Tries whether a database that could be read only can be written again.
    ///
    /// # Errors
    /// What is in the way.
    fn try_to_write(&mut self, _clock: &StoreClock) -> anyhow::Result<()> {
        Ok(())
    }

    /// Ends the connection.
    fn close(self);
}

/// What came of a transaction of which nothing is kept.
#[derive(Debug)]
pub struct Looked<T> {
    /// What the work returned.
    pub value: T,
    /// It wanted to write something.
    pub wrote: bool,
}

/// Why a database can only be read: both end without anybody touching the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritable {
    /// There is no room on the disk.
    DiskFull,
    /// The disk takes nothing any more.
    DiskReadOnly,
}

impl Unwritable {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::DiskReadOnly => "disk_read_only",
        }
    }
}

/// How a transaction ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// It is on disk.
    Committed {
        /// What the work returned.
        value: T,
        /// The store time it was written at.
        at: Timestamp,
        /// How long the commit took, where anything was written.
        wrote: Option<Duration>,
    },
    /// Nothing of it is on disk.
    RolledBack {
        /// What was in the way.
        error: anyhow::Error,
        /// The database went away, and may come back.
        away: bool,
    },
    /// Nothing of it is on disk, and the disk takes nothing just now.
    Unwritable {
        /// What was in the way.
        error: anyhow::Error,
        /// Why.
        why: Unwritable,
    },
    /// Another writer has the database now; nothing of this is on disk.
    TakenOver(anyhow::Error),
    /// The database went away during the commit, or it failed.
    Unknown {
        /// What the work returned.
        value: T,
        /// The store time it was to be written at.
        at: Timestamp,
        /// What was in the way.
        error: anyhow::Error,
    },
}

impl<T> Ended<T> {
    /// For whoever tries nothing again: what the work returned, once it is on disk.
    ///
    /// # Errors
    /// If it was not committed, or that is not known.
    pub fn done(self) -> anyhow::Result<T> {
        match self {
            Self::Committed { value, .. } => Ok(value),
            Self::RolledBack { error, .. } | Self::Unwritable { error, .. } | Self::TakenOver(error) => Err(error),
            Self::Unknown { error, .. } => Err(error.context("whether it was committed is not known")),
        }
    }
}

/// What came of looking for a database that went away.
#[derive(Debug)]
pub enum Recovery {
    /// It is back.
    Back {
        /// The last transaction whose commit was begun is on disk.
        committed: bool,
    },
    /// Not yet.
    Away(anyhow::Error),
    /// It is, and another writer has it.
    TakenOver(anyhow::Error),
    /// This engine's database does not come back.
    Never,
}
