//! A customer: holds seats and books them.

use super::caller::Caller;
use super::choice::Chooser;
use super::ghosts::{Ghost, Ghosts};
use super::tally::Tally;
use anyhow::{Context, ensure};
use demo::client::{Booking, Hold};
use serde_json::json;
use shared::ids::Side;
use std::sync::Arc;

/// One customer after the other.
pub(super) struct Web {
    central: Caller,
    chooser: Chooser,
    ghosts: Arc<Ghosts>,
    tally: Arc<Tally>,
}

impl Web {
    pub(super) fn new(central: Caller, chooser: Chooser, ghosts: Arc<Ghosts>, tally: Arc<Tally>) -> Self {
        Self { central, chooser, ghosts, tally }
    }

    pub(super) fn chooser(&mut self) -> &mut Chooser {
        &mut self.chooser
    }

    /// One customer, from the map to the tickets.
    ///
    /// # Errors
    /// If central gives no answer that counts in the end, or another answer to the same key.
    pub(super) async fn serve(&mut self) -> anyhow::Result<()> {
        let Some(choice) = self.chooser.choose(&self.central).await else { return Ok(()) };
        let path = format!("/v1/shows/{}/holds", choice.show);
        let held = self.central.post(&path, &node::random::hex::<12>(), &json!({ "seats": choice.seats })).await?;
        if !held.is_success() {
            self.tally.refused(&path, held.status, held.code());
            return Ok(());
        }
        let hold: Hold = serde_json::from_value(held.body).context("read a hold")?;
        // Some change their mind; their seats come back when the hold has expired.
        if self.chooser.percent(4) {
            return Ok(());
        }
        let key = node::random::hex::<12>();
        let body = json!({ "hold": hold.hold, "contact": { "email": format!("{key}@example.org") } });
        let reply = self.central.post("/v1/bookings", &key, &body).await?;
        if !reply.is_success() {
            self.tally.refused("/v1/bookings", reply.status, reply.code());
            return Ok(());
        }
        let booking: Booking = serde_json::from_value(reply.body).context("read a booking")?;
        ensure!(booking.state == "booked", "a booking of total 0 is {}", booking.state);
        let ghosts = booking.tickets.iter().map(|ticket| {
            let (show, seat) = (choice.show.clone(), ticket.seat.clone());
            Ok(Ghost {
                show,
                seat,
                ticket: ticket.ticket.parse().context("read a ticket's id")?,
                seller: Side::Central,
            })
        });
        self.ghosts.saw_sale(Side::Central, ghosts.collect::<anyhow::Result<Vec<_>>>()?);
        ensure!(
            booking.tickets.len() == choice.seats.len(),
            "{} tickets for {:?}",
            booking.tickets.len(),
            choice.seats
        );
        if self.chooser.percent(5) {
            let again = self.central.post("/v1/bookings", &key, &body).await?;
            let same: Option<Booking> = serde_json::from_value(again.body).ok();
            let same = same.is_some_and(|again| again.booking == booking.booking);
            ensure!(same, "the key of booking {} was answered {} the second time", booking.booking, again.status);
        }
        Ok(())
    }
}
