//! The ladder of a database's growth: each step with its name in one transaction, so that a step is there whole or not at all.

use super::connection::Connection;
use super::{engine, statement};
use crate::sqlite::{Migration, NODE_TABLES, Schema};
use crate::store::{Sql, StoreError};
use crate::values;
use anyhow::{Context, ensure};

/// Which steps a database has grown by; the first is the program's name, so that two programs never share one.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (step BIGINT PRIMARY KEY, name TEXT NOT NULL)";
/// Kept by whoever grows the database; others that start at the same time wait.
const LOCK: &str = "SELECT pg_advisory_xact_lock(6012026)";

const HEAD: Migration = Migration { name: "writer's head", sql: engine::TABLE };
const ADDRESS: Migration = Migration { name: "writer's address", sql: engine::ADDRESS };
const LOCKED: Migration = Migration { name: "writer's lock", sql: engine::LOCKED };
const PASS: Migration = Migration { name: "writer's pass", sql: engine::PASS };

/// The steps of this engine first; what a release adds comes where it belongs, for a step is known by its name.
fn steps(schema: &Schema) -> impl Iterator<Item = (&'static str, String)> {
    let tables = NODE_TABLES.iter().chain(schema.migrations);
    let tables = tables.map(|step| (step.name, statement::tables(step.sql)));
    [HEAD, ADDRESS, PASS, LOCKED].map(|step| (step.name, step.sql.to_owned())).into_iter().chain(tables)
}

/// Lets a database grow to a release's tables; one that has them is left as it is.
///
/// # Errors
/// If it is another program's or of a newer release, or a step fails; what came before that step stays.
pub fn migrate(connection: &Connection, schema: &Schema) -> anyhow::Result<()> {
    in_transaction(connection, || {
        connection.run(TABLE)?;
        let insert = "INSERT INTO migration (step, name) VALUES (0, ?1) ON CONFLICT DO NOTHING";
        connection.execute(insert, values![schema.program])?;
        Ok(())
    })
    .context("make the list of migrations")?;
    for (name, sql) in steps(schema) {
        in_transaction(connection, || {
            if !check(&applied(connection)?, schema)?.contains(&name) {
                return Ok(());
            }
            connection.run(&sql)?;
            let insert = "INSERT INTO migration (step, name) SELECT max(step) + 1, ?1 FROM migration";
            connection.execute(insert, values![name])?;
            tracing::info!(step = name, "the database has grown");
            Ok(())
        })
        .with_context(|| format!("apply the migration {name:?}"))?;
    }
    Ok(())
}

/// The names of the steps by which the database would grow.
///
/// # Errors
/// If it cannot be read, is another program's or of a newer release.
pub fn pending(connection: &Connection, schema: &Schema) -> anyhow::Result<Vec<&'static str>> {
    let there =
        "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migration')";
    let sql: &dyn Sql = connection;
    if !sql.only(there, &[], |row| row.get::<bool>(0))? {
        return Ok(steps(schema).map(|(name, _)| name).collect());
    }
    check(&applied(connection)?, schema)
}

fn applied(sql: &dyn Sql) -> Result<Vec<String>, StoreError> {
    sql.all("SELECT name FROM migration ORDER BY step", &[], |row| row.get(0))
}

/// The steps that are missing from those that were done.
fn check(applied: &[String], schema: &Schema) -> anyhow::Result<Vec<&'static str>> {
    let program = schema.program;
    let Some((owner, applied)) = applied.split_first() else { anyhow::bail!("its list of migrations is empty") };
    ensure!(owner == program, "it is not a database of {program} but of {owner}");
    let mut known: Vec<&'static str> = steps(schema).map(|(name, _)| name).collect();
    if let Some(newer) = applied.iter().find(|done| !known.contains(&done.as_str())) {
        anyhow::bail!("it was written by a newer release of {program}, which has {newer:?}");
    }
    known.retain(|name| !applied.iter().any(|done| done == name));
    Ok(known)
}

fn in_transaction(connection: &Connection, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    connection.run("BEGIN")?;
    let done = connection.run(LOCK).map_err(anyhow::Error::from).and_then(|()| work());
    match done {
        Ok(()) => Ok(connection.run("COMMIT")?),
        Err(error) => {
            if let Err(error) = connection.run("ROLLBACK") {
                tracing::debug!(%error, "the server ends the transaction by itself");
            }
            Err(error)
        }
    }
}
