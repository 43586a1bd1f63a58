//! `sellout`: a stadium is sold out by four contenders for each seat, through HTTP, from the first hold to the last booking.

use super::books;
use super::hall::Halls;
use super::programs::Programs;
use super::shoppers;
use super::stand::{Engine, Stand};
use super::table::Table;
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const AT_ONCE: usize = 256;
/// Contenders for each seat.
const CONTENDERS: usize = 4;
const TAKES_AT_MOST: Duration = Duration::from_secs(30);
/// Between two looks into the books.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Runs it on SQLite.
///
/// # Errors
/// If anything cannot be built, started or measured, a seat is sold twice or not at all, or it takes too long.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    // A tenth is kept for the counter.
    let (halls, seats) = match options.quick {
        true => (Halls { screens: 1, rows: 14, seats: 400, days: 1 }, 5_000),
        false => (Halls { screens: 1, rows: 280, seats: 400, days: 1 }, 100_000),
    };
    let dir = tempfile::tempdir().context("make a folder")?;
    let stand = Stand::start(&programs, Engine::Sqlite, halls, dir.path()).await?;
    let show = stand.shows().await?.into_iter().next().context("there is no show")?;
    let before = stand.map(&show).await?;
    let pairs = shoppers::pairs(&show, &before, seats / 2)?;
    let mut contending: Vec<_> = (0..CONTENDERS).flat_map(|_| pairs.iter().cloned()).collect();
    contending.shuffle(&mut StdRng::seed_from_u64(1));
    let requests = contending.len();
    say(format_args!("{requests} holds of 2 seats for {seats} seats"));
    let cpu = stand.cpu()?;
    let auditing = tokio::spawn(audit(dir.path().join("central.sqlite")));
    let sold = shoppers::sell(&stand.addresses(), AT_ONCE, contending, Arc::default()).await?;
    ensure!(!auditing.is_finished(), "the books do not add up: {:?}", auditing.await);
    auditing.abort();
    let cpu = stand.cpu()?.saturating_sub(cpu);
    let after = stand.map(&show).await?;
    stand.stop().await?;
    let (double, took) = (sold.double(), sold.took);
    let mut table = Table::new(["seats", "requests", "sold", "refused", "p50 ms", "p99 ms", "server cpu s", "seconds"]);
    table.add([
        seats.to_string(),
        requests.to_string(),
        (2 * sold.bought.len()).to_string(),
        sold.refused.to_string(),
        sold.timings.ms(50),
        sold.timings.ms(99),
        format!("{:.2}", cpu.as_secs_f64()),
        format!("{:.2}", took.as_secs_f64()),
    ]);
    table.print();
    let all = |map: &node::view::SeatMapView| map.counts.values().copied().sum::<u32>();
    ensure!(all(&after) == all(&before), "the states of {} seats are told, of {}", all(&after), all(&before));
    let counted = after.counts.get("sold").copied().unwrap_or_default() as usize;
    let ends = books::add_up(&dir.path().join("central.sqlite")).context("add the books up")?;
    ensure!((ends.sold, ends.held) == (seats, 0), "in the end {} seats are sold and {} held", ends.sold, ends.held);
    let figures = Figures::default().with("seconds", format_args!("{:.2}", took.as_secs_f64())).with("double", double);
    ensure!(double == 0 && counted == seats, "{double} seats or tickets twice, {counted} of {seats} sold: {figures}");
    ensure!(sold.refused + sold.bought.len() == requests, "{} of {requests} are accounted for", sold.bought.len());
    ensure!(options.quick || took < TAKES_AT_MOST, "it takes longer than {TAKES_AT_MOST:?}: {figures}");
    Ok(figures)
}

/// Looks into the books during the sale, again and again, until they do not add up.
async fn audit(central: PathBuf) -> anyhow::Result<()> {
    loop {
        let central = central.clone();
        tokio::task::spawn_blocking(move || books::add_up(&central)).await.context("add the books up")??;
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}
