//! Copies of the store, and putting one in its place: of a file by SQLite's own means, of a database at a server by PostgreSQL's own
//! programs, which must be there (Debian: `postgresql-client`).

use crate::database::Place;
use crate::schema::SCHEMA;
use anyhow::{Context, bail, ensure};
use node::postgres::Connection;
use node::sqlite;
use node::store::Sql;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Copies the store as it is just now into a file that is not there yet, while central works. Returns how many bytes it has.
///
/// # Errors
/// If the file is there, or the store cannot be copied.
pub fn back_up(place: &Place, out: &Path) -> anyhow::Result<u64> {
    match place {
        Place::File(path) => sqlite::back_up(path, &SCHEMA, out),
        Place::Server(url) => {
            ensure!(!out.exists(), "{} is there already", out.display());
            // One snapshot of all tables, as any reader would see them.
            run(Command::new("pg_dump")
                .args(["--format=custom", "--no-owner", "--file"])
                .arg(out)
                .arg("--dbname")
                .arg(url))?;
            Ok(std::fs::metadata(out).with_context(|| format!("look at {}", out.display()))?.len())
        }
    }
}

/// Puts a copy in the place of a store on which nobody works. A file that was there is kept, and named; a database at a server must be
/// empty, so that nothing is overwritten there.
///
/// # Errors
/// If somebody works there, the copy is none of central's, or there is something in the database.
pub fn put_back(place: &Place, backup: &Path) -> anyhow::Result<Option<PathBuf>> {
    match place {
        Place::File(path) => {
            let _lock = sqlite::lock(path.parent().unwrap_or(Path::new("")))?;
            sqlite::put_back(backup, path, &SCHEMA)
        }
        Place::Server(url) => {
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
            let connection = Connection::open(url)?;
            let sql: &dyn Sql = &connection;
            let tables: i64 = sql.only(tables, &[], |row| row.get(0)).context("look for tables")?;
            ensure!(tables == 0, "there are {tables} tables in that database: make an empty one and restore into it");
            let mut restore = Command::new("pg_restore");
            restore.args(["--exit-on-error", "--single-transaction", "--no-owner", "--dbname"]).arg(url).arg(backup);
            run(&mut restore)?;
            // A copy of another program's database is none of central's.
            place.pending().context("look at what was put back")?;
            Ok(None)
        }
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{program} is not installed: it comes with PostgreSQL's client programs")
        }
        ran => ran.with_context(|| format!("run {program}"))?,
    };
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
