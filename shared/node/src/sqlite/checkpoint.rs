//! Copying the write-ahead log into the database while the writer is quiet, so that hardly a commit has to wait for it.
//!
//! SQLite does it at the end of some commit, which then takes a hundred times as long as the others, and everybody who waits for that
//! commit with it. Here a thread with a connection of its own does it whenever little is written; the writer starts its log anew once
//! all of it has been copied. Under load the thread stands back, because its flushes would stand in the way of the commits': then
//! the writer copies by itself, and seldom.

use super::connect;
use anyhow::Context;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks how long the log is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Pages of the log that are worth copying.
const WORTH_PAGES: i64 = 1000;
/// Pages that may have been written since the last look where the writer counts as quiet.
const QUIET_PAGES: i64 = 100;
/// Pages at which a busy writer copies them itself: 64 MiB.
const BUSY_PAGES: i32 = 16_000;
/// Bytes of the log that are laid out before it is needed: a flush of what is there already need not note a new length as well.
const LAID_OUT_BYTES: u64 = 16 << 20;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts it for the database that `writer` is the writer's connection to.
    ///
    /// # Errors
    /// If the database cannot be opened once more, or the operating system has no thread to give.
    pub fn start(path: &Path, writer: &Connection) -> anyhow::Result<Self> {
        let connection = connect(path).with_context(|| format!("open {} for checkpoints", path.display()))?;
        writer.pragma_update_and_check(None, "wal_autocheckpoint", BUSY_PAGES, |_| Ok(()))?;
        let (stop, stopped) = channel();
        let (path, name) = (path.to_owned(), "checkpoints".to_owned());
        let run = move || run(&connection, &path, &stopped);
        let thread = std::thread::Builder::new().name(name).spawn(run).context("start the thread for checkpoints")?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread for checkpoints panicked");
        }
    }
}

/// Lays the log out for a device that answers one person after the other and flushes for each. What SQLite finds behind the end of
/// its log it takes for the rest of an older one.
///
/// # Errors
/// If the log cannot be written.
pub fn lay_out_log(path: &Path, writer: &mut Connection) -> anyhow::Result<()> {
    let log = super::beside(path, "wal");
    // Nobody writes to the log meanwhile.
    let turn = writer.transaction_with_behavior(TransactionBehavior::Immediate).context("wait for the log")?;
    let lay_out = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(&log)?;
        let before = file.metadata()?.len();
        let missing = LAID_OUT_BYTES.saturating_sub(before);
        let laid_out = std::io::copy(&mut std::io::repeat(0).take(missing), &mut file).and_then(|_| file.sync_all());
        // A disk that is nearly full keeps its last bytes for what must be written.
        laid_out.or_else(|error| file.set_len(before).and(Err(error)))
    };
    lay_out().with_context(|| format!("lay out {}", log.display()))?;
    turn.rollback().context("give the log free")
}

fn run(connection: &Connection, path: &Path, stopped: &Receiver<()>) {
    let (mut failing, mut before) = (false, 0);
    while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        match copy(connection, &mut before) {
            Ok(()) => failing = false,
            // The writer copies by itself when its log gets too long.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(path = %path.display(), %error, "the write-ahead log is not copied into its database");
            }
            Err(_) => {}
        }
    }
}

/// Copies what is in the log if that is worth it and the writer is quiet. `before` is the length of the log at the last look.
fn copy(connection: &Connection, before: &mut i64) -> rusqlite::Result<()> {
    let (length, copied) = state(connection, "NOOP")?;
    let quiet = (length - *before).abs() <= QUIET_PAGES;
    *before = length;
    if quiet && length - copied >= WORTH_PAGES {
        state(connection, "PASSIVE")?;
    }
    Ok(())
}

/// Pages in the log and how many of them are copied, after a checkpoint of this kind.
fn state(connection: &Connection, kind: &str) -> rusqlite::Result<(i64, i64)> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({kind})"), [], |row| Ok((row.get(1)?, row.get(2)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Schema, open};

    const SCHEMA: Schema = Schema { program: "test", application_id: 7, migrations: &[] };

    fn left(connection: &Connection) -> i64 {
        let (length, copied) = state(connection, "NOOP").expect("the state of the log");
        length - copied
    }

    fn write(connection: &Connection, pages: i64) {
        connection.execute_batch("CREATE TABLE IF NOT EXISTS much (bytes BLOB)").expect("a table");
        connection.execute("INSERT INTO much VALUES (zeroblob(?1))", [pages * 4096]).expect("written");
    }

    #[test]
    fn a_long_log_is_copied_once_the_writer_is_quiet_and_a_short_one_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("test.sqlite");
        let writer = open(&path, &SCHEMA).expect("opened");
        let mut before = 0;
        write(&writer, 10);
        copy(&writer, &mut before).expect("looked");
        assert!(left(&writer) >= 10, "not worth it");
        write(&writer, WORTH_PAGES);
        copy(&writer, &mut before).expect("looked");
        assert!(left(&writer) >= WORTH_PAGES, "the writer is busy");
        copy(&writer, &mut before).expect("copied");
        assert_eq!(left(&writer), 0);
    }

    #[test]
    fn a_log_that_is_laid_out_holds_what_is_committed_and_nothing_else_after_a_kill() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("test.sqlite");
        let length = |path: &Path| std::fs::metadata(crate::sqlite::beside(path, "wal")).expect("a log").len();
        let mut writer = open(&path, &SCHEMA).expect("opened");
        lay_out_log(&path, &mut writer).expect("laid out");
        assert_eq!(length(&path), LAID_OUT_BYTES);
        write(&writer, 3);
        write(&writer, 4);
        assert_eq!(length(&path), LAID_OUT_BYTES);
        // What a kill leaves behind: the files as they are, and no connection that closes them.
        let other = dir.path().join("other");
        std::fs::create_dir(&other).expect("a folder");
        for file in ["test.sqlite", "test.sqlite-wal"] {
            std::fs::copy(dir.path().join(file), other.join(file)).expect("copied");
        }
        let mut again = open(&other.join("test.sqlite"), &SCHEMA).expect("opened");
        let rows = |db: &Connection| {
            let count = "SELECT count(*), sum(length(bytes)) FROM much";
            db.query_row(count, [], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?))).expect("read")
        };
        assert_eq!(rows(&again), (2, 7 * 4096));
        lay_out_log(&other.join("test.sqlite"), &mut again).expect("laid out again");
        write(&again, 1);
        assert_eq!(rows(&again), (3, 8 * 4096));
    }

    #[test]
    fn the_thread_ends_and_leaves_the_database_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("test.sqlite");
        let writer = open(&path, &SCHEMA).expect("opened");
        let checkpoints = Checkpoints::start(&path, &writer).expect("started");
        write(&writer, 5000);
        drop(checkpoints);
        drop(writer);
        let again = open(&path, &SCHEMA).expect("opened again");
        let bytes: u32 = again.query_row("SELECT length(bytes) FROM much", [], |row| row.get(0)).expect("read");
        assert_eq!(bytes, 5000 * 4096);
    }
}
