//! SQLite as the engine of a writer.

use crate::clock::{self, StoreClock};
use crate::store::StoreError;
use crate::writer::{Ended, Engine, Looked, Unwritable};
use anyhow::Context;
use rusqlite::ffi::SQLITE_IOERR_WRITE;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use shared::time::Timestamp;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Instant;

/// A disk that was full counts as writable again with so much room.
const ROOM_BYTES: usize = 1 << 20;

/// Why the disk takes nothing, where that is what an error says and where it may end by itself. A flush that failed is another thing:
/// nobody knows what it has kept.
fn unwritable(connection: &Connection, error: &anyhow::Error) -> Option<Unwritable> {
    let mut codes = error.chain().filter_map(|cause| match cause.downcast_ref::<StoreError>() {
        Some(StoreError::Sqlite(error)) => error.sqlite_error().copied(),
        _ => cause.downcast_ref::<rusqlite::Error>().and_then(|error| error.sqlite_error().copied()),
    });
    codes.find_map(|error| match error.code {
        ErrorCode::DiskFull => Some(Unwritable::DiskFull),
        ErrorCode::ReadOnly => Some(Unwritable::DiskReadOnly),
        // SQLite does not say that it was for this.
        ErrorCode::SystemIoFailure if error.extended_code == SQLITE_IOERR_WRITE && is_read_only(connection) => {
            Some(Unwritable::DiskReadOnly)
        }
        _ => None,
    })
}

fn is_read_only(connection: &Connection) -> bool {
    probe(connection, 0).is_err_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem)
}

fn rolled_back<T>(connection: &Connection, error: anyhow::Error) -> Ended<T> {
    match unwritable(connection, &error) {
        Some(why) => Ended::Unwritable { error, why },
        None => Ended::RolledBack { error, away: false },
    }
}

/// Writes a file beside the database and removes it.
fn probe(connection: &Connection, bytes: usize) -> std::io::Result<()> {
    let Some(database) = connection.path().filter(|path| !path.is_empty()) else { return Ok(()) };
    let path = Path::new(database).with_file_name("probe");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; bytes])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

impl Engine for Connection {
    type Tx<'t> = Transaction<'t>;

    fn transaction<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> Ended<T> {
        let before = self.total_changes();
        // No second transaction can begin on this connection while this one is borrowed.
        let tx = match Transaction::new_unchecked(self, TransactionBehavior::Immediate).context("begin a transaction") {
            Ok(tx) => tx,
            Err(error) => return rolled_back(self, error),
        };
        let at = clock.now();
        let value = match work(&tx, at) {
            Ok(value) => value,
            Err(error) => return rolled_back(self, error),
        };
        let wrote = tx.total_changes() != before;
        if wrote
            && clock.is_kept()
            && let Err(error) = clock::persist(&tx, at).context("write the store time")
        {
            return rolled_back(self, error);
        }
        let started = Instant::now();
        match tx.commit().context("commit") {
            Ok(()) => Ended::Committed { value, at, wrote: wrote.then(|| started.elapsed()) },
            Err(error) => match unwritable(self, &error) {
                // What did not fit into the log has no end there, and counts as never written.
                Some(why) => Ended::Unwritable { error, why },
                None => Ended::Unknown { value, at, error },
            },
        }
    }

    fn look<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> anyhow::Result<Looked<T>> {
        let before = self.total_changes();
        let tx = self.transaction().context("begin a transaction")?;
        let value = work(&tx, clock.now())?;
        let wrote = tx.total_changes() != before;
        tx.rollback().context("end a transaction that only read")?;
        Ok(Looked { value, wrote })
    }

    fn try_to_write(&mut self, clock: &StoreClock) -> anyhow::Result<()> {
        // The last bytes of a disk would let one sale pass and refuse the next one.
        probe(self, ROOM_BYTES).context("look for room on the disk")?;
        let tx = self.transaction_with_behavior(TransactionBehavior::Immediate).context("begin a transaction")?;
        clock::persist(&tx, clock.now()).context("write the store time")?;
        tx.commit().context("commit")
    }

    fn close(self) {
        if let Err((_, error)) = Connection::close(self) {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}
