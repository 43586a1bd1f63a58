//! `season`: a box with the sales of a season, 300 shows of 300 seats and 60,000 tickets. How long it takes from its start to ready
//! after a kill, the memory it takes then and took while it sold, and how large its program is.

use super::generator::{Request, post_all};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind, get};
use super::programs::Programs;
use super::sales::{free_pairs, single_requests, sold};
use super::shoppers::{self, all_pairs};
use super::table::Timings;
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use node::view::{SeatMapView, ShowView};
use serde::Deserialize;
use serde_json::Value;
use shared::ids::TicketId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of the 300 seats of a show so many are sold.
const SOLD_OF_A_SHOW: usize = 200;
/// Customers and windows at the same time.
const AT_ONCE: usize = 48;
/// The box has everything that was sold on the web within this time.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(120);
/// Starts that are measured; the longest counts.
const STARTS: usize = 3;
/// The budget.
const READY_WITHIN: Duration = Duration::from_secs(1);
const RSS_MAX_MB: f64 = 64.0;
const PROGRAM_MAX_MB: f64 = 25.0;

#[derive(Deserialize)]
struct Shows {
    shows: Vec<ShowView>,
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built, started or sold, or a budget is missed.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let (screens, days) = if options.quick { (2, 5) } else { (10, 10) };
    let halls = Halls { screens, rows: 15, seats: 20, days };
    let dir = tempfile::tempdir().context("make a folder")?;
    let mut house =
        BenchHouse::start_showing(&programs, BrokerKind::Embedded, halls, Halls::free_shows, dir.path()).await?;
    let shows = shows(&house).await?;
    let wanted = shows.len() * SOLD_OF_A_SHOW;
    say(format_args!("selling {wanted} tickets of {} shows", shows.len()));
    let counter = house.log_in().await?;
    let requests: Vec<Request> =
        free_pairs(&house).await?.into_iter().flat_map(|pair| single_requests(pair, &counter)).collect();
    let (at_counter, _): (Vec<Vec<TicketId>>, Timings) = post_all(house.edge, AT_ONCE, requests, sold).await?;
    let mut pairs = Vec::new();
    for show in &shows {
        let map: SeatMapView = get(house.central, &format!("/v1/shows/{show}/seats")).await?;
        let left = SOLD_OF_A_SHOW.saturating_sub(at_counter.len() / shows.len());
        pairs.extend(all_pairs(show, &map).into_iter().take(left / 2));
    }
    let on_the_web = shoppers::sell(&[house.central], AT_ONCE, pairs, Arc::default()).await?;
    let tickets = at_counter.len() + 2 * on_the_web.bought.len();
    ensure!(tickets >= wanted, "{tickets} tickets are sold, not {wanted}");
    let caught_up = async || Ok(house.edge_link().await?.backlog == 0 && house.central_link().await?.backlog == 0);
    house.wait_until("both sides have everything", CAUGHT_UP_WITHIN, caught_up).await?;
    let selling_mb = mb(house.edge_rss_kb()?);
    let (mut longest, mut most_mb) = (Duration::ZERO, 0f64);
    for _ in 0..STARTS {
        let began = Instant::now();
        house.kill_edge(&programs)?;
        let ready = async || Ok(get::<Value>(house.edge, "/readyz").await.is_ok());
        house.wait_until("the box is ready", CAUGHT_UP_WITHIN, ready).await?;
        longest = longest.max(began.elapsed());
        // What a day at the counter begins with.
        for show in &shows {
            get::<SeatMapView>(house.edge, &format!("/v1/shows/{show}/seats")).await?;
        }
        house.log_in().await?;
        most_mb = most_mb.max(mb(house.edge_rss_kb()?));
    }
    let program_mb = programs.bytes_of("usher-edge")? as f64 / f64::from(1 << 20);
    let figures = Figures::default()
        .with("shows", shows.len())
        .with("tickets", tickets)
        .with("ready_ms", longest.as_millis())
        .with("rss_mb", format_args!("{most_mb:.1}"))
        .with("rss_selling_mb", format_args!("{selling_mb:.1}"))
        .with("program_mb", format_args!("{program_mb:.1}"));
    house.stop().await?;
    if !options.quick {
        say(format_args!("{figures}"));
        ensure!(longest < READY_WITHIN, "ready after {} ms", longest.as_millis());
        ensure!(most_mb.max(selling_mb) < RSS_MAX_MB, "{most_mb:.1} MB, {selling_mb:.1} MB while it sold");
        ensure!(program_mb < PROGRAM_MAX_MB, "the program has {program_mb:.1} MB");
    }
    Ok(figures)
}

/// The numbers of all shows.
async fn shows(house: &BenchHouse) -> anyhow::Result<Vec<String>> {
    let mut shows = Vec::new();
    for date in house.halls.dates(house.today) {
        let listed: Shows = get(house.edge, &format!("/v1/shows?date={date}")).await?;
        shows.extend(listed.shows.into_iter().map(|show| show.id));
    }
    Ok(shows)
}

fn mb(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
