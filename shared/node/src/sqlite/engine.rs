//! SQLite as the engine of a writer.

use crate::clock::{self, StoreClock};
use crate::writer::{Ended, Engine};
use anyhow::Context;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use shared::time::Timestamp;
use std::time::Instant;

impl Engine for Connection {
    type Tx<'t> = Transaction<'t>;

    fn transaction<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> Ended<T> {
        let before = self.total_changes();
        let rolled_back = |error| Ended::RolledBack { error, away: false };
        let tx = match self.transaction_with_behavior(TransactionBehavior::Immediate).context("begin a transaction") {
            Ok(tx) => tx,
            Err(error) => return rolled_back(error),
        };
        let at = clock.now();
        let value = match work(&tx, at) {
            Ok(value) => value,
            Err(error) => return rolled_back(error),
        };
        let wrote = tx.total_changes() != before;
        if wrote
            && clock.is_kept()
            && let Err(error) = clock::persist(&tx, at).context("write the store time")
        {
            return rolled_back(error);
        }
        let started = Instant::now();
        match tx.commit().context("commit") {
            Ok(()) => Ended::Committed { value, at, wrote: wrote.then(|| started.elapsed()) },
            Err(error) => Ended::Unknown { value, at, error },
        }
    }

    fn close(self) {
        if let Err((_, error)) = Connection::close(self) {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}
