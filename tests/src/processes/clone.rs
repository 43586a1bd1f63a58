//! A clone: a second box is started on a copy of the data directory, and both sell. Two live boxes cannot both be right, so this
//! has a house of its own, and it need not heal: it must be noticed.

use super::caller::Caller;
use super::choice::{Chooser, Shows};
use super::counter::Counter;
use super::fault::copy_folder;
use super::ghosts::Ghosts;
use super::house::{EdgeBox, House};
use super::judge::{SideBooks, sold_twice};
use super::load::Load;
use super::programs::Programs;
use super::round::wait_until;
use super::standing::Lookout;
use super::tally::Tally;
use anyhow::Context;
use demo::generate::generator;
use demo::valve::{Mode, Valve};
use shared::ids::Side;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shows of the house.
const SHOWS: usize = 4;
/// Sold before the copy is made.
const SALES_BEFORE: u64 = 20;
/// They are made within this time.
const SELLING_WITHIN: Duration = Duration::from_secs(30);
/// A clone behind a cut line sells for so long before anybody can know.
const APART_FOR: Duration = Duration::from_secs(2);
/// Both run together for this long at most; the boot gate of a clone alone may ask for 10 s.
const TOGETHER_MAX: Duration = Duration::from_secs(25);
/// A closed box stays as it is for this long before it counts: a gate may open by itself.
const CLOSED_FOR: Duration = Duration::from_secs(12);

/// What came of a clone.
#[derive(Debug, Default)]
pub(super) struct CloneOutcome {
    pub(super) acknowledged: u64,
    /// What gave it away.
    pub(super) alarm: Option<String>,
    /// Seats that both sold: the price of two live boxes, each of them listed once there is an alarm.
    pub(super) sold_by_both: usize,
    pub(super) sold_twice: Vec<String>,
    pub(super) lost: Vec<String>,
    pub(super) kept: Option<PathBuf>,
}

/// Starts a clone and waits until somebody notices. Every second clone is seen at once; the others sell behind a cut line first.
///
/// # Errors
/// If the house cannot be set up, or the books cannot be read.
pub(super) async fn play(programs: &Programs, seed: u64, number: usize) -> anyhow::Result<CloneOutcome> {
    let seed = seed.wrapping_add(number as u64);
    let mut house = House::start(programs, SHOWS).await?;
    let (ghosts, tally) = (Arc::new(Ghosts::default()), Arc::new(Tally::default()));
    let (counter, web) = (house.at_the_counter()?, house.on_the_web()?);
    let shows = Shows::at(&web, house.theatre()).await?;
    let mut load = Load::start(seed, shows.clone(), &counter, &web, &ghosts, &tally).await?;
    let lookout = house.lookout()?;
    wait_until(&mut house, &lookout, SELLING_WITHIN, "the first sales", |standing| {
        standing.is_live() && ghosts.sales_of(Side::Edge) >= SALES_BEFORE
    })
    .await?;
    house.edge.server.kill().await?;
    let copy = house.folder().join("clone");
    copy_folder(house.edge.data(), &copy)?;
    house.edge.start(None).await?;
    let line = Valve::start(house.broker.address()).await.context("start the valve of the clone")?;
    if number % 2 == 1 {
        line.set(Mode::CutBoth);
    }
    let mut twin = EdgeBox::new(programs, "usher-edge-clone", copy, line.address(), house.folder())?;
    twin.start(None).await?;
    let chooser = Chooser::new(shows, generator(seed, &["faults", "till", "clone"]));
    let till = Counter::new(Caller::new(&twin.server.url())?, chooser, ghosts.clone(), tally.clone());
    // A clone may let nobody log in; then the alarm is what counts.
    let opened = tokio::time::timeout(TOGETHER_MAX, load.open_till(till, tally.clone()));
    let healed = async {
        tokio::time::sleep(APART_FOR).await;
        line.set(Mode::Open);
    };
    let eyes = [lookout, Lookout::new(&twin.server.url(), &house.central.server.url(), house.theatre())?];
    let (alarm, _till, ()) = tokio::join!(alarm(&eyes), opened, healed);
    drop(load);
    // Whatever each has committed is in its file; neither may be able to end in order any more.
    house.edge.server.kill().await?;
    twin.server.kill().await?;
    house.central.server.kill().await?;
    let mut outcome = CloneOutcome { acknowledged: ghosts.sales(), alarm, ..CloneOutcome::default() };
    let theatre = house.theatre();
    let central = SideBooks::read(&house.central.database(), theatre, Side::Central)?;
    let boxes = [house.edge.database(), twin.database()].map(|file| SideBooks::read(&file, theatre, Side::Edge));
    let [original, clone] = boxes;
    let books = [&central, &original.context("read the box")?, &clone.context("read the clone")?];
    let handed = ghosts.handed();
    let twice = sold_twice(theatre, &books, &handed);
    outcome.sold_by_both = twice.len();
    if outcome.alarm.is_none() {
        outcome.sold_twice = twice;
    }
    let nowhere = handed.iter().filter(|ghost| !books.iter().any(|side| side.has(ghost.ticket)));
    outcome.lost =
        nowhere.map(|ghost| format!("ticket {} for {} is in no database", ghost.ticket, ghost.seat)).collect();
    if outcome.alarm.is_none() || !outcome.lost.is_empty() {
        outcome.kept = Some(house.keep());
    }
    Ok(outcome)
}

/// Waits for what gives a clone away: a fork or a discrepancy that anybody names, or a box that stays closed.
async fn alarm(eyes: &[Lookout; 2]) -> Option<String> {
    let began = Instant::now();
    let mut closed_since = [None; 2];
    while began.elapsed() < TOGETHER_MAX {
        if let Ok(central) = eyes[0].central().await
            && (central.closed.is_some() || central.discrepancies > 0)
        {
            let closed = central.closed.as_deref().unwrap_or("open");
            return Some(format!("central is {closed} with {} discrepancies", central.discrepancies));
        }
        for (number, name) in ["the box", "the clone"].into_iter().enumerate() {
            let Ok(standing) = eyes[number].edge().await else { continue };
            if standing.link.discrepancies > 0 {
                return Some(format!("{name} lists {} discrepancies", standing.link.discrepancies));
            }
            match standing.link.closed.as_deref() {
                Some("fork") => return Some(format!("{name} is closed: fork")),
                Some(reason) => {
                    let since = *closed_since[number].get_or_insert_with(Instant::now);
                    if since.elapsed() > CLOSED_FOR {
                        return Some(format!("{name} stays closed: {reason}"));
                    }
                }
                None => closed_since[number] = None,
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}
