//! A clone: a second box is started on a copy of the data directory, and both sell. Two live boxes cannot both be right, so it
//! must be noticed, and one of them closed. Then its people end the clone, and the house goes on with the box that it had.

use super::caller::Caller;
use super::choice::{Chooser, Shows};
use super::counter::Counter;
use super::fault::copy_folder;
use super::ghosts::Ghosts;
use super::house::{EdgeBox, House};
use super::judge::{Findings, SideBooks, sold_twice};
use super::load::Load;
use super::programs::Programs;
use super::quarantine::{self, Eyes};
use super::round::{LIVE_WITHIN, wait_until};
use super::standing::{Lookout, Standing};
use super::tally::Tally;
use anyhow::{Context, ensure};
use demo::generate::generator;
use demo::valve::{Mode, Valve};
use shared::ids::Side;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Shows of the house.
const SHOWS: usize = 4;
/// Sold before the copy is made.
const SALES_BEFORE: u64 = 20;
/// They are made within this time; and both sides sell again within it.
const SELLING_WITHIN: Duration = Duration::from_secs(30);
/// Whoever is behind a cut line sells for so long before anybody can know.
const APART_FOR: Duration = Duration::from_secs(3);

/// So many clones make one that nobody sells at.
const IDLE_EVERY: usize = 6;

/// Who is behind a cut line at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Apart {
    Nobody,
    Clone,
    Original,
}

/// What came of a clone.
#[derive(Debug, Default)]
pub(super) struct CloneOutcome {
    pub(super) acknowledged: u64,
    /// Tickets that went with the clone's disk.
    pub(super) forgotten: u64,
    /// What gave it away, and who was closed.
    pub(super) alarm: Option<String>,
    /// Seats that both sold: the price of two live boxes.
    pub(super) sold_by_both: usize,
    pub(super) findings: Findings,
    /// What must not have happened, beside the findings.
    pub(super) failures: Vec<String>,
    pub(super) kept: Option<PathBuf>,
}

/// What a clone works on.
struct Scene {
    house: House,
    load: Load,
    lookout: Lookout,
    shows: Shows,
    ghosts: Arc<Ghosts>,
    tally: Arc<Tally>,
}

/// Starts a clone and waits until it is noticed. Some are seen at once; others, or the box itself, are behind a cut line first. The
/// last of six sells nothing.
///
/// # Errors
/// If the house cannot be set up, or the books cannot be read.
pub(super) async fn play(
    programs: &Programs,
    seed: u64,
    number: usize,
    witnessed: bool,
) -> anyhow::Result<CloneOutcome> {
    let seed = seed.wrapping_add(number as u64);
    let mut scene = raise(programs, seed, witnessed).await.context("start the house of a clone")?;
    let mut outcome = CloneOutcome::default();
    let mut twin = scene.start_twin(programs).await.context("start a clone")?;
    match scene.sell_at_both(&mut twin, seed, number).await {
        Ok(alarm) => outcome.alarm = Some(alarm),
        Err(error) => outcome.failures.push(format!("{error:#}")),
    }
    let theatre = scene.house.theatre();
    if outcome.failures.is_empty()
        && let Err(error) = scene.go_on_without().await
    {
        outcome.failures.push(format!("after the clone was ended: {error:#}"));
        scene.house.kill().await;
    }
    let Scene { house, load, ghosts, tally, .. } = scene;
    drop(load);
    outcome.failures.extend(tally.troubles());
    let books = house.books();
    let central = SideBooks::read(&books.central, theatre, Side::Central).context("read central's books")?;
    let edge = SideBooks::read(&books.edge, theatre, Side::Edge).context("read the box's books")?;
    let clone = SideBooks::read(&twin.0.database(), theatre, Side::Edge).context("read the clone's books")?;
    outcome.sold_by_both = sold_twice(theatre, &[&central, &edge, &clone], &ghosts.handed()).len();
    // Its disk is put away; what it alone had is settled with whoever comes with such a ticket, and what the box had sold of the
    // clone's seats by those who read what is listed.
    let known = [&central, &edge];
    ghosts.forget(|ghost| {
        let settled = clone.has(ghost.ticket) || known.iter().any(|copy| copy.lists(ghost.ticket));
        settled && !known.iter().any(|copy| copy.has(ghost.ticket))
    });
    outcome.findings = books.judge(&ghosts.handed()).context("judge the books")?;
    (outcome.acknowledged, outcome.forgotten) = (ghosts.sales(), ghosts.forgotten());
    if !(outcome.failures.is_empty() && outcome.findings.hold()) {
        outcome.kept = Some(house.keep());
    }
    Ok(outcome)
}

async fn raise(programs: &Programs, seed: u64, witnessed: bool) -> anyhow::Result<Scene> {
    let mut house = House::start(programs, SHOWS, witnessed).await?;
    let (ghosts, tally) = (Arc::new(Ghosts::default()), Arc::new(Tally::default()));
    let (counter, web) = (house.at_the_counter()?, house.on_the_web()?);
    let shows = Shows::at(&web, house.theatre()).await?;
    let load = Load::start(seed, shows.clone(), &counter, &web, &ghosts, &tally).await?;
    let lookout = house.lookout()?;
    wait_until(&mut house, &lookout, SELLING_WITHIN, "the first sales", |standing| {
        standing.is_live() && ghosts.sales_of(Side::Edge) >= SALES_BEFORE
    })
    .await?;
    Ok(Scene { house, load, lookout, shows, ghosts, tally })
}

impl Scene {
    /// A second box on a copy of the data, behind a line of its own.
    async fn start_twin(&mut self, programs: &Programs) -> anyhow::Result<(EdgeBox, Valve)> {
        let house = &mut self.house;
        house.edge.server.kill().await?;
        let copy = house.folder().join("clone");
        copy_folder(house.edge.data(), &copy)?;
        house.edge.start(None).await?;
        wait_until(house, &self.lookout, LIVE_WITHIN, "the box to go on after the copy", Standing::is_live).await?;
        let line = Valve::start(house.broker.address()).await.context("start the valve of the clone")?;
        Ok((EdgeBox::new(programs, "usher-edge-clone", copy, line.address(), house.folder())?, line))
    }

    /// Both boxes run and sell until somebody notices and one of them is closed; then the clone is ended.
    async fn sell_at_both(
        &mut self,
        (twin, line): &mut (EdgeBox, Valve),
        seed: u64,
        number: usize,
    ) -> anyhow::Result<String> {
        let apart = [Apart::Original, Apart::Clone, Apart::Nobody][number % 3];
        match apart {
            Apart::Nobody => {}
            Apart::Clone => line.set(Mode::CutBoth),
            Apart::Original => self.house.line.set(Mode::CutBoth),
        }
        twin.start(None).await?;
        let chooser = Chooser::new(self.shows.clone(), generator(seed, &["faults", "till", "clone"]));
        let till = Counter::new(Caller::new(&twin.server.url())?, chooser, self.ghosts.clone(), self.tally.clone());
        let mut people = Load::nobody(self.shows.clone());
        let healed = async {
            tokio::time::sleep(APART_FOR).await;
            line.set(Mode::Open);
            self.house.line.set(Mode::Open);
        };
        let eyes = Eyes {
            original: &self.lookout,
            clone: &Lookout::new(&twin.server.url(), &self.house.central.server.url(), self.house.theatre())?,
        };
        // A clone may let nobody log in; then the alarm is what counts.
        let opened = async {
            if !number.is_multiple_of(IDLE_EVERY) {
                let opened = people.open_till(till, self.tally.clone());
                let _closed_if_not = tokio::time::timeout(quarantine::NOTICED_WITHIN, opened).await;
            }
        };
        let (noticed, (), ()) = tokio::join!(quarantine::wait_for(&eyes), opened, healed);
        drop(people);
        twin.server.kill().await.context("end the clone")?;
        noticed
    }

    /// With the clone off, persons open what it has closed; then both sides must be live, sell, and in the end have equal books.
    async fn go_on_without(&mut self) -> anyhow::Result<()> {
        let Self { house, load, lookout, shows, ghosts, .. } = self;
        quarantine::end(house, lookout, shows).await?;
        let before = [Side::Central, Side::Edge].map(|side| (side, ghosts.sales_of(side)));
        wait_until(house, lookout, SELLING_WITHIN, "both sides to sell again", |_| {
            before.iter().all(|(side, sales)| ghosts.sales_of(*side) > *sales)
        })
        .await?;
        ensure!(!load.is_sold_out(), "everything is sold: the house of a clone needs more seats");
        drop(load.rest().await?);
        *load = Load::nobody(shows.clone());
        wait_until(house, lookout, LIVE_WITHIN, "equal heads and digests", |standing: &Standing| {
            standing.is_live() && standing.is_equal()
        })
        .await?;
        house.stop().await
    }
}
