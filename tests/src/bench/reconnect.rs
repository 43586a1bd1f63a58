//! `reconnect`: the line is cut, the counter goes on selling, the line heals. How long until both sides have the same state, and
//! how many bytes went over the line for each sale?
//!
//! *Equal* counts from healing: the box's wait before it tries again is in it. *Transfer* counts from the first byte after healing
//! to the ack of the last entry. Bytes are all bytes on the box's line in both directions from healing to equality, heartbeats
//! included. The baseline is [`classical`].

use super::classical::{self, Classical};
use super::generator::post_all;
use super::hall::Halls;
use super::house::{BenchHouse, BrokerKind};
use super::mosquitto::Mosquitto;
use super::programs::Programs;
use super::sales::{Pair, free_pairs, sale_request, sold};
use super::table::{Table, Timings};
use super::{Figures, Options, books, say};
use anyhow::{Context, ensure};
use demo::valve::Mode;
use node::broker::{Accounts, EmbeddedBroker};
use shared::ids::TicketId;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections to the counter: no house has so many windows, but so the backlog is made in reasonable time.
const WINDOWS: usize = 48;
/// Healing may take so long before the benchmark gives up.
const HEALS_WITHIN: Duration = Duration::from_secs(120);
/// Bytes of a sale of two seats over the line, at most.
const BYTES_PER_SALE_MAX: f64 = 96.0;
/// From healing to equal digests with the smaller backlog, seconds at most.
const HEALS_IN_S_MAX: f64 = 10.0;
/// Transfer of the larger backlog, seconds at most.
const TRANSFERS_IN_S_MAX: f64 = 10.0;

/// How many sales are made in the cuts, and how large the house must be for that.
struct Scale {
    backlogs: [usize; 2],
    halls: Halls,
    classical: u32,
}

impl Scale {
    fn new(quick: bool) -> Self {
        // A quarter of every show is the counter's.
        let halls = |screens, days| Halls { screens, rows: 200, seats: 100, days };
        if quick {
            Self { backlogs: [200, 5_000], halls: halls(1, 1), classical: 200 }
        } else {
            Self { backlogs: [1_000, 100_000], halls: halls(7, 2), classical: 3_000 }
        }
    }
}

/// One cut and its healing.
struct Healed {
    sales: usize,
    selling: Timings,
    sales_per_s: f64,
    until_equal: Duration,
    transfer: Duration,
    bytes_per_sale: f64,
}

impl Healed {
    fn entries_per_s(&self) -> f64 {
        self.sales as f64 / self.transfer.as_secs_f64()
    }
}

/// Runs it over both brokers.
///
/// # Errors
/// If anything cannot be built, started or measured, or the result does not hold.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let scale = Scale::new(options.quick);
    let mut table = Table::new([
        "broker",
        "design",
        "sales",
        "sell p50 ms",
        "sell p99 ms",
        "sales/s",
        "equal s",
        "transfer s",
        "entries/s",
        "bytes/sale",
        "ratio",
    ]);
    let (mut seconds, mut seconds_first, mut transfer, mut bytes, mut ratio) =
        (0_f64, 0_f64, 0_f64, 0_f64, f64::INFINITY);
    for broker in [BrokerKind::Embedded, BrokerKind::Mosquitto] {
        let measured = measure(&programs, broker, &scale).await;
        let (healed, baseline) = measured.with_context(|| format!("measure with the broker {}", broker.word()))?;
        table.add(baseline_row(broker, &baseline, scale.classical));
        for healed in &healed {
            table.add(row(broker, healed, &baseline));
            bytes = bytes.max(healed.bytes_per_sale);
        }
        let [first, last] = &healed;
        seconds_first = seconds_first.max(first.until_equal.as_secs_f64());
        seconds = seconds.max(last.until_equal.as_secs_f64());
        transfer = transfer.max(last.transfer.as_secs_f64());
        ratio = ratio.min(last.entries_per_s() / baseline.per_s);
    }
    table.print();
    ensure!(bytes <= BYTES_PER_SALE_MAX, "{bytes:.1} bytes for each sale, more than {BYTES_PER_SALE_MAX}");
    let [first, last] = scale.backlogs;
    let (heals, transfers) = (HEALS_IN_S_MAX, TRANSFERS_IN_S_MAX);
    ensure!(seconds_first <= heals, "{first} sales are equal after {seconds_first:.2} s, more than {heals}");
    ensure!(transfer < transfers, "{last} sales take {transfer:.2} s over the line, not less than {transfers}");
    Ok(Figures::default()
        .with("seconds", format_args!("{seconds:.2}"))
        .with("bytes_per_sale", format_args!("{bytes:.1}"))
        .with("transfer_seconds", format_args!("{transfer:.2}"))
        .with("backlog", last)
        .with("small_seconds", format_args!("{seconds_first:.2}"))
        .with("small_backlog", first)
        .with("ratio", format_args!("{ratio:.1}")))
}

fn row(broker: BrokerKind, healed: &Healed, baseline: &Classical) -> [String; 11] {
    [
        broker.word().to_owned(),
        "log".to_owned(),
        healed.sales.to_string(),
        healed.selling.ms(50),
        healed.selling.ms(99),
        format!("{:.0}", healed.sales_per_s),
        format!("{:.2}", healed.until_equal.as_secs_f64()),
        format!("{:.2}", healed.transfer.as_secs_f64()),
        format!("{:.0}", healed.entries_per_s()),
        format!("{:.1}", healed.bytes_per_sale),
        format!("{:.1}", healed.entries_per_s() / baseline.per_s),
    ]
}

fn baseline_row(broker: BrokerKind, baseline: &Classical, sales: u32) -> [String; 11] {
    [
        broker.word().to_owned(),
        "classical".to_owned(),
        sales.to_string(),
        baseline.timings.ms(50),
        baseline.timings.ms(99),
        String::new(),
        String::new(),
        format!("{:.2}", baseline.took.as_secs_f64()),
        format!("{:.0}", baseline.per_s),
        format!("{:.1}", baseline.bytes_per_sale),
        "1.0".to_owned(),
    ]
}

async fn measure(programs: &Programs, broker: BrokerKind, scale: &Scale) -> anyhow::Result<([Healed; 2], Classical)> {
    let word = broker.word();
    say(format_args!("{word}: the classical outbox, {} sales", scale.classical));
    let dir = tempfile::tempdir().context("make a folder")?;
    let baseline = baseline(broker, scale.classical, dir.path()).await.context("measure the classical outbox")?;
    say(format_args!("{word}: setting up a theatre"));
    let house = BenchHouse::start(programs, broker, scale.halls, dir.path()).await?;
    let counter = house.log_in().await?;
    let mut pairs = free_pairs(&house).await.context("list the counter's seats")?;
    let mut handed = Vec::new();
    let [first, last] = scale.backlogs;
    let first = cut_sell_heal(&house, &counter, first, &mut pairs, &mut handed).await?;
    let last = cut_sell_heal(&house, &counter, last, &mut pairs, &mut handed).await?;
    let (central, edge) = house.databases();
    house.stop().await?;
    let sold = books::check(&central, &edge, &handed)?;
    ensure!(sold == 2 * (first.sales + last.sales), "{sold} tickets for {} sales", first.sales + last.sales);
    Ok(([first, last], baseline))
}

async fn baseline(broker: BrokerKind, sales: u32, dir: &Path) -> anyhow::Result<Classical> {
    struct Everybody;
    impl Accounts for Everybody {
        fn authenticate(&self, _: &str, _: &str, _: &str) -> bool {
            true
        }
        fn may_publish(&self, _: &str, _: &str) -> bool {
            true
        }
        fn may_subscribe(&self, _: &str, _: &str) -> bool {
            true
        }
    }
    match broker {
        BrokerKind::Embedded => {
            let broker = EmbeddedBroker::start(([127, 0, 0, 1], 0).into(), Arc::new(Everybody)).await?;
            let measured = classical::measure(broker.local_addr(), sales, dir).await;
            broker.shutdown().await;
            measured
        }
        BrokerKind::Mosquitto => {
            let broker = Mosquitto::start(dir).await?;
            let measured = classical::measure(broker.address, sales, dir).await;
            broker.stop().await?;
            measured
        }
    }
}

async fn cut_sell_heal(
    house: &BenchHouse,
    counter: &str,
    sales: usize,
    pairs: &mut VecDeque<Pair>,
    handed: &mut Vec<TicketId>,
) -> anyhow::Result<Healed> {
    house.valve.set(Mode::CutBoth);
    house
        .wait_until("the box knows of the cut", HEALS_WITHIN, async || Ok(house.edge_link().await?.state != "live"))
        .await?;
    ensure!(pairs.len() >= sales, "{} pairs of seats are too few for {sales} sales", pairs.len());
    let requests = pairs.drain(..sales).map(|pair| sale_request(&pair, counter)).collect();
    say(format_args!("line cut, selling {sales} times"));
    let began = Instant::now();
    let (tickets, selling) = post_all(house.edge, WINDOWS, requests, sold).await.context("sell in the cut")?;
    let sales_per_s = sales as f64 / began.elapsed().as_secs_f64();
    handed.extend(tickets.into_iter().flatten());
    say(format_args!("sold at {sales_per_s:.0} a second, line healed"));
    let backlog = house.edge_link().await?.backlog;
    ensure!(backlog >= sales as u64, "a backlog of {backlog} after {sales} sales");
    let (until_equal, transfer, bytes) = heal(house).await.context("heal")?;
    Ok(Healed { sales, selling, sales_per_s, until_equal, transfer, bytes_per_sale: bytes as f64 / sales as f64 })
}

/// Opens the line. Returns the time until both sides have the same state, the time from the first byte to the last ack, and the
/// bytes that went over the line.
async fn heal(house: &BenchHouse) -> anyhow::Result<(Duration, Duration, u64)> {
    let before = house.valve.flow();
    let healed = Instant::now();
    house.valve.set(Mode::Open);
    house.wait_until("the first byte", HEALS_WITHIN, async || Ok(house.valve.flow().up > before.up)).await?;
    let first_byte = healed.elapsed();
    house.wait_until("the last ack", HEALS_WITHIN, async || Ok(house.edge_link().await?.backlog == 0)).await?;
    let transfer = healed.elapsed() - first_byte;
    let equal = async || {
        let (edge, central) = (house.edge_link().await?, house.central_link().await?);
        let same = (&edge.central, &edge.edge, &edge.digest) == (&central.central, &central.edge, &central.digest);
        ensure!(edge.closed.is_none() && central.closed.is_none(), "{:?} {:?}", edge.closed, central.closed);
        ensure!(edge.discrepancies + central.discrepancies == 0, "there are discrepancies");
        Ok(same && edge.state == "live" && central.state == "live")
    };
    house.wait_until("both sides are equal", HEALS_WITHIN, equal).await?;
    let (until_equal, after) = (healed.elapsed(), house.valve.flow());
    Ok((until_equal, transfer, after.up + after.down - before.up - before.down))
}
