//! Cashiers with a queue in front of them.

use super::crowd::{Offer, Tally};
use super::fate::Fate;
use super::story::note_ticket;
use super::web_crowd::scan_at_all;
use crate::client::{Cashier, Door, Sale};
use crate::truth::Truth;
use anyhow::Context;
use std::time::Duration;

pub(super) struct Till<'a> {
    pub(super) theatre: usize,
    pub(super) cashier: &'a Cashier,
    pub(super) manager: &'a Cashier,
    pub(super) offers: &'a [Offer],
    pub(super) doors: &'a [Vec<Door>],
    pub(super) truth: &'a Truth,
    pub(super) tally: &'a Tally,
    pub(super) fate: Fate,
}

/// Sells until the crowd goes home.
pub(super) async fn sell(mut till: Till<'_>) -> anyhow::Result<()> {
    let offers: Vec<&Offer> = till.offers.iter().filter(|offer| offer.theatre == till.theatre).collect();
    while !till.tally.is_over() {
        let Some(&offer) = till.fate.one_of(&offers) else { break };
        let map = till.cashier.seats(&offer.show).await.context("look at the counter's seat map")?;
        let Some(seats) = till.fate.seats(&map) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // The next guest in the queue is counting coins; meanwhile the map grows old.
        tokio::time::sleep(till.fate.millis(10, 90)).await;
        let answer = till.cashier.sell(&offer.show, &seats).await?;
        if answer.status >= 400 {
            till.tally.refused(answer.code());
            continue;
        }
        let sale: Sale = answer.read().context("read a sale")?;
        for ticket in &sale.tickets {
            note_ticket(till.truth, &offer.show, &ticket.seat, &ticket.ticket)?;
        }
        Tally::count(&till.tally.counter_sales);
        if till.fate.percent(4) {
            take_back(&till, &sale).await?;
        } else if offer.doors_open && till.fate.percent(20) {
            let Some(ticket) = till.fate.one_of(&sale.tickets).cloned() else { continue };
            scan_at_all(&till.doors[till.theatre], &ticket.code, till.truth, till.tally).await;
        }
    }
    Ok(())
}

/// A guest changed their mind: the manager takes the sale back, and the seats are sold to somebody else.
async fn take_back(till: &Till<'_>, sale: &Sale) -> anyhow::Result<()> {
    let answer = till.manager.take_back(&sale.sale, "changed their mind").await?;
    answer.expect_success().context("take a sale back")?;
    Tally::count(&till.tally.cancelled);
    Ok(())
}
