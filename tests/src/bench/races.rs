//! `races`: two to eight doors are shown one ticket at the same moment. While the box answers them, exactly one lets the guest in and
//! the others say when and where that was. While they are alone each of them lets the guest in, and what they tell the box later, in
//! any order and some of it twice, comes out as one admission, the earliest, with every other entry listed beside it. And while doors ask
//! the box it is killed: who was let in stays let in, and what was not answered is asked again and let in once.

use super::entrance::{now, scan, sell_all};
use super::generator::{Client, Reply, Request, post_all};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind};
use super::programs::Programs;
use super::table::Timings;
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use node::sqlite::open_read_only;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::Value;
use shared::ticket::TicketCode;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The most doors of one race.
const DOORS: usize = 8;
/// Races run at the same time.
const LANES: usize = 4;
/// Connections over which the doors tell what they did alone.
const UPLOADS: usize = 16;

/// Tickets that are shown while the box is killed.
const SHOWN_IN_A_KILL: usize = 400;
/// So many of them are answered before it is.
const ANSWERED_BEFORE: usize = SHOWN_IN_A_KILL / 8;
/// The box may take so long to be back.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Runs it.
///
/// # Errors
/// If anything cannot be built or started, two doors let one ticket in, or an entry is told nowhere.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    // A quarter of every show is the counter's; one half of that races at the box, the other alone.
    let (halls, races) = if options.quick {
        (Halls { screens: 1, rows: 100, seats: 24, days: 1 }, 500)
    } else {
        (Halls { screens: 2, rows: 200, seats: 100, days: 1 }, 10_000)
    };
    let dir = tempfile::tempdir().context("make a folder")?;
    let mut house = BenchHouse::start(&programs, BrokerKind::Embedded, halls, dir.path()).await?;
    let codes = sell_all(&house).await?;
    ensure!(codes.len() >= 2 * races + SHOWN_IN_A_KILL, "{} tickets are too few", codes.len());
    let mut tokens = Vec::new();
    for door in 0..DOORS {
        tokens.push(house.pair(&format!("Door {door}")).await?);
    }
    say(format_args!("{races} races at the box"));
    let shown = race_all(house.edge, &codes[..races], &tokens).await.context("race at the box")?;
    say(format_args!("{races} races of doors that are alone"));
    let alone = tell_all(&house, &codes[races..2 * races], &tokens).await.context("tell of races alone")?;
    say(format_args!("{SHOWN_IN_A_KILL} tickets while the box is killed"));
    let killed = &codes[2 * races..][..SHOWN_IN_A_KILL];
    show_through_a_kill(&mut house, &programs, killed, &tokens)
        .await
        .context("show tickets while the box is killed")?;
    let (_, database) = house.databases();
    house.stop().await?;
    check_books(&database, &alone)?;
    check_once(&database, killed)?;
    Ok(Figures::default()
        .with("races", races)
        .with("shown", shown)
        .with("admitted_twice_shared", 0)
        .with("races_alone", races)
        .with("entries_alone", alone.values().map(Vec::len).sum::<usize>())
        .with("unreported", 0)
        .with("lost_in_a_kill", 0))
}

/// How many doors race for the ticket of this index.
fn racing(index: usize) -> usize {
    2 + index % (DOORS - 1)
}

/// Every ticket is shown at several doors at once. Returns how often one was shown.
async fn race_all(edge: SocketAddr, codes: &[String], tokens: &[String]) -> anyhow::Result<usize> {
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let mine: Vec<(usize, String)> = codes.iter().cloned().enumerate().skip(lane).step_by(LANES).collect();
        let tokens = tokens.to_vec();
        lanes.spawn(async move {
            let mut clients = Vec::new();
            for _ in 0..DOORS {
                clients.push(Client::connect(edge).await?);
            }
            let mut shown = 0;
            for (index, code) in mine {
                shown += racing(index);
                race(&mut clients, &code, racing(index), &tokens).await.with_context(|| format!("race {index}"))?;
            }
            anyhow::Ok(shown)
        });
    }
    let mut shown = 0;
    while let Some(done) = lanes.join_next().await {
        shown += done.context("run races")??;
    }
    Ok(shown)
}

/// One ticket at so many doors at once: one green, and yellow with the green door's name at all others.
async fn race(clients: &mut Vec<Client>, code: &str, doors: usize, tokens: &[String]) -> anyhow::Result<()> {
    let mut asked = JoinSet::new();
    for (door, token) in tokens.iter().enumerate().take(doors) {
        let mut client = clients.pop().context("a connection for each door")?;
        let request = scan(code, door, token, now(), None);
        asked.spawn(async move {
            let reply = client.ask("POST", &request.path, &request.headers, &request.body).await?;
            anyhow::Ok((door, verdict(&reply)?, client))
        });
    }
    let (mut green, mut yellow) = (Vec::new(), Vec::new());
    while let Some(answered) = asked.join_next().await {
        let (door, verdict, client) = answered.context("ask at a door")??;
        clients.push(client);
        ensure!(verdict["guarantee"] == "SHARED", "{verdict}");
        match verdict["verdict"].as_str() {
            Some("admit") => green.push(format!("Door {door}")),
            Some("already") => yellow.push(verdict["first"]["door"].clone()),
            _ => ensure!(false, "a good ticket was answered {verdict}"),
        }
    }
    ensure!(green.len() == 1, "let in at {green:?}");
    ensure!(yellow.iter().all(|first| *first == *green[0]), "let in at {green:?}, the others say {yellow:?}");
    Ok(())
}

fn verdict(reply: &Reply) -> anyhow::Result<Value> {
    let mut answer: Value = serde_json::from_slice(&reply.body).context("read a verdict")?;
    ensure!(reply.status == 200, "{} {answer}", reply.status);
    Ok(answer[0].take())
}

/// Where and when a ticket was let in, by each door's own clock; by the code.
type Alone = BTreeMap<String, Vec<(i64, String)>>;

/// The doors were alone and have each let the ticket in; now they tell, in any order, every third of them twice.
async fn tell_all(house: &BenchHouse, codes: &[String], tokens: &[String]) -> anyhow::Result<Alone> {
    let (mut alone, mut told): (Alone, Vec<Request>) = (Alone::new(), Vec::new());
    let began = now();
    for (index, code) in codes.iter().enumerate() {
        for (door, token) in tokens.iter().enumerate().take(racing(index)) {
            // Whole seconds, as the box keeps what it is told; some doors at the same one.
            let at = began
                - Duration::from_secs(((index + 7 * door) % 40) as u64)
                - Duration::from_millis(began.0.unsigned_abs() % 1000);
            alone.entry(code.clone()).or_default().push((at.0, format!("Door {door}")));
            let request = scan(code, door, token, at, Some("SOLO"));
            told.extend(std::iter::repeat_n(request, 1 + usize::from((index + door) % 3 == 0)));
        }
    }
    told.shuffle(&mut StdRng::seed_from_u64(6));
    let (count, started) = (told.len(), Instant::now());
    let (_, timings): (Vec<Value>, Timings) = post_all(house.edge, UPLOADS, told, |_, reply| verdict(&reply)).await?;
    let per_s = count as f64 / started.elapsed().as_secs_f64();
    say(format_args!("{count} entries told at {per_s:.0} a second, p99 {} ms", timings.ms(99)));
    Ok(alone)
}

/// Each door shows its tickets one after the other and asks again, with the same scan, until it is answered.
async fn show_through_a_kill(
    house: &mut BenchHouse,
    programs: &Programs,
    codes: &[String],
    tokens: &[String],
) -> anyhow::Result<()> {
    let (edge, mut doors) = (house.edge, JoinSet::new());
    let answered = Arc::new(AtomicUsize::new(0));
    for (door, token) in tokens.iter().enumerate() {
        let scans: Vec<Request> =
            codes.iter().skip(door).step_by(DOORS).map(|code| scan(code, door, token, now(), None)).collect();
        let answered = Arc::clone(&answered);
        doors.spawn(async move {
            let mut client = None;
            for Request { path, headers, body } in scans {
                let asked = Instant::now();
                let reply = loop {
                    ensure!(asked.elapsed() < BACK_WITHIN, "the box is not back");
                    let mut connected = match client.take() {
                        Some(connected) => connected,
                        None => match Client::connect(edge).await {
                            Ok(connected) => connected,
                            Err(_nobody_listens) => {
                                tokio::time::sleep(Duration::from_millis(20)).await;
                                continue;
                            }
                        },
                    };
                    if let Ok(reply) = connected.ask("POST", &path, &headers, &body).await {
                        client = Some(connected);
                        break reply;
                    }
                };
                let verdict = verdict(&reply)?;
                ensure!(verdict["verdict"] == "admit", "a ticket shown once was answered {verdict}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    let began = Instant::now();
    while answered.load(Ordering::Relaxed) < ANSWERED_BEFORE && began.elapsed() < BACK_WITHIN {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = answered.load(Ordering::Relaxed);
    house.kill_edge(programs)?;
    while let Some(done) = doors.join_next().await {
        done.context("show tickets")??;
    }
    ensure!((1..codes.len()).contains(&before), "{before} of {} tickets were answered before the kill", codes.len());
    Ok(())
}

/// Every ticket was let in once, and no entry is told to have been a second one.
fn check_once(database: &Path, codes: &[String]) -> anyhow::Result<()> {
    let database = open_read_only(database)?;
    let mut entries = database.prepare("SELECT count(*) FROM admissions WHERE ticket = ?1")?;
    let mut second = database.prepare("SELECT count(*) FROM door_discrepancies WHERE ticket = ?1")?;
    for code in codes {
        let ticket = TicketCode::parse(code).context("read a ticket")?.body().ticket.0;
        let count = |select: &mut rusqlite::Statement<'_>| select.query_row([ticket], |row| row.get::<_, u32>(0));
        let (entries, second) = (count(&mut entries)?, count(&mut second)?);
        ensure!((entries, second) == (1, 0), "a ticket has {entries} entries and {second} discrepancies");
    }
    Ok(())
}

/// The earliest entry of each ticket is its admission, and every other one is listed with both places and times.
fn check_books(database: &Path, alone: &Alone) -> anyhow::Result<()> {
    let database = open_read_only(database)?;
    let mut admitted = database.prepare("SELECT admitted_at, door FROM admissions WHERE ticket = ?1")?;
    let mut listed: BTreeMap<[u8; 8], BTreeSet<[u8; 16]>> = BTreeMap::new();
    let mut stories = database.prepare(
        "SELECT ticket, scan FROM door_discrepancies
         WHERE code = 'admitted_twice' AND first_door IS NOT NULL AND first_at IS NOT NULL",
    )?;
    for story in stories.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (ticket, scan) = story?;
        listed.entry(ticket).or_default().insert(scan);
    }
    for (code, entries) in alone {
        let ticket = TicketCode::parse(code).context("read a ticket")?.body().ticket.0;
        let (at, door): (i64, String) = admitted.query_row([ticket], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first = entries.iter().min().context("an entry")?;
        ensure!((at, &door) == (first.0, &first.1), "{door} at {at} counts, {} at {} came first", first.1, first.0);
        let listed = listed.get(&ticket).map_or(0, BTreeSet::len);
        let others = entries.len() - 1;
        ensure!(listed == others, "{others} further entries, {listed} of them listed");
    }
    Ok(())
}
