//! The randomised part: customers and cashiers want the same seats while lines are cut and healed.

use super::counter_crowd::{self, Till};
use super::fate::Fate;
use super::story::shows_between;
use super::web_crowd::{self, Shopper};
use crate::client::{Cashier, Door};
use crate::house::{CASHIER, Cut, DOORS_OPEN_EARLY_MIN, House, MANAGER, Staff};
use crate::truth::Truth;
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bookings on the web that must be made.
const WEB_BOOKINGS: u64 = 400;
/// Sales at the counters that must be made.
const COUNTER_SALES: u64 = 400;
/// Cuts that must happen meanwhile.
const CUTS: u64 = 5;
/// Customers who shop at the same time.
const SHOPPERS: usize = 12;
/// Cashiers at each theatre.
const TILLS: usize = 3;
/// The crowd goes home after this time, done or not.
const SHOPPING_MAX: Duration = Duration::from_secs(200);
/// Seats on offer per sale that must be made, at least: enough to choose from, few enough to quarrel over.
const SEATS_PER_SALE: u64 = 2;
/// The longest time ahead that the crowd buys for.
const AHEAD_MAX: Duration = Duration::from_secs(6 * 24 * 3600);

/// What the whole crowd did.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) web_bookings: AtomicU64,
    pub(super) counter_sales: AtomicU64,
    /// Bookings cancelled and sales taken back.
    pub(super) cancelled: AtomicU64,
    pub(super) scans: AtomicU64,
    cuts: AtomicU64,
    refusals: Mutex<BTreeMap<String, u64>>,
    troubles: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Tally {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, code: &str) {
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner).entry(code.to_owned()).or_insert(0) += 1;
    }

    /// Something that must not happen; the step fails in the end.
    pub(super) fn trouble(&self, story: String) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(story);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        let reached = |counter: &AtomicU64, target| counter.load(Ordering::Relaxed) >= target;
        reached(&self.web_bookings, WEB_BOOKINGS)
            && reached(&self.counter_sales, COUNTER_SALES)
            && reached(&self.cuts, CUTS)
    }
}

/// Where the crowd may sit: shows by theatre, doors open or not.
pub(super) struct Offer {
    pub(super) theatre: usize,
    pub(super) show: String,
    pub(super) doors_open: bool,
}

pub(super) async fn run(house: &House, truth: &Truth) -> anyhow::Result<String> {
    let (offers, doors) = (offers(house).await?, doors(house)?);
    let tally = Tally::default();
    let seed = house.seed();
    let mut counters = Vec::new();
    for place in house.theatres() {
        let log_in = |staff: Staff| Cashier::log_in(&place.edge_url, staff.name, staff.pin);
        let cashier = log_in(CASHIER).await.context("log in at the counter")?;
        counters.push((cashier, log_in(MANAGER).await.context("log in as the manager")?));
    }
    let shoppers = (0..SHOPPERS).map(|number| {
        let fate = Fate::of(seed, "shopper", number);
        let customer = house.customer();
        let (offers, doors, tally) = (&offers, &doors, &tally);
        async move { web_crowd::shop(Shopper { customer: customer?, offers, doors, truth, tally, fate }).await }
    });
    let tills =
        counters.iter().enumerate().flat_map(|(theatre, staff)| (0..TILLS).map(move |till| (theatre, staff, till)));
    let tills = tills.map(|(theatre, (cashier, manager), till)| {
        let fate = Fate::of(seed, "till", theatre * TILLS + till);
        counter_crowd::sell(Till {
            theatre,
            cashier,
            manager,
            offers: &offers,
            doors: &doors,
            truth,
            tally: &tally,
            fate,
        })
    });
    let (shopped, sold, ()) = tokio::join!(all(shoppers), all(tills), cuts(house, &tally, Fate::of(seed, "cuts", 0)));
    house.heal().await.context("heal after the crowd")?;
    shopped.and(sold)?;
    judge(&tally)
}

fn judge(tally: &Tally) -> anyhow::Result<String> {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (web, counter, cuts) = (read(&tally.web_bookings), read(&tally.counter_sales), read(&tally.cuts));
    let refusals = tally.refusals.lock().unwrap_or_else(PoisonError::into_inner);
    let troubles = tally.troubles.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(first) = troubles.first() {
        bail!("{} troubles, the first: {first}", troubles.len());
    }
    let did = format!("{web} web bookings, {counter} counter sales, {cuts} cuts, refusals {refusals:?}");
    ensure!(web >= WEB_BOOKINGS && counter >= COUNTER_SALES && cuts >= CUTS, "only {did}");
    Ok(format!("{did}, {} taken back, {} scans", read(&tally.cancelled), read(&tally.scans)))
}

/// Shows with enough seats for everybody: those whose doors are open first.
async fn offers(house: &House) -> anyhow::Result<Vec<Offer>> {
    let (customer, doors_open) = (house.customer()?, Duration::from_secs((DOORS_OPEN_EARLY_MIN - 5) * 60));
    let mut offers = Vec::new();
    for (theatre, place) in house.theatres().iter().enumerate() {
        let wanted = (WEB_BOOKINGS + COUNTER_SALES) * SEATS_PER_SALE / house.theatres().len() as u64;
        let mut seats = 0;
        for show in shows_between(&customer, place.id, Duration::from_secs(25 * 60), AHEAD_MAX).await? {
            if seats >= wanted {
                break;
            }
            let now = crate::clock::now();
            let starts = node::zone::parse_rfc3339(&show.starts_at).context("read a show's start")?;
            let map = customer.seats(&show.id).await?;
            seats += map.rows.iter().map(|row| row.seats.len() as u64).sum::<u64>();
            offers.push(Offer { theatre, show: show.id, doors_open: starts <= now + doors_open });
        }
        ensure!(seats >= wanted, "{} offers {seats} seats in its shows, {wanted} are needed", place.name);
    }
    Ok(offers)
}

fn doors(house: &House) -> anyhow::Result<Vec<Vec<Door>>> {
    let of = |place: &crate::house::TheatrePlace| place.doors.iter().map(|door| Door::new(&door.url)).collect();
    house.theatres().iter().map(of).collect()
}

/// Runs all of them at once; the first error counts.
async fn all(people: impl Iterator<Item = impl Future<Output = anyhow::Result<()>>>) -> anyhow::Result<()> {
    let mut people: Vec<_> = people.map(Box::pin).collect();
    let mut result = Ok(());
    std::future::poll_fn(|context| {
        people.retain_mut(|person| match person.as_mut().poll(context) {
            std::task::Poll::Ready(ended) => {
                if result.is_ok() {
                    result = ended;
                }
                false
            }
            std::task::Poll::Pending => true,
        });
        if people.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    result
}

/// Cuts and heals lines until the crowd has what it wanted.
async fn cuts(house: &House, tally: &Tally, mut fate: Fate) {
    let began = Instant::now();
    let kinds = [Cut::Clean, Cut::UpOnly, Cut::DownOnly, Cut::Latency];
    let places: Vec<usize> = (0..house.theatres().len()).collect();
    while !tally.is_done() && began.elapsed() < SHOPPING_MAX {
        tokio::time::sleep(fate.millis(800, 2_000)).await;
        let (Some(&place), Some(&kind)) = (fate.one_of(&places), fate.one_of(&kinds)) else { break };
        house.cut(place, kind);
        Tally::count(&tally.cuts);
        tokio::time::sleep(fate.millis(1_500, 6_000)).await;
        if let Err(error) = house.heal().await {
            tally.trouble(format!("healing failed: {error:#}"));
        }
    }
    tally.over.store(true, Ordering::Relaxed);
}
