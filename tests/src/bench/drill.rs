//! `drill`: a box's key is stolen. Its honest tickets were sold at the counter; whoever has the key writes as many of their own. The
//! box joins anew with another key, two persons revoke the old one at central, and a scanner that is online is shown forged tickets
//! until it believes none any more. From then on every honest ticket is green, because the list has it, and no forged one is: while
//! the box answers, and when the scanner is alone.

use super::entrance::{Sale, now, sell};
use super::generator::{Reply, Request, post_all};
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
use shared::keys::SecretKey;
use shared::ticket::{TicketBody, TicketCode};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A scanner may take so long to know of a revocation while it is online.
const REVOKED_WITHIN: Duration = Duration::from_secs(10);
/// From the theft's discovery until no door believes the key.
const DRILL_WITHIN: Duration = Duration::from_secs(5 * 60);
const SYNCS_WITHIN: Duration = Duration::from_secs(60);
/// Pages at the scanner.
const PAGES: usize = 4;

/// How often which answer was given: verdict, code and guarantee.
type Answers = BTreeMap<String, usize>;

/// Runs it.
///
/// # Errors
/// If anything cannot be built or started, a forged ticket is green once the key is revoked, an honest one is not, or it takes too long.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    // A quarter of every show is the counter's; some are shown before the theft is noticed.
    let (halls, count) = if options.quick {
        (Halls { screens: 1, rows: 20, seats: 24, days: 1 }, 100)
    } else {
        (Halls { screens: 1, rows: 60, seats: 40, days: 1 }, 1_000)
    };
    let dir = tempfile::tempdir().context("make a folder")?;
    let house = BenchHouse::start(&programs, BrokerKind::Mosquitto, halls, dir.path()).await?;
    let line = Valve::start(house.edge).await.context("start the line between door and box")?;
    let data = ScannerProgram::pair(&programs, &house, "Door A").await?;
    let scanner = ScannerProgram::start(&programs, data, vec![format!("--edge=http://{}", line.address())])?;
    let honest: Vec<String> = sell(&house, count + 2).await?.into_iter().flat_map(Sale::codes).collect();
    ensure!(honest.len() == count + 2, "{} tickets were sold", honest.len());
    let (first, honest) = honest.split_at(2);
    let stolen = edge::identity::load(&house.dir().join("edge")).context("steal the key")?.key;
    let forged =
        first.iter().chain(honest).map(|code| forge(code, &stolen)).collect::<anyhow::Result<Vec<String>>>()?;
    house.wait_until("the scanner has all tickets", SYNCS_WITHIN, async || scanner.is_in_step().await).await?;
    // The thief comes to a door that is alone: nobody can tell yet.
    line.set(Mode::CutBoth);
    let believed = answers(&scanner, &forged[..1]).await?;
    ensure!(believed.keys().all(|answer| answer.starts_with("admit")), "the key is good and was answered {believed:?}");
    line.set(Mode::Open);

    say(format_args!("the theft is noticed: the box joins anew, two persons revoke the key"));
    let noticed = Instant::now();
    let house = house.with_new_box_key(&programs).await?;
    let again =
        house.wait_until("the scanner is in step again", SYNCS_WITHIN, async || scanner.is_in_step().await).await;
    if let Err(error) = again {
        return Err(error.context(format!("the scanner says {}", scanner.status().await?)));
    }
    let revoking = Instant::now();
    house.revoke(stolen.key_id()).await.context("revoke the stolen key")?;
    let knows = async || {
        let answer = answers(&scanner, &forged[1..2]).await?;
        ensure!(!answer.keys().any(|answer| answer.starts_with("admit")), "a forged ticket was answered {answer:?}");
        // Not only the box: the scanner itself, which may be alone the next moment.
        let revoked: u32 = open_read_only(&scanner.data.join("scanner.sqlite"))?.query_row(
            "SELECT count(*) FROM revoked_keys",
            [],
            |row| row.get(0),
        )?;
        Ok(revoked == 1 && answer.keys().all(|answer| answer.starts_with("refuse revoked")))
    };
    house.wait_until("the scanner refuses forged tickets", REVOKED_WITHIN, knows).await?;
    let (revoked_in, drill) = (revoking.elapsed(), noticed.elapsed());
    ensure!(drill < DRILL_WITHIN, "the drill took {} s", drill.as_secs());

    say(format_args!("{count} honest and {count} forged tickets, half of them while the door is alone"));
    let half = count / 2;
    let mut seen = [Answers::new(), Answers::new()];
    for (share, mode) in [(0..half, Mode::Open), (half..count, Mode::CutBoth)] {
        line.set(mode);
        for (answered, codes) in seen.iter_mut().zip([&honest[share.clone()], &forged[2..][share.clone()]]) {
            for (answer, number) in answers(&scanner, codes).await? {
                *answered.entry(answer).or_default() += number;
            }
        }
    }
    let [honest_seen, forged_seen] = seen;
    say(format_args!("honest: {honest_seen:?}; forged: {forged_seen:?}"));
    let green = |answers: &Answers| {
        answers.iter().filter(|(answer, _)| answer.starts_with("admit")).map(|(_, number)| number).sum::<usize>()
    };
    let alone = honest_seen.get("admit ok SOLO").copied().unwrap_or(0);
    ensure!(alone >= count - half, "{alone} honest tickets were green at a door that was alone");
    ensure!(green(&honest_seen) == count, "honest tickets were answered {honest_seen:?}");
    ensure!(green(&forged_seen) == 0, "forged tickets were answered {forged_seen:?}");
    scanner.stop().await?;
    line.shutdown().await;
    house.stop().await?;
    Ok(Figures::default()
        .with("honest", count)
        .with("honest_green", green(&honest_seen))
        .with("forged", count)
        .with("forged_green", green(&forged_seen))
        .with("revoked_in_s", format_args!("{:.2}", revoked_in.as_secs_f64()))
        .with("drill_s", format_args!("{:.1}", drill.as_secs_f64())))
}

/// A ticket that says what an honest one says, but for its number, by the stolen key.
fn forge(code: &str, stolen: &SecretKey) -> anyhow::Result<String> {
    let honest = TicketCode::parse(code).context("read an honest ticket")?;
    let body = TicketBody { ticket: TicketId(node::random::bytes()), ..honest.body().clone() };
    Ok(body.sign(stolen).to_string())
}

/// What the scanner answers to these.
async fn answers(scanner: &ScannerProgram, codes: &[String]) -> anyhow::Result<Answers> {
    let request = |code: &String| {
        let id = ScanId::at(now(), node::random::bytes()).to_string();
        Request { path: "/v1/scan".into(), headers: String::new(), body: json!({ "code": code, "id": id }).to_string() }
    };
    let requests: Vec<Request> = codes.iter().map(request).collect();
    let (told, _) = post_all(scanner.address, PAGES.min(codes.len()), requests, |_, reply| answer(&reply)).await?;
    let mut answers = Answers::new();
    for one in told {
        *answers.entry(one).or_default() += 1;
    }
    Ok(answers)
}

fn answer(reply: &Reply) -> anyhow::Result<String> {
    let view: Value = serde_json::from_slice(&reply.body).context("read a verdict")?;
    ensure!(reply.status == 200, "a scan was answered {} {view}", reply.status);
    let word = |name: &str| view[name].as_str().unwrap_or("?").to_owned();
    Ok(format!("{} {} {}", word("verdict"), word("code"), word("guarantee")))
}
