//! `partition`: whether the hot tables of a large house gain by being split by theatre. Seats and tickets of two hundred theatres are
//! there already; customers book on one node on PostgreSQL, once with the tables as they are and once with sixteen partitions each.
//! Then the seats of shows long over are removed, as a house of that size would.

use super::hall::Halls;
use super::postgres::Postgres;
use super::programs::Programs;
use super::shoppers;
use super::stand::{Engine, Stand};
use super::table::Table;
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use std::sync::Arc;
use std::time::{Duration, Instant};

const AT_ONCE: usize = 128;
const PARTITIONS: u32 = 16;
/// The tables that grow with every seat sold.
const TABLES: [&str; 2] = ["ledger_seat", "ledger_ticket"];
/// Theatres that are only rows: far above the numbers that are given out here.
const FIRST_THEATRE: u32 = 10_000;
const SHOWS: u32 = 50;
const SEATS: u32 = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Design {
    Whole,
    ByTheatre,
}

impl Design {
    fn words(self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::ByTheatre => format!("{PARTITIONS} by theatre"),
        }
    }
}

struct Found {
    per_s: f64,
    p99: String,
    wal_per_flow: f64,
    removed_in: Duration,
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built, started, filled or sold.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let (theatres, flows) = if options.quick { (20, 1_000) } else { (200, 10_000) };
    let mut table = Table::new(["tables", "rows each", "flows/s", "p99 ms", "WAL bytes/flow", "a fifth removed in ms"]);
    let mut found = Vec::new();
    for design in [Design::Whole, Design::ByTheatre, Design::Whole, Design::ByTheatre] {
        say(format_args!("{}", design.words()));
        let one = measure(&programs, design, theatres, flows).await.with_context(|| design.words())?;
        table.add([
            design.words(),
            (theatres * SHOWS * SEATS).to_string(),
            format!("{:.0}", one.per_s),
            one.p99.clone(),
            format!("{:.0}", one.wal_per_flow),
            one.removed_in.as_millis().to_string(),
        ]);
        found.push((design, one));
    }
    table.print();
    let best = |wanted: Design, of: fn(&Found) -> f64, better: fn(f64, f64) -> f64| {
        found.iter().filter(|(design, _)| *design == wanted).map(|(_, found)| of(found)).fold(f64::NAN, better)
    };
    let flows_ratio =
        best(Design::ByTheatre, |one| one.per_s, f64::max) / best(Design::Whole, |one| one.per_s, f64::max);
    let removed = |one: &Found| one.removed_in.as_secs_f64();
    let removal_ratio = best(Design::ByTheatre, removed, f64::min) / best(Design::Whole, removed, f64::min);
    Ok(Figures::default()
        .with("flows_ratio", format_args!("{flows_ratio:.2}"))
        .with("removal_ratio", format_args!("{removal_ratio:.2}")))
}

async fn measure(programs: &Programs, design: Design, theatres: u32, flows: usize) -> anyhow::Result<Found> {
    let dir = tempfile::tempdir().context("make a folder")?;
    let rows = (flows * 2).div_ceil(200).div_ceil(9) * 10 + 10;
    let halls = Halls { screens: 1, rows: u16::try_from(rows)?, seats: 200, days: 1 };
    let mut stand = Stand::start(programs, Engine::Postgres(1), halls, dir.path()).await?;
    stand.stop_node(0).await?;
    {
        let postgres = stand.postgres.as_ref().context("find PostgreSQL")?;
        if design == Design::ByTheatre {
            TABLES.iter().try_for_each(|table| split(postgres, table))?;
        }
        fill(postgres, theatres).context("fill the tables")?;
    }
    stand.start_node(programs, 0)?;
    stand.until_ready().await?;
    let show = stand.shows().await?.into_iter().next().context("there is no show")?;
    let pairs = shoppers::pairs(&show, &stand.map(&show).await?, flows)?;
    let postgres = stand.postgres.as_ref().context("find PostgreSQL")?;
    let before = wal_bytes(postgres)?;
    let sold = shoppers::sell(&stand.addresses(), AT_ONCE, pairs, Arc::default()).await?;
    ensure!(sold.bought.len() == flows && sold.double() == 0, "{} of {flows}", sold.bought.len());
    let wal_per_flow = (wal_bytes(postgres)? - before) / flows as f64;
    let began = Instant::now();
    for table in TABLES {
        // The shows of a fifth of the season.
        let delete = format!("DELETE FROM {table} WHERE theatre >= {FIRST_THEATRE} AND show <= {}", SHOWS / 5);
        tell(postgres, &delete)?;
        tell(postgres, &format!("VACUUM {table}"))?;
    }
    let removed_in = began.elapsed();
    let found = Found { per_s: sold.per_s(), p99: sold.timings.ms(99), wal_per_flow, removed_in };
    stand.stop().await?;
    Ok(found)
}

fn split(postgres: &Postgres, table: &str) -> anyhow::Result<()> {
    let mut sql = format!(
        "ALTER TABLE {table} RENAME TO {table}_whole;
         CREATE TABLE {table} (LIKE {table}_whole INCLUDING ALL) PARTITION BY HASH (theatre);"
    );
    for part in 0..PARTITIONS {
        sql += &format!(
            "CREATE TABLE {table}_{part} PARTITION OF {table} FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {part});"
        );
    }
    sql += &format!("INSERT INTO {table} SELECT * FROM {table}_whole; DROP TABLE {table}_whole;");
    tell(postgres, &sql).with_context(|| format!("split {table}"))
}

fn fill(postgres: &Postgres, theatres: u32) -> anyhow::Result<()> {
    let last = FIRST_THEATRE + theatres - 1;
    let all = format!(
        "generate_series({FIRST_THEATRE}, {last}) theatre, generate_series(1, {SHOWS}) show, generate_series(1, {SEATS}) seat"
    );
    let ticket = "substring(decode(md5(theatre::text || '-' || show || '-' || seat), 'hex') FOR 8)";
    tell(
        postgres,
        &format!(
            "INSERT INTO ledger_seat (theatre, show, seat, epoch, generation, standing, ticket, doubtful)
             SELECT theatre, show, seat, 1, 1, 'sold', {ticket}, 0 FROM {all};
             INSERT INTO ledger_ticket (theatre, ticket, show, seat, generation, seller, price, void_requested)
             SELECT theatre, {ticket}, show, seat, 1, 'central', 15000, 0 FROM {all}"
        ),
    )?;
    TABLES.iter().try_for_each(|table| tell(postgres, &format!("VACUUM ANALYZE {table}")))?;
    tell(postgres, "CHECKPOINT")
}

fn tell(postgres: &Postgres, sql: &str) -> anyhow::Result<()> {
    postgres.client("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d"]).map(drop)
}

fn wal_bytes(postgres: &Postgres) -> anyhow::Result<f64> {
    let select = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn";
    let said = postgres.client("psql", ["-q", "-A", "-t", "-c", select, "-d"])?;
    said.trim().parse().with_context(|| format!("read {said:?}"))
}
