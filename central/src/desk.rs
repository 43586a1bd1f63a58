//! The desk: what the writer's thread owns in memory. One replica per theatre, the holds that wait for a claim, and what may
//! leave only after the commit: messages to the boxes, answers, and changes of the maps that customers look at.

mod batch;
mod boxes;
mod effects;
pub mod house;
mod import;
mod load;

pub use load::KeySource;
pub(crate) use load::silent_replica;

use crate::answers::{Answer, Answers, Asked};
use crate::bookings::marks::BookingMarks;
use crate::discovery::schedule::{self, ScheduledShow};
use crate::events::{Redraw, SeatBoard, SeatMap};
use crate::fleet::keys::KeyStore;
use crate::holds::customer::Customer;
use crate::holds::limits::{Holders, SeatLimits, Standing};
use crate::holds::owner;
use crate::metrics::OfficeMetrics;
use crate::payments::schedule::PayingTimes;
use crate::watermark::Watermark;
use anyhow::Context;
use house::House;
use node::ledger_store;
use node::mqtt::Publisher;
use node::problem::Problem;
use node::store::{Sql, StoreError};
use shared::ids::{HoldId, ShowId, TheatreId};
use shared::ledger::{Hold, HoldTimes};
use shared::refusal::Refusal;
use shared::show::Show;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::Settings;
use sync_protocol::replica::Transmit;
use tokio::sync::{Notify, oneshot};

/// Shows of the schedule that are kept at hand.
const SCHEDULED_MAX: usize = 10_000;
/// Answers are remembered this long after the show's end.
const REMEMBERED_AFTER_SHOW: Duration = Duration::from_secs(24 * 3600);

/// A hold request that waits for the other side.
struct Waiting {
    asked: Asked,
    show: ShowId,
    seats: usize,
    answer: oneshot::Sender<Answer>,
}

/// The desk of all theatres.
pub struct Desk {
    houses: BTreeMap<TheatreId, House>,
    touched: BTreeSet<TheatreId>,
    changed: BTreeSet<ShowId>,
    waiting: BTreeMap<HoldId, Waiting>,
    remembered: Answers,
    bookings: BookingMarks,
    scheduled: BTreeMap<ShowId, ScheduledShow>,
    holders: Holders,
    metrics: OfficeMetrics,
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    outgoing: Vec<(TheatreId, Transmit)>,
    publisher: Option<Publisher>,
    board: SeatBoard,
    payments: Arc<Notify>,
    payments_changed: bool,
    paying: PayingTimes,
    early_refund: Duration,
    next_look_at_voids: Timestamp,
    next_sweep: Timestamp,
    /// When the map of a large hall whose seats have changed is drawn.
    next_redraw: Option<Timestamp>,
    now: Timestamp,
    watermark: Option<Watermark>,
    /// What loading the theatres again takes.
    source: Option<(KeyStore, Settings)>,
    link_up: bool,
}

impl Desk {
    /// A desk over loaded theatres. Without a publisher nothing leaves.
    pub fn new(houses: BTreeMap<TheatreId, House>, board: SeatBoard, payments: Arc<Notify>, now: Timestamp) -> Self {
        Self {
            // A first start has opened logs that are not stored yet.
            touched: houses.keys().copied().collect(),
            houses,
            changed: BTreeSet::new(),
            waiting: BTreeMap::new(),
            remembered: Answers::default(),
            bookings: BookingMarks::default(),
            scheduled: BTreeMap::new(),
            holders: Holders::default(),
            metrics: OfficeMetrics::default(),
            answers: Vec::new(),
            outgoing: Vec::new(),
            publisher: None,
            board,
            payments,
            payments_changed: false,
            paying: PayingTimes::default(),
            early_refund: Duration::ZERO,
            next_look_at_voids: now,
            next_sweep: now,
            next_redraw: None,
            now,
            watermark: None,
            source: None,
            link_up: false,
        }
    }

    /// What this desk counts.
    pub fn metrics(&self) -> &OfficeMetrics {
        &self.metrics
    }

    /// Notes every commit in this watermark.
    pub fn note_commits(&mut self, watermark: Watermark) {
        self.watermark = Some(watermark);
    }

    /// Loads the theatres from the store again with these keys, should it have gone away.
    pub fn reload_with(&mut self, keys: KeyStore, settings: Settings) {
        self.source = Some((keys, settings));
    }

    /// The keys directory, where this desk has one.
    pub fn keys(&self) -> Option<&KeyStore> {
        self.source.as_ref().map(|(keys, _)| keys)
    }

    /// Sends what leaves over this link.
    pub fn publish_with(&mut self, publisher: Publisher) {
        self.publisher = Some(publisher);
    }

    /// Lets seats wait for payments for so long.
    pub fn wait_for_payments(&mut self, times: PayingTimes) {
        self.paying = times;
    }

    /// Keeps customers to so many seats; without, there is no limit.
    pub fn limit_seats(&mut self, limits: SeatLimits) {
        self.holders.keep_to(limits);
    }

    /// How many seats are enough for one customer.
    pub fn limits(&self) -> SeatLimits {
        self.holders.limits()
    }

    /// Pays cancellations back at once where the show begins later than this; zero waits for the theatre always.
    pub fn pay_back_early(&mut self, before_show: Duration) {
        self.early_refund = before_show;
    }

    /// Is a cancellation of this show paid back before the theatre has answered?
    pub fn pays_back_early(&self, show: ShowId, now: Timestamp) -> bool {
        let known = self.house(show.theatre).and_then(|house| house.show(show.number));
        self.early_refund > Duration::ZERO
            && known.is_ok_and(|known| known.facts.starts_at().since(now) > self.early_refund)
    }

    /// How long seats wait for a payment.
    pub fn paying_times(&self) -> PayingTimes {
        self.paying
    }

    /// All theatres.
    pub fn houses(&self) -> impl Iterator<Item = &House> {
        self.houses.values()
    }

    /// A theatre, to read.
    ///
    /// # Errors
    /// `unknown_show`: a theatre without shows is not known here.
    pub fn house(&self, theatre: TheatreId) -> Result<&House, Refusal> {
        self.houses.get(&theatre).ok_or(Refusal::UnknownShow)
    }

    /// A theatre, to change; what changes is stored with this batch.
    ///
    /// # Errors
    /// `unknown_show`.
    pub fn house_mut(&mut self, theatre: TheatreId) -> Result<&mut House, Refusal> {
        self.touched.insert(theatre);
        self.houses.get_mut(&theatre).ok_or(Refusal::UnknownShow)
    }

    /// Puts a theatre as it was just loaded in its place; its line begins anew.
    fn put_house(&mut self, mut house: House, now: Timestamp) {
        if self.link_up {
            house.replica.handle_connected(now);
        }
        self.touched.insert(house.theatre.id);
        self.houses.insert(house.theatre.id, house);
    }

    /// The theatre and the hold, wherever it is.
    pub fn find_hold(&self, hold: HoldId, now: Timestamp) -> Result<(&House, &Hold), Refusal> {
        let mut expired = false;
        for house in self.houses.values() {
            match house.replica.ledger().hold(hold, now) {
                Ok(hold) => return Ok((house, hold)),
                Err(refusal) => expired |= refusal == Refusal::HoldExpired,
            }
        }
        Err(if expired { Refusal::HoldExpired } else { Refusal::UnknownHold })
    }

    /// Lets a request wait for the claim of its hold of so many seats.
    pub fn wait_for_claim(
        &mut self,
        hold: HoldId,
        show: ShowId,
        seats: usize,
        asked: Asked,
        answer: oneshot::Sender<Answer>,
    ) {
        self.waiting.insert(hold, Waiting { asked, show, seats, answer });
    }

    /// Why a customer gets no `more` seats held; nothing where they do.
    pub fn refused_by_limits(&mut self, customer: &Customer, more: usize, now: Timestamp) -> Option<Problem> {
        let Self { holders, houses, waiting, .. } = self;
        holders.refuse(customer, more, now, |show, hold| standing(houses, waiting, show, hold, now))
    }

    /// Remembers who holds what, or waits for it: many that ask at the same moment get no more than one after the other.
    ///
    /// # Errors
    /// If the store fails.
    pub fn note_holder(
        &mut self,
        tx: &dyn Sql,
        customer: &Customer,
        show: ShowId,
        hold: HoldId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let times = self.source.as_ref().map_or(HoldTimes::WEB, |(_, settings)| settings.holds);
        let Self { holders, houses, waiting, .. } = self;
        for owner in holders.owners(customer) {
            owner::keep(tx, owner, show, hold, now + times.cap + times.paying)?;
        }
        holders.note(customer, show, hold, |show, hold| standing(houses, waiting, show, hold, now));
        Ok(())
    }

    /// Why a request cannot be begun: one under its key waits already, and two would be remembered.
    pub fn refused_by_waiting(&self, asked: &Asked) -> Option<Problem> {
        self.waiting.values().find_map(|waiting| asked.in_the_way_of(&waiting.asked))
    }

    /// Answers once everything of this batch is on disk.
    pub fn answer(&mut self, to: oneshot::Sender<Answer>, answer: Answer) {
        self.answers.push((to, answer));
    }

    /// What is known of bookings without asking the store.
    pub fn bookings(&mut self) -> &mut BookingMarks {
        &mut self.bookings
    }

    /// The answer that a request had before, if it was asked before.
    ///
    /// # Errors
    /// If the store fails.
    pub fn answered_before(&self, tx: &dyn Sql, asked: &Asked) -> Result<Option<Answer>, StoreError> {
        self.remembered.before(tx, asked)
    }

    /// Remembers the answer to a request about a show, if it is a success.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remember(
        &mut self,
        tx: &dyn Sql,
        asked: &Asked,
        answer: &Answer,
        show: ShowId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let until = self.remembered_until(show, now);
        self.remembered.remember(tx, asked, answer, until, now)
    }

    /// A show of the schedule. Nobody but this desk changes it.
    ///
    /// # Errors
    /// If the store fails, or has no such show.
    pub fn scheduled(&mut self, tx: &dyn Sql, show: ShowId) -> anyhow::Result<ScheduledShow> {
        if let Some(known) = self.scheduled.get(&show) {
            return Ok(known.clone());
        }
        let found = schedule::by_id(tx, show)?.with_context(|| format!("show {show} is not scheduled"))?;
        if self.scheduled.len() >= SCHEDULED_MAX {
            self.scheduled.clear();
        }
        self.scheduled.insert(show, found.clone());
        Ok(found)
    }

    /// Until when answers about a show are remembered.
    fn remembered_until(&self, show: ShowId, now: Timestamp) -> Timestamp {
        let known = self.house(show.theatre).and_then(|house| house.show(show.number));
        known.map_or(now, |known| known.facts.ends_at()) + REMEMBERED_AFTER_SHOW
    }

    /// A payment or refund has something to do at the gateway.
    pub fn wake_payments(&mut self) {
        self.payments_changed = true;
    }

    /// The show's map, made now and posted for others.
    ///
    /// # Errors
    /// `unknown_show`, inside; outside if the map has no JSON form.
    pub fn post_seat_map(&self, show: ShowId, now: Timestamp) -> anyhow::Result<Result<Arc<SeatMap>, Refusal>> {
        let house = match self.house(show.theatre) {
            Ok(house) => house,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Ok(known) = house.show(show.number) else { return Ok(Err(Refusal::UnknownShow)) };
        // Another one who waited for it may have had it drawn.
        if let Some(map) = self.board.current(show).filter(|map| now < map.fresh_until) {
            return Ok(Ok(map));
        }
        let map = Arc::new(seat_map(house, known, now)?);
        self.board.post(show, map.clone());
        Ok(Ok(map))
    }

    /// The broker answers, or does not any more.
    pub fn link_changed(&mut self, up: bool, now: Timestamp) {
        self.link_up = up;
        for (theatre, house) in &mut self.houses {
            if up {
                house.replica.handle_connected(now);
            } else {
                house.replica.handle_disconnected(now);
            }
            self.touched.insert(*theatre);
        }
    }

    /// Takes a box's message.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn receive(&mut self, tx: &dyn Sql, theatre: TheatreId, message: &[u8], now: Timestamp) -> anyhow::Result<()> {
        if let Ok(house) = self.house_mut(theatre) {
            let source = ledger_store::StoredLogs::new(tx, theatre);
            house.replica.handle_message(message, now, &source).context("take a box's message")?;
        }
        // The next job of this batch must find the bookings as the log has them now: a sale that came back has its money.
        self.react_to_all(theatre, tx, now).context("let a box's message have its effects")
    }

    /// Has the map drawn again when it may be: somebody watches it now.
    pub fn redraw(&mut self, show: ShowId) {
        self.changed.insert(show);
    }

    fn refresh_maps(&mut self) {
        self.next_redraw = None;
        for show in std::mem::take(&mut self.changed) {
            match self.board.note_change(show) {
                Redraw::No => continue,
                Redraw::After(rests) => {
                    let at = self.now + rests;
                    self.next_redraw = Some(self.next_redraw.map_or(at, |next| next.min(at)));
                    self.changed.insert(show);
                    continue;
                }
                Redraw::Now => {}
            }
            let Ok(house) = self.house(show.theatre) else { continue };
            let Ok(known) = house.show(show.number) else { continue };
            match seat_map(house, known, self.now) {
                Ok(map) => self.board.refresh(show, map),
                Err(error) => tracing::error!(%show, error = format!("{error:#}"), "a seat map has no JSON form"),
            }
        }
    }
}

fn standing(
    houses: &BTreeMap<TheatreId, House>,
    waiting: &BTreeMap<HoldId, Waiting>,
    show: ShowId,
    hold: HoldId,
    now: Timestamp,
) -> Option<Standing> {
    if let Some(waiting) = waiting.get(&hold) {
        return Some((waiting.seats, now));
    }
    let hold = houses.get(&show.theatre)?.replica.ledger().hold(hold, now).ok()?;
    Some((hold.seats.len(), hold.deadline))
}

fn seat_map(house: &House, show: &Show, now: Timestamp) -> anyhow::Result<SeatMap> {
    let changes = [house.replica.claims_open_at(show), show.facts.ends_at()];
    let fresh_until = changes.into_iter().find(|at| now < *at).unwrap_or(Timestamp(i64::MAX));
    SeatMap::draw(fresh_until, || house.view().seat_map(show, now))
}
