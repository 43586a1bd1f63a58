//! One round: a house of its own, a load, faults one after the other, and a judge at the end.

use super::caller::Caller;
use super::choice::Shows;
use super::facts::SEATS_PER_SHOW;
use super::fault::{Fault, Shelf};
use super::ghosts::Ghosts;
use super::house::House;
use super::judge::Findings;
use super::load::Load;
use super::programs::Programs;
use super::standing::{Lookout, Standing};
use super::tally::Tally;
use anyhow::{Context, bail, ensure};
use demo::generate::generator;
use demo::truth::Truth;
use rand::rngs::StdRng;
use shared::ids::Side;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Both sides are live again within this time after a fault; a box that has to prove its head may ask for 10 s.
pub(super) const LIVE_WITHIN: Duration = Duration::from_secs(30);
/// Then, with nobody selling, heads and digests are equal within this time.
const EQUAL_WITHIN: Duration = Duration::from_secs(10);
/// Then both sides sell again within this time.
const SELLING_WITHIN: Duration = Duration::from_secs(15);
/// Seats on offer for each fault, so that they are never sold out before the end.
const SEATS_PER_FAULT: usize = 260;

/// What a fault works on.
pub(super) struct Scene {
    pub(super) house: House,
    pub(super) load: Load,
    pub(super) lookout: Lookout,
    pub(super) ghosts: Arc<Ghosts>,
    pub(super) fate: StdRng,
    /// Counter sales acknowledged while a line was cut.
    pub(super) sold_while_cut: u64,
    /// Copies of data made so far.
    pub(super) shelf: Shelf,
    /// Disks broken so far.
    pub(super) sync_errors: usize,
}

/// A fault that was overcome.
#[derive(Debug, Clone)]
pub(super) struct Overcome {
    pub(super) fault: Fault,
    pub(super) story: String,
    /// From the end of the fault to equal digests.
    pub(super) healed: Duration,
}

/// What a round has shown.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) overcome: Vec<Overcome>,
    /// Sales acknowledged.
    pub(super) acknowledged: u64,
    pub(super) sold_while_cut: u64,
    /// Tickets that went with the only disk that had them.
    pub(super) forgotten: u64,
    /// Requests asked again because nobody knew what had become of them.
    pub(super) repeats: u64,
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) findings: Findings,
    /// What must not have happened, beside the findings.
    pub(super) failures: Vec<String>,
    /// Where the files of a failed round are.
    pub(super) kept: Option<PathBuf>,
}

/// Plays the faults in a house of their own, whose box has a witness or not. Stops at the first failure; the books are judged all the same.
///
/// # Errors
/// If no house can be set up, or its books cannot be read.
pub(super) async fn play(programs: &Programs, seed: u64, witnessed: bool, faults: &[Fault]) -> anyhow::Result<Outcome> {
    let shows = (600 + SEATS_PER_FAULT * faults.len()).div_ceil(SEATS_PER_SHOW);
    let (mut scene, tally, callers) = raise(programs, seed, shows, witnessed).await.context("start a round")?;
    let mut outcome = Outcome::default();
    let began = scene.settle().await.context("begin to sell");
    outcome.failures.extend(began.err().map(|error| format!("{error:#}")));
    for (number, fault) in (1..).zip(faults) {
        if !outcome.failures.is_empty() {
            break;
        }
        match strike(&mut scene, *fault).await {
            Ok(overcome) => outcome.overcome.push(overcome),
            Err(error) => outcome.failures.push(format!("fault {number} ({fault}): {error:#}")),
        }
    }
    let Scene { mut house, load, lookout, ghosts, sold_while_cut, .. } = scene;
    if outcome.failures.is_empty() {
        let at_rest = close(&mut house, load, &lookout, &ghosts).await;
        outcome.failures.extend(at_rest.err().map(|error| format!("at the end: {error:#}")));
    } else {
        drop(load);
        house.kill().await;
    }
    outcome.failures.extend(tally.troubles());
    outcome.findings = house.books().judge(&ghosts.handed()).context("judge the books")?;
    (outcome.acknowledged, outcome.sold_while_cut) = (ghosts.sales(), sold_while_cut);
    outcome.forgotten = ghosts.forgotten();
    outcome.repeats = callers.iter().map(Caller::repeats).sum();
    outcome.refusals = tally.refusals();
    if !(outcome.failures.is_empty() && outcome.findings.hold()) {
        outcome.kept = Some(house.keep());
    }
    Ok(outcome)
}

async fn raise(
    programs: &Programs,
    seed: u64,
    shows: usize,
    witnessed: bool,
) -> anyhow::Result<(Scene, Arc<Tally>, [Caller; 2])> {
    let house = House::start(programs, shows, witnessed).await?;
    let (ghosts, tally) = (Arc::new(Ghosts::default()), Arc::new(Tally::default()));
    let (counter, web) = (house.at_the_counter()?, house.on_the_web()?);
    let shows = Shows::at(&web, house.theatre()).await?;
    let load = Load::start(seed, shows, &counter, &web, &ghosts, &tally).await?;
    let (lookout, fate) = (house.lookout()?, generator(seed, &["faults", "fate"]));
    let scene =
        Scene { house, load, lookout, ghosts, fate, sold_while_cut: 0, shelf: Shelf::default(), sync_errors: 0 };
    Ok((scene, tally, [counter, web]))
}

async fn strike(scene: &mut Scene, fault: Fault) -> anyhow::Result<Overcome> {
    let story = scene.inflict(fault).await?;
    let healed = scene.settle().await.with_context(|| format!("after {fault} ({story})"))?;
    Ok(Overcome { fault, story, healed })
}

/// The load goes home; with everything at rest the demo's checker looks at all books while the servers still run; then they end.
async fn close(house: &mut House, load: Load, lookout: &Lookout, ghosts: &Ghosts) -> anyhow::Result<()> {
    let rest = load.rest().await.context("end the load");
    drop(rest?);
    drop(load);
    wait_until(house, lookout, LIVE_WITHIN, "both sides to be live and equal", |standing| {
        standing.is_live() && standing.is_equal()
    })
    .await?;
    let truth = Truth::new(house.sources())?;
    for ghost in ghosts.handed() {
        truth.saw_ticket(house.theatre(), &ghost.show, &ghost.seat, ghost.ticket, true);
    }
    let report = truth.report(Duration::ZERO).await.context("check the books of the running house")?;
    ensure!(report.panel.holds(), "the checker finds {:?}: {}", report.panel, report.stories.join("; "));
    house.stop().await
}

impl Scene {
    /// Waits until both sides are live, with equal heads and digests while nobody sells, and then sell again; returns how long
    /// it took until they were equal.
    pub(super) async fn settle(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let Self { house, load, lookout, ghosts, .. } = self;
        wait_until(house, lookout, LIVE_WITHIN, "both sides to be live", Standing::is_live).await?;
        let rest = load.rest().await?;
        wait_until(house, lookout, EQUAL_WITHIN, "equal heads and digests", |standing| {
            standing.is_live() && standing.is_equal()
        })
        .await?;
        let healed = began.elapsed();
        let sold = |side| ghosts.sales_of(side);
        let before = (sold(Side::Central), sold(Side::Edge));
        drop(rest);
        let began = Instant::now();
        while sold(Side::Central) <= before.0 || sold(Side::Edge) <= before.1 {
            ensure!(!load.is_sold_out(), "everything is sold: the round needs more seats");
            let now = (sold(Side::Central) - before.0, sold(Side::Edge) - before.1);
            ensure!(began.elapsed() < SELLING_WITHIN, "{} web bookings and {} counter sales since", now.0, now.1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(healed)
    }
}

/// Waits until both sides stand as wanted.
///
/// # Errors
/// If they do not in time, with how they stand; or if a program has ended.
pub(super) async fn wait_until(
    house: &mut House,
    lookout: &Lookout,
    at_most: Duration,
    what: &str,
    wanted: impl Fn(&Standing) -> bool,
) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let seen = lookout.look().await;
        if seen.as_ref().is_ok_and(&wanted) {
            return Ok(());
        }
        house.refuse_ended()?;
        if began.elapsed() > at_most {
            let seen = seen.map_or_else(|error| format!("{error:#}"), |standing| standing.to_string());
            bail!("waited {} s for {what} in vain: {seen}", at_most.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
