//! `door`: tickets are sold at the counter and shown at the doors, each once. How long does a verdict take that the scanner gives by
//! itself (SOLO), and how long one that the box gives (SHARED), and how many of those can one box give in a second?
//!
//! A SOLO verdict is asked of the real scanner program over HTTP, its box out of reach, so it has been written to the disk when it is
//! there. The box is asked while its line to central is cut: central and its broker, which run on other machines, then take nothing
//! from this one, and a door must be as fast as with them. The processor time of a verdict tells what the box itself does, whatever
//! else the machine is busy with. What the decision alone takes, the looking up in the scanner's store included, is measured on that store from inside, against
//! one bare Ed25519 check of the same signatures. The other baselines, in the same run: a bare append to a file with `fdatasync`, and
//! a request to the same server that decides nothing.

use super::bare::{bare_commits, nothing};
use super::entrance::{Sale, now, scan, sell, void};
use super::generator::{Reply, Request, post_all};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind, EARLY_MIN};
use super::programs::Programs;
use super::scanner_program::ScannerProgram;
use super::table::{Table, Timings};
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use data_encoding::BASE32_NOPAD;
use demo::valve::Mode;
use node::sqlite::open_read_only;
use scanner::Book;
use serde_json::{Value, json};
use shared::admission::{Clock, Guarantee, VerdictCode};
use shared::keys::{Domain, SIGNATURE_BYTES, Signature};
use shared::ticket::TicketCode;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many doors ask at the same time, one request after the other each.
const DOORS: [usize; 4] = [1, 8, 16, 48];
/// The row of [`DOORS`] that the figures are taken from, and that the budget is about.
const JUDGED: usize = 16;
/// The first start of a scanner takes at most so long, and its memory, on any disk.
const FIRST_START_MAX: Duration = Duration::from_secs(2);
const RSS_MAX_KB: u64 = 100 * 1024;
/// The budgets: a verdict of the scanner by itself, and of the box at [`JUDGED`] doors.
const SOLO_P99_MAX: Duration = Duration::from_millis(1);
const SHARED_P99_MAX: Duration = Duration::from_millis(5);
const SHARED_PER_S_MIN: f64 = 5_000.0;
/// The decision alone, of one signature check.
const DECISION_MAX: f64 = 1.5;
/// They are for a quick disk: where a bare append takes longer than this, what is missed is told and no more.
const DISK_P99_MAX: Duration = Duration::from_micros(500);
/// A scanner may take so long to take all tickets in.
const SYNCS_WITHIN: Duration = Duration::from_secs(60);
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// How large it is.
struct Scale {
    halls: Halls,
    /// Good tickets and void ones that a scanner takes in at its first start.
    tickets: usize,
    voids: usize,
    /// Verdicts of the scanner by itself; the box gives the rest.
    solo: usize,
}

impl Scale {
    fn new(quick: bool) -> Self {
        // A quarter of every show is the counter's.
        let halls = |screens, rows, seats| Halls { screens, rows, seats, days: 1 };
        if quick {
            Self { halls: halls(1, 100, 40), tickets: 2_000, voids: 200, solo: 400 }
        } else {
            Self { halls: halls(4, 200, 100), tickets: 50_000, voids: 5_000, solo: 4_000 }
        }
    }
}

/// What a scanner does by itself.
struct Solo {
    verdict: Timings,
    per_s: f64,
    bare_request: Timings,
    bare_commit: Timings,
    decision: Timings,
    signature: Timings,
    /// From its first start until it has every ticket.
    first_start: Duration,
    /// The most memory it had by then, kilobytes.
    rss_kb: u64,
}

/// What a box does with so many doors at once.
struct Shared {
    doors: usize,
    verdict: Timings,
    per_s: f64,
    /// Processor time of the box for one verdict.
    cpu: Duration,
    bare_request: Timings,
    bare_per_s: f64,
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built, started or measured, a ticket is not let in exactly once, an admission is in no book, or a budget is
/// missed on a quick disk.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let scale = Scale::new(options.quick);
    let dir = tempfile::tempdir().context("make a folder")?;
    let house = BenchHouse::start(&programs, BrokerKind::Embedded, scale.halls, dir.path()).await?;
    let mut sales = sell(&house, scale.tickets + scale.voids).await?;
    let voided = sales.split_off(sales.len().min(scale.tickets / 2));
    void(&house, &voided).await?;
    let codes: Vec<String> = sales.into_iter().flat_map(Sale::codes).collect();
    let voids = voided.into_iter().flat_map(Sale::codes).count();
    ensure!((codes.len(), voids) == (scale.tickets, scale.voids), "{} tickets and {voids} voids", codes.len());
    say(format_args!("{} tickets are good and {voids} void; a scanner takes them in", codes.len()));
    let (alone, together) = codes.split_at(scale.solo);
    let solo = alone_at_the_door(&programs, &house, &scale, alone).await.context("measure a scanner by itself")?;
    let shared = at_the_box(&house, together).await.context("measure the box")?;
    let (_, database) = house.databases();
    house.stop().await?;
    check_books(&database, together.len()).context("check the box's books")?;
    print(&solo, &shared);
    let judged = shared.iter().find(|row| row.doors == JUDGED).context("find the row that is judged")?;
    let ratio = solo.decision.percentile(50).as_secs_f64() / solo.signature.percentile(50).as_secs_f64();
    let figures = Figures::default()
        .with("solo_p99_ms", solo.verdict.ms(99))
        .with("solo_p50_ms", solo.verdict.ms(50))
        .with("solo_per_s", format_args!("{:.0}", solo.per_s))
        .with("solo_disk_p99_ms", solo.bare_commit.ms(99))
        .with("solo_ratio", format_args!("{ratio:.2}"))
        .with("first_start_s", format_args!("{:.2}", solo.first_start.as_secs_f64()))
        .with("first_start_tickets", codes.len())
        .with("first_start_voids", voids)
        .with("scanner_rss_mb", solo.rss_kb / 1024)
        .with("shared_p99_ms", judged.verdict.ms(99))
        .with("shared_p50_ms", judged.verdict.ms(50))
        .with("shared_per_s", format_args!("{:.0}", judged.per_s))
        .with("shared_cpu_us", judged.cpu.as_micros())
        .with("shared_http_ratio", format_args!("{:.2}", judged.bare_per_s / judged.per_s));
    ensure!(
        solo.first_start <= FIRST_START_MAX && solo.rss_kb <= RSS_MAX_KB,
        "the first start takes {:?} and {} kB: {figures}",
        solo.first_start,
        solo.rss_kb
    );
    let missed = missed(&solo, judged, ratio);
    if !missed.is_empty() {
        let disk = solo.bare_commit.ms(99);
        say(format_args!("{figures}\nmissed, with a bare append of {disk} ms: {}", missed.join("; ")));
        let quick_disk = solo.bare_commit.percentile(99) <= DISK_P99_MAX;
        ensure!(options.quick || !quick_disk, "the budget is missed: {}", missed.join("; "));
    }
    Ok(figures)
}

/// Which budgets do not hold.
fn missed(solo: &Solo, judged: &Shared, ratio: f64) -> Vec<String> {
    let all = [
        (solo.verdict.percentile(99) <= SOLO_P99_MAX, format!("SOLO p99 {} ms", solo.verdict.ms(99))),
        (ratio <= DECISION_MAX, format!("the decision takes {ratio:.2} signature checks")),
        (judged.verdict.percentile(99) <= SHARED_P99_MAX, format!("SHARED p99 {} ms", judged.verdict.ms(99))),
        (judged.per_s >= SHARED_PER_S_MIN, format!("{:.0} SHARED verdicts a second", judged.per_s)),
    ];
    all.into_iter().filter(|(holds, _)| !holds).map(|(_, words)| words).collect()
}

fn print(solo: &Solo, shared: &[Shared]) {
    let mut table = Table::new(["verdict", "doors", "number", "p50 ms", "p99 ms", "per s", "cpu us"]);
    let rows = [
        ("SOLO, scanner over HTTP, on disk", &solo.verdict, format!("{:.0}", solo.per_s)),
        ("  bare request", &solo.bare_request, String::new()),
        ("  bare append and fdatasync", &solo.bare_commit, String::new()),
        ("SOLO, the decision alone", &solo.decision, String::new()),
        ("  bare signature check", &solo.signature, String::new()),
    ];
    for (what, timings, per_s) in rows {
        let p50 = format!("{:.4}", timings.percentile(50).as_secs_f64() * 1000.0);
        let p99 = format!("{:.4}", timings.percentile(99).as_secs_f64() * 1000.0);
        table.add([what.to_owned(), "1".to_owned(), timings.len().to_string(), p50, p99, per_s, String::new()]);
    }
    for row in shared {
        let (doors, cpu) = (row.doors.to_string(), row.cpu.as_micros().to_string());
        for (what, timings, per_s, cpu) in [
            ("SHARED, box over HTTP, on disk", &row.verdict, row.per_s, cpu),
            ("  bare request", &row.bare_request, row.bare_per_s, String::new()),
        ] {
            let (number, per_s) = (timings.len().to_string(), format!("{per_s:.0}"));
            table.add([what.to_owned(), doors.clone(), number, timings.ms(50), timings.ms(99), per_s, cpu]);
        }
    }
    table.print();
}

async fn alone_at_the_door(
    programs: &Programs,
    house: &BenchHouse,
    scale: &Scale,
    codes: &[String],
) -> anyhow::Result<Solo> {
    let data = ScannerProgram::pair(programs, house, "Door A").await?;
    let began = Instant::now();
    let scanner = ScannerProgram::start(programs, data.clone(), Vec::new()).context("start the scanner")?;
    house.wait_until("the scanner has all tickets", SYNCS_WITHIN, async || scanner.is_in_step().await).await?;
    let (first_start, rss_kb) = (began.elapsed(), scanner.rss_kb()?);
    let known: (u32, u32) = open_read_only(&data.join("scanner.sqlite"))?.query_row(
        "SELECT count(*) FILTER (WHERE state = 'live'), count(*) FILTER (WHERE state = 'void') FROM tickets",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let expected = (u32::try_from(scale.tickets)?, u32::try_from(scale.voids)?);
    ensure!(known == expected, "the scanner knows {known:?} tickets and voids");
    let scanner = scanner.start_again(programs, vec![format!("--edge={NOWHERE}")]).await.context("start it alone")?;
    let (_, bare_request) = post_all(scanner.address, 1, vec![nothing(); codes.len()], |_, _| Ok(())).await?;
    let scans = codes.iter().map(|code| Request {
        path: "/v1/scan".into(),
        headers: String::new(),
        body: json!({ "code": code }).to_string(),
    });
    let began = Instant::now();
    let (_, verdict) =
        post_all(scanner.address, 1, scans.collect(), |_, reply| let_in(&reply, "SOLO", Value::clone)).await?;
    let per_s = codes.len() as f64 / began.elapsed().as_secs_f64();
    scanner.stop().await?;
    let queued: u32 = open_read_only(&data.join("scanner.sqlite"))?.query_row(
        "SELECT count(*) FROM scans WHERE state = 'queued' AND verdict = 'admit'",
        [],
        |row| row.get(0),
    )?;
    ensure!(queued as usize == codes.len(), "{queued} of {} admissions are on the scanner's disk", codes.len());
    let book = Book::open(&data, Duration::from_secs(60 * u64::from(EARLY_MIN)))?;
    let (decision, signature) = decide(&book, codes)?;
    Ok(Solo {
        verdict,
        per_s,
        bare_request,
        bare_commit: bare_commits(house.dir(), codes.len())?,
        decision,
        signature,
        first_start,
        rss_kb,
    })
}

/// The decision on each code by what the scanner has on its disk, and the bare check of its signature, in turns.
fn decide(book: &Book, codes: &[String]) -> anyhow::Result<(Timings, Timings)> {
    let clock = Clock { now: now(), verified: true };
    let (mut decision, mut signature) = (Timings::default(), Timings::default());
    for code in codes {
        let began = Instant::now();
        let verdict = book.decide(code, clock, Guarantee::Solo)?;
        decision.add(began.elapsed());
        // They have all been let in above, which the store knows.
        ensure!(verdict.code == VerdictCode::AlreadyAdmitted, "a ticket was answered {}", verdict.code);
        let bytes = BASE32_NOPAD.decode(code.as_bytes()).context("decode a ticket")?;
        let (payload, signed) = bytes.split_at(bytes.len().saturating_sub(SIGNATURE_BYTES));
        let signed: Signature = signed.try_into().context("find the signature of a ticket")?;
        let key = TicketCode::parse(code).context("read a ticket")?.key_id();
        let key = book.ring().lookup(key, clock.now).next().context("find the key of a ticket")?.0.public_key;
        let began = Instant::now();
        let genuine = key.verifies(Domain::Ticket, payload, &signed);
        signature.add(began.elapsed());
        ensure!(genuine, "a signature does not hold");
    }
    Ok((decision, signature))
}

async fn at_the_box(house: &BenchHouse, codes: &[String]) -> anyhow::Result<Vec<Shared>> {
    let mut tokens = Vec::new();
    for door in 0..DOORS.into_iter().max().unwrap_or(1) {
        tokens.push(house.pair(&format!("Door {door}")).await?);
    }
    house.valve.set(Mode::CutBoth);
    let noticed = async || Ok(house.edge_link().await?.state == "locked_down");
    house.wait_until("the box knows of the cut", SYNCS_WITHIN, noticed).await?;
    let mut rows = Vec::new();
    // One door alone takes its time: it gets a tenth.
    let (few, most) = codes.split_at(codes.len() / 10);
    let shares = std::iter::once(few).chain(most.chunks(most.len().div_ceil(DOORS.len() - 1)));
    for (doors, codes) in DOORS.into_iter().zip(shares) {
        say(format_args!("{doors} doors at once, {} tickets", codes.len()));
        let began = Instant::now();
        let (_, bare_request) = post_all(house.edge, doors, vec![nothing(); codes.len()], |_, _| Ok(())).await?;
        let bare_per_s = codes.len() as f64 / began.elapsed().as_secs_f64();
        let requests = codes
            .iter()
            .enumerate()
            .map(|(index, code)| {
                let door = index % doors;
                scan(code, door, &tokens[door], now(), None)
            })
            .collect();
        let (began, before) = (Instant::now(), house.edge_cpu()?);
        let (_, verdict) =
            post_all(house.edge, doors, requests, |_, reply| let_in(&reply, "SHARED", |all| all[0].clone())).await?;
        let per_s = codes.len() as f64 / began.elapsed().as_secs_f64();
        let cpu = (house.edge_cpu()? - before) / u32::try_from(codes.len())?;
        rows.push(Shared { doors, verdict, per_s, cpu, bare_request, bare_per_s });
    }
    Ok(rows)
}

fn let_in(reply: &Reply, guarantee: &str, verdict: impl Fn(&Value) -> Value) -> anyhow::Result<()> {
    let answer: Value = serde_json::from_slice(&reply.body).context("read a verdict")?;
    let verdict = verdict(&answer);
    let green = verdict["verdict"] == "admit" && verdict["guarantee"] == guarantee;
    ensure!(reply.status == 200 && green, "a ticket shown once was answered {} {answer}", reply.status);
    Ok(())
}

/// Every admission is in the table that keeps it single, and in the log.
fn check_books(database: &Path, count: usize) -> anyhow::Result<()> {
    let database = open_read_only(database)?;
    let (admitted, entered): (u32, u32) =
        database
            .query_row("SELECT count(*), sum(entered) FROM admissions", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    ensure!(
        (admitted as usize, entered as usize) == (count, count),
        "{admitted} admissions, {entered} of them entered, of {count}"
    );
    Ok(())
}
