//! Databases grow from one release to the next: interrupted at every statement of every step and opened again, they have all tables,
//! each step once, and whatever an earlier release wrote.

mod postgres;
mod sqlite;

use node::sqlite::{Migration, Schema};
use node::store::{Column, Sql, StoreError, Value};
use std::collections::BTreeMap;

/// The databases of all programs.
const PROGRAMS: [Schema; 3] = [central::schema::SCHEMA, edge::schema::SCHEMA, scanner::SCHEMA];

/// What a table has, by table: its columns with their types.
type Tables = BTreeMap<String, Vec<(String, String)>>;

/// As an earlier release had it: the program's first steps.
fn release(schema: &Schema, steps: usize) -> Schema {
    Schema { migrations: &schema.migrations[..steps], ..*schema }
}

/// The statements of a step.
fn statements(step: &Migration) -> Vec<String> {
    let uncommented: Vec<&str> =
        step.sql.lines().map(|line| line.split_once("--").map_or(line, |(before, _)| before)).collect();
    let text = uncommented.join("\n");
    assert!(!text.contains('\'') || !text.split('\'').skip(1).step_by(2).any(|quoted| quoted.contains(';')), "{text}");
    text.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

/// Something that a column takes: few say what they take, and keys are alike everywhere, so that rows refer to each other.
fn something(table: &str, column: &str, kind: &str) -> Value<'static> {
    match kind {
        "INTEGER" | "bigint" => Value::Int(1),
        "REAL" | "double precision" => Value::Real(1.5),
        "BLOB" | "bytea" => Value::Blob(&[1]),
        _ => Value::Text(word(table, column)),
    }
}

fn word(table: &str, column: &str) -> &'static str {
    match (table, column) {
        ("ledger_hold", "kind") => "counter",
        ("door_feed", "kind") => "ticket",
        ("prints", "state") => "waiting",
        ("sale_tickets", "back") => "cash",
        ("tickets", "state") => "live",
        ("scans" | "departures", "state") => "queued",
        // A scanner forgets on purpose how far it has read.
        ("feed", "cursor") => "",
        (_, "log" | "seller") => "central",
        (_, "standing") => "free",
        (_, "answer") => "accepted",
        (_, "role") => "cashier",
        ("unsold_payments", "tender") => "card",
        (_, "tender") => "cash",
        (_, "what") => "opened",
        (_, "how") => "out",
        ("voids", "outcome") => "void",
        (_, "outcome") => "paid",
        (_, "document") => "tickets",
        _ => "word",
    }
}

/// Writes one row into each table that has none.
fn fill(sql: &dyn Sql, tables: &Tables) -> Result<(), StoreError> {
    for (table, columns) in tables {
        let any = sql.first(&format!("SELECT 1 FROM {}", quoted(table)), &[], |_| Ok(()))?;
        if any.is_some() {
            continue;
        }
        let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        let values: Vec<Value<'_>> = columns.iter().map(|(name, kind)| something(table, name, kind)).collect();
        let insert = format!("INSERT INTO {} ({}) VALUES ({})", quoted(table), names.join(", "), places.join(", "));
        sql.execute(&insert, &values)?;
    }
    Ok(())
}

/// Every row of every one of these tables, in these columns.
fn rows(sql: &dyn Sql, tables: &Tables) -> Result<Vec<String>, StoreError> {
    let mut all = Vec::new();
    for (table, columns) in tables {
        let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        let select = format!("SELECT {} FROM {}", names.join(", "), quoted(table));
        sql.query(&select, &[], &mut |row| {
            let values = (0..columns.len()).map(|at| Ok(format!("{:?}", row.value(Column::At(at))?)));
            all.push(format!("{table}: {}", values.collect::<Result<Vec<_>, StoreError>>()?.join(" ")));
            Ok(true)
        })?;
    }
    all.sort();
    Ok(all)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
