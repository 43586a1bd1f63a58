//! Who plays, and what one step leaves for the next.

use crate::client::{Booking, Cashier, Customer, Door, PrintedTicket, Sale};
use crate::house::{CASHIER, DOORS_OPEN_EARLY_MIN, House, TheatrePlace};
use crate::truth::Truth;
use anyhow::{Context, ensure};
use node::view::{SeatMapView, SeatView, ShowView, VerdictView};
use shared::time::Timestamp;
use std::time::Duration;

/// A show that starts sooner is left alone: its seats go to the counter.
const STARTS_IN_MIN: Duration = Duration::from_secs(25 * 60);
/// A show that starts later has no open doors yet.
const STARTS_IN_MAX: Duration = Duration::from_secs((DOORS_OPEN_EARLY_MIN - 5) * 60);

pub(super) struct Story<'a> {
    pub(super) house: &'a House,
    pub(super) truth: &'a Truth,
    /// Bought before the cut, to be cancelled during it.
    pub(super) to_cancel: Option<(Booking, Vec<PrintedTicket>)>,
    /// Bought online during the cut.
    pub(super) bought_in_cut: Vec<PrintedTicket>,
}

impl<'a> Story<'a> {
    pub(super) fn new(house: &'a House, truth: &'a Truth) -> Self {
        Self { house, truth, to_cancel: None, bought_in_cut: Vec::new() }
    }

    /// The theatre whose line is cut.
    pub(super) fn theatre(&self) -> anyhow::Result<&'a TheatrePlace> {
        self.house.theatres().first().context("the house has no theatre")
    }

    /// A theatre that keeps its line.
    pub(super) fn other_theatre(&self) -> anyhow::Result<&'a TheatrePlace> {
        self.house.theatres().get(1).context("the house has no second theatre")
    }

    pub(super) fn customer(&self) -> anyhow::Result<Customer> {
        self.house.customer()
    }

    pub(super) async fn cashier(&self) -> anyhow::Result<Cashier> {
        Cashier::log_in(&self.theatre()?.edge_url, CASHIER.name, CASHIER.pin).await.context("log in at the counter")
    }

    pub(super) fn door(&self, index: usize) -> anyhow::Result<Door> {
        let place = self.theatre()?.doors.get(index).with_context(|| format!("there is no door {index}"))?;
        Door::new(&place.url)
    }

    /// The show the play is about: the first whose doors are open.
    pub(super) async fn show(&self, place: &TheatrePlace) -> anyhow::Result<ShowView> {
        let mut shows = shows_between(&self.customer()?, place.id, STARTS_IN_MIN, STARTS_IN_MAX).await?;
        ensure!(!shows.is_empty(), "{} has no show whose doors are open", place.name);
        Ok(shows.swap_remove(0))
    }

    /// Shows a code at a door and tells the checker.
    pub(super) async fn scan(&self, door: &Door, code: &str) -> anyhow::Result<VerdictView> {
        let verdict = door.scan(code).await?;
        note_verdict(self.truth, &verdict);
        Ok(verdict)
    }

    /// Tells the checker of tickets bought online.
    pub(super) fn note_tickets(&self, show: &str, tickets: &[PrintedTicket]) -> anyhow::Result<()> {
        tickets.iter().try_for_each(|ticket| note_ticket(self.truth, show, &ticket.seat, &ticket.ticket))
    }

    /// Tells the checker of tickets bought at the counter.
    pub(super) fn note_sale(&self, show: &str, sale: &Sale) -> anyhow::Result<()> {
        sale.tickets.iter().try_for_each(|ticket| note_ticket(self.truth, show, &ticket.seat, &ticket.ticket))
    }
}

/// The shows of a theatre that start within a span from now, by start.
pub(super) async fn shows_between(
    customer: &Customer,
    theatre: u32,
    least: Duration,
    most: Duration,
) -> anyhow::Result<Vec<ShowView>> {
    let now = crate::clock::now();
    let shows = customer.shows(theatre).await.context("list the shows")?;
    let fits = |start: Timestamp| start >= now + least && start <= now + most;
    let starts = |show: &ShowView| node::zone::parse_rfc3339(&show.starts_at).ok();
    Ok(shows.into_iter().filter(|show| starts(show).is_some_and(fits)).collect())
}

pub(super) fn note_ticket(truth: &Truth, show: &str, seat: &str, ticket: &str) -> anyhow::Result<()> {
    let id = ticket.parse().context("read a ticket's id")?;
    let theatre = show.split_once('-').and_then(|(theatre, _)| theatre.parse().ok()).context("read a show's id")?;
    truth.saw_ticket(theatre, show, seat, id, true);
    Ok(())
}

pub(super) fn note_verdict(truth: &Truth, verdict: &VerdictView) {
    let ticket = verdict.ticket.as_deref().and_then(|ticket| ticket.parse().ok());
    if let (Some(ticket), "admit") = (ticket, verdict.verdict.as_str()) {
        truth.saw_admission(ticket, &verdict.guarantee);
    }
}

/// Requires a verdict and a reason.
pub(super) fn expect_verdict(verdict: &VerdictView, kind: &str, codes: &[&str]) -> anyhow::Result<()> {
    let fits = verdict.verdict == kind && codes.contains(&verdict.code.as_str());
    let (got, code, text) = (&verdict.verdict, &verdict.code, &verdict.text);
    ensure!(fits, "the door says {got} {code} ({text}), not {kind} {}", codes.join(" or "));
    Ok(())
}

/// `count` neighbouring seats of one row that `fit`, labels.
pub(super) fn neighbours(
    map: &SeatMapView,
    count: usize,
    fit: impl Fn(&SeatView) -> bool,
) -> anyhow::Result<Vec<String>> {
    for row in map.rows.iter().rev() {
        for seats in row.seats.windows(count) {
            let together = seats.windows(2).all(|pair| pair[1].column == pair[0].column + 1);
            if together && seats.iter().all(|seat| fit(seat) && !seat.accessible) {
                return Ok(seats.iter().map(|seat| seat.label.clone()).collect());
            }
        }
    }
    anyhow::bail!("the map has no {count} such seats together: {:?}, link {}", map.counts, map.link)
}

/// A seat that this side may sell by itself.
pub(super) fn is_own(seat: &SeatView) -> bool {
    seat.state == "free" && !seat.by_claim
}

/// A seat that only the other side may sell.
pub(super) fn is_elsewhere(seat: &SeatView) -> bool {
    seat.state == "unavailable"
}
