//! A cashier at the counter.

use super::{Answer, Api};
use node::view::{LineView, LinkView, SeatMapView, ShowView};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::money::Money;

/// A sale as the counter answers it.
#[derive(Debug, Clone, Deserialize)]
pub struct Sale {
    /// The sale's id.
    pub sale: String,
    /// The seats with their prices.
    pub lines: Vec<LineView>,
    /// The sum.
    pub total: Money,
    /// The tickets.
    pub tickets: Vec<SoldTicket>,
}

/// A ticket with the text of its QR.
#[derive(Debug, Clone, Deserialize)]
pub struct SoldTicket {
    /// The seat.
    pub seat: String,
    /// The ticket's id, 16 hex digits.
    pub ticket: String,
    /// The signed text.
    pub code: String,
}

/// Somebody logged in at the counter.
#[derive(Debug, Clone)]
pub struct Cashier {
    edge: Api,
}

impl Cashier {
    /// Logs in at the edge at `url`.
    ///
    /// # Errors
    /// If the edge does not let them in.
    pub async fn log_in(url: &str, staff: &str, pin: &str) -> anyhow::Result<Self> {
        let edge = Api::new(url)?;
        let session: Value = edge.post("/v1/session", &json!({ "staff": staff, "pin": pin })).await?.read()?;
        let token = session["token"].as_str().unwrap_or_default().to_owned();
        Ok(Self { edge: edge.with_token(token) })
    }

    /// The edge as this cashier sees it.
    pub fn edge(&self) -> &Api {
        &self.edge
    }

    /// The shows of a local date.
    ///
    /// # Errors
    /// If the edge does not answer with shows.
    pub async fn shows(&self, date: &str) -> anyhow::Result<Vec<ShowView>> {
        #[derive(Deserialize)]
        struct Shows {
            shows: Vec<ShowView>,
        }
        let shows: Shows = self.edge.get(&format!("/v1/shows?date={date}")).await?.read()?;
        Ok(shows.shows)
    }

    /// The seats of a show as this edge may sell them.
    ///
    /// # Errors
    /// If the edge does not answer with a seat map.
    pub async fn seats(&self, show: &str) -> anyhow::Result<SeatMapView> {
        self.edge.get(&format!("/v1/shows/{show}/seats")).await?.read()
    }

    /// Sells seats by label, for cash.
    ///
    /// # Errors
    /// If there is no answer; a refusal is an answer.
    pub async fn sell(&self, show: &str, seats: &[String]) -> anyhow::Result<Answer> {
        let body = json!({ "seats": seats, "tender": "cash" });
        self.edge.post_safely(&format!("/v1/shows/{show}/sales"), &body).await
    }

    /// Takes a sale back; supervisors and managers may.
    ///
    /// # Errors
    /// If there is no answer; a refusal is an answer.
    pub async fn take_back(&self, sale: &str, reason: &str) -> anyhow::Result<Answer> {
        self.edge.post_safely(&format!("/v1/sales/{sale}/void"), &json!({ "reason": reason })).await
    }

    /// How the edge stands with central.
    ///
    /// # Errors
    /// If the edge does not answer with its status.
    pub async fn link(&self) -> anyhow::Result<LinkView> {
        #[derive(Deserialize)]
        struct Status {
            link: LinkView,
        }
        let status: Status = self.edge.get("/v1/status").await?.read()?;
        Ok(status.link)
    }
}
