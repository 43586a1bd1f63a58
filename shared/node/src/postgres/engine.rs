//! The writer's engine on PostgreSQL.
//!
//! One row, the head, belongs to whoever may write. Each transaction locks it in a statement of its own, before anything is read,
//! and looks whether its fencing number is still this writer's: a writer that was replaced can commit nothing more. With each
//! commit goes a new batch number into that row, by which a COMMIT whose answer was lost is found out.

use super::connection::{Connection, is_of_old_tables};
use super::tenure::Tenure;
use crate::clock::{self, StoreClock};
use crate::store::{Sql, StoreError};
use crate::values;
use crate::writer::{Ended, Engine, Recovery};
use anyhow::{Context, bail};
use shared::time::Timestamp;
use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio_postgres::error::SqlState;

/// The row of whoever may write; beside the tables that every engine has.
pub(super) const TABLE: &str = "
    CREATE TABLE writer_head (
        one BIGINT PRIMARY KEY CHECK (one = 1),
        fence BIGINT NOT NULL,
        batch BYTEA NOT NULL,
        until_ms BIGINT NOT NULL
    );
    INSERT INTO writer_head VALUES (1, 0, '', 0);";

/// Where the others find whoever may write.
pub(super) const ADDRESS: &str = "ALTER TABLE writer_head ADD COLUMN address TEXT NOT NULL DEFAULT '';";

/// What the others show whoever may write when they pass something on.
pub(super) const PASS: &str = "ALTER TABLE writer_head ADD COLUMN pass TEXT NOT NULL DEFAULT '';";

/// The writer whose number this is has a lock for as long as its connection stands; one of a release before has none.
pub(super) const LOCKED: &str = "ALTER TABLE writer_head ADD COLUMN locked_fence BIGINT NOT NULL DEFAULT 0;";

/// So long after its last sign of life another writer may take a writer's place.
pub(super) const LEASE: Duration = Duration::from_secs(5);

/// So long a writer whose connection has ended is given to come back: longer than it takes when the server has restarted.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(2);

const LOCK: &str = "SELECT fence, batch, until_ms FROM writer_head FOR UPDATE";
/// Looks without waiting for the transaction of whoever has the place.
const LOOK: &str = "SELECT until_ms, address, pass, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT), fence,
            locked_fence = fence AND fence NOT IN (
                SELECT CAST(objid AS BIGINT) FROM pg_locks WHERE locktype = 'advisory' AND classid = 6012027 AND objsubid = 2
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
     FROM writer_head";
/// Two connections of one writer may have it: the old one may end later than the new one begins.
const STAND: &str = "SELECT CAST(pg_advisory_lock_shared(6012027, CAST(?1 AS INTEGER)) AS TEXT)";
const DATABASE_TIME: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
const SIGN: &str = "UPDATE writer_head SET batch = ?1, until_ms = ?2";
/// A state that is loaded again is folded between statements, which takes as long as it is large.
const FOLDING: &str = "SET LOCAL idle_in_transaction_session_timeout = '5min'";

/// The database of one writer.
pub struct Store {
    url: String,
    connection: Connection,
    fence: i64,
    /// When this writer's time ends, by the database's clock: others look at that one.
    until: Timestamp,
    /// What the database's clock showed when the transaction under way began.
    database_now: Timestamp,
    /// The batch whose commit was begun last.
    batch: [u8; 16],
    /// The last batch that is known to be committed.
    committed: Vec<u8>,
    /// The database was away: the next transaction loads the state again.
    returning: bool,
}

/// What the head says.
struct HeadRow {
    fence: i64,
    batch: Vec<u8>,
    until: Timestamp,
}

/// Another writer has taken the place of this one.
#[derive(Debug, thiserror::Error)]
#[error("another writer has taken over with number {theirs}; this one was {ours}")]
struct TakenOver {
    ours: i64,
    theirs: i64,
}

/// The database is there again and has less in it than was committed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database has lost what writer {ours} had committed: it was put back, or a copy that was behind took its place"
)]
struct Forgotten {
    ours: i64,
}

/// A program that would write if nobody else did.
pub struct Candidate {
    url: String,
    address: String,
    pass: String,
    connection: Option<Connection>,
    /// The writer whose connection has ended, and since when that is seen.
    gone: Option<(i64, Instant)>,
}

/// What the place looks like.
struct Look {
    until: Timestamp,
    address: String,
    pass: String,
    now: Timestamp,
    fence: i64,
    /// Whoever has it has no connection any more.
    is_alone: bool,
}

/// What a candidate finds.
pub enum Place {
    /// The place was free, and is the candidate's now.
    Taken(Box<Store>),
    /// Somebody else has it.
    Held {
        /// At this address.
        address: String,
        /// What is shown there by whoever passes something on.
        pass: String,
    },
}

impl Candidate {
    /// A candidate whom the others find at `address` and show `pass`; the tables are there.
    pub fn new(url: &str, address: &str, pass: &str) -> Self {
        Self { url: url.to_owned(), address: address.to_owned(), pass: pass.to_owned(), connection: None, gone: None }
    }

    /// Takes the writer's place if whoever had it has gone, has been without a connection for a moment, or silent for long enough.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub fn stand(&mut self) -> anyhow::Result<Place> {
        let kept = self.connection.take().filter(Connection::still_stands);
        let connection = kept.map_or_else(|| Connection::open(&self.url), Ok)?;
        let Look { until, address, pass, now, fence, is_alone } =
            look(&connection).context("look at the writer's place")?;
        let since = self.gone.take().filter(|(gone, _)| *gone == fence).map_or_else(Instant::now, |(_, since)| since);
        self.gone = is_alone.then_some((fence, since));
        let is_gone = is_alone && since.elapsed() >= COMES_BACK_WITHIN;
        if (until <= now || is_gone)
            && let Some(taken) = take(&connection, self, is_gone.then_some(fence)).context("take the writer's place")?
        {
            let (url, HeadRow { fence, batch, until }) = (self.url.clone(), taken);
            let (database_now, committed) = (now, batch);
            let (batch, returning) = (node_batch(), false);
            let store = Store { url, connection, fence, until, database_now, batch, committed, returning };
            return Ok(Place::Taken(Box::new(store)));
        }
        self.connection = Some(connection);
        Ok(Place::Held { address, pass })
    }
}

impl Store {
    /// Takes the place of the one writer, once whoever had it has gone or been silent for long enough. The tables are there.
    ///
    /// # Errors
    /// If the database cannot be reached, or another writer works there for longer than `patience`.
    pub fn open(url: &str, patience: Duration) -> anyhow::Result<Self> {
        let (mut candidate, since) = (Candidate::new(url, "", ""), Instant::now());
        loop {
            match candidate.stand()? {
                Place::Taken(store) => return Ok(*store),
                Place::Held { .. } if since.elapsed() < patience => std::thread::sleep(Duration::from_millis(100)),
                Place::Held { address, .. } => bail!("another program writes to this database {address}"),
            }
        }
    }

    /// The connection, outside of any transaction: for reading before the writer starts.
    pub fn sql(&self) -> &dyn Sql {
        &self.connection
    }

    /// Keeps the place while nothing is committed, however long the state takes to be loaded, until what is returned is dropped.
    pub fn tenure(&self) -> Tenure {
        Tenure::begin(&self.url, self.fence)
    }

    /// What the database's clock shows.
    ///
    /// # Errors
    /// A store failure.
    pub fn time(&self) -> Result<Timestamp, StoreError> {
        database_time(&self.connection)
    }

    /// Locks the head and reads both clocks; the transaction is open afterwards.
    fn begin(&mut self, clock: &StoreClock) -> anyhow::Result<Timestamp> {
        self.connection.wrote.set(false);
        self.connection.failed.set(false);
        self.connection.away.set(false);
        self.connection.send("BEGIN", &[]).context("begin a transaction")?;
        if std::mem::take(&mut self.returning) {
            self.connection.send(FOLDING, &[]).context("take time for loading")?;
        }
        let head = head(&self.connection).context("lock the head")?;
        if head.fence != self.fence {
            return Err(TakenOver { ours: self.fence, theirs: head.fence }.into());
        }
        let persisted = clock::last_persisted(&self.connection).context("read the store time")?;
        self.database_now = database_time(&self.connection).context("read the database's clock")?;
        clock.lead(persisted.max(self.database_now));
        Ok(clock.now())
    }

    /// Signs the batch at the head, where it has written or the writer's time is running out.
    fn sign(&mut self, clock: &StoreClock, at: Timestamp) -> anyhow::Result<bool> {
        let wrote = self.connection.wrote.get();
        // Further away than it was ever set, it was set before the database's clock was put back.
        let left = self.until.since(self.database_now);
        let renew = left < LEASE * 2 / 3 || left > LEASE;
        if !wrote && !renew {
            return Ok(false);
        }
        if wrote && clock.is_kept() {
            clock::persist(&self.connection, at).context("write the store time")?;
        }
        (self.batch, self.until) = (node_batch(), self.database_now + LEASE);
        self.connection.send(SIGN, values![self.batch, self.until.0]).context("sign the head")?;
        // Told before the commit is begun: afterwards only the head could tell.
        self.connection.flush().context("sign the head")?;
        Ok(true)
    }

    fn is_away(&self, error: &anyhow::Error) -> bool {
        self.connection.is_closed() || self.connection.away.get() || is_away(error)
    }
}

impl Engine for Store {
    type Tx<'t> = dyn Sql + 't;

    fn transaction<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Self::Tx<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> Ended<T> {
        let worked = self.begin(clock).and_then(|at| {
            let value = work(&self.connection, at)?;
            self.connection.flush().context("do what was sent")?;
            Ok((value, at))
        });
        let (value, at) = match worked {
            Ok(_) if self.connection.failed.get() => {
                let error = anyhow::anyhow!("a statement failed, and its transaction was gone on with");
                return self.rolled_back(error);
            }
            Ok(done) => done,
            Err(error) => return self.rolled_back(error),
        };
        let wrote = self.connection.wrote.get();
        match self.sign(clock, at) {
            Err(error) => return self.rolled_back(error),
            Ok(false) => {
                // Nothing to keep: whether the server hears of it makes no difference.
                if let Err(error) = self.connection.run("ROLLBACK") {
                    tracing::debug!(%error, "a transaction that only read did not end");
                }
                return Ended::Committed { value, at, wrote: None };
            }
            Ok(true) => {}
        }
        let started = Instant::now();
        match self.connection.run("COMMIT").context("commit") {
            Ok(()) => {
                self.committed = self.batch.to_vec();
                Ended::Committed { value, at, wrote: wrote.then(|| started.elapsed()) }
            }
            Err(error) => Ended::Unknown { value, at, error },
        }
    }

    fn recover(&mut self) -> Recovery {
        let reached = Connection::open(&self.url).and_then(|connection| {
            connection.run("BEGIN")?;
            // Waits for the old connection's transaction, should the server still be at it.
            let head = head(&connection).context("lock the head")?;
            connection.run("ROLLBACK")?;
            if head.fence == self.fence {
                stand(&connection, head.fence).context("stand for the place again")?;
            }
            Ok((connection, head))
        });
        match reached {
            Err(error) => Recovery::Away(error),
            Ok((_, head)) if head.fence != self.fence => {
                Recovery::TakenOver(TakenOver { ours: self.fence, theirs: head.fence }.into())
            }
            // Not what this writer left: a server that had not all of it took the place of the one that had.
            Ok((_, head)) if head.batch != self.batch && head.batch != self.committed => {
                Recovery::TakenOver(Forgotten { ours: self.fence }.into())
            }
            Ok((connection, head)) => {
                (self.connection, self.committed, self.returning) = (connection, head.batch, true);
                Recovery::Back { committed: self.committed == self.batch }
            }
        }
    }

    fn close(self) {}
}

/// Whoever comes next need not wait for this writer's time to end.
impl Drop for Store {
    fn drop(&mut self) {
        let (url, fence) = (self.url.clone(), self.fence);
        let give_up = move || {
            let connection = Connection::open(&url)?;
            // What this writer left under way ends only with its connection.
            connection.run("SET lock_timeout = '1s'")?;
            let update = "UPDATE writer_head SET until_ms = 0 WHERE fence = ?1";
            anyhow::Ok(connection.execute(update, values![fence])?)
        };
        // On a thread of its own, for nobody knows on whose thread something is dropped.
        if let Ok(Err(error)) = std::thread::spawn(give_up).join() {
            tracing::warn!(error = format!("{error:#}"), "the writer's place is not given up; its time ends by itself");
        }
    }
}

impl Store {
    fn rolled_back<T>(&self, error: anyhow::Error) -> Ended<T> {
        let away = self.is_away(&error);
        self.connection.forget_unsent();
        if let Err(error) = self.connection.run("ROLLBACK") {
            tracing::debug!(%error, "the server ends the transaction by itself");
        }
        if error.is::<TakenOver>() { Ended::TakenOver(error) } else { Ended::RolledBack { error, away } }
    }
}

fn node_batch() -> [u8; 16] {
    crate::random::bytes()
}

/// Takes the place with the next fencing number, unless somebody else has it who is not `gone`.
fn take(connection: &Connection, candidate: &Candidate, gone: Option<i64>) -> anyhow::Result<Option<HeadRow>> {
    connection.run("BEGIN")?;
    let (head, now) = (head(connection)?, database_time(connection)?);
    // It may have come back since.
    let is_free = head.until <= now || gone == Some(head.fence) && look(connection)?.is_alone;
    let taken = if !is_free {
        None
    } else {
        let (fence, until) = (head.fence + 1, now + LEASE);
        stand(connection, fence)?;
        let update = "UPDATE writer_head SET fence = ?1, locked_fence = ?1, until_ms = ?2, address = ?3, pass = ?4";
        connection.execute(update, values![fence, until.0, candidate.address, candidate.pass])?;
        Some(HeadRow { fence, until, batch: head.batch })
    };
    connection.run("COMMIT")?;
    Ok(taken)
}

/// Shows on this connection that the writer with this number stands, until the connection ends.
fn stand(connection: &Connection, fence: i64) -> Result<(), StoreError> {
    let sql: &dyn Sql = connection;
    sql.only(STAND, values![fence], |row| row.get::<String>(0)).map(drop)
}

fn look(connection: &Connection) -> Result<Look, StoreError> {
    let sql: &dyn Sql = connection;
    sql.only(LOOK, &[], |row| {
        let (until, now) = (Timestamp(row.get(0)?), Timestamp(row.get(3)?));
        Ok(Look { until, address: row.get(1)?, pass: row.get(2)?, now, fence: row.get(4)?, is_alone: row.get(5)? })
    })
}

fn head(sql: &dyn Sql) -> Result<HeadRow, StoreError> {
    sql.only(LOCK, &[], |row| Ok(HeadRow { fence: row.get(0)?, batch: row.get(1)?, until: Timestamp(row.get(2)?) }))
}

pub(super) fn database_time(sql: &dyn Sql) -> Result<Timestamp, StoreError> {
    sql.only(DATABASE_TIME, &[], |row| Ok(Timestamp(row.get(0)?)))
}

/// Is it only that the server cannot be reached just now?
pub fn is_away(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref().is_some_and(comes_back) || cause.downcast_ref().is_some_and(ends_by_itself))
}

/// What ends when the server has come up, or another transaction has ended.
pub(super) fn comes_back(error: &StoreError) -> bool {
    match error {
        StoreError::Postgres(error) => ends_by_itself(error),
        StoreError::Silent(_) | StoreError::Closed => true,
        _ => false,
    }
}

fn is_of_the_line(cause: &(dyn Error + 'static)) -> bool {
    let misread = [ErrorKind::InvalidInput, ErrorKind::InvalidData];
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| !misread.contains(&error.kind()))
}

fn ends_by_itself(error: &tokio_postgres::Error) -> bool {
    let code = match error.code() {
        // What never reached the server, or no answer of its own: the line. A value or a row that is not understood comes again.
        None => return error.is_closed() || error.source().is_some_and(is_of_the_line),
        Some(code) => code,
    };
    code.code().starts_with("08")
        || is_of_old_tables(error)
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            // An operator has ended a statement by hand.
            SqlState::QUERY_CANCELED,
            // There is no room, no memory, or only a standby just now: what others mend, and nothing of it is kept.
            SqlState::DISK_FULL,
            SqlState::OUT_OF_MEMORY,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]
        .contains(code)
}
