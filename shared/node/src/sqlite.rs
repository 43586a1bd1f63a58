//! Opening SQLite databases the one way that keeps what was committed.

mod checkpoint;
mod copy;
mod engine;
mod readers;

pub use checkpoint::{Checkpoints, lay_out_log};
pub use copy::{back_up, pending, put_back, whole};
pub use readers::{Readers, open_read_only};

use crate::{clock, idempotency};
use anyhow::{Context, bail, ensure};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Versions before this one can corrupt a database in WAL mode.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long a statement waits for a lock: only readers and the one writer share the file, and none of them keeps it
/// for long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of 4 KiB that the write-ahead log gathers before they are copied into the database. Tickets and bookings have random
/// numbers, so each sale touches a dozen pages: copied at SQLite's own 1000, one sale in forty pays for it, and commits took twice
/// as long.
const CHECKPOINT_PAGES: i32 = 4000;

/// Kibibytes of pages that the writer's connection keeps: with SQLite's own 2 MiB every commit of a house with many tickets reads
/// pages again that the one before had read.
const WRITER_CACHE_KIB: i32 = 8 * 1024;

/// How many prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 128;

/// What a program's database looks like.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The program, for messages: `usher-edge`.
    pub program: &'static str,
    /// Marks the file as this program's (`PRAGMA application_id`); not 0.
    pub application_id: i32,
    /// The program's tables, in order; a release only ever appends.
    pub migrations: &'static [Migration],
}

/// One step of a database's growth. Steps are counted in `PRAGMA user_version`; the first one is node's own tables.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What it brings, for messages.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// What every program's database begins with.
pub const NODE_TABLES: [Migration; 2] = [
    Migration { name: "store time", sql: clock::TABLE },
    Migration { name: "remembered answers", sql: idempotency::TABLE },
];

/// Opens a program's database for its one writer, or creates it where no file exists.
///
/// # Errors
/// If the file is empty, damaged, of another program or of a newer release; it is then left as it is.
pub fn open(path: &Path, schema: &Schema) -> anyhow::Result<Connection> {
    let version = rusqlite::version_number();
    ensure!(
        version >= SQLITE_VERSION_MIN,
        "SQLite {} can damage databases; 3.51.3 or newer is needed",
        rusqlite::version()
    );
    if path.try_exists().with_context(|| format!("look for {}", path.display()))? {
        check_header(path)?;
    } else {
        create(path, schema).with_context(|| format!("create the database {}", path.display()))?;
    }
    open_existing(path, schema).with_context(|| format!("open the database {}", path.display()))
}

/// Keeps a second process from the same database; the operating system releases it with the process.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

/// Takes the lock of a data directory.
///
/// # Errors
/// If another process has it.
pub fn lock(directory: &Path) -> anyhow::Result<StoreLock> {
    create_directory(directory)?;
    let path = directory.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    file.try_lock().with_context(|| format!("lock {}: is the program running already?", path.display()))?;
    Ok(StoreLock { _file: file })
}

fn create_directory(directory: &Path) -> anyhow::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("create {}", directory.display()))
}

/// Makes the database under another name first: whatever exists under its own name is complete.
fn create(path: &Path, schema: &Schema) -> anyhow::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    create_directory(directory)?;
    let (unfinished, wal) = (beside(path, "unfinished"), beside(path, "wal"));
    ensure!(
        !wal.exists(),
        "{} is there without its database: restore the database, do not start afresh",
        wal.display()
    );
    for leftover in [beside(&unfinished, "wal"), beside(&unfinished, "shm"), unfinished.clone()] {
        if leftover.exists() {
            fs::remove_file(&leftover).with_context(|| format!("remove {}", leftover.display()))?;
        }
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let mut connection = connect(&unfinished)?;
    connection.pragma_update(None, "application_id", schema.application_id)?;
    migrate(&mut connection, schema)?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, path)?;
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()?;
    tracing::info!(path = %path.display(), "created a new database");
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(suffix);
    PathBuf::from(name)
}

/// SQLite takes an empty file for a new database; here it is one that lost its content.
fn check_header(path: &Path) -> anyhow::Result<()> {
    let mut header = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    if read.is_err() || &header != b"SQLite format 3\0" {
        bail!("{} is empty or not a SQLite database: restore it, it is not started afresh", path.display());
    }
    Ok(())
}

fn open_existing(path: &Path, schema: &Schema) -> anyhow::Result<Connection> {
    let mut connection = connect(path)?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    ensure!(id == schema.application_id, "it is not a database of {} (application id {id:#x})", schema.program);
    quick_check(&connection)?;
    migrate(&mut connection, schema)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).context("keep others from the file")?;
    Ok(connection)
}

fn connect(path: &Path) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    keep_plans(&connection)?;
    for (pragma, value) in [("journal_mode", "WAL"), ("synchronous", "FULL"), ("foreign_keys", "ON")] {
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(none_returned)?;
    }
    let numbers = [
        ("mmap_size", 0),
        ("trusted_schema", 0),
        ("journal_size_limit", 64 << 20),
        ("wal_autocheckpoint", CHECKPOINT_PAGES),
        ("cache_size", -WRITER_CACHE_KIB),
    ];
    for (pragma, value) in numbers {
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(none_returned)?;
    }
    let text = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    ensure!(text("journal_mode")? == "wal", "the file system does not allow WAL mode");
    ensure!(number("synchronous")? == 2, "synchronous=FULL was not taken");
    ensure!(number("foreign_keys")? == 1, "foreign_keys=ON was not taken");
    ensure!(number("mmap_size").or_else(|error| none_returned(error).map(|()| 0))? == 0, "mmap_size=0 was not taken");
    Ok(connection)
}

/// Without this SQLite compiles a kept statement anew whenever other values are bound that its plan might depend on.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Some pragmas answer with their new value and some with nothing; both are fine.
fn none_returned(error: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(error, rusqlite::Error::QueryReturnedNoRows) { Ok(()) } else { Err(error) }
}

fn quick_check(connection: &Connection) -> anyhow::Result<()> {
    let found: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).context("check the database")?;
    ensure!(found == "ok", "the database is damaged: {found}");
    Ok(())
}

fn migrate(connection: &mut Connection, schema: &Schema) -> anyhow::Result<()> {
    let steps = || NODE_TABLES.iter().chain(schema.migrations);
    let applied: usize = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?.try_into()?;
    let known = steps().count();
    ensure!(
        applied <= known,
        "it was written by a newer release of {} (version {applied}, known {known})",
        schema.program
    );
    for (index, migration) in steps().enumerate().skip(applied) {
        let grow = || -> anyhow::Result<()> {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(migration.sql)?;
            tx.pragma_update(None, "user_version", u32::try_from(index + 1)?)?;
            Ok(tx.commit()?)
        };
        grow_named(grow, migration)?;
    }
    Ok(())
}

fn grow_named(grow: impl FnOnce() -> anyhow::Result<()>, migration: &Migration) -> anyhow::Result<()> {
    grow().with_context(|| format!("apply the migration {:?}", migration.name))
}

#[cfg(test)]
mod tests;
