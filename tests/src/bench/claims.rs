//! `claims`: seats of the other side are asked for on a live link. How long until they are held, as the customer on the web and as
//! the counter see it; and how fast are they refused while the line is cut? The baseline is a hold of an own seat, which asks nobody.

use super::generator::{Reply, Request, post_all};
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind, get};
use super::programs::Programs;
use super::table::{Table, Timings};
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use demo::valve::Mode;
use node::view::{SeatMapView, ShowView};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// A quarter of every show is the counter's, and of that the web may claim three fifths.
const HALLS: Halls = Halls { screens: 1, rows: 100, seats: 50, days: 1 };
/// Customers who claim at the same time.
const AT_ONCE: usize = 16;
/// The link may take so long to settle, or to notice a cut.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// A claim on a live link that nobody else asks over, at most.
const CLAIM_P99_MAX: Duration = Duration::from_millis(100);

/// How long each kind of request took.
struct Measured {
    own: Timings,
    web: Timings,
    web_at_once: Timings,
    counter: Timings,
    refused: Timings,
}

/// Runs it over both brokers.
///
/// # Errors
/// If anything cannot be built, started or measured, or a request is not answered as it must be.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let count = if options.quick { 50 } else { 250 };
    let mut table = Table::new(["broker", "request", "number", "p50 ms", "p99 ms"]);
    let mut all = Measured {
        own: Timings::default(),
        web: Timings::default(),
        web_at_once: Timings::default(),
        counter: Timings::default(),
        refused: Timings::default(),
    };
    for broker in [BrokerKind::Embedded, BrokerKind::Mosquitto] {
        let measured = measure(&programs, broker, count).await;
        let measured = measured.with_context(|| format!("measure with the broker {}", broker.word()))?;
        for (request, timings, sum) in [
            ("web hold, own seat", measured.own, &mut all.own),
            ("web hold, claimed", measured.web, &mut all.web),
            ("web hold, claimed, 16 at once", measured.web_at_once, &mut all.web_at_once),
            ("counter hold, claimed", measured.counter, &mut all.counter),
            ("web hold, line cut", measured.refused, &mut all.refused),
        ] {
            let (p50, p99) = (timings.ms(50), timings.ms(99));
            table.add([broker.word().to_owned(), request.to_owned(), count.to_string(), p50, p99]);
            sum.extend(timings);
        }
    }
    table.print();
    for (who, timings) in [("web", &all.web), ("counter", &all.counter)] {
        let p99 = timings.percentile(99);
        ensure!(p99 <= CLAIM_P99_MAX, "a claim of the {who} takes {p99:?}, more than {CLAIM_P99_MAX:?}");
    }
    let ratio = all.web.percentile(50).as_secs_f64() / all.own.percentile(50).as_secs_f64();
    Ok(Figures::default()
        .with("web_p50_ms", all.web.ms(50))
        .with("web_p99_ms", all.web.ms(99))
        .with("at_once_p99_ms", all.web_at_once.ms(99))
        .with("counter_p99_ms", all.counter.ms(99))
        .with("refused_p99_ms", all.refused.ms(99))
        .with("ratio", format_args!("{ratio:.1}")))
}

async fn measure(programs: &Programs, broker: BrokerKind, count: usize) -> anyhow::Result<Measured> {
    say(format_args!("{}: setting up a theatre", broker.word()));
    let dir = tempfile::tempdir().context("make a folder")?;
    let house = BenchHouse::start(programs, broker, HALLS, dir.path()).await?;
    let show = show(&house).await.context("find a show")?;
    let cashier = house.log_in().await?;
    let own = seats(house.central, &show, "free", false).await?;
    let by_claim = seats(house.central, &show, "free", true).await?;
    let from_web = seats(house.edge, &show, "free", true).await?;
    let holds = |seats: &[String], headers: &str| -> Vec<Request> {
        seats.iter().map(|seat| hold(&show, seat, headers)).collect()
    };
    let enough = own.len() > 2 * count && by_claim.len() > 2 * count;
    ensure!(enough, "{} and {} seats are too few", own.len(), by_claim.len());
    let (_, own) = post_all(house.central, 1, holds(&own[..count], ""), held).await?;
    let (_, web) = post_all(house.central, 1, holds(&by_claim[..count], ""), held).await?;
    let at_once = holds(&by_claim[count..2 * count], "");
    let (_, web_at_once) = post_all(house.central, AT_ONCE, at_once, held).await?;
    // The counter claims from the other end, where no customer has been.
    let from_web = &from_web[from_web.len() - count..];
    let (_, counter) = post_all(house.edge, 1, holds(from_web, &cashier), held).await?;
    house.wait_until("both sides are equal", SETTLES_WITHIN, async || are_equal(&house).await).await?;
    house.valve.set(Mode::CutBoth);
    let locked_down = async || Ok(house.central_link().await?.state == "locked_down");
    house.wait_until("central locks the theatre down", SETTLES_WITHIN, locked_down).await?;
    let elsewhere = seats(house.central, &show, "unavailable", false).await?;
    ensure!(elsewhere.len() >= count, "{} seats are unavailable", elsewhere.len());
    ask_when_to_come_back(house.central, &show, &elsewhere[0]).await?;
    let (_, refused) = post_all(house.central, 1, holds(&elsewhere[..count], ""), refused).await?;
    house.stop().await?;
    Ok(Measured { own, web, web_at_once, counter, refused })
}

/// The first show of the house.
async fn show(house: &BenchHouse) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Shows {
        shows: Vec<ShowView>,
    }
    let date = house.halls.dates(house.today).next().context("no day has a show")?;
    let listed: Shows = get(house.edge, &format!("/v1/shows?date={date}")).await?;
    Ok(listed.shows.into_iter().next().context("the box knows no show")?.id)
}

/// The seats in this state, to be had by a claim or not.
///
/// # Errors
/// If the server does not list them.
pub(super) async fn seats(server: SocketAddr, show: &str, state: &str, by_claim: bool) -> anyhow::Result<Vec<String>> {
    let map: SeatMapView = get(server, &format!("/v1/shows/{show}/seats")).await?;
    let all = map.rows.into_iter().flat_map(|row| row.seats);
    Ok(all.filter(|seat| seat.state == state && seat.by_claim == by_claim).map(|seat| seat.label).collect())
}

/// The request that holds a seat, under a key of its own.
pub(super) fn hold(show: &str, seat: &str, headers: &str) -> Request {
    Request {
        path: format!("/v1/shows/{show}/holds"),
        headers: format!("{headers}idempotency-key: {}\r\n", node::random::hex::<12>()),
        body: json!({ "seats": [seat] }).to_string(),
    }
}

/// It was held.
///
/// # Errors
/// If it was not.
pub(super) fn held(_: usize, reply: Reply) -> anyhow::Result<()> {
    ensure!(reply.status == 201, "a hold was answered {} {}", reply.status, String::from_utf8_lossy(&reply.body));
    Ok(())
}

fn refused(_: usize, reply: Reply) -> anyhow::Result<()> {
    let problem: Value = serde_json::from_slice(&reply.body).context("read a problem")?;
    ensure!((reply.status, &problem["code"]) == (409, &json!("seat_elsewhere")), "{} {problem}", reply.status);
    Ok(())
}

/// One refusal with its headers, which the generator does not keep.
async fn ask_when_to_come_back(central: SocketAddr, show: &str, seat: &str) -> anyhow::Result<()> {
    node::telemetry::install_crypto();
    let client = reqwest::Client::builder().no_proxy().build().context("build an HTTP client")?;
    let request = client.post(format!("http://{central}/v1/shows/{show}/holds"));
    let request = request.header("idempotency-key", node::random::hex::<12>()).json(&json!({ "seats": [seat] }));
    let answer = request.send().await.context("ask for a seat that is elsewhere")?;
    let retry_after = answer.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = retry_after.and_then(|seconds| seconds.parse::<u32>().ok());
    ensure!(seconds.is_some(), "{} without a Retry-After", answer.status());
    Ok(())
}

async fn are_equal(house: &BenchHouse) -> anyhow::Result<bool> {
    let (edge, central) = (house.edge_link().await?, house.central_link().await?);
    ensure!(edge.discrepancies + central.discrepancies == 0, "there are discrepancies");
    Ok((&edge.central, &edge.edge, &edge.digest) == (&central.central, &central.edge, &central.digest))
}
