//! `rush`: what a cashier notices of a rush on the web. A window sells its own seats and asks for the web's, first in peace, then while
//! more customers than central can serve fight for the seats of the same shows. The line must stay live all the time, no sale may be
//! refused for it, and nothing may be sold twice.
//!
//! The baseline, in the same run, is the same window in peace. Customers, central and box share the machine here; in a house they do not.

use super::books;
use super::claims::{held, hold, seats};
use super::generator::{Client, Request, post_all};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind, get};
use super::programs::Programs;
use super::sales::{Pair, free_pairs, sale_request, sold};
use super::shoppers;
use super::table::{Table, Timings};
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use node::view::{SeatMapView, ShowView};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Deserialize;
use shared::ids::TicketId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A quarter of every show is the counter's.
const HALLS: Halls = Halls { screens: 4, rows: 100, seats: 100, days: 1 };
/// Customers at the same time.
const AT_ONCE: usize = 4_096;
/// Customers for each pair of seats.
const CONTENDERS: usize = 8;
/// A cashier takes at least so long between two sales.
const THINKS: Duration = Duration::from_millis(10);
/// Nobody at a counter notices it.
const OWN_TAKES_AT_MOST: Duration = Duration::from_millis(100);
const SETTLES_WITHIN: Duration = Duration::from_secs(60);
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// What a window has waited for.
struct Window {
    tickets: Vec<TicketId>,
    own: Timings,
    claimed: Timings,
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built, started or measured, a sale is refused, the line is locked down, or a seat is sold twice.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let (sales, claims) = if options.quick { (100, 20) } else { (500, 100) };
    let dir = tempfile::tempdir().context("make a folder")?;
    let house =
        BenchHouse::start_showing(&programs, BrokerKind::Mosquitto, HALLS, Halls::free_shows, dir.path()).await?;
    let counter = house.log_in().await?;
    let shows = shows(&house).await?;
    let mut own = free_pairs(&house).await.context("list the counter's seats")?;
    let mut wanted = Vec::new();
    for show in &shows {
        let map: SeatMapView = get(house.central, &format!("/v1/shows/{show}/seats")).await?;
        wanted.extend((0..CONTENDERS).flat_map(|_| shoppers::all_pairs(show, &map)));
    }
    wanted.shuffle(&mut StdRng::seed_from_u64(1));
    // A show that nobody rushes for, so that it is the line that is waited for, not the seat.
    let quiet = shows.last().context("there is no show")?;
    wanted.retain(|(show, _)| **show != **quiet);
    let mut from_web = seats(house.edge, quiet, "free", true).await?;
    ensure!(own.len() >= 2 * sales && from_web.len() >= 2 * claims, "there are too few seats");

    say(format_args!("in peace"));
    let mut serve = async |pace: &'static str| {
        let pairs: Vec<Pair> = own.drain(..sales).collect();
        let claimed = from_web.drain(..claims).map(|seat| hold(quiet, &seat, &counter)).collect();
        window(house.edge, pairs, claimed, &counter).await.with_context(|| format!("serve at the counter {pace}"))
    };
    let peace = serve("in peace").await?;

    let customers = wanted.len();
    say(format_args!("{customers} customers, {AT_ONCE} at a time"));
    let served = Arc::new(AtomicUsize::new(0));
    let rushing = {
        let (served, central) = (served.clone(), house.central);
        tokio::spawn(async move { shoppers::sell(&[central], AT_ONCE, wanted, served).await })
    };
    while served.load(Ordering::Relaxed) == 0 {
        ensure!(!rushing.is_finished(), "the customers have ended");
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    let watching = tokio::spawn(watch(house.edge));
    let rush = serve("in the rush").await?;
    let until = served.load(Ordering::Relaxed);
    ensure!(!rushing.is_finished(), "the customers were served before the counter was: {until} of {customers}");
    watching.abort();
    let watched = watching.await;
    ensure!(
        watched.as_ref().is_err_and(tokio::task::JoinError::is_cancelled),
        "the line did not stay live: {watched:?}"
    );
    let web = rushing.await.context("run the customers")??;

    let equal = async || {
        let (edge, central) = (house.edge_link().await?, house.central_link().await?);
        Ok((&edge.central, &edge.edge, &edge.digest) == (&central.central, &central.edge, &central.digest))
    };
    house.wait_until("both sides are equal", SETTLES_WITHIN, equal).await?;
    let discrepancies = house.edge_link().await?.discrepancies + house.central_link().await?.discrepancies;
    let (central, edge) = house.databases();
    house.stop().await?;
    let mut handed: Vec<TicketId> = peace.tickets.iter().chain(&rush.tickets).copied().collect();
    for ticket in web.bought.iter().flat_map(|bought| &bought.tickets) {
        handed.push(ticket.parse().ok().context("read a ticket's number")?);
    }
    books::check(&central, &edge, &handed).context("check the books")?;
    let double = web.double();
    ensure!(double == 0 && discrepancies == 0, "{double} seats twice, {discrepancies} discrepancies");

    let mut table = Table::new(["what", "number", "p50 ms", "p99 ms"]);
    for (what, timings) in [
        ("sale of two own seats in peace", &peace.own),
        ("  in the rush", &rush.own),
        ("hold of a seat of the web's in peace", &peace.claimed),
        ("  in the rush", &rush.claimed),
        ("web: hold and booking of two", &web.timings),
    ] {
        table.add([what.to_owned(), timings.len().to_string(), timings.ms(50), timings.ms(99)]);
    }
    table.print();
    ensure!(
        options.quick || rush.own.percentile(99) < OWN_TAKES_AT_MOST,
        "a sale of own seats in the rush takes {:?}",
        rush.own.percentile(99)
    );
    let ratio = |rush: &Timings, peace: &Timings| {
        rush.percentile(50).as_secs_f64() / peace.percentile(50).as_secs_f64().max(f64::MIN_POSITIVE)
    };
    Ok(Figures::default()
        .with("web_per_s", format_args!("{:.0}", customers as f64 / web.took.as_secs_f64()))
        .with("asked_again", web.repeats)
        .with("own_p99_ms", rush.own.ms(99))
        .with("own_ratio", format_args!("{:.2}", ratio(&rush.own, &peace.own)))
        .with("claimed_p99_ms", rush.claimed.ms(99))
        .with("claimed_ratio", format_args!("{:.2}", ratio(&rush.claimed, &peace.claimed)))
        .with("double", double))
}

/// One window: sales with a breath between them, then holds of seats that central gives.
async fn window(edge: SocketAddr, pairs: Vec<Pair>, claims: Vec<Request>, counter: &str) -> anyhow::Result<Window> {
    let (mut tickets, mut own) = (Vec::new(), Timings::default());
    for pair in pairs {
        let (sale, timed) = post_all(edge, 1, vec![sale_request(&pair, counter)], sold).await?;
        tickets.extend(sale.into_iter().flatten());
        own.extend(timed);
        tokio::time::sleep(THINKS).await;
    }
    let (_, claimed) = post_all(edge, 1, claims, held).await.context("hold seats of the web's")?;
    Ok(Window { tickets, own, claimed })
}

/// Looks at the box's line until it is not live.
async fn watch(edge: SocketAddr) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Status {
        link: node::view::LinkView,
    }
    let mut client = Client::connect(edge).await?;
    loop {
        let reply = client.ask("GET", "/v1/status", "", "").await?;
        let status: Status = serde_json::from_slice(&reply.body).context("read how the box stands")?;
        let state = status.link.state;
        ensure!(state == "live" || state == "suspect", "the line is {state}");
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

/// The shows of the house.
async fn shows(house: &BenchHouse) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Shows {
        shows: Vec<ShowView>,
    }
    let date = house.halls.dates(house.today).next().context("no day has a show")?;
    let listed: Shows = get(house.edge, &format!("/v1/shows?date={date}")).await?;
    Ok(listed.shows.into_iter().map(|show| show.id).collect())
}
