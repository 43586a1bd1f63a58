//! A database as a file: copied while it is written to, put back, and looked at before it is opened.

use super::{Migration, NODE_TABLES, Schema, beside, check_header, open_read_only};
use anyhow::{Context, bail, ensure};
use rusqlite::Connection;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Copies a database as it is at this moment, also while its program writes to it. The copy is checked and on disk when this
/// returns; its size in bytes.
///
/// # Errors
/// If the file to write exists, or the database cannot be read, is damaged or is another program's.
pub fn back_up(path: &Path, schema: &Schema, out: &Path) -> anyhow::Result<u64> {
    ensure!(!out.exists(), "{} exists: a backup overwrites nothing", out.display());
    check_header(path)?;
    let unfinished = beside(out, "unfinished");
    if unfinished.exists() {
        fs::remove_file(&unfinished).with_context(|| format!("remove {}", unfinished.display()))?;
    }
    let copy = || -> anyhow::Result<u64> {
        let source = open_read_only(path)?;
        check_program(&source, schema)?;
        let name = unfinished.to_str().context("a file name that is not UTF-8")?;
        source.pragma_update(None, "query_only", false)?;
        source.execute("VACUUM INTO ?1", [name])?;
        whole(&open_read_only(&unfinished)?)?;
        let file = File::open(&unfinished)?;
        file.sync_all()?;
        fs::rename(&unfinished, out)?;
        sync_directory(out)?;
        Ok(file.metadata()?.len())
    };
    copy().with_context(|| format!("back {} up to {}", path.display(), out.display()))
}

/// Puts a copy in the place of a database whose program is not running. What was there is kept beside it, under the returned
/// name, where there was something.
///
/// # Errors
/// If the copy is damaged, another program's or of a newer release, or a file cannot be written; the database is then as it was.
pub fn put_back(copy: &Path, path: &Path, schema: &Schema) -> anyhow::Result<Option<PathBuf>> {
    check_header(copy)?;
    let check = || -> anyhow::Result<()> {
        let connection = open_read_only(copy)?;
        check_program(&connection, schema)?;
        steps_missing(&connection, schema)?;
        whole(&connection)
    };
    check().with_context(|| format!("check the backup {}", copy.display()))?;
    let put = || -> anyhow::Result<Option<PathBuf>> {
        let unfinished = beside(path, "unfinished");
        fs::copy(copy, &unfinished)?;
        File::open(&unfinished)?.sync_all()?;
        let kept = keep(path)?;
        fs::rename(&unfinished, path)?;
        sync_directory(path)?;
        Ok(kept)
    };
    put().with_context(|| format!("put {} in the place of {}", copy.display(), path.display()))
}

/// The names of the steps by which the database would grow if it were opened: all of them where there is none.
///
/// # Errors
/// If it cannot be read, is another program's or of a newer release.
pub fn pending(path: &Path, schema: &Schema) -> anyhow::Result<Vec<&'static str>> {
    let read = || {
        if !path.try_exists()? {
            return Ok(NODE_TABLES.iter().chain(schema.migrations).map(|step| step.name).collect());
        }
        check_header(path)?;
        let connection = open_read_only(path)?;
        check_program(&connection, schema)?;
        steps_missing(&connection, schema)
    };
    read().with_context(|| format!("look at the database {}", path.display()))
}

/// Checks every page and every reference of a database.
///
/// # Errors
/// What is wrong with it.
pub fn whole(connection: &Connection) -> anyhow::Result<()> {
    let found: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    ensure!(found == "ok", "the database is damaged: {found}");
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let astray: Option<String> = check.query_map([], |row| row.get(0))?.next().transpose()?;
    match astray {
        None => Ok(()),
        Some(table) => bail!("a row of {table} refers to a row that is not there"),
    }
}

fn check_program(connection: &Connection, schema: &Schema) -> anyhow::Result<()> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    ensure!(id == schema.application_id, "it is not a database of {} (application id {id:#x})", schema.program);
    Ok(())
}

fn steps_missing(connection: &Connection, schema: &Schema) -> anyhow::Result<Vec<&'static str>> {
    let applied: usize = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?.try_into()?;
    let steps: Vec<&Migration> = NODE_TABLES.iter().chain(schema.migrations).collect();
    let (known, program) = (steps.len(), schema.program);
    ensure!(applied <= known, "it was written by a newer release of {program} (version {applied}, known {known})");
    Ok(steps.into_iter().skip(applied).map(|step| step.name).collect())
}

/// Keeps a database with its log under a name that is free, and takes its log away. The database itself stays in its place until
/// another one takes it: at no moment a program would start afresh.
fn keep(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let kept = (1..).map(|n: u32| beside(path, &format!("replaced-{n}"))).find(|kept| !kept.exists());
    let kept = kept.context("every name is taken")?;
    let log = beside(path, "wal");
    fs::hard_link(path, &kept)?;
    if log.exists() {
        fs::hard_link(&log, beside(&kept, "wal"))?;
    }
    for part in [log, beside(path, "shm")] {
        if part.exists() {
            fs::remove_file(part)?;
        }
    }
    Ok(Some(kept))
}

fn sync_directory(file: &Path) -> std::io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::{Migration, open};
    use super::*;

    const SCHEMA: Schema = Schema {
        program: "usher-test",
        application_id: 0x5573_0001,
        migrations: &[Migration { name: "rows", sql: "CREATE TABLE rows (n INTEGER PRIMARY KEY) STRICT;" }],
    };
    const GROWN: Schema = Schema {
        migrations: &[
            Migration { name: "rows", sql: "CREATE TABLE rows (n INTEGER PRIMARY KEY) STRICT;" },
            Migration { name: "more", sql: "CREATE TABLE more (n INTEGER PRIMARY KEY) STRICT;" },
        ],
        ..SCHEMA
    };

    fn rows(path: &Path) -> i64 {
        open_read_only(path).unwrap().query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_copy_of_a_running_database_is_put_back_and_what_was_there_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("x.sqlite"), directory.path().join("copy.sqlite"));
        let writer = open(&path, &SCHEMA).unwrap();
        writer.execute("INSERT INTO rows VALUES (1)", []).unwrap();
        assert!(back_up(&path, &SCHEMA, &copy).unwrap() > 0);
        assert!(back_up(&path, &SCHEMA, &copy).unwrap_err().to_string().contains("overwrites nothing"));
        writer.execute("INSERT INTO rows VALUES (2), (3)", []).unwrap();
        drop(writer);
        let kept = put_back(&copy, &path, &SCHEMA).unwrap().expect("something was there");
        assert_eq!((rows(&path), rows(&kept), rows(&copy)), (1, 3, 1));
        assert!(open(&path, &SCHEMA).is_ok());
        let second = put_back(&copy, &path, &SCHEMA).unwrap().expect("something was there");
        assert_ne!(second, kept);
    }

    #[test]
    fn what_is_no_copy_of_this_program_is_not_put_back() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("x.sqlite"), directory.path().join("other.sqlite"));
        drop(open(&path, &SCHEMA).unwrap());
        drop(open(&other, &Schema { application_id: 7, program: "other", ..SCHEMA }).unwrap());
        assert!(
            format!("{:#}", put_back(&other, &path, &SCHEMA).unwrap_err()).contains("not a database of usher-test")
        );
        fs::write(&other, b"SQLite format 3\0 and nothing more").unwrap();
        assert!(put_back(&other, &path, &SCHEMA).is_err());
        assert!(back_up(&other, &SCHEMA, &directory.path().join("y.sqlite")).is_err());
        assert_eq!(rows(&path), 0);
    }

    #[test]
    fn what_is_pending_is_named_and_a_newer_release_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sqlite");
        drop(open(&path, &SCHEMA).unwrap());
        assert_eq!(pending(&path, &SCHEMA).unwrap(), Vec::<&str>::new());
        assert_eq!(pending(&path, &GROWN).unwrap(), ["more"]);
        drop(open(&path, &GROWN).unwrap());
        assert!(format!("{:#}", pending(&path, &SCHEMA).unwrap_err()).contains("newer release"));
    }
}
