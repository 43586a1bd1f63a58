//! SQLite: the step fails at a statement, or the program dies there.

use super::{PROGRAMS, Tables, fill, release, rows, statements};
use node::sqlite::{Migration, Schema, open, pending};
use node::store::Sql;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// Marks of a database beside its tables.
const MARKS: [&str; 2] = ["user_version", "application_id"];

fn tables(connection: &Connection) -> Tables {
    let select = "SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                  WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid";
    let mut tables = Tables::new();
    let sql: &dyn Sql = connection;
    for (table, column) in sql.all(select, &[], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).expect("columns") {
        tables.entry(table).or_default().push(column);
    }
    tables
}

/// Everything but the rows.
fn shape(connection: &Connection) -> Vec<String> {
    let sql: &dyn Sql = connection;
    let select = "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    let mut shape: Vec<String> = sql.all(select, &[], |row| row.get(0)).expect("the schema");
    for mark in MARKS {
        let value: i64 = connection.pragma_query_value(None, mark, |row| row.get(0)).expect("a mark");
        shape.push(format!("{mark} = {value}"));
    }
    shape
}

/// A database of an earlier release with a row in every table; its tables, and the rows.
fn written_by(earlier: &Schema, path: &Path) -> (Tables, Vec<String>) {
    let connection = open(path, earlier).expect("an earlier release opens its own");
    let tables = tables(&connection);
    // The made-up rows refer to each other as well as they can.
    connection.pragma_update(None, "foreign_keys", false).expect("foreign keys");
    fill(&connection, &tables).expect("rows");
    let rows = rows(&connection, &tables).expect("rows");
    assert!(rows.len() >= tables.len(), "a row in every table");
    (tables, rows)
}

/// The release in whose last step the statement after the first `count` fails.
fn failing(schema: &Schema, steps: usize, count: usize) -> Schema {
    let step = &schema.migrations[steps];
    let done = statements(step)[..count].join(";\n");
    let sql: &'static str = Box::leak(format!("{done};\nSELECT the_line_is_cut();").into_boxed_str());
    let mut migrations = schema.migrations[..steps].to_vec();
    migrations.push(Migration { sql, ..*step });
    Schema { migrations: Box::leak(migrations.into_boxed_slice()), ..*schema }
}

/// Does the first `count` statements of a step as the program would, and leaves the files as they are then: what another process
/// finds after a power cut.
fn dies(path: &Path, step: &Migration, count: usize) -> PathBuf {
    let connection = Connection::open(path).expect("open");
    // Pages go to the log at once, where they are not committed.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA cache_size = 1; BEGIN IMMEDIATE").expect("begin");
    for statement in &statements(step)[..count] {
        connection.execute_batch(statement).expect(statement);
    }
    let folder = path.with_extension("cut");
    fs::create_dir_all(&folder).expect("a folder");
    let copy = folder.join("db");
    fs::copy(path, &copy).expect("copy the database");
    let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    if wal(path).exists() {
        fs::copy(wal(path), wal(&copy)).expect("copy the log");
    }
    copy
}

/// Opens it again and compares it with a new one and with what was written before.
fn grown(path: &Path, schema: &Schema, new: &[String], (tables, before): &(Tables, Vec<String>), what: &str) {
    for _ in 0..2 {
        let connection = open(path, schema).unwrap_or_else(|error| panic!("{what}: {error:#}"));
        assert_eq!(shape(&connection), new, "{what}");
        assert_eq!(&rows(&connection, tables).expect("rows"), before, "{what}");
        assert_eq!(pending(path, schema).expect("looks"), Vec::<&str>::new(), "{what}");
    }
}

#[test]
fn a_step_interrupted_at_any_statement_is_done_again_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a folder");
    for schema in &PROGRAMS {
        let new = shape(&open(&directory.path().join(format!("{}-new", schema.program)), schema).expect("a new one"));
        for (steps, step) in schema.migrations.iter().enumerate() {
            let count = statements(step).len();
            assert!(count > 0, "{} has no statements", step.name);
            let earlier = directory.path().join(format!("{}-{steps}", schema.program));
            let written = written_by(&release(schema, steps), &earlier);
            for done in 0..=count {
                let what = format!("{} {:?} after {done} of {count}", schema.program, step.name);
                let [failed, died] = ["fails", "dies"].map(|how| earlier.with_extension(format!("{done}-{how}")));
                for copy in [&failed, &died] {
                    fs::copy(&earlier, copy).expect("copy");
                }
                let error = open(&failed, &failing(schema, steps, done)).expect_err("it fails");
                assert!(format!("{error:#}").contains(step.name), "{what}: {error:#}");
                assert_eq!(pending(&failed, schema).expect("looks").len(), schema.migrations.len() - steps, "{what}");
                grown(&failed, schema, &new, &written, &what);
                grown(&dies(&died, step, done), schema, &new, &written, &what);
            }
        }
    }
}

#[test]
fn a_new_database_interrupted_at_any_statement_is_begun_again() {
    let directory = tempfile::tempdir().expect("a folder");
    for schema in &PROGRAMS {
        let new = shape(&open(&directory.path().join(format!("{}-new", schema.program)), schema).expect("a new one"));
        let path = directory.path().join(schema.program);
        for (steps, step) in schema.migrations.iter().enumerate() {
            for done in 0..=statements(step).len() {
                let error = open(&path, &failing(schema, steps, done)).expect_err("it fails");
                assert!(format!("{error:#}").contains(step.name) && !path.exists(), "{error:#}");
            }
        }
        assert_eq!(shape(&open(&path, schema).expect("begun again")), new);
    }
}

#[test]
fn an_older_release_refuses_what_a_newer_one_has_grown_and_leaves_it_alone() {
    let directory = tempfile::tempdir().expect("a folder");
    for schema in &PROGRAMS {
        for steps in 1..=schema.migrations.len() {
            let path = directory.path().join(format!("{}-{steps}", schema.program));
            drop(open(&path, &release(schema, steps)).expect("a new one"));
            let before = fs::read(&path).expect("read");
            let older = release(schema, steps - 1);
            let refusals = [open(&path, &older).err(), pending(&path, &older).err()];
            for error in refusals.map(|refusal| refusal.expect("it is refused")) {
                let words = format!("{error:#}");
                assert!(words.contains("newer release") && words.contains(schema.program), "{words}");
            }
            assert_eq!(fs::read(&path).expect("read"), before);
        }
    }
}
