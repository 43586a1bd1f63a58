//! A disk that takes nothing for a while.

use super::SCHEMA;
use crate::clock::StoreClock;
use crate::sqlite;
use crate::writer::{Core, Unwritable, WriteError, Writer};
use rusqlite::{Connection, Transaction};
use shared::time::Timestamp;
use std::time::Duration;

/// Notes counted in memory, which may never be ahead of the disk.
struct Counted(u32);

impl Core for Counted {
    type Engine = Connection;

    fn before_commit(&mut self, tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        anyhow::ensure!(count(tx)? == self.0, "memory and disk differ");
        Ok(())
    }

    fn after_commit(&mut self) {}

    fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    fn handle_timeout(&mut self, _tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        Ok(())
    }

    fn reload(&mut self, tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        self.0 = count(tx)?;
        Ok(())
    }

    fn handle_failure(&mut self, _error: &anyhow::Error) {}
}

fn count(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("SELECT count(*) FROM note", [], |row| row.get(0))
}

fn note(core: &mut Counted, tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
    core.0 += 1;
    tx.execute("INSERT INTO note VALUES (?1)", ["x".repeat(2000)])?;
    Ok(())
}

/// The database may have so many pages: a disk that is full says the same.
async fn set_room(writer: &Writer<Counted>, pages: u32) {
    let set = writer.run(move |_, tx, _| {
        tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok(())
    });
    set.await.expect("set");
}

#[tokio::test]
async fn on_a_full_disk_what_writes_is_refused_and_what_reads_is_answered_until_there_is_room() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("usher.db");
    let connection = sqlite::open(&path, &SCHEMA).expect("opened");
    let (writer, thread) = Writer::start(connection, Counted(0), StoreClock::manual(), 16).expect("started");
    set_room(&writer, 30).await;
    let mut kept = 0;
    let refused = loop {
        match writer.run(note).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, WriteError::Unwritable(Unwritable::DiskFull));
    assert!(kept > 0);
    for _ in 0..2 {
        assert_eq!(writer.run(|core, _, _| Ok(core.0)).await, Ok(kept), "what is in memory is what is on disk");
        assert_eq!(writer.unwritable(), Some(Unwritable::DiskFull));
        assert_eq!(writer.run(note).await, Err(WriteError::Unwritable(Unwritable::DiskFull)));
    }
    assert_eq!(writer.stopped(), None);
    set_room(&writer, 1000).await;
    while writer.unwritable().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writer.run(note).await.expect("there is room");
    assert_eq!(writer.run(|core, tx, _| Ok((core.0, count(tx)?))).await, Ok((kept + 1, kept + 1)));
    thread.stop().await;
}
