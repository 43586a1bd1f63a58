//! `usher-central migrate`: it says what it would do and changes nothing, does it, and has nothing to do a second time.

use crate::ON_POSTGRES;
use crate::store::TestStore;
use central::database::Place;
use central::schema::SCHEMA;
use node::sqlite::Schema;
use node::store::Sql;
use std::process::Command;

/// What PostgreSQL has beside the tables of every engine.
const OF_THE_ENGINE: [&str; 4] = ["writer's head", "writer's address", "writer's pass", "writer's lock"];
const OF_EVERY_PROGRAM: [&str; 2] = ["store time", "remembered answers"];

fn migrate(store: &TestStore, flags: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher-central"));
    let output = command.args(["migrate", "--store", &store.url]).args(flags).output().expect("run the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn grow(store: &TestStore, schema: &Schema) {
    match Place::parse(&store.url).expect("a place") {
        Place::File(path) => drop(node::sqlite::open(&path, schema).expect("a database")),
        Place::Server(url) => {
            node::postgres::migrate(&node::postgres::Connection::open(&url).expect("connect"), schema).expect("tables");
        }
    }
}

/// Everything that a look could have changed: the file, or the tables with their columns and the steps.
fn state(store: &TestStore) -> Vec<u8> {
    match Place::parse(&store.url).expect("a place") {
        Place::File(path) => std::fs::read(path).unwrap_or_default(),
        Place::Server(url) => {
            let connection = node::postgres::Connection::open(&url).expect("connect");
            let sql: &dyn Sql = &connection;
            let columns = "SELECT concat(table_name, '.', column_name) FROM information_schema.columns
                           WHERE table_schema = 'public' ORDER BY 1";
            let steps = "SELECT name FROM migration ORDER BY step";
            let mut lines: Vec<String> = sql.all(columns, &[], |row| row.get(0)).expect("columns");
            if !lines.is_empty() {
                lines.extend(sql.all(steps, &[], |row| row.get::<String>(0)).expect("steps"));
            }
            lines.join("\n").into_bytes()
        }
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let directory = tempfile::tempdir().expect("directory");
    let store = TestStore::new(directory.path());
    let (there, missing) = SCHEMA.migrations.split_at(3);
    grow(&store, &Schema { migrations: there, ..SCHEMA });
    let (before, names) = (state(&store), missing.iter().map(|step| step.name).collect::<Vec<_>>().join(", "));
    let said = migrate(&store, &["--dry-run"]);
    assert_eq!(said, format!("{} migrations would be applied: {names}\n", missing.len()));
    assert_eq!(state(&store), before);
    assert_eq!(migrate(&store, &[]), format!("{} migrations applied: {names}\n", missing.len()));
    assert_ne!(state(&store), before);
    let grown = state(&store);
    assert_eq!(migrate(&store, &["--dry-run"]), "0 migrations would be applied\n");
    assert_eq!(migrate(&store, &[]), "0 migrations applied\n");
    assert_eq!(state(&store), grown);
}

#[test]
fn a_store_that_is_not_there_would_be_made_with_all_steps_and_then_is() {
    let directory = tempfile::tempdir().expect("directory");
    let store = TestStore::new(directory.path());
    let engine = if ON_POSTGRES { &OF_THE_ENGINE[..] } else { &[] };
    let own = SCHEMA.migrations.iter().map(|step| &step.name);
    let names: Vec<&str> = engine.iter().chain(&OF_EVERY_PROGRAM).chain(own).copied().collect();
    let (count, names) = (names.len(), names.join(", "));
    assert_eq!(migrate(&store, &["--dry-run"]), format!("{count} migrations would be applied: {names}\n"));
    assert_eq!(state(&store), Vec::<u8>::new());
    assert_eq!(migrate(&store, &[]), format!("{count} migrations applied: {names}\n"));
    assert_eq!(migrate(&store, &["--dry-run"]), "0 migrations would be applied\n");
}
