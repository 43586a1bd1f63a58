//! Customers in a hurry: some abandon, some are declined, some cancel.

use super::crowd::{Offer, Tally};
use super::fate::Fate;
use super::story::{note_ticket, note_verdict};
use crate::client::{Booking, Customer, Door, Hold, PrintedTicket};
use crate::truth::Truth;
use anyhow::Context;
use node::view::SeatMapView;
use std::time::Duration;

/// A captured payment becomes tickets within this time, whatever the lines do: only central takes part in it.
const BOOKED_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Shopper<'a> {
    pub(super) customer: Customer,
    pub(super) offers: &'a [Offer],
    pub(super) doors: &'a [Vec<Door>],
    pub(super) truth: &'a Truth,
    pub(super) tally: &'a Tally,
    pub(super) fate: Fate,
}

/// Shops until the crowd goes home.
pub(super) async fn shop(mut shopper: Shopper<'_>) -> anyhow::Result<()> {
    let mut last_seen: Option<(usize, SeatMapView)> = None;
    while !shopper.tally.is_over() {
        let offers: Vec<usize> = (0..shopper.offers.len()).collect();
        // Every second customer picks from a map that is no longer fresh, as people do.
        let (index, map) = match last_seen.take() {
            Some(seen) if shopper.fate.percent(50) => seen,
            _ => {
                let Some(&index) = shopper.fate.one_of(&offers) else { break };
                (index, shopper.customer.seats(&shopper.offers[index].show).await.context("look at a seat map")?)
            }
        };
        match shopper.fate.seats(&map) {
            Some(seats) => shopper.try_seats(&shopper.offers[index], &seats).await?,
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        last_seen = Some((index, map));
    }
    Ok(())
}

impl Shopper<'_> {
    async fn try_seats(&mut self, offer: &Offer, seats: &[String]) -> anyhow::Result<()> {
        let answer = self.customer.hold(&offer.show, seats).await?;
        if answer.status >= 400 {
            self.tally.refused(answer.code());
            // A refused customer thinks for a moment.
            tokio::time::sleep(self.fate.millis(20, 120)).await;
            return Ok(());
        }
        let hold: Hold = answer.read().context("read a hold")?;
        if self.fate.percent(6) {
            self.customer.release(&hold).await?.expect_success().context("release a hold")?;
            return Ok(());
        }
        let booking: Booking = self.customer.book(&hold).await?.read().context("book held seats")?;
        if booking.total.minor > 0 {
            let pay_url = self.customer.begin_payment(&booking.booking).await?;
            let button = if self.fate.percent(4) { "decline" } else { "approve" };
            let pressed = self.customer.press(&pay_url, button).await?;
            if !pressed || button == "decline" {
                self.tally.refused("payment_declined");
                return Ok(());
            }
        }
        let booked = match self.customer.wait_for_booking(&booking.booking, &["booked"], BOOKED_WITHIN).await {
            Ok(booked) => booked,
            Err(error) => {
                self.tally.trouble(format!("{error:#}"));
                return Ok(());
            }
        };
        let tickets = self.customer.tickets(&booked.booking).await.context("fetch tickets")?;
        for ticket in &tickets {
            note_ticket(self.truth, &offer.show, &ticket.seat, &ticket.ticket)?;
        }
        Tally::count(&self.tally.web_bookings);
        self.use_tickets(offer, &booked, &tickets).await
    }

    async fn use_tickets(&mut self, offer: &Offer, booking: &Booking, tickets: &[PrintedTicket]) -> anyhow::Result<()> {
        if self.fate.percent(4) {
            self.customer.cancel(&booking.booking).await?.expect_success().context("cancel a booking")?;
            Tally::count(&self.tally.cancelled);
        } else if offer.doors_open && self.fate.percent(30) {
            let Some(ticket) = self.fate.one_of(tickets).cloned() else { return Ok(()) };
            scan_at_all(&self.doors[offer.theatre], &ticket.code, self.truth, self.tally).await;
        }
        Ok(())
    }
}

/// Shows one code at every door of a theatre at the same moment: one may be green.
pub(super) async fn scan_at_all(doors: &[Door], code: &str, truth: &Truth, tally: &Tally) {
    let scan = |door: &Door| {
        let (door, code) = (door.clone(), code.to_owned());
        tokio::spawn(async move { door.scan(&code).await })
    };
    let scans: Vec<_> = doors.iter().map(scan).collect();
    for scan in scans {
        match scan.await {
            Ok(Ok(verdict)) => {
                Tally::count(&tally.scans);
                note_verdict(truth, &verdict);
                if !["admit", "already"].contains(&verdict.verdict.as_str()) {
                    tally.trouble(format!("a good ticket is answered {} {}", verdict.verdict, verdict.code));
                }
            }
            Ok(Err(error)) => tally.trouble(format!("a door does not answer: {error:#}")),
            Err(error) => tally.trouble(format!("a scan ended: {error}")),
        }
    }
}
