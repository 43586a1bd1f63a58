//! How the cost of a booking grows: with the number of shows that are sold side by side, and with the seats of one.

use super::hall::Halls;
use super::programs::Programs;
use super::shoppers::{self, Sold};
use super::stand::{Engine, Stand};
use super::table::Table;
use super::{Figures, say};
use anyhow::{Context, ensure};
use std::sync::Arc;

const AT_ONCE: usize = 128;
/// Shows a day on one screen.
const SHOWS_A_DAY: usize = 3;

/// So many customers in so many shows of so many seats.
struct Point {
    shows: usize,
    rows: u16,
    seats: u16,
    flows: usize,
}

impl Point {
    fn new(shows: usize, (rows, seats): (u16, u16), flows: usize) -> Self {
        Self { shows, rows, seats, flows }
    }

    fn halls(&self) -> Halls {
        let days = u8::try_from(self.shows.div_ceil(SHOWS_A_DAY).min(100)).unwrap_or(u8::MAX);
        let screens = u8::try_from(self.shows.div_ceil(SHOWS_A_DAY * usize::from(days))).unwrap_or(u8::MAX);
        Halls { screens, rows: self.rows, seats: self.seats, days }
    }
}

/// Runs every point on SQLite through HTTP and prints them; the figures say how much slower the slowest of each series is than the
/// first.
///
/// # Errors
/// If anything cannot be started or measured, or a seat is sold twice.
pub(super) async fn measure(programs: &Programs, quick: bool, figures: Figures) -> anyhow::Result<Figures> {
    let flows = if quick { 200 } else { 2_000 };
    let large = if quick { (25, 40) } else { (250, 20) };
    let by_shows = [1, 10, 100, 1_000].map(|shows| Point::new(shows, large, flows));
    let by_seats = [(10, 10), (25, 40), (100, 100), (280, 360)];
    let by_seats = by_seats.map(|(rows, seats)| {
        let pairs = usize::from(rows) * usize::from(seats) * 4 / 10;
        Point::new(flows.div_ceil(pairs), (rows, seats), flows)
    });
    let mut table = Table::new(["shows", "seats of each", "flows", "p50 ms", "p99 ms", "flows/s", "to the first"]);
    let mut slowest = Vec::new();
    for series in [by_shows, by_seats] {
        let mut first = None;
        let mut worst = 1.0_f64;
        for point in series {
            let seats = usize::from(point.rows) * usize::from(point.seats);
            say(format_args!("{} shows of {seats} seats", point.shows));
            let sold = sell(programs, &point).await?;
            let ratio = sold.per_s() / *first.get_or_insert(sold.per_s());
            worst = worst.min(ratio);
            let (p50, p99) = (sold.timings.ms(50), sold.timings.ms(99));
            let [shows, flows] = [point.shows, point.flows].map(|number| number.to_string());
            table.add([
                shows,
                seats.to_string(),
                flows,
                p50,
                p99,
                format!("{:.0}", sold.per_s()),
                format!("{ratio:.2}"),
            ]);
        }
        slowest.push(worst);
    }
    table.print();
    let worst = |series: usize| slowest.get(series).copied().unwrap_or_default();
    Ok(figures.with("by_shows", format_args!("{:.2}", worst(0))).with("by_seats", format_args!("{:.2}", worst(1))))
}

async fn sell(programs: &Programs, point: &Point) -> anyhow::Result<Sold> {
    let dir = tempfile::tempdir().context("make a folder")?;
    let stand = Stand::start(programs, Engine::Sqlite, point.halls(), dir.path()).await?;
    let mut shows = stand.shows().await?;
    ensure!(shows.len() >= point.shows, "{} shows are there, not {}", shows.len(), point.shows);
    shows.truncate(point.shows);
    let first = shows.first().context("there is no show")?;
    // All shows have the same seats.
    let free: Vec<_> = shoppers::all_pairs(first, &stand.map(first).await?);
    let turns = point.flows.div_ceil(point.shows);
    ensure!(free.len() >= turns, "{} pairs of seats are too few", free.len());
    let shows: Vec<Arc<str>> = shows.into_iter().map(Into::into).collect();
    let pairs =
        free.into_iter().take(turns).flat_map(|(_, seats)| shows.iter().map(move |show| (show.clone(), seats.clone())));
    let pairs: Vec<_> = pairs.take(point.flows).collect();
    let sold = shoppers::sell(&stand.addresses(), AT_ONCE, pairs, Arc::default()).await?;
    ensure!(sold.bought.len() == point.flows && sold.double() == 0, "{} of {}", sold.bought.len(), point.flows);
    stand.stop().await?;
    Ok(sold)
}
