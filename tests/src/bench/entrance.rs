//! What comes to the doors: every ticket the counter can sell, and the scans of them.

use super::generator::{Reply, Request, post_all};
use super::house::BenchHouse;
use super::sales::{free_pairs, sale_request};
use anyhow::{Context, ensure};
use node::zone::Zone;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::ids::ScanId;
use shared::time::Timestamp;
use std::time::SystemTime;

/// Connections to the counter, to have the tickets sold in reasonable time.
const WINDOWS: usize = 48;

/// A sale of the counter.
#[derive(Debug, Deserialize)]
pub(super) struct Sale {
    sale: String,
    tickets: Vec<SoldTicket>,
}

#[derive(Debug, Deserialize)]
struct SoldTicket {
    code: String,
}

impl Sale {
    /// The codes of its tickets.
    pub(super) fn codes(self) -> impl Iterator<Item = String> {
        self.tickets.into_iter().map(|sold| sold.code)
    }
}

/// Sells every seat of the counter; returns the ticket codes.
///
/// # Errors
/// If a sale is refused.
pub(super) async fn sell_all(house: &BenchHouse) -> anyhow::Result<Vec<String>> {
    Ok(sell(house, usize::MAX).await?.into_iter().flat_map(Sale::codes).collect())
}

/// Sells seats of the counter in pairs, so many tickets at most.
///
/// # Errors
/// If a sale is refused.
pub(super) async fn sell(house: &BenchHouse, tickets: usize) -> anyhow::Result<Vec<Sale>> {
    let counter = house.log_in().await?;
    let requests = free_pairs(house).await?.iter().take(tickets / 2).map(|pair| sale_request(pair, &counter)).collect();
    let take = |_, reply: Reply| {
        ensure!(reply.status == 201, "a sale was answered {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        serde_json::from_slice(&reply.body).context("read a sale")
    };
    let (sales, _) = post_all(house.edge, WINDOWS, requests, take).await.context("sell the tickets")?;
    Ok(sales)
}

/// Takes sales back, their paper in the till.
///
/// # Errors
/// If a void is refused.
pub(super) async fn void(house: &BenchHouse, sales: &[Sale]) -> anyhow::Result<()> {
    let manager = house.log_in_as_manager().await?;
    let request = |sale: &Sale| Request {
        path: format!("/v1/sales/{}/void", sale.sale),
        headers: manager.clone(),
        body: json!({ "reason": "not wanted", "paper_surrendered": true }).to_string(),
    };
    let take = |_, reply: Reply| {
        let answer = String::from_utf8_lossy(&reply.body).into_owned();
        ensure!(reply.status == 200 && answer.contains("voided"), "a void was answered {} {answer}", reply.status);
        Ok(())
    };
    post_all(house.edge, WINDOWS, sales.iter().map(request).collect(), take).await.context("void sales")?;
    Ok(())
}

/// A scan at `Door N`: it asks the box, or tells what the door has done by itself with this guarantee.
pub(super) fn scan(code: &str, door: usize, token: &str, at: Timestamp, let_in_by: Option<&str>) -> Request {
    upload(token, &json!([told(code, door, at, let_in_by)]))
}

/// One upload of what a door has let in by itself.
pub(super) fn happened<'a>(codes: impl IntoIterator<Item = &'a str>, token: &str) -> Request {
    let scans = codes.into_iter().map(|code| told(code, 0, now(), Some("SOLO")));
    upload(token, &scans.collect())
}

fn told(code: &str, door: usize, at: Timestamp, let_in_by: Option<&str>) -> Value {
    let local = let_in_by.map(|guarantee| json!({ "verdict": "admit", "code": "ok", "guarantee": guarantee }));
    let (id, at) = (ScanId::at(at, node::random::bytes()).to_string(), Zone::utc().rfc3339(at));
    json!({ "id": id, "code": code, "at": at, "door": format!("Door {door}"), "local": local })
}

fn upload(token: &str, scans: &Value) -> Request {
    Request { path: "/v1/door/scans".into(), headers: token.to_owned(), body: scans.to_string() }
}

/// What the clock on the wall shows.
pub(super) fn now() -> Timestamp {
    Timestamp(0) + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
