//! `bookings`: how many customers a second hold two seats of one hot show and book them, through HTTP on SQLite and on PostgreSQL
//! with one node and with two, and in process on SQLite; beside it the classical design on PostgreSQL, all in one run.

use super::hall::Halls;
use super::in_process;
use super::pgbench;
use super::postgres::Postgres;
use super::programs::Programs;
use super::scaling;
use super::shoppers::{self, Sold};
use super::stand::{Engine, Stand};
use super::table::{Table, Timings};
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use std::sync::Arc;

/// Customers at the same time; the classical design has 32, as more would only wait for its locks.
const AT_ONCE: usize = 128;
/// Ratios of the budget: through HTTP, and in process.
const RATIO_MIN: f64 = 4.0;
const IN_PROCESS_RATIO_MIN: f64 = 30.0;

/// Runs it.
///
/// # Errors
/// If anything cannot be built, started or measured, a seat is sold twice, or a budget is missed.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let (flows, seconds) = if options.quick { (1_000, 3) } else { (15_000, 20) };
    let mut table = Table::new(["design", "store", "flows", "p50 ms", "p99 ms", "flows/s", "ratio", "cpu ms/flow"]);
    say(format_args!("the classical design"));
    let dir = tempfile::tempdir().context("make a folder")?;
    let postgres = Postgres::start(dir.path()).await?;
    let classical = tokio::task::block_in_place(|| pgbench::measure(&postgres, seconds))?;
    drop(postgres);
    let baseline = classical.per_s;
    table.add(row("classical", "PostgreSQL", &classical.timings, baseline, baseline, String::new()));
    let mut ratios = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres(1), Engine::Postgres(2)] {
        say(format_args!("{}", engine.words()));
        let (sold, cpu_ms) = measure(&programs, engine, flows).await.with_context(|| engine.words())?;
        table.add(row("usher", &engine.words(), &sold.timings, sold.per_s(), baseline, format!("{cpu_ms:.2}")));
        ratios.push((engine, sold.per_s()));
    }
    say(format_args!("in process"));
    let (timings, in_process) = in_process::measure(&programs, halls(flows), flows, AT_ONCE).await?;
    table.add(row("usher, in process", "SQLite", &timings, in_process, baseline, String::new()));
    table.print();
    say(format_args!("how the cost grows"));
    let scaled = scaling::measure(&programs, options.quick, Figures::default()).await?;
    let per_s = |wanted: Engine| ratios.iter().find(|(engine, _)| *engine == wanted).map_or(0.0, |(_, per_s)| *per_s);
    let (best, postgres) = (per_s(Engine::Sqlite), per_s(Engine::Postgres(1)));
    let (http_ratio, inproc_ratio) = (best / baseline, in_process / baseline);
    let figures = scaled
        .with("flows_per_s", format_args!("{best:.0}"))
        .with("http_ratio", format_args!("{http_ratio:.2}"))
        .with("inproc_ratio", format_args!("{inproc_ratio:.2}"))
        .with("postgres_ratio", format_args!("{:.2}", postgres / baseline))
        .with("two_nodes_ratio", format_args!("{:.2}", per_s(Engine::Postgres(2)) / baseline))
        .with("classical_per_s", format_args!("{baseline:.0}"));
    if !options.quick {
        say(format_args!("{figures}"));
        ensure!(http_ratio >= RATIO_MIN, "{http_ratio:.2} times the classical design, less than {RATIO_MIN}");
        let least = IN_PROCESS_RATIO_MIN;
        ensure!(inproc_ratio >= least, "{inproc_ratio:.2} times the classical design in process, less than {least}");
    }
    Ok(figures)
}

fn row(design: &str, store: &str, timings: &Timings, per_s: f64, baseline: f64, cpu: String) -> [String; 8] {
    [
        design.to_owned(),
        store.to_owned(),
        timings.len().to_string(),
        timings.ms(50),
        timings.ms(99),
        format!("{per_s:.0}"),
        format!("{:.2}", per_s / baseline),
        cpu,
    ]
}

/// One screen with enough seats for so many customers, the counter's tenth left out.
fn halls(flows: usize) -> Halls {
    let rows = (flows * 2).div_ceil(200).div_ceil(9) * 10 + 10;
    Halls { screens: 1, rows: u16::try_from(rows).unwrap_or(u16::MAX), seats: 200, days: 1 }
}

async fn measure(programs: &Programs, engine: Engine, flows: usize) -> anyhow::Result<(Sold, f64)> {
    let dir = tempfile::tempdir().context("make a folder")?;
    let stand = Stand::start(programs, engine, halls(flows), dir.path()).await?;
    let show = stand.shows().await?.into_iter().next().context("there is no show")?;
    let map = stand.map(&show).await?;
    let sold_before = map.counts.get("sold").copied().unwrap_or_default();
    let pairs = shoppers::pairs(&show, &map, flows)?;
    let cpu = stand.cpu()?;
    let sold = shoppers::sell(&stand.addresses(), AT_ONCE, pairs, Arc::default()).await?;
    let cpu = stand.cpu()?.saturating_sub(cpu).as_secs_f64() * 1000.0 / flows as f64;
    let counted = stand.map(&show).await?.counts.get("sold").copied().unwrap_or_default() - sold_before;
    ensure!(
        sold.bought.len() == flows && sold.double() == 0,
        "{} of {flows}, {} double",
        sold.bought.len(),
        sold.double()
    );
    ensure!(counted as usize == 2 * flows, "{counted} seats are sold, {flows} customers have two each");
    stand.stop().await?;
    Ok((sold, cpu))
}
