//! `pool`: two nodes on one PostgreSQL, and nodes and PostgreSQL killed in turn while customers book through both; then a restart of
//! one node after the other, one of PostgreSQL in order, a node that stands still and goes on when another one works, and a
//! PostgreSQL that stands still. The box of the theatre sells its own seats all the while, and claims some of the web's. What was
//! acknowledged must be there afterwards on both sides, nothing may be sold twice, after each blow the pool must answer again in time
//! and the box's line be live again, and no sale of the counter's own seats may be refused.

use super::books;
use super::hall::Halls;
use super::programs::Programs;
use super::sales::pairs_of;
use super::shoppers::{self, Bought};
use super::stand::{Engine, Stand};
use super::table::{Table, Timings};
use super::window::RunningBox;
use super::{Figures, Options, say};
use anyhow::{Context, ensure};
use shared::ids::TicketId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const AT_ONCE: usize = 16;
const RECOVERS_WITHIN: Duration = Duration::from_secs(10);
/// So soon after the pool answers again the box's line is live.
const LIVE_WITHIN: Duration = Duration::from_secs(20);
/// So soon after the last sale both sides have the same books.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);
/// The window sells so much of the counter's seats: where they ran low, central would hand over some that customers want.
const OF_THE_COUNTERS_PERCENT: usize = 45;
const NODES: Engine = Engine::Postgres(2);
/// So long PostgreSQL stands still: shorter than a node waits for an answer, so that the same node goes on.
const FROZEN: Duration = Duration::from_secs(6);
/// Customers of one round: as many as are served meanwhile, and a few more.
const PER_KILL: usize = 150;
/// The same where the blow takes its time.
const PER_LONG_BLOW: usize = 3_000;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// The node that works.
    Worker,
    /// The node that passes requests on.
    Other,
    /// PostgreSQL.
    Database,
    /// Nobody is killed: each node is ended in order and started again, as a new release is brought in.
    Rolling,
    /// Nobody is killed: PostgreSQL is ended in order and started again.
    OrderlyDatabase,
    /// The node that works stands still until another one does, and then goes on as if nothing had been.
    FrozenWorker,
    /// PostgreSQL stands still for a while.
    FrozenDatabase,
}

impl Victim {
    /// What is done once or more beside the kills.
    const OTHERS: [Self; 4] = [Self::Rolling, Self::OrderlyDatabase, Self::FrozenWorker, Self::FrozenDatabase];

    /// Customers who come meanwhile.
    fn customers(self) -> usize {
        if Self::OTHERS.contains(&self) { PER_LONG_BLOW } else { PER_KILL }
    }

    /// So long after the blow the next customer may have to wait, what stands still apart.
    fn stands_still(self) -> Duration {
        match self {
            Self::FrozenDatabase => FROZEN,
            _ => Duration::ZERO,
        }
    }
}

/// Runs it.
///
/// # Errors
/// If anything cannot be built or started, or the result does not hold.
pub(super) async fn run(options: &Options) -> anyhow::Result<Figures> {
    say(format_args!("building the servers"));
    let programs = Programs::build(options)?;
    let (nodes, databases, others) = if options.quick { (4, 2, 1) } else { (100, 20, 5) };
    let mut victims = plan(nodes, databases);
    victims.extend((0..others).flat_map(|_| Victim::OTHERS));
    let halls = Halls { screens: 1, rows: 100, seats: 300, days: u8::try_from(victims.len() / 60 + 1).unwrap_or(9) };
    let dir = tempfile::tempdir().context("make a folder")?;
    let mut stand = Stand::prepare(&programs, NODES, halls, dir.path()).await?;
    let theatre = stand.theatre(&programs).set_up().context("set the box up")?;
    stand.start_nodes(&programs, NODES).await?;
    let counter = RunningBox::start(&stand.theatre(&programs), stand.broker()?)?;
    counter.until_live(LIVE_WITHIN).await?;
    // Of one show the window wants the web's seats, of the others customers do.
    let shows = stand.shows().await?;
    let (first, customers_shows) = shows.split_first().context("there is no show")?;
    let mut pairs = Vec::new();
    for show in customers_shows {
        pairs.extend(shoppers::all_pairs(show, &stand.map(show).await?));
    }
    let mut own = pairs_of(counter.address, &shows, false).await.context("list the counter's seats")?;
    own.truncate(own.len() * OF_THE_COUNTERS_PERCENT / 100);
    let webs = pairs_of(counter.address, std::slice::from_ref(first), true).await.context("list the web's seats")?;
    let window = counter.sell(own, webs).await?;
    let (mut recovered, mut live) = (Timings::default(), Timings::default());
    let (mut bought, mut repeats) = (Vec::new(), 0);
    for (round, victim) in victims.iter().enumerate() {
        let count = victim.customers();
        let customers = pairs.split_off(pairs.len().saturating_sub(count));
        ensure!(customers.len() == count, "there are no seats left");
        let served = Arc::new(AtomicUsize::new(0));
        let addresses = stand.addresses();
        let selling = {
            let served = served.clone();
            tokio::spawn(async move { shoppers::sell(&addresses, AT_ONCE, customers, served).await })
        };
        // In the middle of the load, not before it.
        while served.load(Ordering::Relaxed) < PER_KILL / 5 {
            ensure!(!selling.is_finished(), "the customers have ended");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let took = befall(&mut stand, &programs, *victim, &served).await?;
        recovered.add(took.saturating_sub(victim.stands_still()));
        let line = counter.until_live(LIVE_WITHIN).await.with_context(|| format!("after {victim:?} was struck"))?;
        live.add(line);
        let sold = selling.await.context("run the customers")??;
        let (ms, line_ms) = (took.as_millis(), line.as_millis());
        say(format_args!(
            "{} {victim:?}: {ms} ms, the line {line_ms} ms later, {} asked again",
            round + 1,
            sold.repeats
        ));
        let at_most = RECOVERS_WITHIN + victim.stands_still();
        ensure!(took <= at_most, "after {victim:?} was struck nobody was served for {took:?}");
        ensure!(sold.bought.len() == count, "{} of {count} got their seats", sold.bought.len());
        repeats += sold.repeats;
        bought.extend(sold.bought);
    }
    let takings = window.close().await.context("sell at the counter all the while")?;
    let sold = shoppers::Sold { bought, ..shoppers::Sold::default() };
    let (double, lost) = (sold.double(), shoppers::lost(&stand.addresses(), &sold.bought).await?);
    let mut counted = 0;
    for show in stand.shows().await? {
        counted += stand.map(&show).await?.counts.get("sold").copied().unwrap_or_default() as usize;
    }
    until_equal(&stand, &counter, theatre).await?;
    counter.stop().await?;
    stand.stop().await?;
    let mut handed = takings.tickets;
    let from_counter = handed.len();
    for ticket in sold.bought.iter().flat_map(|Bought { tickets, .. }| tickets) {
        handed.push(ticket.parse::<TicketId>().ok().context("read a ticket's number")?);
    }
    books::check_one(&dir.path().join("edge").join(edge::schema::FILE), &handed).context("check the box's books")?;
    let mut table = Table::new([
        "node kills",
        "PostgreSQL kills",
        "other blows",
        "bookings",
        "asked again",
        "lost",
        "double",
        "p50 ms",
        "max ms",
        "line live, max ms",
        "sold at the counter",
        "of the web's",
        "refused",
        "own p99 ms",
    ]);
    table.add([
        nodes.to_string(),
        databases.to_string(),
        (others * Victim::OTHERS.len()).to_string(),
        sold.bought.len().to_string(),
        repeats.to_string(),
        lost.to_string(),
        double.to_string(),
        recovered.ms(50),
        recovered.ms(100),
        live.ms(100),
        from_counter.to_string(),
        (2 * takings.claimed).to_string(),
        takings.refused.to_string(),
        takings.own.ms(99),
    ]);
    table.print();
    ensure!(takings.claimed > 0, "the counter was given none of the web's seats");
    ensure!(lost == 0 && double == 0, "{lost} acknowledged bookings are lost, {double} seats or tickets given twice");
    let customers = sold.bought.len();
    ensure!(
        counted == 2 * customers + from_counter,
        "{counted} seats are sold, {customers} customers have two, the counter sold {from_counter}"
    );
    Ok(Figures::default()
        .with("bookings", sold.bought.len())
        .with("lost", lost)
        .with("double", double)
        .with("recovery_p50_ms", recovered.ms(50))
        .with("recovery_max_ms", recovered.ms(100))
        .with("line_max_ms", live.ms(100))
        .with("counter_sold", from_counter)
        .with("counter_p99_ms", takings.own.ms(99)))
}

/// Waits until the box and central have the same books.
async fn until_equal(stand: &Stand, counter: &RunningBox, theatre: u32) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let (edge, central) = (counter.link().await?, stand.link(theatre).await?);
        let found = edge.discrepancies + central.discrepancies;
        ensure!(found == 0, "{found} discrepancies");
        if (&edge.central, &edge.edge, &edge.digest) == (&central.central, &central.edge, &central.digest) {
            return Ok(());
        }
        ensure!(began.elapsed() < SETTLES_WITHIN, "the books of the two sides differ still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Most kills of a node hit the one that works.
fn plan(nodes: usize, databases: usize) -> Vec<Victim> {
    let of_nodes = (0..nodes).map(|n| if n % 4 == 3 { Victim::Other } else { Victim::Worker });
    let mut victims: Vec<Victim> = of_nodes.collect();
    for n in 0..databases {
        victims.insert(((n + 1) * victims.len() / (databases + 1)).min(victims.len()), Victim::Database);
    }
    victims
}

/// Strikes, puts right again, and returns how long it took from the blow until the next customers were served.
async fn befall(
    stand: &mut Stand,
    programs: &Programs,
    victim: Victim,
    served: &AtomicUsize,
) -> anyhow::Result<Duration> {
    let worker = stand.worker().await.context("find the node that works")?;
    let mut began = Instant::now();
    match victim {
        Victim::Worker | Victim::Other => {
            let index = if victim == Victim::Worker { worker } else { 1 - worker };
            stand.kill_node(index)?;
            began = Instant::now();
            stand.start_node(programs, index)?;
        }
        Victim::Database | Victim::OrderlyDatabase => {
            let postgres = stand.postgres.as_mut().context("find PostgreSQL")?;
            if victim == Victim::Database {
                postgres.crash()?
            } else {
                postgres.stop().await?
            }
            began = Instant::now();
            postgres.start_again().await?;
        }
        Victim::Rolling => {
            for index in [worker, 1 - worker] {
                stand.stop_node(index).await?;
                began = Instant::now();
                stand.start_node(programs, index)?;
                stand.until_ready().await?;
            }
        }
        Victim::FrozenWorker => {
            stand.freeze_node(worker)?;
            began = Instant::now();
            // Its place is free when it has been silent for long enough; the one that takes it is asked by name.
            while stand.worker_among(&[1 - worker]).await.is_none() {
                ensure!(began.elapsed() < RECOVERS_WITHIN, "nobody has taken the place of a node that stands still");
            }
            stand.thaw_node(worker)?;
        }
        Victim::FrozenDatabase => {
            let postgres = stand.postgres.as_ref().context("find PostgreSQL")?;
            postgres.freeze()?;
            tokio::time::sleep(FROZEN).await;
            postgres.thaw()?;
        }
    }
    let before = served.load(Ordering::Relaxed);
    // Some were answered already when the blow fell; a few more have been served since.
    while served.load(Ordering::Relaxed) < before + AT_ONCE {
        // All of them may have been served before: then there is nothing to wait for.
        if began.elapsed() > RECOVERS_WITHIN * 3 || served.load(Ordering::Relaxed) >= victim.customers() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = began.elapsed();
    stand.until_ready().await?;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_victim_has_its_number() {
        let victims = plan(100, 20);
        let count = |wanted| victims.iter().filter(|victim| **victim == wanted).count();
        assert_eq!((count(Victim::Worker), count(Victim::Other), count(Victim::Database)), (75, 25, 20));
        assert_eq!(plan(4, 2).len(), 6);
        assert!(plan(4, 2).contains(&Victim::Other));
    }
}
