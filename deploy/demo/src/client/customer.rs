//! A customer on the web: finds a show, holds seats, pays, gets tickets, cancels.

use super::{Answer, Api, wait_for};
use anyhow::{Context, ensure};
use node::view::{LineView, SeatMapView, ShowView};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::money::Money;
use std::time::Duration;

/// A hold as its owner knows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Hold {
    /// Whoever knows it owns the hold.
    pub hold: String,
    /// The seats with their prices.
    pub lines: Vec<LineView>,
    /// The sum.
    pub total: Money,
}

/// A booking as its owner sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Booking {
    /// The booking's id.
    pub booking: String,
    /// `awaiting_payment paying booked cancelling cancelled expired refunded`.
    pub state: String,
    /// The sum.
    pub total: Money,
    /// The tickets, once booked.
    #[serde(default)]
    pub tickets: Vec<BookingTicket>,
    /// The cancellation, if asked for.
    #[serde(default)]
    pub cancellation: Option<Value>,
}

/// A ticket as a booking lists it.
#[derive(Debug, Clone, Deserialize)]
pub struct BookingTicket {
    /// The seat.
    pub seat: String,
    /// The ticket's id, 16 hex digits.
    pub ticket: String,
    /// `live void_requested void used`.
    pub state: String,
}

/// A ticket with the text of its QR.
#[derive(Debug, Clone, Deserialize)]
pub struct PrintedTicket {
    /// The seat.
    pub seat: String,
    /// The ticket's id, 16 hex digits.
    pub ticket: String,
    /// The signed text.
    pub code: String,
}

/// Somebody with a browser.
#[derive(Debug, Clone)]
pub struct Customer {
    central: Api,
}

impl Customer {
    /// A customer of the central at `url`.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { central: Api::new(url)? })
    }

    /// Central as this customer sees it.
    pub fn central(&self) -> &Api {
        &self.central
    }

    /// All shows of a theatre, by start.
    ///
    /// # Errors
    /// If central does not answer with shows.
    pub async fn shows(&self, theatre: u32) -> anyhow::Result<Vec<ShowView>> {
        #[derive(Deserialize)]
        struct Page {
            shows: Vec<ShowView>,
            next: Option<String>,
        }
        let (mut shows, mut after) = (Vec::new(), String::new());
        loop {
            let page: Page =
                self.central.get_patiently(&format!("/v1/shows?theatre={theatre}{after}")).await?.read()?;
            shows.extend(page.shows);
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        shows.sort_by(|a, b| a.starts_at.cmp(&b.starts_at));
        Ok(shows)
    }

    /// The seats of a show as central may sell them.
    ///
    /// # Errors
    /// If central does not answer with a seat map.
    pub async fn seats(&self, show: &str) -> anyhow::Result<SeatMapView> {
        self.central.get_patiently(&format!("/v1/shows/{show}/seats")).await?.read()
    }

    /// Asks for seats by label.
    ///
    /// # Errors
    /// If there is no answer; a refusal is an answer.
    pub async fn hold(&self, show: &str, seats: &[String]) -> anyhow::Result<Answer> {
        self.central.post_safely(&format!("/v1/shows/{show}/holds"), &json!({ "seats": seats })).await
    }

    /// Asks for the best seats of a category.
    ///
    /// # Errors
    /// If there is no answer; a refusal is an answer.
    pub async fn hold_best(&self, show: &str, count: u8, category: &str) -> anyhow::Result<Answer> {
        let body = json!({ "best": count, "category": category });
        self.central.post_safely(&format!("/v1/shows/{show}/holds"), &body).await
    }

    /// Gives a hold back.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn release(&self, hold: &Hold) -> anyhow::Result<Answer> {
        self.central.delete(&format!("/v1/holds/{}", hold.hold)).await
    }

    /// Books what is held.
    ///
    /// # Errors
    /// If there is no answer; a refusal is an answer.
    pub async fn book(&self, hold: &Hold) -> anyhow::Result<Answer> {
        // Everybody is somebody else.
        let body = json!({ "hold": hold.hold, "contact": { "email": format!("{}@example.org", hold.hold) } });
        self.central.post_safely("/v1/bookings", &body).await
    }

    /// Begins a payment; returns where to pay.
    ///
    /// # Errors
    /// If central does not answer with a payment.
    pub async fn begin_payment(&self, booking: &str) -> anyhow::Result<String> {
        let payment: Value =
            self.central.post_safely(&format!("/v1/bookings/{booking}/payments"), &json!({})).await?.read()?;
        Ok(payment["pay_url"].as_str().context("the payment has no pay_url")?.to_owned())
    }

    /// Presses `approve` or `decline` on the payment page; true where the page took it.
    ///
    /// # Errors
    /// If the payment page does not answer.
    pub async fn press(&self, pay_url: &str, button: &str) -> anyhow::Result<bool> {
        let answer = Api::new(pay_url)?.post(&format!("/{button}"), &json!({})).await?;
        Ok(answer.status == 303)
    }

    /// A booking as it is now.
    ///
    /// # Errors
    /// If central does not answer with the booking.
    pub async fn booking(&self, booking: &str) -> anyhow::Result<Booking> {
        self.central.get(&format!("/v1/bookings/{booking}")).await?.read()
    }

    /// Waits until a booking is in one of `states`.
    ///
    /// # Errors
    /// If it is not within `at_most`.
    pub async fn wait_for_booking(&self, booking: &str, states: &[&str], at_most: Duration) -> anyhow::Result<Booking> {
        let what = format!("booking {booking} to be {}", states.join(" or "));
        let look = || async {
            let now = self.booking(booking).await?;
            ensure!(states.contains(&now.state.as_str()), "it is {}", now.state);
            Ok(Some(now))
        };
        wait_for(&what, at_most, look).await
    }

    /// Asks for a cancellation.
    ///
    /// # Errors
    /// If there is no answer; a refusal is an answer.
    pub async fn cancel(&self, booking: &str) -> anyhow::Result<Answer> {
        self.central.post_safely(&format!("/v1/bookings/{booking}/cancellation"), &json!({})).await
    }

    /// The tickets of a booking with their codes.
    ///
    /// # Errors
    /// If central does not answer with tickets.
    pub async fn tickets(&self, booking: &str) -> anyhow::Result<Vec<PrintedTicket>> {
        #[derive(Deserialize)]
        struct Tickets {
            tickets: Vec<PrintedTicket>,
        }
        let tickets: Tickets = self.central.get_patiently(&format!("/v1/bookings/{booking}/tickets")).await?.read()?;
        Ok(tickets.tickets)
    }

    /// Books what is held, pays, and waits for the tickets.
    ///
    /// # Errors
    /// If any of it fails; the error says which.
    pub async fn buy_held(&self, hold: &Hold, at_most: Duration) -> anyhow::Result<(Booking, Vec<PrintedTicket>)> {
        let booking: Booking = self.book(hold).await?.read().context("book the held seats")?;
        if booking.total.minor > 0 {
            let pay_url = self.begin_payment(&booking.booking).await.context("begin the payment")?;
            ensure!(self.press(&pay_url, "approve").await.context("pay")?, "the payment page did not take the payment");
        }
        let booked = self.wait_for_booking(&booking.booking, &["booked"], at_most).await?;
        let tickets = self.tickets(&booking.booking).await.context("fetch the tickets")?;
        ensure!(tickets.len() == hold.lines.len(), "{} tickets for {} seats", tickets.len(), hold.lines.len());
        Ok((booked, tickets))
    }
}
