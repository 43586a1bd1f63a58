//! `bursts`: two scanners, real programs, are shown tickets by several pages at once, and one of them is killed in the middle and
//! started again; in some rounds both are cut off from the box, in some the box is killed too. A page asks again under its own number
//! until it is answered, as the door's page does.
//!
//! A ticket that two pages show at one scanner is green for one of them. One that is shown at both scanners is green at one of them,
//! but where a scanner was alone; then the second entry is listed. And within five seconds of contact the box has every entry that was
//! green. It may have one more where it had let a reading in whose answer died with the scanner, and another page's reading was green
//! meanwhile: nobody came in on that, and it is listed as a second entry.

use super::entrance::{now, sell_all};
use super::generator::{Client, Request};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind};
use super::programs::Programs;
use super::scanner_program::ScannerProgram;
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use demo::valve::{Mode, Valve};
use node::sqlite::open_read_only;
use serde_json::{Value, json};
use shared::ids::{ScanId, TicketId};
use shared::ticket::TicketCode;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Tickets of one round: one half is shown twice at the scanner that is killed, the other half at both.
const TICKETS: usize = 48;
/// Readings at the scanner that is killed: one half of the tickets twice, the other once.
const READINGS: usize = TICKETS / 2 * 3;
/// Pages at each scanner.
const PAGES: usize = 4;
/// From contact until everything is right.
const RIGHT_WITHIN: Duration = Duration::from_secs(5);
/// A page waits no longer for its answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
const SYNCS_WITHIN: Duration = Duration::from_secs(60);

/// What befalls the doors in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Burst {
    /// The scanner is killed while the box answers.
    Shared,
    /// It is killed while both are cut off from the box.
    Alone,
    /// It is killed, and the box with it.
    WithBox,
}

/// One reading and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    ticket: [u8; 8],
    scan: [u8; 16],
    green: bool,
    promised: String,
}

/// A scanner and the line between it and the box.
struct Door {
    scanner: ScannerProgram,
    line: Valve,
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built or started, an answer is lost, or a ticket is green twice where it must not be.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let (halls, rounds) = if options.quick {
        (Halls { screens: 1, rows: 20, seats: 24, days: 1 }, 6)
    } else {
        (Halls { screens: 1, rows: 200, seats: 40, days: 1 }, 60)
    };
    let dir = tempfile::tempdir().context("make a folder")?;
    let mut house = BenchHouse::start(&programs, BrokerKind::Embedded, halls, dir.path()).await?;
    let codes = sell_all(&house).await?;
    ensure!(codes.len() >= rounds * TICKETS, "{} tickets are too few", codes.len());
    let mut doors = Vec::new();
    for name in ["Door A", "Door B"] {
        let line = Valve::start(house.edge).await.context("start the line between door and box")?;
        let data = ScannerProgram::pair(&programs, &house, name).await?;
        let flags = vec![format!("--edge=http://{}", line.address())];
        doors.push(Door { scanner: ScannerProgram::start(&programs, data, flags)?, line });
    }
    let [mut killed, other] = <[Door; 2]>::try_from(doors).ok().context("two doors")?;
    let (mut greens, mut right_in) = (0, Duration::ZERO);
    for (round, codes) in codes.chunks(TICKETS).take(rounds).enumerate() {
        let burst = [Burst::Shared, Burst::Alone, Burst::WithBox][round % 3];
        let doors = [&killed.scanner, &other.scanner];
        for door in doors {
            house.wait_until("the scanner is in step", SYNCS_WITHIN, async || door.is_in_step().await).await?;
        }
        let mode = if burst == Burst::Alone { Mode::CutBoth } else { Mode::Open };
        [&killed.line, &other.line].into_iter().for_each(|line| line.set(mode));
        let answered = Arc::new(AtomicUsize::new(0));
        let pages = show(&killed.scanner, &other.scanner, codes, &answered);
        let began = Instant::now();
        while answered.load(Ordering::Relaxed) < READINGS / 8 && began.elapsed() < ANSWERED_WITHIN {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let before = answered.load(Ordering::Relaxed);
        killed.scanner = killed.scanner.kill(&programs).context("kill the scanner")?;
        if burst == Burst::WithBox {
            house.kill_edge(&programs)?;
        }
        let readings = pages.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
        ensure!((1..READINGS).contains(&before), "{before} of {READINGS} readings were answered before the kill");
        check_answers(burst, codes, &readings).with_context(|| format!("round {round}, {burst:?}"))?;
        [&killed.line, &other.line].into_iter().for_each(|line| line.set(Mode::Open));
        let (_, database) = house.databases();
        // A box that was killed is asked for, and a scanner that found nobody asks again after a while: that is not contact yet.
        let met = async || Ok(killed.scanner.is_shared().await? && other.scanner.is_shared().await?);
        house.wait_until("both scanners meet the box", SYNCS_WITHIN, met).await?;
        let right = async || {
            let both = killed.scanner.is_in_step().await? && other.scanner.is_in_step().await?;
            Ok(both && wrong(&database, &readings)?.is_empty())
        };
        let took = house.wait_until("everything is right", RIGHT_WITHIN, right).await;
        let told =
            || format!("round {round}, {burst:?}: {}", wrong(&database, &readings).unwrap_or_default().join(", "));
        right_in = right_in.max(took.with_context(told)?);
        greens += readings.iter().filter(|reading| reading.green).count();
    }
    for Door { scanner, line } in [killed, other] {
        scanner.stop().await?;
        line.shutdown().await;
    }
    house.stop().await?;
    Ok(Figures::default()
        .with("bursts", rounds)
        .with("greens", greens)
        .with("lost", 0)
        .with("green_twice", 0)
        .with("right_in_s", format_args!("{:.2}", right_in.as_secs_f64())))
}

/// The pages of both scanners show their tickets; each gives back what it was answered.
fn show(
    killed: &ScannerProgram,
    other: &ScannerProgram,
    codes: &[String],
    answered: &Arc<AtomicUsize>,
) -> JoinSet<anyhow::Result<Vec<Reading>>> {
    let (here, both) = codes.split_at(codes.len() / 2);
    let at_killed: Vec<String> = here.iter().chain(both).chain(here).cloned().collect();
    let mut pages = JoinSet::new();
    for (scanner, codes, counted) in [(killed, at_killed, true), (other, both.to_vec(), false)] {
        for page in 0..PAGES {
            let mine: Vec<String> = codes.iter().skip(page).step_by(PAGES).cloned().collect();
            let (address, answered) = (scanner.address, answered.clone());
            pages.spawn(async move {
                let mut readings = Vec::with_capacity(mine.len());
                for code in mine {
                    readings.push(present(address, &code).await?);
                    answered.fetch_add(usize::from(counted), Ordering::Relaxed);
                }
                Ok(readings)
            });
        }
    }
    pages
}

/// One reading: asked under its number until it is answered.
async fn present(scanner: SocketAddr, code: &str) -> anyhow::Result<Reading> {
    let ticket = TicketCode::parse(code).context("read a ticket")?.body().ticket.0;
    let id = ScanId::at(now(), node::random::bytes());
    let body = json!({ "code": code, "id": id.to_string() }).to_string();
    let request = Request { path: "/v1/scan".into(), headers: String::new(), body };
    let asked = Instant::now();
    loop {
        ensure!(asked.elapsed() < ANSWERED_WITHIN, "a reading was not answered");
        let reply = match Client::connect(scanner).await {
            Ok(mut client) => client.ask("POST", &request.path, &request.headers, &request.body).await,
            Err(nobody_listens) => Err(nobody_listens),
        };
        let Ok(reply) = reply else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let view: Value = serde_json::from_slice(&reply.body).context("read a verdict")?;
        ensure!(reply.status == 200, "a reading was answered {} {view}", reply.status);
        let promised = view["guarantee"].as_str().unwrap_or("?").to_owned();
        let green = view["verdict"] == "admit";
        ensure!(green || view["verdict"] == "already", "a good ticket was answered {view}");
        return Ok(Reading { ticket, scan: id.0, green, promised });
    }
}

/// Each ticket is green once; twice only where two scanners have shown it and one of them was alone.
fn check_answers(burst: Burst, codes: &[String], readings: &[Reading]) -> anyhow::Result<()> {
    let by_ticket = by_ticket(readings);
    for (index, code) in codes.iter().enumerate() {
        let ticket = TicketCode::parse(code).context("read a ticket")?.body().ticket.0;
        let shown = by_ticket.get(&ticket).map_or(&[][..], Vec::as_slice);
        let green: Vec<_> = shown.iter().filter(|reading| reading.green).collect();
        let alone = green.iter().any(|reading| reading.promised != "SHARED");
        let most = if index >= codes.len() / 2 && alone { 2 } else { 1 };
        ensure!((1..=most).contains(&green.len()), "a ticket was green {} times: {shown:?}", green.len());
        ensure!(burst != Burst::Alone || alone, "a scanner that was cut off has promised {shown:?}");
    }
    Ok(())
}

fn by_ticket(readings: &[Reading]) -> BTreeMap<[u8; 8], Vec<&Reading>> {
    let mut tickets: BTreeMap<[u8; 8], Vec<&Reading>> = BTreeMap::new();
    for reading in readings {
        tickets.entry(reading.ticket).or_default().push(reading);
    }
    tickets
}

/// What is not as it should be at the box: a green answer is no entry, an entry is of no reading, or a second one is not listed.
fn wrong(database: &Path, readings: &[Reading]) -> anyhow::Result<Vec<String>> {
    let database = open_read_only(database)?;
    let mut entries = database.prepare(
        "SELECT scan FROM admissions WHERE ticket = ?1 UNION SELECT scan FROM further_entries WHERE ticket = ?1",
    )?;
    let mut listed =
        database.prepare("SELECT count(*) FROM door_discrepancies WHERE ticket = ?1 AND code = 'admitted_twice'")?;
    let mut wrong = Vec::new();
    for (ticket, shown) in by_ticket(readings) {
        let stored = entries.query_map([ticket], |row| row.get(0))?.collect::<rusqlite::Result<Vec<[u8; 16]>>>()?;
        let listed = listed.query_row([ticket], |row| row.get::<_, u32>(0))? as usize;
        let lost = shown.iter().filter(|reading| reading.green && !stored.contains(&reading.scan)).count();
        let strange = stored.iter().filter(|scan| !shown.iter().any(|reading| reading.scan == **scan)).count();
        if lost + strange > 0 || listed + 1 != stored.len() {
            let (ticket, entries) = (TicketId(ticket), stored.len());
            wrong.push(format!("{ticket}: {entries} entries, {listed} listed, {lost} lost, {strange} of no reading"));
        }
    }
    Ok(wrong)
}
