//! A cashier: logs in by PIN and sells what the next guest wants.

use super::caller::{Caller, Reply};
use super::choice::Chooser;
use super::ghosts::{Ghost, Ghosts};
use super::tally::Tally;
use anyhow::{Context, ensure};
use demo::client::Sale;
use demo::house::CASHIER;
use serde_json::{Value, json};
use shared::ids::Side;
use std::sync::Arc;

/// One till.
pub(super) struct Counter {
    edge: Caller,
    chooser: Chooser,
    ghosts: Arc<Ghosts>,
    tally: Arc<Tally>,
}

impl Counter {
    pub(super) fn new(edge: Caller, chooser: Chooser, ghosts: Arc<Ghosts>, tally: Arc<Tally>) -> Self {
        Self { edge, chooser, ghosts, tally }
    }

    pub(super) fn chooser(&mut self) -> &mut Chooser {
        &mut self.chooser
    }

    /// Logs in; tried until the box lets them in.
    pub(super) async fn log_in(&mut self) -> anyhow::Result<()> {
        let body = json!({ "staff": CASHIER.name, "pin": CASHIER.pin });
        let session = self.edge.post("/v1/session", "login", &body).await.context("log in")?;
        let token = session.body["token"].as_str();
        self.edge.set_token(
            token.with_context(|| format!("logged in with {} {}", session.status, session.body))?.to_owned(),
        );
        Ok(())
    }

    /// One guest, from the map to the tickets.
    ///
    /// # Errors
    /// If the box gives no answer that counts in the end, or another answer to the same key.
    pub(super) async fn serve(&mut self) -> anyhow::Result<()> {
        let Some(choice) = self.chooser.choose(&self.edge).await else {
            return self.log_in_if_logged_out().await;
        };
        let (path, key) = (format!("/v1/shows/{}/sales", choice.show), node::random::hex::<12>());
        let body = json!({ "seats": choice.seats, "tender": "cash" });
        let reply = self.ask(&path, &key, &body).await?;
        if !reply.is_success() {
            self.tally.refused(&path, reply.status, reply.code());
            return Ok(());
        }
        let sale: Sale = serde_json::from_value(reply.body.clone()).context("read a sale")?;
        let ghosts = sale.tickets.iter().map(|ticket| {
            let (show, seat) = (choice.show.clone(), ticket.seat.clone());
            Ok(Ghost { show, seat, ticket: ticket.ticket.parse().context("read a ticket's id")?, seller: Side::Edge })
        });
        self.ghosts.saw_sale(Side::Edge, ghosts.collect::<anyhow::Result<Vec<_>>>()?);
        ensure!(sale.tickets.len() == choice.seats.len(), "{} tickets for {:?}", sale.tickets.len(), choice.seats);
        if self.chooser.percent(5) {
            let again = self.ask(&path, &key, &body).await?;
            ensure!(again.body == reply.body, "the same key was answered {} and then {}", reply.body, again.body);
        }
        Ok(())
    }

    /// Asks until there is an answer; a box put back to an old copy may have forgotten the login.
    async fn ask(&mut self, path: &str, key: &str, body: &Value) -> anyhow::Result<Reply> {
        loop {
            let reply = self.edge.post(path, key, body).await?;
            if reply.status != 401 {
                return Ok(reply);
            }
            self.log_in().await?;
        }
    }

    /// Without a login there are no maps either.
    async fn log_in_if_logged_out(&mut self) -> anyhow::Result<()> {
        match self.edge.post_once("/v1/shows/0-0/sales", "nothing", &json!({ "seats": [], "tender": "cash" })).await {
            Ok(reply) if reply.status == 401 => self.log_in().await,
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
