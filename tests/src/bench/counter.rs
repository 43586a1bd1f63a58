//! `counter`: what a cashier waits for. A window sells on a live line while the doors of another show send a thousand admissions a
//! second through the box to central; then eight windows sell one show out. Every sale is on the disk before it is answered.
//!
//! The baselines, in the same run: a bare append with `fdatasync`, and a request to the same server that decides nothing.

use super::bare::{bare_commits, nothing};
use super::books;
use super::entrance::happened;
use super::generator::{Client, Reply, Request, post_all};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind, get};
use super::programs::Programs;
use super::sales::{Pair, free_pairs, sale_request, sold};
use super::table::{Table, Timings};
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use node::view::{SeatMapView, ShowView};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::ids::TicketId;
use shared::ledger::SEATS_PER_REQUEST_MAX;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Admissions a second that go over the line meanwhile.
const ENTRIES_PER_S: usize = 1_000;
/// Between two uploads of a door.
const UPLOAD_EVERY: Duration = Duration::from_millis(100);
/// A cashier takes at least so long between two sales; the box must not be measured by its queue.
const THINKS: Duration = Duration::from_millis(10);
/// Windows that sell one show out.
const WINDOWS: usize = 8;
/// Connections that make the tickets of the other show.
const CONNECTIONS: usize = 48;
const WITHIN: Duration = Duration::from_secs(60);
/// The budget.
const P99_MAX: Duration = Duration::from_millis(10);

/// What was sold, as the box answers it.
#[derive(Deserialize)]
struct Sale {
    tickets: Vec<Sold>,
}

/// A ticket of it.
#[derive(Deserialize)]
struct Sold {
    ticket: String,
    seat: String,
    code: String,
}

impl Sold {
    fn id(&self) -> anyhow::Result<TicketId> {
        self.ticket.parse().ok().context("read a ticket's number")
    }
}

struct Scale {
    halls: Halls,
    admissions: usize,
    sales: usize,
}

impl Scale {
    fn new(quick: bool) -> Self {
        // A quarter of every show is the counter's.
        let halls = |screens| Halls { screens, rows: 200, seats: 100, days: 1 };
        if quick {
            Self { halls: halls(2), admissions: 4_000, sales: 200 }
        } else {
            Self { halls: halls(8), admissions: 20_000, sales: 1_000 }
        }
    }
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built, started or measured, a seat is sold twice, or a sale is in no book.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let scale = Scale::new(options.quick);
    let dir = tempfile::tempdir().context("make a folder")?;
    let house = BenchHouse::start(&programs, BrokerKind::Mosquitto, scale.halls, dir.path()).await?;
    let (counter, door) = (house.log_in().await?, house.pair("Door A").await?);
    let mut pairs = free_pairs(&house).await.context("list the counter's seats")?;
    let needed = scale.admissions / 2 + scale.sales;
    ensure!(pairs.len() > needed, "{} pairs of seats are too few", pairs.len());

    say(format_args!("selling {} tickets for the doors", scale.admissions));
    let requests = pairs.drain(..scale.admissions / 2).map(|pair| sale_request(&pair, &counter)).collect();
    let (made, _) = post_all(house.edge, CONNECTIONS, requests, codes).await.context("sell the doors' tickets")?;
    let made: Vec<_> = made.into_iter().flatten().collect();
    let mut handed: Vec<TicketId> = made.iter().map(|(ticket, _)| *ticket).collect();
    house.wait_until("all of it is at central", WITHIN, async || Ok(house.edge_link().await?.backlog == 0)).await?;

    say(format_args!("{} sales while {ENTRIES_PER_S} admissions a second are synced", scale.sales));
    let (_, bare_request) = post_all(house.edge, 1, vec![nothing(); scale.sales], |_, _| Ok(())).await?;
    let before = house.central_link().await?.edge.seq;
    let began = Instant::now();
    let scans: Vec<Request> =
        made.chunks(batch()).map(|chunk| happened(chunk.iter().map(|(_, code)| code.as_str()), &door)).collect();
    let doors = tokio::spawn(upload(house.edge, scans));
    let (tickets, selling) = sell(house.edge, pairs.drain(..scale.sales), &counter, &doors).await.context("sell")?;
    handed.extend(tickets);
    let (after, took) = (house.central_link().await?.edge.seq, began.elapsed());
    doors.abort();
    let entries_per_s = (after - before) as f64 / took.as_secs_f64();
    house.wait_until("all of it is at central", WITHIN, async || Ok(house.edge_link().await?.backlog == 0)).await?;

    let show = last_show(&house).await?;
    say(format_args!("{WINDOWS} windows sell show {show} out"));
    let began = Instant::now();
    let (rushed, rush) = sell_out(&house, &show, &counter).await.context("sell a show out")?;
    let sold_out_in = began.elapsed();
    let seats: BTreeSet<&String> = rushed.iter().map(|(_, seat)| seat).collect();
    let double = rushed.len() - seats.len();
    handed.extend(rushed.iter().map(|(ticket, _)| *ticket));
    house.wait_until("all of it is at central", WITHIN, async || Ok(house.edge_link().await?.backlog == 0)).await?;
    let bare_commit = bare_commits(house.dir(), scale.sales)?;
    let (central, edge) = house.databases();
    house.stop().await?;
    books::check(&central, &edge, &handed).context("check the books")?;
    ensure!(double == 0, "{double} of {} seats were sold twice", rushed.len());

    let mut table = Table::new(["what", "windows", "number", "p50 ms", "p99 ms", "per s"]);
    for (what, windows, timings, per_s) in [
        ("sale of two, on disk, while syncing", 1, &selling, selling.len() as f64 / took.as_secs_f64()),
        (
            "sale of ten and fewer, one show to its last seat",
            WINDOWS,
            &rush,
            rush.len() as f64 / sold_out_in.as_secs_f64(),
        ),
        ("  bare request", 1, &bare_request, 0.0),
        ("  bare append and fdatasync", 1, &bare_commit, 0.0),
    ] {
        let per_s = if per_s > 0.0 { format!("{per_s:.0}") } else { String::new() };
        let number = timings.len().to_string();
        table.add([what.to_owned(), windows.to_string(), number, timings.ms(50), timings.ms(99), per_s]);
    }
    table.print();
    let figures = Figures::default()
        .with("p50_ms", selling.ms(50))
        .with("p99_ms", selling.ms(99))
        .with("disk_p50_ms", bare_commit.ms(50))
        .with("disk_p99_ms", bare_commit.ms(99))
        .with("synced_per_s", format_args!("{entries_per_s:.0}"))
        .with("rush_p99_ms", rush.ms(99))
        .with("rush_seats", seats.len())
        .with("double", double);
    if !options.quick {
        say(format_args!("{figures}"));
        ensure!(entries_per_s > 0.9 * ENTRIES_PER_S as f64, "only {entries_per_s:.0} entries a second were synced");
        ensure!(selling.percentile(99) < P99_MAX, "one sale in a hundred took {} ms or more", selling.ms(99));
    }
    Ok(figures)
}

/// Scans of one upload.
fn batch() -> usize {
    ENTRIES_PER_S / (1_000 / UPLOAD_EVERY.as_millis() as usize)
}

/// One window: a sale, and the next one after a breath, for as long as the doors are busy.
async fn sell(
    edge: SocketAddr,
    pairs: impl Iterator<Item = Pair>,
    counter: &str,
    doors: &tokio::task::JoinHandle<anyhow::Result<()>>,
) -> anyhow::Result<(Vec<TicketId>, Timings)> {
    let mut client = Client::connect(edge).await?;
    let (mut tickets, mut timings) = (Vec::new(), Timings::default());
    for (index, pair) in pairs.enumerate() {
        ensure!(!doors.is_finished(), "the doors had too few tickets: {index} sales were made meanwhile");
        let Request { path, headers, body } = sale_request(&pair, counter);
        let asked = Instant::now();
        let reply = client.ask("POST", &path, &headers, &body).await?;
        timings.add(asked.elapsed());
        tickets.extend(sold(index, reply)?);
        tokio::time::sleep(THINKS).await;
    }
    Ok((tickets, timings))
}

/// Uploads what the doors have done, at its pace.
async fn upload(edge: SocketAddr, scans: Vec<Request>) -> anyhow::Result<()> {
    let mut client = Client::connect(edge).await?;
    let mut pace = tokio::time::interval(UPLOAD_EVERY);
    for Request { path, headers, body } in scans {
        pace.tick().await;
        let reply = client.ask("POST", &path, &headers, &body).await?;
        ensure!(
            reply.status == 200,
            "an upload was answered {} {}",
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
    }
    Ok(())
}

/// Every window sells to groups, of ten as long as ten sit together, until there is no seat any more. Returns tickets with their seats.
async fn sell_out(house: &BenchHouse, show: &str, counter: &str) -> anyhow::Result<(Vec<(TicketId, String)>, Timings)> {
    let mut windows = JoinSet::new();
    for _ in 0..WINDOWS {
        let (edge, show, counter) = (house.edge, show.to_owned(), counter.to_owned());
        windows.spawn(async move {
            let mut client = Client::connect(edge).await?;
            let (mut tickets, mut timings, mut together) = (Vec::new(), Timings::default(), SEATS_PER_REQUEST_MAX);
            loop {
                let headers = format!("{counter}idempotency-key: {}\r\n", node::random::hex::<12>());
                let body = json!({ "best": together, "tender": "cash" }).to_string();
                let asked = Instant::now();
                let reply = client.ask("POST", &format!("/v1/shows/{show}/sales"), &headers, &body).await?;
                if reply.status != 201 {
                    let problem: Value = serde_json::from_slice(&reply.body).context("read a refusal")?;
                    let code = problem["code"].as_str().unwrap_or_default();
                    // Another window, or a customer, was faster: the next best ones.
                    if ["seat_held", "seat_sold", "seat_in_transit", "too_many_in_transit"].contains(&code) {
                        continue;
                    }
                    ensure!(code == "no_seats_together", "a sale was refused: {problem}");
                    together -= 1;
                    if together == 0 {
                        return anyhow::Ok((tickets, timings));
                    }
                    continue;
                }
                timings.add(asked.elapsed());
                let sale: Sale = serde_json::from_slice(&reply.body).context("read a sale")?;
                for sold in sale.tickets {
                    tickets.push((sold.id()?, sold.seat));
                }
            }
        });
    }
    let (mut all, mut timings) = (Vec::new(), Timings::default());
    while let Some(done) = windows.join_next().await {
        let (tickets, timed) = done.context("run a window")??;
        all.extend(tickets);
        timings.extend(timed);
    }
    Ok((all, timings))
}

/// The tickets of a sale, with their codes.
fn codes(_: usize, reply: Reply) -> anyhow::Result<Vec<(TicketId, String)>> {
    ensure!(reply.status == 201, "a sale was answered {} {}", reply.status, String::from_utf8_lossy(&reply.body));
    let sale: Sale = serde_json::from_slice(&reply.body).context("read a sale")?;
    sale.tickets.into_iter().map(|sold| Ok((sold.id()?, sold.code))).collect()
}

/// The show with the most seats left.
async fn last_show(house: &BenchHouse) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Shows {
        shows: Vec<ShowView>,
    }
    let mut most: Option<(usize, String)> = None;
    for date in house.halls.dates(house.today) {
        let listed: Shows = get(house.edge, &format!("/v1/shows?date={date}")).await?;
        for show in listed.shows {
            let map: SeatMapView = get(house.edge, &format!("/v1/shows/{}/seats", show.id)).await?;
            let free = map
                .rows
                .iter()
                .flat_map(|row| &row.seats)
                .filter(|seat| seat.state == "free" && !seat.by_claim)
                .count();
            most = most.max(Some((free, show.id)));
        }
    }
    most.map(|(_, show)| show).context("find a show")
}
