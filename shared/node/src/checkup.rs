//! What a program's `doctor` looks at and says, while the program runs or not.

use crate::ledger_store::{self, StoredLogs};
use crate::store::Sql;
use anyhow::{Context, ensure};
use shared::entry::{Entry, Fact, Head};
use shared::ids::{Side, TheatreId};
use std::fmt;
use sync_protocol::log::EntrySource;

/// Bytes of a log that are read at once.
const BYTES_AT_ONCE: usize = 1 << 20;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Good,
    /// Something waits for a person.
    Attention,
    /// Nothing should be sold from this store before it is mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What was looked at, and what was found.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.grade {
            Grade::Good => "good     ",
            Grade::Attention => "attention",
            Grade::Bad => "BAD      ",
        };
        write!(f, "{word}  {}", self.text)
    }
}

/// Follows both chains of a theatre from their beginnings to the heads that are noted; how many entries there are, and why the
/// theatre is closed.
///
/// # Errors
/// If an entry is not what was written, or the store cannot be read.
pub fn logs(conn: &dyn Sql, theatre: TheatreId, me: Side) -> anyhow::Result<(u64, Option<&'static str>)> {
    let snapshot = ledger_store::load(conn, theatre, me).context("load the ledger")?;
    let source = StoredLogs::new(conn, theatre);
    let mut count = 0;
    for (log, noted) in [(me, snapshot.heads.own), (me.peer(), snapshot.heads.peer)] {
        let mut head = Head::default();
        while head.seq < noted.seq {
            let entries = source.entries(log, head.seq + 1, BYTES_AT_ONCE)?;
            ensure!(!entries.is_empty(), "the log of {log} ends at {} and should end at {}", head.seq, noted.seq);
            for bytes in entries.into_iter().take(usize::try_from(noted.seq - head.seq).unwrap_or(usize::MAX)) {
                if let Ok(Entry { fact: Fact::LogOpened { incarnation, .. }, .. }) = Entry::decode(&bytes) {
                    head.incarnation = incarnation;
                }
                head = Head { seq: head.seq + 1, hash: head.hash.chain(&bytes), ..head };
                let stored = source.head_at(log, head.seq)?;
                ensure!(stored == Some(head), "entry {} of {log} does not follow on the one before it", head.seq);
            }
        }
        ensure!(head == noted, "the head of {log}'s log is not the one that is noted");
        count += head.seq;
    }
    Ok((count, snapshot.heads.closed.map(sync_protocol::replica::Closed::code)))
}
